package validate

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
)

func init() { Register("cluster", newCluster) }

// clusters predicts what schedulers make of a cluster: placement, job completion,
// serverless functions.
type clusters struct {
	folder string
	packs  map[packKey]*packRun
	ranks  map[string]int // by workload, demand and policy, from the most allocated
	calls  map[callKey]*callRun
	mixed  map[gavelKey]*gavelRun
}

func newCluster() (Kind, error) {
	return &clusters{packs: map[packKey]*packRun{}, ranks: map[string]int{}, calls: map[callKey]*callRun{}, mixed: map[gavelKey]*gavelRun{}}, nil
}

// Name implements Kind.
func (k *clusters) Name() string { return "cluster" }

// Columns implements Kind.
func (k *clusters) Columns() []string { return []string{"kind", "trace", "policy", "metric", "value"} }

// Concurrent implements Concurrent: everything is simulated in study.
func (k *clusters) Concurrent() {}

func (k *clusters) in(folder string) { k.folder = folder }

// path of a file that a row names; words after it ("(GPU nodes only)") are remarks.
func (k *clusters) path(cell string) (path, remark string) {
	if i := strings.Index(cell, " ("); i > 0 {
		cell, remark = cell[:i], cell[i+1:]
	}
	if filepath.IsAbs(cell) {
		return cell, remark
	}
	return filepath.Join(k.folder, filepath.FromSlash(cell)), remark
}

// study simulates each thing that rows ask for once, on all cores.
func (k *clusters) study(t *Table) {
	k.studyPlacement(t)
	k.studyServerless(t)
	k.studyGavel(t)
}

// Predict implements Kind.
func (k *clusters) Predict(row Row, c Case) []Case {
	kind := strings.ToLower(row.Text("kind"))
	c.In("kind", kind)
	c.In("policy", row.Text("policy"))
	if kind != "serverless" {
		c.In("workload", strings.TrimSuffix(filepath.Base(row.Text("trace")), ".csv"))
	}
	v, ok, err := row.Number("value")
	if err != nil {
		return []Case{c.Fail(err)}
	}
	if !ok {
		return []Case{c.Refuse("the row has no measured value")}
	}
	c.Measure(row.Text("metric"), row.Text("unit"), Time, v)
	c.In("metric", c.Metric)
	var p Prediction
	switch {
	case kind == "placement":
		p, err = k.placement(row, &c)
	case kind == "serverless":
		p, err = k.serverless(row, &c)
	case strings.Contains(kind, "jct"), strings.Contains(kind, "completion"), isGavel(row):
		p, err = k.completion(row, &c)
	default:
		err = fmt.Errorf("kind %q: want placement, jct or serverless", row.Text("kind"))
	}
	if err == nil && (math.IsNaN(p.Value) || math.IsInf(p.Value, 0)) {
		err = fmt.Errorf("the prediction is not finite")
	}
	if err != nil {
		return []Case{c.Refuse(err.Error())}
	}
	c.Predict(p)
	return []Case{c}
}
