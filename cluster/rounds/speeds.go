package rounds

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
)

// StepTimes are measured times of one training step of an application, by placement and
// by batch per replica.
type StepTimes struct {
	byPlacement map[string]*curve
	byShape     map[shape]*curve
	nodes       []int         // node counts of byShape, ascending
	replicas    map[int][]int // replica counts that were measured on so many nodes
	MaxLocal    float64       // largest measured batch per replica
	MinLocal    float64
}

type shape struct{ nodes, replicas int }

// curve is step and synchronisation time against the batch per replica.
type curve struct{ local, step, sync []float64 }

func (c *curve) add(local, step, sync float64) {
	c.local, c.step, c.sync = append(c.local, local), append(c.step, step), append(c.sync, sync)
}

func (c *curve) sort() {
	order := make([]int, len(c.local))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return c.local[order[i]] < c.local[order[j]] })
	var out curve
	for i := 0; i < len(order); {
		// Repeated measurements of one batch count as their mean.
		j, step, sync := i, 0.0, 0.0
		for ; j < len(order) && c.local[order[j]] == c.local[order[i]]; j++ {
			step, sync = step+c.step[order[j]], sync+c.sync[order[j]]
		}
		n := float64(j - i)
		out.add(c.local[order[i]], step/n, sync/n)
		i = j
	}
	*c = out
}

// at interpolates linearly; beyond the measured batches the ends hold.
func (c *curve) at(local float64) (step, sync float64) {
	k := sort.SearchFloat64s(c.local, local)
	switch {
	case k == 0:
		return c.step[0], c.sync[0]
	case k == len(c.local):
		return c.step[k-1], c.sync[k-1]
	}
	f := (local - c.local[k-1]) / (c.local[k] - c.local[k-1])
	return c.step[k-1] + f*(c.step[k]-c.step[k-1]), c.sync[k-1] + f*(c.sync[k]-c.sync[k-1])
}

// ReadStepTimes reads placements.csv (placement as digits, one per node) and
// scalability.csv of a folder.
func ReadStepTimes(folder string) (*StepTimes, error) {
	s := &StepTimes{byPlacement: map[string]*curve{}, byShape: map[shape]*curve{}, replicas: map[int][]int{}, MinLocal: math.Inf(1)}
	err := readCSV(filepath.Join(folder, "placements.csv"), []string{"placement", "local_bsz", "step_time", "sync_time"}, func(f []string, v []float64) error {
		key := f[0]
		sh := shape{nodes: len(key)}
		for _, d := range key {
			if d < '1' || d > '9' {
				return fmt.Errorf("placement %q: want a digit for each node", key)
			}
			sh.replicas += int(d - '0')
		}
		s.add(key, sh, v[1], v[2], v[3])
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = readCSV(filepath.Join(folder, "scalability.csv"), []string{"num_nodes", "num_replicas", "local_bsz", "step_time", "sync_time"}, func(_ []string, v []float64) error {
		s.add("", shape{int(v[0]), int(v[1])}, v[2], v[3], v[4])
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, c := range s.byPlacement {
		c.sort()
	}
	for sh, c := range s.byShape {
		c.sort()
		if !slices.Contains(s.nodes, sh.nodes) {
			s.nodes = append(s.nodes, sh.nodes)
		}
		s.replicas[sh.nodes] = append(s.replicas[sh.nodes], sh.replicas)
	}
	slices.Sort(s.nodes)
	for _, r := range s.replicas {
		slices.Sort(r)
	}
	return s, nil
}

func (s *StepTimes) add(placement string, sh shape, local, step, sync float64) {
	if placement != "" {
		if s.byPlacement[placement] == nil {
			s.byPlacement[placement] = &curve{}
		}
		s.byPlacement[placement].add(local, step, sync)
		s.MaxLocal, s.MinLocal = max(s.MaxLocal, local), min(s.MinLocal, local)
	}
	if s.byShape[sh] == nil {
		s.byShape[sh] = &curve{}
	}
	s.byShape[sh].add(local, step, sync)
}

// At is the time of a step and the part of it that is synchronisation, for so many
// replicas on each node and a batch per replica. A placement that was not measured is
// interpolated between node counts and replica counts.
func (s *StepTimes) At(placement []int, local float64) (step, sync float64) {
	if c := s.byPlacement[rotation(placement)]; c != nil {
		return c.at(local)
	}
	nodes, replicas := len(placement), 0
	for _, r := range placement {
		replicas += r
	}
	lo, hi := bracket(s.nodes, nodes, func(n int) bool {
		r := s.replicas[n]
		return r[0] <= replicas && replicas <= r[len(r)-1]
	})
	step, sync = s.onNodes(lo, replicas, local)
	if hi != lo {
		step2, sync2 := s.onNodes(hi, replicas, local)
		f := float64(nodes-lo) / float64(hi-lo)
		step, sync = step+f*(step2-step), sync+f*(sync2-sync)
	}
	return step, sync
}

func (s *StepTimes) onNodes(nodes, replicas int, local float64) (step, sync float64) {
	lo, hi := bracket(s.replicas[nodes], replicas, func(int) bool { return true })
	step, sync = s.byShape[shape{nodes, lo}].at(local)
	if hi != lo {
		step2, sync2 := s.byShape[shape{nodes, hi}].at(local)
		f := float64(replicas-lo) / float64(hi-lo)
		step, sync = step+f*(step2-step), sync+f*(sync2-sync)
	}
	return step, sync
}

// bracket returns the values around x of those that are allowed; the nearest twice where x
// lies outside. Where none is allowed all are.
func bracket(ascending []int, x int, allowed func(int) bool) (lo, hi int) {
	lo, hi = -1, -1
	for _, v := range ascending {
		if !allowed(v) {
			continue
		}
		if v <= x {
			lo = v
		}
		if v >= x && hi < 0 {
			hi = v
		}
	}
	switch {
	case lo < 0 && hi < 0:
		return bracket(ascending, x, func(int) bool { return true })
	case lo < 0:
		lo = hi
	case hi < 0:
		hi = lo
	}
	return lo, hi
}

// rotation is the placement's smallest rotation, in digits: rings look alike from any
// node.
func rotation(placement []int) string {
	best := ""
	for i := range placement {
		b := make([]byte, 0, len(placement))
		for k := range placement {
			b = append(b, byte('0'+placement[(i+k)%len(placement)]))
		}
		if s := string(b); best == "" || s < best {
			best = s
		}
	}
	return best
}

// words are the columns that are no numbers.
var words = map[string]bool{"name": true, "application": true}

func readCSV(path string, want []string, take func(text []string, v []float64) error) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("rounds: %w", err)
	}
	defer f.Close()
	c := csv.NewReader(f)
	header, err := c.Read()
	if err != nil {
		return fmt.Errorf("%s:1: the header cannot be read: %w", path, err)
	}
	at := make([]int, len(want))
	for i, name := range want {
		if at[i] = slices.Index(header, name); at[i] < 0 {
			return fmt.Errorf("%s:1: no column %s", path, name)
		}
	}
	text, v := make([]string, len(want)), make([]float64, len(want))
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		line, _ := c.FieldPos(0)
		for i := range want {
			text[i], v[i] = row[at[i]], 0
			if words[want[i]] {
				continue
			}
			if v[i], err = strconv.ParseFloat(text[i], 64); err != nil || !(v[i] >= 0) {
				return fmt.Errorf("%s:%d: %s is %q, want a number that is not negative", path, line, want[i], text[i])
			}
		}
		if err := take(text, v); err != nil {
			return fmt.Errorf("%s:%d: %w", path, line, err)
		}
	}
}
