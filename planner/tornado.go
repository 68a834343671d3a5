package planner

import (
	"math"

	"aisim/internal/result"
	"aisim/scenarios"
)

// swing is what one input does to the unit cost over its own 90 % range.
type swing struct{ result.TornadoRow }

// z90 is the 95th percentile of the standard normal distribution.
const z90 = 1.6448536269514722

// unitCost is the cost that the tornado and the levers speak of: per million tokens of
// the first workload that has them, else per million requests, else the total.
func unitCost(p *point, w *scenarios.World) (key string, usd float64) {
	for i := range w.Placed {
		id := w.Placed[i].ID
		for _, k := range []string{result.MetricCostPerMTokens, result.MetricCostPerMOutput, result.MetricCostPerMRequest} {
			if v, ok := p.m.values[id+"."+k]; ok {
				return id + "." + k, v
			}
		}
	}
	v, ok := p.m.values[result.MetricLedgerTotal]
	if !ok {
		return "", math.NaN()
	}
	return result.MetricLedgerTotal, v
}

// tornado turns one input after the other to the ends of its range.
func (e *evaluation) tornado(s *scenarios.Sample, f *scenarios.Future, base *point) ([]swing, error) {
	key, at := unitCost(base, e.w)
	if key == "" {
		return nil, nil
	}
	unit := base.m.units[key]
	var out []swing
	add := func(input, u string, low, high, costLow, costHigh float64, p result.Pedigree) {
		if low != high {
			out = append(out, swing{result.TornadoRow{Input: input, Unit: u, Low: low, High: high, AtLow: costLow, AtHigh: costHigh, Base: at, CostUnit: unit, Pedigree: p}})
		}
	}
	// Prices and rates of the scenario: only the bill is worked out again.
	bill := func(input, u string, low, high float64, p result.Pedigree, set func(*scenarios.Economics, float64)) error {
		var cost [2]float64
		for k, v := range []float64{low, high} {
			sc := *e.w.Scenario
			set(&sc.Economics, v)
			w := *e.w
			w.Scenario = &sc
			g := *f
			g.World = &w
			acc, err := newAccount(&g)
			if err != nil {
				return err
			}
			_, cost[k] = unitCost(&point{m: measure(&g, acc)}, &w)
		}
		add(input, u, low, high, cost[0], cost[1], p)
		return nil
	}
	ec := &e.w.Scenario.Economics
	if ec.Mode == "buy" && base.account.reason == "" {
		server := base.account.bill.Assets[0].Unit
		if err := bill("Price of a server", "USD", 0.85*server.USD, 1.15*server.USD, server.Pedigree, func(x *scenarios.Economics, v float64) { x.Prices.ServerUSD = &v }); err != nil {
			return nil, err
		}
		for _, b := range []struct {
			input, unit string
			low, high   float64
			set         func(*scenarios.Economics, float64)
		}{
			{"Years that the machine is kept", "y", ec.Years - 1, ec.Years + 2, func(x *scenarios.Economics, v float64) { x.Years = v }},
			{"Cost of capital", "per year", math.Max(0, ec.CostOfCapital-0.03), ec.CostOfCapital + 0.04, func(x *scenarios.Economics, v float64) { x.CostOfCapital = v }},
			{"Residual value", "of the price", math.Max(0, ec.Residual-0.10), math.Min(0.9, ec.Residual+0.10), func(x *scenarios.Economics, v float64) { x.Residual = v }},
			{"Electricity", "USD/kWh", 0.7 * ec.USDPerKWh, 1.5 * ec.USDPerKWh, func(x *scenarios.Economics, v float64) { x.USDPerKWh = v }},
			{"PUE", "", math.Max(1.05, ec.PUE-0.10), ec.PUE + 0.15, func(x *scenarios.Economics, v float64) { x.PUE = v }},
			{"Colocation", "USD/kW-month", 0.6 * ec.USDPerKWMonth, 1.2 * ec.USDPerKWMonth, func(x *scenarios.Economics, v float64) { x.USDPerKWMonth = v }},
		} {
			if b.low <= 0 && b.input == "Years that the machine is kept" {
				continue
			}
			if err := bill(b.input, b.unit, b.low, b.high, result.Assumed, b.set); err != nil {
				return nil, err
			}
		}
	}
	// What the machine does: the world is played again.
	world := func(input, u string, low, high float64, p result.Pedigree, change func(v float64) scenarios.Change) error {
		var cost [2]float64
		for k, v := range []float64{low, high} {
			g, err := s.Play(change(v))
			if err != nil {
				return err
			}
			pt, err := e.see(g, base, false)
			if err != nil {
				return err
			}
			_, cost[k] = unitCost(pt, e.w)
		}
		add(input, u, low, high, cost[0], cost[1], p)
		return nil
	}
	eff := e.w.Profile.Eff.Matmul(e.precision())
	if eff.Known() {
		lo, hi := math.Exp(-z90*eff.RelSD), math.Exp(z90*eff.RelSD)
		kind := result.Derived
		if f.Device.Rung == "datasheet roofline" {
			kind = result.Datasheet
		}
		if err := world("Matrix efficiency", "of the dense peak", eff.V*lo, math.Min(1, eff.V*hi), kind, func(v float64) scenarios.Change { return scenarios.Change{scenarios.Compute: v / eff.V} }); err != nil {
			return nil, err
		}
	}
	if sf := e.w.Scenario.Faults; sf != nil && sf.Components != nil && hasCampaign(e.w) {
		rate := sf.Components.Total()
		if rate > 0 {
			if err := world("Failures", "per 1,000 node-days", rate*0.6, rate*1.7, result.Assumed, func(v float64) scenarios.Change { return scenarios.Change{scenarios.MTBF: rate / v} }); err != nil {
				return nil, err
			}
		}
		if sf.RecoverySec > 0 {
			if err := world("Recovery after a failure", "min", sf.RecoverySec/60*0.5, sf.RecoverySec/60*2, result.Assumed, func(v float64) scenarios.Change { return scenarios.Change{scenarios.Recovery: sf.RecoverySec / 60 / v} }); err != nil {
				return nil, err
			}
		}
	}
	sortSwings(out)
	if len(out) > 10 {
		out = out[:10]
	}
	return out, nil
}

func hasCampaign(w *scenarios.World) bool {
	for i := range w.Placed {
		if w.Placed[i].Training != nil {
			return true
		}
	}
	return false
}

// precision is the number format of the first workload.
func (e *evaluation) precision() string {
	if len(e.w.Placed) == 0 {
		return "bf16"
	}
	return e.w.Placed[0].DType.String()
}

// sortSwings orders rows by swing, widest first; equal ones stay as they are.
func sortSwings(rows []swing) {
	for i := 1; i < len(rows); i++ {
		for j := i; j > 0 && math.Abs(rows[j].AtHigh-rows[j].AtLow) > math.Abs(rows[j-1].AtHigh-rows[j-1].AtLow); j-- {
			rows[j], rows[j-1] = rows[j-1], rows[j]
		}
	}
}
