package validate

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"sort"
	"sync"

	"aisim/hardware"
	"aisim/workloads/serving"
)

// ServingRuns is a table of serving runs on which the constants of engine profiles are
// fitted: every gate row that a prediction exists for, understood once.
type ServingRuns struct {
	kind *inference
	Runs []ServingRun
}

// ServingRun is a row. Its measured metrics are those that fits and held-out figures
// are made of: first token, time per output token, tokens per second.
type ServingRun struct {
	ID, Engine, Model, Chip string
	Kind                    string // the group of accuracy targets
	Cases                   []ServingCase

	service *service
	device  *hardware.Device
}

// ServingCase is a measured metric.
type ServingCase struct {
	Metric   string
	measured float64
	scale    Scale
}

// fittedMetrics are the metrics of a row that are fitted on; rates per GPU say nothing that
// rates do not.
var fittedMetrics = map[string]bool{"ttft_ms": true, "tpot_ms": true, "output_tok_s": true, "output_tok_s_per_gpu": true}

// ReadServingRuns reads a table of the form of `aisim validate inference`.
func ReadServingRuns(r io.Reader) (*ServingRuns, error) {
	kind, err := newInference()
	if err != nil {
		return nil, err
	}
	t := &ServingRuns{kind: kind.(*inference)}
	table, err := ReadTable(r, kind.Columns()...)
	if err != nil {
		return nil, err
	}
	t.kind.study(table)
	for _, row := range table.Rows {
		if use := row.Text("use"); use != "" && use != UseGate {
			continue
		}
		s, err := t.kind.readService(row)
		if err != nil {
			continue // refused: the table of errors counts it
		}
		d, err := t.kind.device(s.chip)
		if err != nil {
			continue
		}
		run := ServingRun{ID: row.Text("id"), Engine: s.engine.ID, Model: s.arch.ID, Chip: s.chip, Kind: s.kind, service: s, device: d}
		for _, m := range latencyMetrics {
			v, ok, err := row.Number(m.column)
			if err != nil {
				return nil, err
			}
			if ok && v > 0 && fittedMetrics[m.column] && !(m.column == "output_tok_s_per_gpu" && len(run.Cases) > 0) {
				run.Cases = append(run.Cases, ServingCase{m.column, v, m.scale})
			}
		}
		if len(run.Cases) > 0 {
			t.Runs = append(t.Runs, run)
		}
	}
	if len(t.Runs) == 0 {
		return nil, fmt.Errorf("the table has no gate row with a first token, a time per token or a rate that can be predicted")
	}
	return t, nil
}

// Engines lists the profiles of the runs in alphabetical order.
func (t *ServingRuns) Engines() []string {
	seen := map[string]bool{}
	var ids []string
	for i := range t.Runs {
		if id := t.Runs[i].Engine; !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	sort.Strings(ids)
	return ids
}

// Errors predicts runs with other constants of their engine and returns
// ln(predicted/measured), on time, of all their cases in order; NaN where there is no
// prediction.
func (t *ServingRuns) Errors(e serving.EngineProfile, runs []int) []float64 {
	at := make([]int, len(runs)+1)
	for i, r := range runs {
		at[i+1] = at[i] + len(t.Runs[r].Cases)
	}
	out := make([]float64, at[len(runs)])
	workers := min(runtime.GOMAXPROCS(0), 8)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(runs); i += workers {
				t.Runs[runs[i]].errors(t.kind, e, out[at[i]:at[i+1]])
			}
		})
	}
	wg.Wait()
	return out
}

func (r *ServingRun) errors(k *inference, e serving.EngineProfile, out []float64) {
	s := *r.service
	s.engine = e
	s.assumed = nil
	a, err := k.answer(&s, r.device)
	for i, c := range r.Cases {
		out[i] = math.NaN()
		if err != nil {
			continue
		}
		if v := a.value[c.Metric]; v > 0 {
			out[i] = math.Log(v / c.measured)
			if c.scale == Rate {
				out[i] = -out[i]
			}
		}
	}
}
