package number

import (
	"math"
	"strings"
)

// rung is one step of a ladder of units: from from up, in base units, a value is
// shown in units of div.
type rung struct {
	from, div float64
	unit      string
}

// The ladders hold their largest unit first. Seconds stay seconds up to two minutes.
var (
	timeLadder = []rung{
		{48 * 3600, 86400, "d"}, {120 * 60, 3600, "h"}, {math.Nextafter(120, 121), 60, "min"}, {1, 1, "s"},
		{1e-3, 1e-3, "ms"}, {1e-6, 1e-6, "µs"}, {0, 1e-9, "ns"},
	}
	wattLadder  = []rung{{1e9, 1e9, "GW"}, {1e6, 1e6, "MW"}, {1e3, 1e3, "kW"}, {0, 1, "W"}}
	hourLadder  = []rung{{1e9, 1e9, "GWh"}, {1e6, 1e6, "MWh"}, {1e3, 1e3, "kWh"}, {0, 1, "Wh"}}
	jouleLadder = []rung{{1e9, 1e9, "GJ"}, {1e6, 1e6, "MJ"}, {1e3, 1e3, "kJ"}, {0, 1, "J"}}
	byteLadder  = []rung{{1e15, 1e15, "PB"}, {1e12, 1e12, "TB"}, {1e9, 1e9, "GB"}, {1e6, 1e6, "MB"}, {1e3, 1e3, "kB"}, {0, 1, "B"}}
	rateLadder  = []rung{{1e15, 1e15, "PB/s"}, {1e12, 1e12, "TB/s"}, {1e9, 1e9, "GB/s"}, {1e6, 1e6, "MB/s"}, {1e3, 1e3, "kB/s"}, {0, 1, "B/s"}}
	bitLadder   = []rung{{1e12, 1e12, "Tb/s"}, {1e9, 1e9, "Gb/s"}, {1e6, 1e6, "Mb/s"}, {0, 1, "b/s"}}
	flopLadder  = []rung{{1e18, 1e18, "EFLOP/s"}, {1e15, 1e15, "PFLOP/s"}, {1e12, 1e12, "TFLOP/s"}, {0, 1e9, "GFLOP/s"}}
	co2Ladder   = []rung{{1e3, 1e3, "kt CO₂e"}, {1, 1, "t CO₂e"}, {0, 1e-3, "kg CO₂e"}}
)

// ladders maps a unit, as results write it, to its ladder and its size in the
// ladder's base unit.
var ladders = map[string]struct {
	base   float64
	ladder []rung
}{
	"s": {1, timeLadder}, "ms": {1e-3, timeLadder}, "us": {1e-6, timeLadder}, "µs": {1e-6, timeLadder},
	"ns": {1e-9, timeLadder}, "min": {60, timeLadder}, "h": {3600, timeLadder}, "d": {86400, timeLadder},
	"W": {1, wattLadder}, "kW": {1e3, wattLadder}, "MW": {1e6, wattLadder},
	"Wh": {1, hourLadder}, "kWh": {1e3, hourLadder}, "MWh": {1e6, hourLadder}, "GWh": {1e9, hourLadder},
	"J": {1, jouleLadder}, "kJ": {1e3, jouleLadder}, "MJ": {1e6, jouleLadder},
	"B": {1, byteLadder}, "GB": {1e9, byteLadder}, "TB": {1e12, byteLadder},
	"B/s": {1, rateLadder}, "GB/s": {1e9, rateLadder}, "TB/s": {1e12, rateLadder},
	"b/s": {1, bitLadder}, "Gb/s": {1e9, bitLadder},
	"FLOP/s": {1, flopLadder}, "TFLOP/s": {1e12, flopLadder}, "PFLOP/s": {1e15, flopLadder},
	"tCO2e": {1, co2Ladder}, "t CO2e": {1, co2Ladder}, "kgCO2e": {1e-3, co2Ladder}, "kg CO2e": {1e-3, co2Ladder},
}

// worded lists the units that take scale words, with the way they are shown.
var worded = map[string]string{
	"USD": "USD", "EUR": "EUR", "tokens": "tokens", "samples": "samples", "requests": "requests",
	"GPU-hours": "GPU-h", "GPU-h": "GPU-h", "accelerator-hours": "GPU-h", "tokens/s": "tokens/s", "samples/s": "samples/s",
	"steps": "steps", "": "", "count": "",
}

// shares are the names of a fraction of one, which is shown in per cent.
var shares = map[string]bool{"ratio": true, "1": true, "fraction": true, "share": true}

// scale returns the size of the shown unit in the given one, and its name.
func scale(v float64, unit string) (float64, string) {
	a := math.Abs(v)
	if shares[unit] {
		return 0.01, "%"
	}
	if l, ok := ladders[unit]; ok {
		for _, r := range l.ladder {
			from := r.from
			if from == r.div { // 999.9 kW would read 1,000 kW; 119.96 s stays in seconds
				from *= 0.9995
			}
			if a*l.base >= from || from == 0 {
				if a == 0 {
					break
				}
				return r.div / l.base, r.unit
			}
		}
		return 1, strings.ReplaceAll(unit, "CO2", "CO₂")
	}
	if shown, ok := worded[unit]; ok {
		switch {
		case a >= 1e12*0.9995:
			return 1e12, words("T", shown)
		case a >= 1e6*0.9995:
			return 1e6, words("M", shown)
		case a >= 1e4*0.9995:
			return 1e3, words("k", shown)
		}
		return 1, shown
	}
	switch unit { // rates and prices that read better with a word
	case "requests/s", "req/s":
		return 1, "req/s"
	case "%":
		return 1, "%"
	}
	if rest, ok := strings.CutPrefix(unit, "USD/"); ok {
		return 1, "USD per " + rest
	}
	return 1, unit
}

func words(word, unit string) string {
	if unit == "" {
		return word
	}
	return word + " " + unit
}
