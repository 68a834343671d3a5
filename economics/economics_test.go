package economics

import (
	"math"
	"testing"

	"aisim/internal/result"
	"pgregory.net/rapid"
)

func near(t *testing.T, what string, got, want, rel float64) {
	t.Helper()
	if math.Abs(got-want) > rel*math.Abs(want) {
		t.Errorf("%s = %g, want %g", what, got, want)
	}
}

// The annuity's present value, residual included, is the price: checked by
// discounting each payment by hand.
func TestAnnuityPresentValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cost := rapid.Float64Range(1, 1e9).Draw(t, "cost")
		rate := rapid.Float64Range(0.001, 0.3).Draw(t, "rate")
		n := rapid.IntRange(1, 20).Draw(t, "years")
		res := rapid.Float64Range(0, 0.9).Draw(t, "residual")
		a := Annuity(cost, rate, float64(n), res)
		pv := cost * res / math.Pow(1+rate, float64(n))
		for y := 1; y <= n; y++ {
			pv += a / math.Pow(1+rate, float64(y))
		}
		if math.Abs(pv-cost) > 1e-9*cost {
			t.Fatalf("present value %g of annuity %g, want %g", pv, a, cost)
		}
	})
	if got := Annuity(1000, 0, 4, 0.2); got != 200 {
		t.Errorf("straight line: got %g, want 200", got)
	}
	if got := StraightLine(1000, 0.1, 4, 0.2); got != 200+60 {
		t.Errorf("straight line with interest: got %g, want 260", got)
	}
	// Continuity at a rate of zero.
	near(t, "annuity at 1e-9", Annuity(1000, 1e-9, 4, 0.2), 200, 1e-6)
}

func sample() *Bill {
	ds := func(v float64) Price { return Price{USD: v, Pedigree: result.Datasheet, Source: "test"} }
	return &Bill{
		Mode: "buy", PeriodSec: SecPerYear, CostOfCapital: 0.08, MaintenancePerYear: 0.04,
		Assets: []Asset{
			{Item: "Servers", Kind: result.KindIT, Count: 10, Unit: ds(270e3), LifeYears: 4, Residual: 0.1, IT: true},
			{Item: "Hall", Kind: result.KindFacility, Count: 100e3, Unit: ds(11), LifeYears: 15},
		},
		Loads: []Load{{Name: "servers", MeanWatts: 80e3, PeakWatts: 102e3}, {Name: "network", MeanWatts: 4e3, PeakWatts: 5e3}},
		PUE:   1.25, Tariff: ds(0.08), CarbonGPerKWh: 400,
		StaffUSDPerYear: ds(300e3), SoftwareUSDPerYear: ds(80e3), ColocationUSDPerKWMon: ds(120),
		Embodied:  []Embodied{{Name: "servers", KgEach: 4000, Count: 10, LifeYears: 4}},
		Delivered: Delivered{Accelerators: 80, UsefulShare: 0.9, Tokens: 1e12, TokenShare: 1},
	}
}

func TestLedgerReconciles(t *testing.T) {
	l, err := Compute(sample())
	if err != nil {
		t.Fatal(err)
	}
	sum, capex := 0.0, 0.0
	byItem := map[string]float64{}
	for _, ln := range l.Lines {
		sum += ln.USD
		capex += ln.CapexUSD
		byItem[ln.Item] = ln.USD
	}
	near(t, "total", l.TotalUSD, sum, 1e-12)
	near(t, "capital", l.CapitalUSD, capex, 1e-12)
	near(t, "meter", l.MeterWatts, l.ITWatts+l.FacilityWatts, 1e-15)
	near(t, "meter over IT", l.MeterWatts/l.ITWatts, 1.25, 1e-12)
	// By hand: 84 kW × 1.25 × 8766 h × 0.08 USD.
	near(t, "electricity", byItem["Electricity"], 84*1.25*8766*0.08, 1e-9)
	near(t, "colocation", byItem["Colocation"], 107*120*8766/730.0, 1e-9)
	near(t, "maintenance", byItem["Maintenance"], 2.7e6*0.04, 1e-9)
	near(t, "carbon", l.OperationalKg, 84*1.25*8766*0.4, 1e-9)
	near(t, "embodied", l.EmbodiedKg, 10000, 1e-9)
	for _, u := range l.Units {
		if u.Key == "usd_per_gpu_hour_useful" {
			near(t, u.Key, u.USD, l.TotalUSD/(80*8766*0.9), 1e-9)
		}
	}
}

// Each input of the bill moves the total in the direction that it should.
func TestLedgerSensitivity(t *testing.T) {
	base, _ := Compute(sample())
	for name, c := range map[string]struct {
		turn func(*Bill)
		sign float64
	}{
		"price":       {func(b *Bill) { b.Assets[0].Unit.USD *= 1.1 }, 1},
		"life":        {func(b *Bill) { b.Assets[0].LifeYears++ }, -1},
		"residual":    {func(b *Bill) { b.Assets[0].Residual += 0.1 }, -1},
		"capital":     {func(b *Bill) { b.CostOfCapital += 0.02 }, 1},
		"pue":         {func(b *Bill) { b.PUE += 0.1 }, 1},
		"method":      {func(b *Bill) { b.StraightLine = true }, -1}, // 4 y at 8 %, residual 10 %: 269 against 280 USD per 1,000
		"tariff":      {func(b *Bill) { b.Tariff.USD += 0.01 }, 1},
		"staff":       {func(b *Bill) { b.StaffUSDPerYear.USD += 1e5 }, 1},
		"software":    {func(b *Bill) { b.SoftwareUSDPerYear.USD += 1e5 }, 1},
		"colocation":  {func(b *Bill) { b.ColocationUSDPerKWMon.USD += 10 }, 1},
		"maintenance": {func(b *Bill) { b.MaintenancePerYear += 0.01 }, 1},
		"load":        {func(b *Bill) { b.Loads[0].MeanWatts *= 1.1 }, 1},
		"rental":      {func(b *Bill) { b.Rentals = []Rental{{Item: "x", Count: 1, PerHour: Price{USD: 3}}} }, 1},
	} {
		b := sample()
		c.turn(b)
		l, err := Compute(b)
		if err != nil {
			t.Fatal(err)
		}
		if (l.TotalUSD-base.TotalUSD)*c.sign <= 0 {
			t.Errorf("%s: total went from %g to %g", name, base.TotalUSD, l.TotalUSD)
		}
	}
}

func TestRent(t *testing.T) {
	b := sample()
	b.Mode, b.Assets, b.RentedPower, b.StaffUSDPerYear.USD, b.SoftwareUSDPerYear.USD, b.PeriodSec = "rent", nil, true, 0, 0, 10*3600
	b.Rentals = []Rental{{Item: "p5", Kind: result.KindIT, Count: 10, PerHour: Price{USD: 98.32}}}
	l, err := Compute(b)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "rent", l.TotalUSD, 10*98.32*10, 1e-12)
	if got := SpotUsefulHour(10, 0.05, 2); math.Abs(got-10/0.9) > 1e-12 {
		t.Errorf("spot useful hour: %g", got)
	}
	if !math.IsInf(SpotUsefulHour(10, 1, 1), 1) {
		t.Error("a machine that is always interrupted has a finite price")
	}
}

func TestImpossibleBills(t *testing.T) {
	for name, turn := range map[string]func(*Bill){
		"pue":    func(b *Bill) { b.PUE = 0.9 },
		"period": func(b *Bill) { b.PeriodSec = 0 },
		"life":   func(b *Bill) { b.Assets[0].LifeYears = 0 },
		"price":  func(b *Bill) { b.Assets[0].Unit.USD = -1 },
		"tariff": func(b *Bill) { b.Tariff.USD = -1 },
		"carbon": func(b *Bill) { b.Embodied[0].LifeYears = 0 },
	} {
		b := sample()
		turn(b)
		if _, err := Compute(b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A commitment at 60 % of the hourly price pays above 60 % of use: at that use both cost
// the same.
func TestBreakEvenUse(t *testing.T) {
	use := BreakEvenUse(33, 55)
	if math.Abs(use-0.6) > 1e-12 || math.Abs(use*55-33) > 1e-12 {
		t.Errorf("break-even at %g", use)
	}
	if !math.IsInf(BreakEvenUse(33, 0), 1) {
		t.Error("a commitment beats what costs nothing")
	}
}
