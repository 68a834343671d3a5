package units

import (
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text string
		d    Dimension
		want float64
	}{
		{"400 Gb/s", BytesPerSec, 50e9},
		{"400Gbps", BytesPerSec, 50e9},
		{"400 Gbit/s", BytesPerSec, 50e9},
		{"1.6 Tb/s", BytesPerSec, 0.2e12},
		{"50 GB/s", BytesPerSec, 50e9},
		{"1 GiB/s", BytesPerSec, 1 << 30},
		{"80 GiB", Bytes, 80 << 30},
		{"80 GB", Bytes, 80e9},
		{"4 MiB", Bytes, 4 << 20},
		{"110 kB", Bytes, 110e3},
		{"54d", Time, 54 * 86400},
		{"15min", Time, 900},
		{"1.5 us", Time, 1.5e-6},
		{"1.5 µs", Time, 1.5e-6},
		{"0.1 us", Time, 1e-7}, // exact: 0.1 × 1e-6 would not be
		{"0.3 ms", Time, 3e-4},
		{"1 y", Time, 31536000},
		{"-5 min", Time, -300},
		{"+2e3 ns", Time, 2e-6},
		{"10.2 kW", Power, 10200},
		{"989 TFLOP/s", FlopsPerSec, 989e12},
		{"1.979 PFLOPS", FlopsPerSec, 1.979e15},
		{"8.2 GFLOP", Flops, 8.2e9},
		{"1 kWh", Energy, 3.6e6},
		{"270_000 USD", Money, 270000},
		{"1.5 MUSD", Money, 1.5e6},
		{"0.08 USD/kWh", MoneyPerEnergy, 0.08},
		{"80 USD/MWh", MoneyPerEnergy, 0.08},
		{"98.32 USD/h", MoneyPerHour, 98.32},
		{"2.4 MUSD/y", MoneyPerYear, 2.4e6},
		{"120 USD/kW-month", MoneyPerPowerMonth, 120},
		{"23 USD/TB-month", MoneyPerGBMonth, 0.023},
		{"415 g/kWh", Carbon, 415},
		{"0.4 kg/kWh", Carbon, 400},
		{"20/s", Rate, 20},
		{"20 /s", Rate, 20},
		{"6 people", People, 6},
		{"7 %", Ratio, 0.07},
		{"0.25", Ratio, 0.25},
		{"15.6 T", Count, 15.6e12},
		{"300", Count, 300},
		{" 3.8 ", Ratio, 3.8},
	} {
		got, err := Parse(c.text, c.d)
		if err != nil || got != c.want {
			t.Errorf("%q as %s: %v, %v, want %v", c.text, c.d, got, err, c.want)
		}
	}
}

func TestParseErrorsSayWhatToWrite(t *testing.T) {
	for _, c := range []struct {
		text string
		d    Dimension
		kind error
		hint string
	}{
		{"400", BytesPerSec, ErrNoUnit, `a bare number has no unit: write "400 Gb/s"`},
		{"400 gb/s", BytesPerSec, ErrUnit, "b is a bit, B is a byte"},
		{"400 GiB", BytesPerSec, ErrDimension, "is a unit of a size in bytes"},
		{"15m", Time, ErrUnit, `"15 min" for minutes`},
		{"0.08 EUR/kWh", MoneyPerEnergy, ErrUnit, "all money is in USD"},
		{"$5", Money, ErrSyntax, "start with a number"},
		{"5 $", Money, ErrUnit, "all money is in USD"},
		{"270,000 USD", Money, ErrSyntax, "without commas"},
		{"", Time, ErrSyntax, `like "15 min"`},
		{"fast", BytesPerSec, ErrSyntax, "start with a number"},
		{"1.2.3 s", Time, ErrUnit, "units: s, ms"},
		{"1e999 s", Time, ErrRange, "too large"},
		{"1e99999999999999999999 s", Time, ErrRange, "too large"},
		{"1__0 s", Time, ErrUnit, ""},
		{"5 nodes", Count, ErrUnit, "without a unit"},
		{strings.Repeat("9", 100) + " s", Time, ErrSyntax, ""},
		{"1 s\xff", Time, ErrUnit, ""},
		{"NaN s", Time, ErrSyntax, ""},
		{"inf s", Time, ErrSyntax, ""},
		{"0x10 B", Bytes, ErrUnit, ""},
		{"1 h 30 min", Time, ErrUnit, ""},
	} {
		v, err := Parse(c.text, c.d)
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, c.kind) || !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%q as %s: %v, %v, want %v with hint %q", c.text, c.d, v, err, c.kind, c.hint)
		}
	}
	if _, err := Parse("1 s", None); err == nil {
		t.Error("a text has no dimension, and is parsed")
	}
	if _, err := Parse("1 s", Dimension(200)); err == nil {
		t.Error("an unknown dimension is parsed")
	}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		v    float64
		d    Dimension
		want string
	}{
		{50e9, BytesPerSec, "50 GB/s"},
		{3.35e12, BytesPerSec, "3.35 TB/s"},
		{80 << 30, Bytes, "80 GiB"},
		{1.5e-6, Time, "1.50 us"},
		{120, Time, "120 s"},
		{121, Time, "2.02 min"},
		{54 * 86400, Time, "54 d"},
		{0, Time, "0 s"},
		{10200, Power, "10.2 kW"},
		{270000, Money, "270 k USD"},
		{40.9e6, Money, "40.9 M USD"},
		{0.08, MoneyPerEnergy, "0.0800 USD/kWh"},
		{16384, Count, "16,400"},
		{2048, Count, "2,048"},
		{0.0725, Ratio, "0.0725"},
		{999.9e9, BytesPerSec, "1.00 TB/s"},
		{-5.5e9, BytesPerSec, "-5.50 GB/s"},
		{20, Rate, "20/s"},
		{math.NaN(), Time, "no data"},
	} {
		if got := Format(c.v, c.d); got != c.want {
			t.Errorf("%v as %s: %q, want %q", c.v, c.d, got, c.want)
		}
	}
}

// Exact is the inverse of Parse, to the last bit.
func TestExactRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Dimension(rapid.IntRange(int(Ratio), int(dimensions)-1).Draw(t, "dimension"))
		v := rapid.OneOf(rapid.Float64Range(-1e18, 1e18), rapid.Float64Range(0, 1e-6),
			rapid.Map(rapid.IntRange(0, 1<<40), func(n int) float64 { return float64(n) })).Draw(t, "v")
		text := Exact(v, d)
		if len(text) > maxText {
			t.Skip("longer than Parse reads")
		}
		if back, err := Parse(text, d); err != nil || back != v {
			t.Fatalf("%v as %s is %q, which reads as %v, %v", v, d, text, back, err)
		}
	})
}

// Format keeps three digits: what it prints is within half a unit of the third.
func TestFormatKeepsThreeDigits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Dimension(rapid.IntRange(int(Ratio), int(dimensions)-1).Draw(t, "dimension"))
		v := rapid.Float64Range(1e-3, 1e15).Draw(t, "v")
		text := strings.ReplaceAll(Format(v, d), ",", "")
		back, err := Parse(text, d)
		if err != nil || math.Abs(back/v-1) > 0.00501 {
			t.Fatalf("%v as %s prints as %q, which reads as %v, %v", v, d, text, back, err)
		}
	})
}

func TestEveryDimensionHasUnitsAndExample(t *testing.T) {
	for d := Ratio; d < dimensions; d++ {
		if _, err := Parse(d.Example(), d); err != nil {
			t.Errorf("%s: example: %v", d, err)
		}
		for _, name := range printed[d] {
			if name == "" {
				continue
			}
			if _, ok := table[d].byName[name]; !ok {
				t.Errorf("%s is printed with %q, which cannot be read", d, name)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for d := Ratio; d < dimensions; d++ {
		f.Add(d.Example(), uint8(d))
	}
	f.Add("1e+ s", uint8(Time))
	f.Add(".5 s", uint8(Time))
	f.Add("5. s", uint8(Time))
	f.Fuzz(func(t *testing.T, text string, d uint8) {
		v, err := Parse(text, Dimension(d))
		if err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
			t.Errorf("%q is %v", text, v)
		}
		if err == nil {
			if back, err := Parse(Exact(v, Dimension(d)), Dimension(d)); err != nil || back != v {
				t.Errorf("%q is %v, and %q reads as %v, %v", text, v, Exact(v, Dimension(d)), back, err)
			}
		}
		Format(v, Dimension(d))
	})
}
