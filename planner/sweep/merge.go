package sweep

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"aisim/internal/result"
	"aisim/planner/parquet"
)

// Incomplete says that points have no result yet.
type Incomplete struct{ State State }

func (e *Incomplete) Error() string {
	return fmt.Sprintf("%d of %d points have no result yet, the first is %d", len(e.State.Missing), e.State.Points, e.State.Missing[0])
}

// Merge reads all results in the order of the points. It needs every one of them.
func (f *Folder) Merge() (*result.Sweep, error) {
	state, records, err := f.Scan()
	if err != nil {
		return nil, err
	}
	if len(state.Missing) > 0 {
		return nil, &Incomplete{state}
	}
	m := &f.Manifest
	s := &result.Sweep{Schema: result.SweepSchema, Version: m.Version, Revision: m.Revision, Name: m.Name, Seed: m.Seed, Replicas: m.Replicas, Variables: m.Variables,
		Scenario: result.FileRef{Name: scenarioFile, SHA256: m.Scenario}, Catalogue: result.FileRef{Name: "embedded catalogue", SHA256: m.Catalogue}, Metrics: []result.SweepMetric{}, Points: []result.SweepPoint{}}
	seen := map[string]bool{}
	for i, r := range records {
		s.Points = append(s.Points, result.SweepPoint{Index: i, Hash: r.Hash, Labels: f.Points[i].Labels, Status: r.Status, Reason: r.Reason, Values: r.Values})
		for _, key := range r.Keys {
			if !seen[key] {
				seen[key] = true
				s.Metrics = append(s.Metrics, result.SweepMetric{Key: key, Unit: r.Values[key].Unit})
			}
		}
	}
	return s, nil
}

// Publish lets write make the merged files in a folder of its own and moves them one by
// one into merged/, each whole: who is killed while writing leaves nothing there.
func (f *Folder) Publish(write func(stage string) (names []string, err error)) (dir string, err error) {
	dir = filepath.Join(f.Path, MergedDir)
	stage, err := os.MkdirTemp(filepath.Join(f.Path, tmpDir), "merged-*")
	if err != nil {
		return dir, err
	}
	defer os.RemoveAll(stage)
	names, err := write(stage)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	for _, name := range names {
		if err == nil {
			err = os.Rename(filepath.Join(stage, name), filepath.Join(dir, name))
		}
	}
	return dir, err
}

// Columns are the merged table: index, hash, the variables, the status, and for every
// metric its value with the ends of its interval. The unit stands in the name.
func Columns(s *result.Sweep) []parquet.Column {
	n := len(s.Points)
	index, hash, status, reason := make([]int64, n), make([]string, n), make([]string, n), make([]string, n)
	for i, p := range s.Points {
		index[i], hash[i], status[i], reason[i] = int64(p.Index), p.Hash, p.Status, p.Reason
	}
	cols := []parquet.Column{{Name: "index", Ints: index}, {Name: "hash", Texts: hash}}
	for k, v := range s.Variables {
		texts := make([]string, n)
		for i, p := range s.Points {
			texts[i] = p.Labels[k]
		}
		cols = append(cols, parquet.Column{Name: v.Title, Texts: texts})
	}
	cols = append(cols, parquet.Column{Name: "status", Texts: status}, parquet.Column{Name: "reason", Texts: reason})
	for _, m := range s.Metrics {
		var v [3][]float64
		var known []bool
		for _, p := range s.Points {
			x, ok := p.Values[m.Key]
			known = append(known, ok)
			v[0], v[1], v[2] = append(v[0], x.Value), append(v[1], x.Low), append(v[2], x.High)
		}
		name := m.Key
		unit := ""
		if m.Unit != "ratio" && m.Unit != "" {
			unit = " [" + m.Unit + "]"
		}
		for i, part := range []string{"", "_low", "_high"} {
			cols = append(cols, parquet.Column{Name: name + part + unit, Floats: v[i], Known: known})
		}
	}
	return cols
}

// Rows is the table as text: what is not known is empty, numbers have all their digits.
func Rows(cols []parquet.Column) [][]string {
	head := make([]string, len(cols))
	for k, c := range cols {
		head[k] = c.Name
	}
	rows := [][]string{head}
	for i := range cols[0].Ints {
		row := make([]string, len(cols))
		for k, c := range cols {
			switch {
			case c.Ints != nil:
				row[k] = strconv.FormatInt(c.Ints[i], 10)
			case c.Texts != nil:
				row[k] = c.Texts[i]
			case c.Known[i]:
				row[k] = strconv.FormatFloat(c.Floats[i], 'g', -1, 64)
			}
		}
		rows = append(rows, row)
	}
	return rows
}
