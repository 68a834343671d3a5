package units

// Dimension is what a quantity measures. Each has one base unit.
type Dimension uint8

// The dimensions, with the base unit that values are kept in.
const (
	None               Dimension = iota // not a quantity
	Ratio                               // 1; "7 %" or a bare number
	Count                               // 1; a bare number, or with k, M, G, T
	Time                                // s
	Bytes                               // B
	BytesPerSec                         // B/s
	Flops                               // FLOP
	FlopsPerSec                         // FLOP/s
	Power                               // W
	Energy                              // J
	Rate                                // 1/s
	Money                               // USD
	MoneyPerEnergy                      // USD/kWh
	MoneyPerHour                        // USD/h
	MoneyPerYear                        // USD/y
	MoneyPerPowerMonth                  // USD/kW-month
	MoneyPerGB                          // USD/GB (1e9 bytes)
	MoneyPerGBMonth                     // USD/GB-month
	Carbon                              // gCO2e/kWh
	People                              // people
	MoneyPerPower                       // USD/W
	MoneyPerVolume                      // USD/m3
	VolumePerEnergy                     // L/kWh
	Temperature                         // C
	dimensions
)

// unit is one spelling: value = number × 10^exp10 × factor. Factors other than 1
// are exact in binary, or (days, years) integers.
type unit struct {
	name   string
	exp10  int
	factor float64
}

type dimension struct {
	name    string // as messages say it
	example string
	bare    bool // a number needs no unit
	units   []unit
	byName  map[string]unit
}

var table = [dimensions]dimension{
	None:        {name: "no quantity"},
	Ratio:       {name: "ratio", example: "0.25", bare: true, units: []unit{{"%", -2, 1}}},
	Count:       {name: "count", example: "16", bare: true, units: []unit{{"k", 3, 1}, {"M", 6, 1}, {"G", 9, 1}, {"T", 12, 1}}},
	Time:        {name: "time", example: "15 min", units: timeUnits},
	Bytes:       {name: "size in bytes", example: "80 GiB", units: byteUnits("")},
	BytesPerSec: {name: "data rate", example: "400 Gb/s", units: append(byteUnits("/s"), bitRates()...)},
	Flops:       {name: "number of FLOPs", example: "8.2 GFLOP", units: prefixed("FLOP")},
	FlopsPerSec: {name: "compute rate", example: "989 TFLOP/s", units: append(append(prefixed("FLOP/s"), prefixed("FLOPS")...), append(prefixed("OP/s"), prefixed("OPS")...)...)},
	Power:       {name: "power", example: "10.2 kW", units: []unit{{"W", 0, 1}, {"mW", -3, 1}, {"kW", 3, 1}, {"MW", 6, 1}, {"GW", 9, 1}}},
	Energy: {name: "energy", example: "35 kWh", units: []unit{{"J", 0, 1}, {"kJ", 3, 1}, {"MJ", 6, 1}, {"GJ", 9, 1},
		{"Wh", 0, 3600}, {"kWh", 3, 3600}, {"MWh", 6, 3600}, {"GWh", 9, 3600}}},
	Rate: {name: "rate", example: "20/s", units: []unit{{"/s", 0, 1}, {"k/s", 3, 1}, {"M/s", 6, 1}, {"Hz", 0, 1}, {"1/s", 0, 1},
		{"req/s", 0, 1}, {"/min", 0, 1.0 / 60}, {"/h", 0, 1.0 / 3600}, {"/d", 0, 1.0 / 86400}}},
	Money:          {name: "amount of money", example: "270000 USD", units: []unit{{"USD", 0, 1}, {"kUSD", 3, 1}, {"MUSD", 6, 1}, {"GUSD", 9, 1}, {"k USD", 3, 1}, {"M USD", 6, 1}}},
	MoneyPerEnergy: {name: "price of energy", example: "0.08 USD/kWh", units: []unit{{"USD/kWh", 0, 1}, {"USD/MWh", -3, 1}}},
	MoneyPerHour:   {name: "price per hour", example: "98.32 USD/h", units: []unit{{"USD/h", 0, 1}, {"USD/hour", 0, 1}}},
	MoneyPerYear: {name: "cost per year", example: "2.4 MUSD/y", units: []unit{{"USD/y", 0, 1}, {"kUSD/y", 3, 1}, {"MUSD/y", 6, 1}, {"GUSD/y", 9, 1},
		{"USD/year", 0, 1}, {"kUSD/year", 3, 1}, {"MUSD/year", 6, 1}}},
	MoneyPerPowerMonth: {name: "price of power capacity", example: "120 USD/kW-month", units: []unit{{"USD/kW-month", 0, 1}, {"USD/MW-month", -3, 1}}},
	MoneyPerGB:         {name: "price per amount of data", example: "0.09 USD/GB", units: []unit{{"USD/GB", 0, 1}, {"USD/TB", -3, 1}}},
	MoneyPerGBMonth:    {name: "price of stored data", example: "0.023 USD/GB-month", units: []unit{{"USD/GB-month", 0, 1}, {"USD/TB-month", -3, 1}}},
	Carbon:             {name: "carbon intensity", example: "415 g/kWh", units: []unit{{"g/kWh", 0, 1}, {"kg/kWh", 3, 1}, {"kg/MWh", 0, 1}, {"gCO2e/kWh", 0, 1}, {"gCO2/kWh", 0, 1}}},
	MoneyPerPower:      {name: "price of power", example: "11 USD/W", units: []unit{{"USD/W", 0, 1}, {"USD/kW", -3, 1}, {"MUSD/MW", 0, 1}}},
	MoneyPerVolume:     {name: "price of water", example: "3 USD/m3", units: []unit{{"USD/m3", 0, 1}, {"USD/L", 3, 1}}},
	VolumePerEnergy:    {name: "water per energy", example: "1.8 L/kWh", units: []unit{{"L/kWh", 0, 1}, {"m3/MWh", 0, 1}}},
	Temperature:        {name: "temperature", example: "18 C", units: []unit{{"C", 0, 1}, {"°C", 0, 1}}},
	People:             {name: "number of people", example: "6 people", units: []unit{{"people", 0, 1}, {"person", 0, 1}, {"FTE", 0, 1}}},
}

// timeUnits: a day is 86,400 s and a year 365 days.
var timeUnits = []unit{{"s", 0, 1}, {"ms", -3, 1}, {"us", -6, 1}, {"µs", -6, 1}, {"μs", -6, 1}, {"ns", -9, 1}, {"ps", -12, 1},
	{"min", 0, 60}, {"h", 0, 3600}, {"d", 0, 86400}, {"w", 0, 7 * 86400}, {"y", 0, 365 * 86400},
	{"sec", 0, 1}, {"hour", 0, 3600}, {"hours", 0, 3600}, {"day", 0, 86400}, {"days", 0, 86400}, {"weeks", 0, 7 * 86400}, {"year", 0, 365 * 86400}, {"years", 0, 365 * 86400}}

func prefixed(base string) []unit {
	return []unit{{base, 0, 1}, {"k" + base, 3, 1}, {"M" + base, 6, 1}, {"G" + base, 9, 1}, {"T" + base, 12, 1}, {"P" + base, 15, 1}, {"E" + base, 18, 1}}
}

func byteUnits(per string) []unit {
	out := prefixed("B")
	for i := range out {
		out[i].name += per
	}
	for i, p := range []string{"Ki", "Mi", "Gi", "Ti", "Pi"} {
		out = append(out, unit{p + "B" + per, 0, float64(uint64(1) << (10 * (i + 1)))})
	}
	return out
}

// bitRates are line rates: an eighth of a byte, which is exact in binary.
func bitRates() []unit {
	var out []unit
	for _, suffix := range []string{"b/s", "bit/s", "bps"} {
		for _, u := range prefixed(suffix) {
			out = append(out, unit{u.name, u.exp10, 0.125})
		}
	}
	return out
}

func init() {
	for d := range table {
		table[d].byName = make(map[string]unit, len(table[d].units))
		for _, u := range table[d].units {
			table[d].byName[u.name] = u
		}
	}
}

// String is the dimension in words, "data rate".
func (d Dimension) String() string {
	if d >= dimensions {
		return "unknown dimension"
	}
	return table[d].name
}

// Article is the dimension in words with its article, "an amount of money".
func (d Dimension) Article() string {
	if name := d.String(); name[0] == 'a' {
		return "an " + name
	}
	return "a " + d.String()
}

// Example is a well-formed quantity of the dimension, "400 Gb/s".
func (d Dimension) Example() string {
	if d >= dimensions {
		return ""
	}
	return table[d].example
}

// Base is the name of the unit that values of the dimension are kept in.
func (d Dimension) Base() string {
	if d >= dimensions || len(table[d].units) == 0 || table[d].bare {
		return ""
	}
	return table[d].units[0].name
}

// Bare says whether a number of the dimension may stand without a unit.
func (d Dimension) Bare() bool { return d < dimensions && table[d].bare }

// Units lists the spellings that Parse takes for the dimension, base unit first.
func (d Dimension) Units() []string {
	if d >= dimensions {
		return nil
	}
	out := make([]string, len(table[d].units))
	for i, u := range table[d].units {
		out[i] = u.name
	}
	return out
}
