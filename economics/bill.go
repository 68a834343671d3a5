package economics

import (
	"fmt"

	"aisim/internal/result"
)

// hoursPerYear and SecPerYear, the seconds of a year, use the Julian year of 365.25 days; the cloud's month is 730 h.
const (
	hoursPerYear = 8766.0
	SecPerYear   = hoursPerYear * 3600
)

// Price is an amount of money with what it rests on.
type Price struct {
	USD      float64
	Pedigree result.Pedigree
	Source   string
}

// Asset is a class of things that are bought: Count of them at Unit each.
type Asset struct {
	Item      string
	Kind      result.Kind
	Count     float64
	Unit      Price
	LifeYears float64
	Residual  float64 // share of the price got back at the end of life, 0..1
	IT        bool    // maintenance is charged on IT assets only
}

// Rental is a class of things that are rented by the hour.
type Rental struct {
	Item     string
	Kind     result.Kind
	Count    float64
	PerHour  Price
	Basis    string
	PerMonth bool // the price is per 730-hour month
}

// Load is the electrical load of one class of devices, in watts at the plug.
type Load struct {
	Name      string
	Kind      result.Kind
	MeanWatts float64
	PeakWatts float64
}

// Embodied is carbon that was emitted to make Count things that last LifeYears.
type Embodied struct {
	Name      string
	KgEach    float64
	Count     float64
	LifeYears float64
}

// Delivered is what the money bought, in the period.
type Delivered struct {
	Accelerators float64 // owned or rented
	UsefulShare  float64 // of the accelerators' time, 0..1
	Tokens       float64 // trained on or generated
	Requests     float64
	Samples      float64 // for models that have no tokens
	Runs         float64 // training runs finished in the period
	OutputTokens float64 // generated, for a service
	InputTokens  float64 // of prompts, cached ones too
	// Shares of the whole cost, 0..1, that the makers of each product bear; services by
	// prefill and by decode.
	TokenShare, RequestShare, SampleShare, RunShare, PrefillShare, DecodeShare float64
}

// Bill is everything that a ledger is computed from.
type Bill struct {
	Mode      string // buy | rent
	PeriodSec float64
	Period    string // as text, "54 days"

	Assets                []Asset
	Rentals               []Rental
	CostOfCapital         float64 // per year
	StraightLine          bool    // write assets off evenly, with interest on what is left, instead of by annuity
	MaintenancePerYear    float64 // share of IT capital
	StaffUSDPerYear       Price
	SoftwareUSDPerYear    Price
	ColocationUSDPerKWMon Price // per kW of peak IT load and month of 730 h

	Loads         []Load
	Conversion    Chain // from the IT's plug to the meter; its losses are the facility's, beside those of the PUE
	PUE           float64
	Cooling       *Cooling  // gives the PUE, in place of a fixed one
	TariffByHour  []float64 // USD per kWh, 24 hours; empty for one price
	CarbonByHour  []float64 // g/kWh, 24 hours; empty for one intensity
	ShiftShare    float64   // of the load that can wait for better hours
	Demand        Price     // USD per kW of the meter's peak and month of 730 h
	WaterLPerKWh  float64   // of IT energy
	Water         Price     // USD per m³
	Spares        float64   // parts bought with the machine, as a share of IT capital
	Hall          Price     // USD per watt of peak IT power, for an own building
	HallYears     float64
	Tariff        Price   // USD per kWh
	CarbonGPerKWh float64 // location-based
	CarbonBasis   string
	Embodied      []Embodied
	RentedPower   bool // electricity is in the rent: energy and carbon are shown, money is not

	Delivered Delivered
}

// Line is one cost of the period.
type Line struct {
	Item, Basis    string
	Kind           result.Kind
	CapexUSD       float64
	LifeYears      float64
	Rate, Residual float64
	USD            float64
	Pedigree       result.Pedigree
	Source         string
}

// Ledger is a Bill worked out. TotalUSD is the sum of the lines' USD and
// CapitalUSD of their CapexUSD; MeterWatts is ITWatts plus FacilityWatts.
type Ledger struct {
	Lines         []Line
	TotalUSD      float64
	CapitalUSD    float64
	ITWatts       float64
	ITPeakWatts   float64
	FacilityWatts float64
	MeterWatts    float64
	MeterKWh      float64
	PUE           float64 // reached, of IT to meter
	WaterM3       float64
	OperationalKg float64 // CO2e of the electricity
	EmbodiedKg    float64 // share of the period
	Units         []Unit
}

// Unit is a cost per unit of what was delivered. Value is NaN-free: units whose
// denominator is zero are left out.
type Unit struct {
	Key, Name, Unit string
	USD             float64
}

// Compute works a bill out.
//
// It returns an error that names the field when an input is impossible (a PUE
// below 1, a life of zero, a negative price).
func Compute(b *Bill) (*Ledger, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	years := b.PeriodSec / SecPerYear
	yearly := Annuity
	if b.StraightLine {
		yearly = StraightLine
	}
	l := &Ledger{}
	for _, ld := range b.Loads {
		l.ITWatts += ld.MeanWatts
		l.ITPeakWatts += ld.PeakWatts
	}
	if b.Cooling != nil {
		b.PUE = b.Cooling.PUE(l.ITWatts, l.ITPeakWatts)
	}
	l.MeterWatts = b.Conversion.In(l.ITWatts) + l.ITWatts*(b.PUE-1)
	l.FacilityWatts = l.MeterWatts - l.ITWatts
	if l.PUE = b.PUE; l.ITWatts > 0 {
		l.PUE = l.MeterWatts / l.ITWatts
	}
	if err := b.byHour(l.ITWatts, l.ITPeakWatts); err != nil {
		return nil, err
	}
	l.MeterKWh = l.MeterWatts / 1000 * b.PeriodSec / 3600
	l.OperationalKg = l.MeterKWh * b.CarbonGPerKWh / 1000
	for _, e := range b.Embodied {
		l.EmbodiedKg += e.KgEach * e.Count * years / e.LifeYears
	}

	itCapital := 0.0
	assets := b.Assets
	if b.Spares > 0 {
		sum, life := 0.0, 0.0
		for _, a := range b.Assets {
			if a.IT {
				sum += a.Count * a.Unit.USD
				life = max(life, a.LifeYears)
			}
		}
		if sum > 0 {
			assets = append(assets[:len(assets):len(assets)], Asset{Item: "Spare parts", Kind: result.KindIT2, Count: 1, LifeYears: life, Unit: Price{USD: b.Spares * sum, Pedigree: result.Assumed, Source: "scenario"}})
		}
	}
	if b.Hall.USD > 0 && b.HallYears > 0 {
		assets = append(assets[:len(assets):len(assets)], Asset{Item: "Hall", Kind: result.KindFacility, Count: l.ITPeakWatts, LifeYears: b.HallYears, Unit: b.Hall})
	}
	for _, a := range assets {
		cost := a.Count * a.Unit.USD
		if a.IT {
			itCapital += cost
		}
		l.Lines = append(l.Lines, Line{
			Item: a.Item, Kind: a.Kind, CapexUSD: cost, LifeYears: a.LifeYears, Rate: b.CostOfCapital, Residual: a.Residual,
			Basis:    fmt.Sprintf("%s × %s USD over %s y at %s %%, residual %s %%", amount(a.Count), amount(a.Unit.USD), amount(a.LifeYears), amount(100*b.CostOfCapital), amount(100*a.Residual)),
			USD:      yearly(cost, b.CostOfCapital, a.LifeYears, a.Residual) * years,
			Pedigree: a.Unit.Pedigree, Source: a.Unit.Source,
		})
	}
	hours := b.PeriodSec / 3600
	for _, r := range b.Rentals {
		n := hours
		unit := "h"
		if r.PerMonth {
			n, unit = hours/730, "month"
		}
		basis := r.Basis
		if basis == "" {
			basis = fmt.Sprintf("%s × %s USD/%s", amount(r.Count), amount(r.PerHour.USD), unit)
		}
		l.Lines = append(l.Lines, Line{Item: r.Item, Kind: r.Kind, Basis: basis, USD: r.Count * r.PerHour.USD * n, Pedigree: r.PerHour.Pedigree, Source: r.PerHour.Source})
	}
	add := func(item string, kind result.Kind, basis string, usd float64, p Price) {
		if usd == 0 {
			return
		}
		l.Lines = append(l.Lines, Line{Item: item, Kind: kind, Basis: basis, USD: usd, Pedigree: p.Pedigree, Source: p.Source})
	}
	if !b.RentedPower {
		add("Electricity", result.KindPower, fmt.Sprintf("%s MWh at the meter × %s USD/kWh, PUE %s", amount(l.MeterKWh/1000), amount(b.Tariff.USD), amount(l.PUE)), l.MeterKWh*b.Tariff.USD, b.Tariff)
		peakKW := l.ITPeakWatts * l.PUE / 1000
		add("Demand charge", result.KindPower, fmt.Sprintf("%s kW at the meter's peak × %s USD/kW-month", amount(peakKW), amount(b.Demand.USD)), peakKW*b.Demand.USD*hours/730, b.Demand)
		l.WaterM3 = l.ITWatts / 1000 * hours * b.WaterLPerKWh / 1000
		add("Water", result.KindFacility, fmt.Sprintf("%s m³ × %s USD/m³", amount(l.WaterM3), amount(b.Water.USD)), l.WaterM3*b.Water.USD, b.Water)
		add("Colocation", result.KindFacility, fmt.Sprintf("%s kW of IT × %s USD/kW-month", amount(l.ITPeakWatts/1000), amount(b.ColocationUSDPerKWMon.USD)), l.ITPeakWatts/1000*b.ColocationUSDPerKWMon.USD*hours/730, b.ColocationUSDPerKWMon)
	}
	add("Maintenance", result.KindFacility, fmt.Sprintf("%s %% of IT capital a year", amount(100*b.MaintenancePerYear)), itCapital*b.MaintenancePerYear*years, Price{Pedigree: result.Assumed, Source: "scenario"})
	add("Operations staff", result.KindFacility, fmt.Sprintf("%s USD a year", amount(b.StaffUSDPerYear.USD)), b.StaffUSDPerYear.USD*years, b.StaffUSDPerYear)
	add("Software", result.KindFacility, fmt.Sprintf("%s USD a year", amount(b.SoftwareUSDPerYear.USD)), b.SoftwareUSDPerYear.USD*years, b.SoftwareUSDPerYear)

	for _, ln := range l.Lines {
		l.TotalUSD += ln.USD
		l.CapitalUSD += ln.CapexUSD
	}
	l.Units = b.units(l)
	return l, nil
}

// units works the unit costs out, in the order in which reports print them.
func (b *Bill) units(l *Ledger) []Unit {
	var us []Unit
	add := func(key, name, unit string, amount, share float64) {
		if amount > 0 && share > 0 {
			us = append(us, Unit{Key: key, Name: name, Unit: unit, USD: l.TotalUSD * share / amount})
		}
	}
	d := b.Delivered
	add("usd_per_m_tokens", "per million tokens", "USD/M tokens", d.Tokens/1e6, d.TokenShare)
	add("usd_per_m_output_tokens", "per million output tokens", "USD/M tokens", d.OutputTokens/1e6, d.PrefillShare+d.DecodeShare)
	if d.PrefillShare > 0 && d.DecodeShare > 0 {
		add("usd_per_m_input_tokens", "per million input tokens, prefill's share", "USD/M tokens", d.InputTokens/1e6, d.PrefillShare)
		add("usd_per_m_decode_tokens", "per million output tokens, decode's share", "USD/M tokens", d.OutputTokens/1e6, d.DecodeShare)
	}
	add("usd_per_m_requests", "per million requests", "USD/M requests", d.Requests/1e6, d.RequestShare)
	add("usd_per_m_samples", "per million samples", "USD/M samples", d.Samples/1e6, d.SampleShare)
	add("usd_per_run", "per training run", "USD/run", d.Runs, d.RunShare)
	hours := d.Accelerators * b.PeriodSec / 3600
	owned := "per accelerator-hour owned"
	if b.Mode == "rent" {
		owned = "per accelerator-hour rented"
	}
	add("usd_per_gpu_hour_owned", owned, "USD/h", hours, 1)
	add("usd_per_gpu_hour_useful", "per useful accelerator-hour", "USD/h", hours*d.UsefulShare, 1)
	return us
}

func (b *Bill) check() error {
	switch {
	case b.PeriodSec <= 0:
		return fmt.Errorf("economics: period of %g s is not positive", b.PeriodSec)
	case b.Cooling == nil && b.PUE < 1:
		return fmt.Errorf("economics: pue %g is below 1", b.PUE)
	case b.Tariff.USD < 0:
		return fmt.Errorf("economics: electricity price %g USD/kWh is negative", b.Tariff.USD)
	case b.CostOfCapital <= -1:
		return fmt.Errorf("economics: cost of capital %g per year is below -100 %%", b.CostOfCapital)
	}
	if err := b.Conversion.check(); err != nil {
		return err
	}
	if b.Demand.USD < 0 || b.WaterLPerKWh < 0 || b.Water.USD < 0 || b.Spares < 0 || b.Hall.USD < 0 {
		return fmt.Errorf("economics: a negative demand charge, water, spare parts or hall is impossible")
	}
	for _, a := range b.Assets {
		if a.Count < 0 || a.Unit.USD < 0 || a.LifeYears <= 0 {
			return fmt.Errorf("economics: asset %q: %g × %g USD over %g years is impossible", a.Item, a.Count, a.Unit.USD, a.LifeYears)
		}
	}
	for _, e := range b.Embodied {
		if e.LifeYears <= 0 {
			return fmt.Errorf("economics: embodied carbon of %q: life of %g years is not positive", e.Name, e.LifeYears)
		}
	}
	return nil
}

// amount prints a number of a basis: integers in full, else four significant digits.
func amount(v float64) string {
	if v == float64(int64(v)) && v < 1e4 && v > -1e4 {
		return fmt.Sprintf("%d", int64(v))
	}
	switch {
	case v >= 9.995e8:
		return fmt.Sprintf("%.4gG", v/1e9)
	case v >= 9.995e5:
		return fmt.Sprintf("%.4gM", v/1e6)
	case v >= 1e4:
		return fmt.Sprintf("%.4gk", v/1e3)
	}
	return fmt.Sprintf("%.4g", v)
}
