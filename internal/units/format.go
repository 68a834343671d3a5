package units

import (
	"math"
	"strconv"
	"strings"
)

// printed lists, per dimension, the units that Format chooses from, smallest
// first. Sizes print binary as the report specification wants for memory; data
// rates print decimal bytes.
var printed = [dimensions][]string{
	Count:              {""},
	Time:               {"ns", "us", "ms", "s", "min", "h", "d"},
	Bytes:              {"B", "KiB", "MiB", "GiB", "TiB", "PiB"},
	BytesPerSec:        {"B/s", "kB/s", "MB/s", "GB/s", "TB/s", "PB/s"},
	Flops:              {"FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP"},
	FlopsPerSec:        {"FLOP/s", "kFLOP/s", "MFLOP/s", "GFLOP/s", "TFLOP/s", "PFLOP/s", "EFLOP/s"},
	Power:              {"mW", "W", "kW", "MW", "GW"},
	Energy:             {"J", "kJ", "kWh", "MWh", "GWh"},
	Rate:               {"/s", "k/s", "M/s"},
	Money:              {"USD", "k USD", "M USD"},
	MoneyPerEnergy:     {"USD/kWh"},
	MoneyPerHour:       {"USD/h"},
	MoneyPerYear:       {"USD/y", "kUSD/y", "MUSD/y"},
	MoneyPerPowerMonth: {"USD/kW-month"},
	MoneyPerGB:         {"USD/GB"},
	MoneyPerGBMonth:    {"USD/GB-month"},
	Carbon:             {"g/kWh"},
	People:             {"people"},
	MoneyPerPower:      {"USD/W"},
	MoneyPerVolume:     {"USD/m3"},
	VolumePerEnergy:    {"L/kWh"},
	Temperature:        {"C"},
}

// Format prints a value given in d's base unit with three significant digits
// and the unit that keeps it readable: "50.0 GB/s", "80.0 GiB", "15.0 min".
// Integers below 10,000 print in full. Seconds last up to 120 s. Not-a-number
// prints as "no data".
func Format(v float64, d Dimension) string {
	if math.IsNaN(v) || d >= dimensions {
		return "no data"
	}
	if math.IsInf(v, 0) {
		return strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, 64), "+")
	}
	if d == Ratio {
		return significant(v)
	}
	names := printed[d]
	if len(names) == 0 {
		return significant(v)
	}
	chosen := 0
	for i, name := range names {
		size := sizeOf(d, name)
		switch {
		case name == "min":
			if math.Abs(v) > 120 {
				chosen = i
			}
		case math.Abs(v) >= size*(1-0.0005) && v != 0:
			chosen = i
		case v == 0 && size == 1:
			chosen = i
		}
	}
	name := names[chosen]
	number := significant(v / sizeOf(d, name))
	if name == "" {
		return number
	}
	if strings.HasPrefix(name, "/") {
		return number + name
	}
	return number + " " + name
}

// Exact prints a value so that Parse reads the same float64 back, in the
// largest unit that shows it without a fraction, or in the base unit.
func Exact(v float64, d Dimension) string {
	if d >= dimensions || math.IsNaN(v) || math.IsInf(v, 0) {
		return Format(v, d)
	}
	short := strconv.FormatFloat(v, 'g', -1, 64)
	if table[d].bare {
		if math.Abs(v) < 1e15 {
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
		return short
	}
	best := short + " " + d.Base()
	shortest := math.MaxInt
	for i := len(printed[d]) - 1; i >= 0; i-- {
		name := printed[d][i]
		if v == 0 {
			break
		}
		text := strconv.FormatFloat(v/sizeOf(d, name), 'f', -1, 64)
		back, err := Parse(text+" "+name, d)
		if err == nil && back == v && len(text) < shortest {
			best, shortest = text+" "+name, len(text)
		}
	}
	return strings.Replace(best, " /", "/", 1)
}

func sizeOf(d Dimension, name string) float64 {
	if name == "" {
		return 1
	}
	u := table[d].byName[name]
	return math.Pow(10, float64(u.exp10)) * u.factor
}

// significant prints three significant digits, integers below 10,000 in full,
// and commas from 1,000.
func significant(v float64) string {
	if v == 0 {
		return "0"
	}
	abs := math.Abs(v)
	if v == math.Trunc(v) && abs < 1e4 {
		return commas(strconv.FormatFloat(v, 'f', 0, 64))
	}
	if abs >= 1e15 || abs < 1e-6 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	decimals := 2 - int(math.Floor(math.Log10(math.Abs(rounded))))
	if decimals < 0 {
		decimals = 0
	}
	return commas(strconv.FormatFloat(rounded, 'f', decimals, 64))
}

func commas(s string) string {
	whole, fraction, _ := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return sign + whole
}
