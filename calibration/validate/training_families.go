package validate

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"

	"aisim/workloads/training"
)

// Leaving families out. A family's rows are predicted by constants of its framework that
// were fitted without any of them: on the rows of the same framework in other
// families where there are some, drawn towards those fitted on all other families of the
// same sort of machine; where there are none by these alone. That is what a user of
// a new machine or an unknown framework gets. What a framework is known to do (fused
// attention, sharding, scattered exchanges, number formats) is kept; efficiencies of
// chips stay, which come from kernels, but TPUs': their constant of proportionality is
// fitted anew with the rest.

// heldOutStart are the neutral values that fits begin with: none of them was fitted.
var heldOutStart = []constant{
	{"elementwise", func(f *training.Framework) *float64 { return &f.Elementwise }, 1.5, 0.3, 5},
	{"attention_rate", func(f *training.Framework) *float64 { return &f.AttentionRate }, 0.8, 0.3, 1.2},
	{"stretch", func(f *training.Framework) *float64 { return &f.Stretch }, 1, 0.85, 1.4},
	{"host_layer_sec", func(f *training.Framework) *float64 { return &f.HostLayerSec }, 0.3e-3, 0.05e-3, 3e-3},
	{"host_moe_layer_sec", func(f *training.Framework) *float64 { return &f.HostMoELayerSec }, 3e-3, 0.3e-3, 8e-3},
	{"tp_exposed", func(f *training.Framework) *float64 { return &f.TPExposed }, 0.7, 0.2, 1},
	{"dp_exposed", func(f *training.Framework) *float64 { return &f.DPExposed }, 0.3, 0.05, 1},
	{"pp_exposed", func(f *training.Framework) *float64 { return &f.PPExposed }, 0.5, 0.05, 1},
	{"ep_exposed", func(f *training.Framework) *float64 { return &f.EPExposed }, 0.7, 0.2, 1},
	{"fsdp_contention", func(f *training.Framework) *float64 { return &f.FSDPContention }, 0.5, 0.05, 1},
	{"grouped_rate", func(f *training.Framework) *float64 { return &f.GroupedRate }, 1, 0.5, 2.5},
	{"logit_traffic", func(f *training.Framework) *float64 { return &f.LogitTraffic }, 18, 4, 30},
	{"straggler_per_doubling", func(f *training.Framework) *float64 { return &f.StragglerPerDoubling }, 0.005, 0.001, 0.015},
}

// constant is one that fits turn.
type constant struct {
	name             string
	of               func(*training.Framework) *float64
	start, low, high float64
}

// fitted is a prepared row: its job, and predicted over measured time by its step's seconds.
type fitted struct {
	family string
	line   string // framework without release
	xla    bool
	job    *training.Job
	base   *training.Framework
	ratio  float64 // per second
	sd     float64
}

// FamilyOut is a family beside its prediction from all others. Errors are of step time.
type FamilyOut struct {
	Family  string  `json:"family"`
	Rows    int     `json:"rows"`
	Median  float64 `json:"fitted_median_abs_error"` // of constants fitted with it
	P90     float64 `json:"fitted_p90_abs_error"`
	Out     float64 `json:"held_out_median_abs_error"`
	OutP90  float64 `json:"held_out_p90_abs_error"`
	OutBias float64 `json:"held_out_bias"`
	Inside  float64 `json:"held_out_inside_interval"`
	Alone   bool    `json:"framework_unknown"` // no other family has its framework
}

// LeaveFamiliesOut predicts each family of training tables without it. Rows of all tables are
// fitted together.
func LeaveFamiliesOut(tables ...io.Reader) ([]FamilyOut, error) {
	kind, err := newTraining()
	if err != nil {
		return nil, err
	}
	k := kind.(*trainings)
	var rows []fitted
	for _, r := range tables {
		table, err := ReadTable(r)
		if err != nil {
			return nil, err
		}
		found := make([]*fitted, len(table.Rows))
		each(k, len(table.Rows), func(i int) { found[i] = k.fitRow(table.Rows[i]) })
		for _, f := range found {
			if f != nil {
				rows = append(rows, *f)
			}
		}
	}
	var names []string
	for i := range rows {
		if !slices.Contains(names, rows[i].family) {
			names = append(names, rows[i].family)
		}
	}
	out := make([]FamilyOut, len(names))
	each(k, len(names), func(i int) { out[i] = leaveOut(names[i], rows) })
	return out, nil
}

// fitRow prepares a gate row; nil where it is none or cannot be predicted.
func (k *trainings) fitRow(row Row) *fitted {
	if row.Text("use") != UseGate {
		return nil
	}
	r, err := k.read(row)
	if err != nil || r.cfg.Arch.Generic != nil {
		return nil
	}
	cases, err := measuredCases(row, NewCase("", UseGate))
	if err != nil || len(cases) == 0 || !cases[0].meter.timed() {
		return nil
	}
	o, err := k.play(r)
	if err != nil {
		return nil
	}
	c := &cases[0]
	c.predict(r, o)
	if c.Error == nil {
		return nil
	}
	return &fitted{family: heldFamily(row.Text("id"), r), line: line(r.profile.ID), xla: r.machine.slices > 0, job: o.job, base: r.profile,
		ratio: (1 + *c.Error) / o.step.Seconds, sd: o.sd}
}

// heldFamily is a row's family; those of several kinds of models are told apart.
func heldFamily(id string, r *run) string {
	f := family(id)
	if f == "mbridge" || f == "mlpstep" {
		f += ", " + r.kind()
	}
	return f
}

// sharedConstants are a framework's structure with constants of a fit.
func sharedConstants(base *training.Framework, at []float64) *training.Framework {
	f := *base
	f.AttentionRateOn, f.NarrowRateOn = nil, nil
	f.AttentionBackward, f.GroupedHalf, f.LayerOverhead, f.HostLayerTPSec = 1, 0, 0, 0
	f.HostBackward = 1.6
	for i, c := range heldOutStart {
		*c.of(&f) = at[i]
	}
	return &f
}

func (f *fitted) logError(at []float64) float64 {
	j, err := f.job.With(sharedConstants(f.base, at))
	if err != nil {
		return math.Inf(1)
	}
	s, err := j.Step()
	if err != nil {
		return math.Inf(1)
	}
	return math.Log(s.Seconds * f.ratio)
}

// stepsOfFit are the factors that a constant is tried at, round by round.
var stepsOfFit = []float64{1.5, 1.15}

// pullOfPrior is the price of a constant's distance from the prior: half the mean error
// that a framework's rows would have to lose for a factor of e.
const pullOfPrior = 0.02

// refit lowers the mean absolute error, each family weighing the same, by turning one
// constant after another; the distance from prior is added where there is one.
func refit(rows []fitted, from, prior []float64) []float64 {
	byFamily := map[string]float64{}
	for i := range rows {
		byFamily[rows[i].family]++
	}
	at := slices.Clone(from)
	cost := func(x []float64) float64 {
		var sum float64
		for i := range rows {
			sum += math.Min(0.5, math.Abs(rows[i].logError(x))) / byFamily[rows[i].family]
		}
		sum /= float64(len(byFamily))
		for i := range prior {
			d := math.Log(x[i] / prior[i])
			sum += pullOfPrior * d * d
		}
		return sum
	}
	best := cost(at)
	for _, step := range stepsOfFit {
		for range 2 {
			for i, c := range heldOutStart {
				for _, factor := range []float64{step, 1 / step} {
					for {
						x := slices.Clone(at)
						x[i] = min(c.high, max(c.low, x[i]*factor))
						if x[i] == at[i] {
							break
						}
						now := cost(x)
						if now >= best {
							break
						}
						at, best = x, now
					}
				}
			}
		}
	}
	return at
}

// thinned takes at most n rows of each family, evenly spread.
func thinned(rows []fitted, n int) []fitted {
	count, seen := map[string]int{}, map[string]int{}
	for i := range rows {
		count[rows[i].family]++
	}
	var out []fitted
	for i := range rows {
		f := rows[i].family
		if every := (count[f] + n - 1) / n; seen[f]%every == 0 {
			out = append(out, rows[i])
		}
		seen[f]++
	}
	return out
}

// rowsOfFit bounds the rows of one family in a fit.
const rowsOfFit = 12

func leaveOut(name string, rows []fitted) FamilyOut {
	h := FamilyOut{Family: name}
	var own, same, kin, others []fitted
	start := make([]float64, len(heldOutStart))
	for i, c := range heldOutStart {
		start[i] = c.start
	}
	for i := range rows {
		if rows[i].family == name {
			own = append(own, rows[i])
		}
	}
	for i := range rows {
		if r := &rows[i]; r.family != name && r.xla == own[0].xla {
			others = append(others, *r)
			if r.line == own[0].line {
				same = append(same, *r)
			}
			if r.base.Eager == own[0].base.Eager && r.base.FusedAttention == own[0].base.FusedAttention {
				kin = append(kin, *r)
			}
		}
	}
	at := refit(thinned(others, rowsOfFit), start, nil)
	h.Alone = len(same) == 0
	if h.Alone {
		same = kin
	}
	if len(same) > 0 {
		at = refit(thinned(same, rowsOfFit), at, at)
	}
	var with, without, bias []float64
	inside := 0
	for i := range own {
		r := &own[i]
		s, err := r.job.Step()
		if err != nil {
			continue
		}
		with = append(with, math.Abs(s.Seconds*r.ratio-1))
		e := r.logError(at)
		bias, without = append(bias, math.Expm1(e)), append(without, math.Abs(math.Expm1(e)))
		if math.Abs(e) <= z90*math.Sqrt(r.sd*r.sd+unseenVariance(h.Alone)) {
			inside++
		}
	}
	h.Rows = len(own)
	h.Median, h.P90 = *quantile(with, 0.5), *quantile(with, 0.9)
	h.Out, h.OutP90, h.OutBias = *quantile(without, 0.5), *quantile(without, 0.9), *quantile(bias, 0.5)
	h.Inside = float64(inside) / float64(len(own))
	return h
}

// FamiliesText is the table of LeaveFamiliesOut.
func FamiliesText(list []FamilyOut) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%-34s %5s %9s %8s %12s %8s %8s %8s\n", "family left out of the fit", "rows", "fitted", "p90", "held out", "p90", "bias", "inside")
	var rows, inside float64
	for _, h := range list {
		note := ""
		if h.Alone {
			note = "  (framework unknown)"
		}
		fmt.Fprintf(&b, "%-34s %5d %9s %8s %12s %8s %8s %8s%s\n", h.Family, h.Rows, percent(&h.Median), percent(&h.P90), percent(&h.Out), percent(&h.OutP90), percent(&h.OutBias), percent(&h.Inside), note)
		rows += float64(h.Rows)
		inside += h.Inside * float64(h.Rows)
	}
	if rows > 0 {
		all := inside / rows
		fmt.Fprintf(&b, "%.0f of %.0f rows held out lie in their 90 %% intervals: %s\n", inside, rows, percent(&all))
	}
	return b.Bytes()
}
