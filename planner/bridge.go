package planner

import (
	"math"
	"strings"

	"aisim/internal/result"
	"aisim/scenarios"
)

// cause is one of the things that the cost of a unit is made of: costs per second that
// add up, and rates that divide them.
type cause struct {
	name string
	kind result.Kind
	rate bool
}

// maxCauses bounds the orders of the Shapley mean: 2^maxCauses evaluations.
const maxCauses = 10

// causes are the costs per second of a future by kind, and what it delivers per second
// as factors, for a metric that unitCost knows.
func (p *Played) causes(key string, i int) (map[cause]float64, bool) {
	a, f := p.points[i].account, p.points[i]
	if a.reason != "" {
		return nil, false
	}
	out := map[cause]float64{}
	share, delivered := 1.0, 1.0
	if key != result.MetricLedgerTotal {
		id, _, _ := strings.Cut(key, ".")
		for k := range p.World.Placed {
			if p.World.Placed[k].ID == id {
				share = a.shares[k]
			}
		}
		total, unit := f.m.values[id+"."+result.MetricCost], f.m.values[key]
		if !(total > 0) || !(unit > 0) {
			return nil, false
		}
		sec := total / (a.ledger.TotalUSD * share) * a.bill.PeriodSec // that the workload lasts
		delivered = total / unit / sec                                // million tokens or requests a second
		if step, good := f.m.values[id+"."+result.MetricStepTime], f.m.values[id+"."+result.MetricGoodput]; step > 0 && good > 0 {
			out[cause{"time of a step", result.KindCompute, true}] = 1 / step
			out[cause{"useful share of the time", result.KindFailure, true}] = good
			delivered *= step / good
			out[cause{"tokens or samples of a step", result.KindWait, true}] = delivered
		} else {
			out[cause{"load served", result.KindWait, true}] = delivered
		}
	}
	for _, ln := range a.ledger.Lines {
		usd := ln.USD * share
		if key != result.MetricLedgerTotal {
			usd /= a.bill.PeriodSec
		}
		out[cause{costName(ln.Item, ln.Kind), ln.Kind, false}] += usd
	}
	return out, true
}

// costName groups the lines of a bill, so that designs with different stores compare.
func costName(item string, kind result.Kind) string {
	switch kind {
	case result.KindIT:
		return "accelerators and servers"
	case result.KindIT2:
		return "network and storage"
	case result.KindPower:
		return "electricity"
	}
	return strings.ToLower(item[:1]) + item[1:]
}

// worth is the metric that causes give.
func worth(list []cause, v []float64) float64 {
	sum, rate := 0.0, 1.0
	for k, c := range list {
		if c.rate {
			rate *= v[k]
		} else {
			sum += v[k]
		}
	}
	return sum / rate
}

// bridge goes from one design's metric to another's, cause by cause, in every future.
func bridge(key string, a, b *Played, design string) []result.BridgeStep {
	var list []cause
	amounts := map[cause][]float64{}
	for i := range a.points {
		ca, okA := a.causes(key, i)
		cb, okB := b.causes(key, i)
		if !okA || !okB {
			if i == 0 {
				return nil
			}
			continue
		}
		if i == 0 {
			list = union(a, b, ca, cb)
			if len(list) > maxCauses {
				return nil
			}
		}
		va, vb := make([]float64, len(list)), make([]float64, len(list))
		for k, c := range list {
			va[k], vb[k] = ca[c], cb[c]
			if c.rate && (va[k] == 0 || vb[k] == 0) {
				return nil // the workloads are of different kinds
			}
		}
		for k, s := range shapley(list, va, vb) {
			amounts[list[k]] = append(amounts[list[k]], s)
		}
	}
	var out []result.BridgeStep
	for _, c := range list {
		if n := number(amounts[c], a.Units[key], "", ""); math.Max(math.Abs(n.Low), math.Abs(n.High)) > 1e-9*a.points[0].m.values[key] {
			out = append(out, result.BridgeStep{Design: design, Cause: c.name, Kind: c.kind, Amount: n})
		}
	}
	return out
}

// union lists the causes of both designs in the order of their bills: rates first.
func union(a, b *Played, ca, cb map[cause]float64) []cause {
	var out []cause
	seen := map[cause]bool{}
	add := func(c cause) {
		if _, inA := ca[c]; !seen[c] && (inA || has(cb, c)) {
			seen[c] = true
			out = append(out, c)
		}
	}
	for _, c := range []cause{{"time of a step", result.KindCompute, true}, {"useful share of the time", result.KindFailure, true}, {"tokens or samples of a step", result.KindWait, true}, {"load served", result.KindWait, true}} {
		add(c)
	}
	for _, p := range []*Played{a, b} {
		for _, ln := range p.points[0].account.ledger.Lines {
			add(cause{costName(ln.Item, ln.Kind), ln.Kind, false})
		}
	}
	return out
}

func has(m map[cause]float64, c cause) bool { _, ok := m[c]; return ok }

// shapley is the mean, over all orders in which the causes can be turned from a to b, of
// what each adds. The parts sum to worth(b) − worth(a).
func shapley(list []cause, a, b []float64) []float64 {
	n := len(list)
	value := make([]float64, 1<<n)
	mix := make([]float64, n)
	for s := range value {
		for k := range n {
			if mix[k] = a[k]; s>>k&1 == 1 {
				mix[k] = b[k]
			}
		}
		value[s] = worth(list, mix)
	}
	weight := make([]float64, n) // of a set of k others that come before: k!(n-1-k)!/n!
	for k := range n {
		weight[k] = math.Exp(lgamma(k+1) + lgamma(n-k) - lgamma(n+1))
	}
	out := make([]float64, n)
	for s := range value {
		size := 0
		for k := range n {
			size += s >> k & 1
		}
		for k := range n {
			if s>>k&1 == 0 {
				out[k] += weight[size] * (value[s|1<<k] - value[s])
			}
		}
	}
	return out
}

func lgamma(n int) float64 { v, _ := math.Lgamma(float64(n)); return v }

// flipRange is how far from its present value an input is moved in search of the choice's
// turning point.
const flipRange = 5.0

// input is one number of the bill that a reader may doubt.
type input struct {
	name, unit string
	now        float64
	set        func(*scenarios.Economics, float64)
	both       bool // it is the same thing in both designs
}

func inputs(p *Played, design string) []input {
	ec, out := &p.World.Scenario.Economics, []input(nil)
	if p.points[0].account.reason != "" {
		return nil
	}
	if ec.Mode == "buy" {
		out = append(out, input{"price of a server of " + design, "USD", p.points[0].account.bill.Assets[0].Unit.USD, func(e *scenarios.Economics, v float64) { e.Prices.ServerUSD = &v }, false})
	} else if n := len(p.points[0].account.bill.Rentals); n > 0 {
		out = append(out, input{"rent of an instance of " + design, "USD/h", p.points[0].account.bill.Rentals[0].PerHour.USD, func(e *scenarios.Economics, v float64) {
			r := *e.Rent
			r.USDPerHour = &v
			e.Rent = &r
		}, false})
	}
	return append(out,
		input{"electricity", "USD/kWh", ec.USDPerKWh, func(e *scenarios.Economics, v float64) { e.USDPerKWh = v }, true},
		input{"years that the machine is kept", "y", ec.Years, func(e *scenarios.Economics, v float64) { e.Years = v }, true},
		input{"cost of capital", "per year", ec.CostOfCapital, func(e *scenarios.Economics, v float64) { e.CostOfCapital = v }, true},
		input{"colocation", "USD/kW-month", ec.USDPerKWMonth, func(e *scenarios.Economics, v float64) { e.USDPerKWMonth = v }, true})
}

// under is a metric of the nominal future when one input of the bill is v.
func (p *Played) under(key string, in input, v float64) (float64, error) {
	sc := *p.World.Scenario
	in.set(&sc.Economics, v)
	w := *p.World
	w.Scenario = &sc
	f := *p.nominal
	f.World = &w
	acc, err := newAccount(&f)
	if err != nil {
		return 0, err
	}
	return measure(&f, acc).values[key], nil
}

// flips looks, input by input, for the value at which b stops (or begins) to be cheaper
// than a, within flipRange of the present one.
func flips(key string, a, b *Played, design string) ([]result.Flip, error) {
	var out []result.Flip
	for _, in := range append(inputs(a, "A"), inputs(b, design)...) {
		if in.now <= 0 || in.both && len(out) > 0 && seenInput(out, in.name) {
			continue
		}
		onA, onB := in.both || strings.HasSuffix(in.name, " of A"), in.both || strings.HasSuffix(in.name, " of "+design)
		gap := func(v float64) (float64, error) {
			x, y := a.points[0].m.values[key], b.points[0].m.values[key]
			var err error
			if onA {
				x, err = a.under(key, in, v)
			}
			if onB && err == nil {
				y, err = b.under(key, in, v)
			}
			return y - x, err
		}
		at, ok, err := turning(gap, in.now)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, result.Flip{Design: design, Input: in.name, Unit: in.unit, Now: in.now, At: at})
		}
	}
	return out, nil
}

func seenInput(list []result.Flip, name string) bool {
	for _, f := range list {
		if f.Input == name {
			return true
		}
	}
	return false
}

// turning finds the place nearest to now, in either direction, where gap changes sign.
func turning(gap func(float64) (float64, error), now float64) (at float64, ok bool, err error) {
	g0, err := gap(now)
	if err != nil || g0 == 0 {
		return 0, false, err
	}
	best := math.Inf(1)
	for _, end := range []float64{flipRange, 1 / flipRange} {
		g1, err := gap(now * end)
		if err != nil {
			return 0, false, err
		}
		if g0*g1 > 0 {
			continue
		}
		lo, hi := 0.0, math.Log(end)
		for range 40 {
			mid := (lo + hi) / 2
			g, err := gap(now * math.Exp(mid))
			if err != nil {
				return 0, false, err
			}
			if g*g0 > 0 {
				lo = mid
			} else {
				hi = mid
			}
		}
		if math.Abs(hi) < math.Abs(best) {
			best, ok = hi, true
		}
	}
	return now * math.Exp(best), ok, nil
}
