package planner

import (
	"fmt"
	"math"

	"aisim/economics"
	"aisim/internal/result"
	"aisim/scenarios"
)

// account is the money, power and carbon of one future.
type account struct {
	bill   economics.Bill
	ledger *economics.Ledger
	shares []float64 // of the accelerators, by placed workload
	own    []float64 // mean watts of its servers, by placed workload
	reason string    // why there is no money, empty when there is
}

// newAccount makes the bill of a future.
func newAccount(f *scenarios.Future) (*account, error) {
	w := f.World
	a := &account{shares: make([]float64, len(w.Placed))}
	for i := range w.Placed {
		a.shares[i] = w.Placed[i].Bear / float64(w.Chips())
	}
	e := &w.Scenario.Economics
	b := &a.bill
	b.Mode = e.Mode
	b.PeriodSec = period(f)
	b.CostOfCapital, b.MaintenancePerYear, b.StraightLine = e.CostOfCapital, e.Maintenance, e.Depreciation == "straight-line"
	b.PUE, b.Tariff = e.PUE, economics.Price{USD: e.USDPerKWh, Pedigree: result.Assumed, Source: "scenario"}
	var err error
	if b.Loads, a.own, err = loads(f); err != nil {
		return nil, err
	}
	b.TariffByHour, b.CarbonByHour, b.ShiftShare = e.USDPerKWhByHour, e.GramsPerKWhByHour, e.Shift
	if e.Cooling != nil {
		b.Cooling = &economics.Cooling{OutdoorC: e.Cooling.OutdoorC, FixedShare: e.Cooling.FixedShare}
	}
	for k, eff := range e.Conversion {
		b.Conversion = append(b.Conversion, economics.Converter{Name: fmt.Sprintf("stage %d", k+1), Eff: eff})
	}
	if err := a.carbon(f); err != nil {
		return nil, err
	}
	a.deliver(f)
	if e.Mode == "rent" {
		err = a.rent(f)
	} else {
		err = a.buy(f)
	}
	if err == nil {
		a.keyService(f)
	} else {
		// Without prices the rest still holds: power and carbon are worked out, money is not.
		a.reason = err.Error()
		b.Assets, b.Rentals = nil, nil
	}
	if a.ledger, err = economics.Compute(b); err != nil {
		return nil, err
	}
	return a, nil
}

// period is what the money is for: the longest workload.
func period(f *scenarios.Future) float64 {
	sec := 0.0
	for i := range f.World.Placed {
		sec = math.Max(sec, workloadSec(f, i))
	}
	return sec
}

// workloadSec is how long a workload was simulated.
func workloadSec(f *scenarios.Future, i int) float64 {
	if o := f.Campaign[i]; o != nil {
		return o.EndSec
	}
	return math.Max(f.World.Placed[i].Requests.HorizonSec(), f.Served[i].EndSec)
}

// deliver says what the money bought. A service that was simulated for a part of the
// period is taken to go on like that: an hour of chat beside a week of training. Workloads
// bear the whole cost by their accelerators, those that nobody uses included; what queues
// of jobs hold is the queues' to bear, and how useful that is shows with them.
func (a *account) deliver(f *scenarios.Future) {
	w, d := f.World, &a.bill.Delivered
	d.Accelerators = float64(w.Chips())
	placed := 0.0
	for _, s := range a.shares {
		placed += s
	}
	if len(w.Scenario.Queues) > 0 {
		placed = 1
		defer func() { d.UsefulShare = 0 }()
	}
	for i := range w.Placed {
		p, share := &w.Placed[i], a.shares[i]/placed
		if s := f.Steps[i]; s != nil {
			o := f.Campaign[i]
			if p.Arch.Generic != nil {
				d.Samples += o.Steps * s.SamplesPerStep
				d.SampleShare += share
			} else {
				d.Tokens += o.Steps * s.TokensPerStep
				d.TokenShare += share
			}
			if o.Finished {
				d.Runs++
				d.RunShare += share
			}
			d.UsefulShare += a.shares[i] * o.Losses.Goodput() * o.EndSec / a.bill.PeriodSec
			continue
		}
		o := f.Served[i]
		times := a.bill.PeriodSec / workloadSec(f, i) / f.Covered(i)
		d.Requests += times * float64(o.Completed)
		d.RequestShare += share
		if p.Arch.Generic == nil {
			d.OutputTokens += times * float64(o.OutputTokens)
			d.InputTokens += times * float64(o.PromptTokens)
			d.PrefillShare += share * o.PrefillShare
			d.DecodeShare += share * (1 - o.PrefillShare)
		}
		d.UsefulShare += float64(p.Accelerators()) / float64(w.Chips()) * utilisation(f, i)
	}
}

// utilisation is the busy share of the accelerators of a service, all its pools together.
func utilisation(f *scenarios.Future, i int) float64 {
	p, o := &f.World.Placed[i], f.Served[i]
	if o.Prefill == nil {
		return o.Utilisation
	}
	prompts := float64(len(p.Prefill.Chips)) / float64(p.Accelerators())
	return prompts*o.Prefill.Utilisation + (1-prompts)*o.Utilisation
}

// measure adds what the ledger says to a future's metrics.
func (a *account) measure(f *scenarios.Future, m *measures) {
	l := a.ledger
	m.put(result.MetricFacilityPower, "W", l.MeterWatts)
	m.put("facility.it_power", "W", l.ITWatts)
	m.put("facility.peak_it_power", "W", l.ITPeakWatts)
	m.put(result.MetricFacilityEnergy, "Wh", l.MeterKWh*1000)
	m.put("facility.pue", "ratio", l.PUE)
	if l.WaterM3 > 0 {
		m.put("facility.water", "m3", l.WaterM3)
	}
	m.put(result.MetricFacilityCarbon, "tCO2e", (l.OperationalKg+l.EmbodiedKg)/1000)
	if a.reason != "" {
		return
	}
	m.put(result.MetricLedgerTotal, "USD", l.TotalUSD)
	m.put(result.MetricLedgerPerYear, "USD", l.TotalUSD*economics.SecPerYear/a.bill.PeriodSec)
	m.put(result.MetricLedgerCapital, "USD", l.CapitalUSD)
	for _, u := range l.Units {
		m.put("ledger."+u.Key, u.Unit, u.USD)
	}
	for i := range f.World.Placed {
		p := &f.World.Placed[i]
		cost := l.TotalUSD * a.shares[i] * workloadSec(f, i) / a.bill.PeriodSec
		m.put(p.ID+"."+result.MetricCost, "USD", cost)
		if s := f.Steps[i]; s != nil && p.Arch.Generic == nil {
			m.put(p.ID+"."+result.MetricCostPerMTokens, "USD/M tokens", cost/(f.Campaign[i].Steps*s.TokensPerStep/1e6))
		} else if s == nil {
			o := f.Served[i]
			m.put(p.ID+"."+result.MetricCostPerMRequest, "USD/M requests", cost/(float64(o.Completed)/f.Covered(i)/1e6))
			if p.Arch.Generic == nil {
				m.put(p.ID+"."+result.MetricCostPerMOutput, "USD/M tokens", cost/(float64(o.OutputTokens)/f.Covered(i)/1e6))
				if o.PrefillShare > 0 {
					m.put(p.ID+".usd_per_m_input_tokens", "USD/M tokens", cost*o.PrefillShare/(float64(o.PromptTokens)/f.Covered(i)/1e6))
					m.put(p.ID+".usd_per_m_decode_tokens", "USD/M tokens", cost*(1-o.PrefillShare)/(float64(o.OutputTokens)/f.Covered(i)/1e6))
				}
			}
		}
	}
}
