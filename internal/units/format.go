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
	var buf [32]byte
	return string(Append(buf[:0], v, d))
}

// Append is Format into a buffer.
func Append(dst []byte, v float64, d Dimension) []byte {
	if math.IsNaN(v) || d >= dimensions {
		return append(dst, "no data"...)
	}
	if math.IsInf(v, 0) {
		return append(dst, strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, 64), "+")...)
	}
	names := printed[d]
	if d == Ratio || len(names) == 0 {
		return significant(dst, v)
	}
	chosen := 0
	if v == 0 {
		chosen = base[d]
	} else {
		from := froms[d]
		abs := math.Abs(v)
		for i := len(names) - 1; i > 0; i-- {
			if abs >= from[i] {
				chosen = i
				break
			}
		}
	}
	name := names[chosen]
	dst = significant(dst, v/sizes[d][chosen])
	if name != "" && name[0] != '/' {
		dst = append(dst, ' ')
	}
	return append(dst, name...)
}

// sizes are those of the units in printed, froms the least values that they print, base which of them
// is of size 1, and prints 0; the tables of units are made at start.
var (
	sizes [dimensions][]float64
	froms [dimensions][]float64
	base  [dimensions]int
)

func init() {
	for d := range printed {
		for i, name := range printed[d] {
			size := sizeOf(Dimension(d), name)
			from := size * (1 - 0.0005)
			if name == "min" {
				from = math.Nextafter(120, 121)
			}
			sizes[d], froms[d] = append(sizes[d], size), append(froms[d], from)
			if size == 1 {
				base[d] = i
			}
		}
	}
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
func significant(dst []byte, v float64) []byte {
	if v == 0 {
		return append(dst, '0')
	}
	abs := math.Abs(v)
	if v == math.Trunc(v) && abs < 1e4 {
		n := int64(v)
		if n < 0 {
			dst, n = append(dst, '-'), -n
		}
		if n >= 1000 {
			dst = append(strconv.AppendInt(dst, n/1000, 10), ',')
			return append(dst, byte('0'+n/100%10), byte('0'+n/10%10), byte('0'+n%10))
		}
		return strconv.AppendInt(dst, n, 10)
	}
	if abs >= 1e15 || abs < 1e-6 {
		return strconv.AppendFloat(dst, v, 'g', 3, 64)
	}
	// d.dde±xx, rounded once: the digits and where the point stands.
	var buf [16]byte
	e := strconv.AppendFloat(buf[:0], abs, 'e', 2, 64)
	exp := int(e[6]-'0')*10 + int(e[7]-'0')
	if e[5] == '-' {
		exp = -exp
	}
	digits := [3]byte{e[0], e[2], e[3]}
	if v < 0 {
		dst = append(dst, '-')
	}
	if exp < 0 {
		dst = append(dst, '0', '.')
		for range -exp - 1 {
			dst = append(dst, '0')
		}
		return append(dst, digits[:]...)
	}
	for i := range max(exp, 2) + 1 {
		switch {
		case i == exp+1:
			dst = append(dst, '.')
		case i > 0 && i <= exp && (exp-i)%3 == 2:
			dst = append(dst, ',')
		}
		if i < 3 {
			dst = append(dst, digits[i])
		} else {
			dst = append(dst, '0')
		}
	}
	return dst
}
