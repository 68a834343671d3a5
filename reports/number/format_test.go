package number

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func plainText(s string) string {
	return strings.NewReplacer(Gap, " ", Minus, "-", Dash, "~").Replace(s)
}

func TestOf(t *testing.T) {
	for _, c := range []struct {
		v    float64
		unit string
		want string
	}{
		{6.53, "s", "6.53 s"}, {119.96, "s", "120 s"}, {130, "s", "2.17 min"}, {0.0384, "s", "38.4 ms"},
		{9.2e-5, "s", "92.0 µs"}, {3.2e-8, "s", "32.0 ns"}, {54 * 86400, "s", "54.0 d"}, {36 * 3600, "s", "36.0 h"},
		{40.9e6, "USD", "40.9 M USD"}, {1900, "USD", "1,900 USD"}, {15e9, "USD", "15,000 M USD"}, {1.031e13, "tokens", "10.3 T tokens"},
		{12_345, "USD", "12.3 k USD"}, {0.8621, "ratio", "86.2 %"}, {0.00002, "ratio", "< 0.01 %"}, {0, "ratio", "0 %"},
		{1, "ratio", "100 %"}, {23.42e6, "W", "23.4 MW"}, {30.36e9, "Wh", "30.4 GWh"}, {0.62e12, "B/s", "620 GB/s"},
		{5.68e12, "B", "5.68 TB"}, {400e9, "b/s", "400 Gb/s"}, {398e12, "FLOP/s", "398 TFLOP/s"}, {11_200, "tCO2e", "11.2 kt CO₂e"},
		{999.9e3, "W", "1.00 MW"}, {-3.5, "s", "-3.50 s"}, {9.996, "USD", "10.0 USD"}, {60.8, "GiB", "60.8 GiB"}, {3.96, "USD/M tokens", "3.96 USD per M tokens"},
		{math.NaN(), "s", "no data"}, {math.Inf(1), "USD", "no data"}, {8192, "", "8,192"}, {0.0000001, "widgets", "< 0.0001 widgets"},
	} {
		if got := plainText(Of(c.v, c.unit)); got != c.want {
			t.Errorf("Of(%v, %q) = %q, want %q", c.v, c.unit, got, c.want)
		}
	}
}

func TestIntervalSharesScaleAndDecimals(t *testing.T) {
	for _, c := range []struct {
		v, lo, hi float64
		unit      string
		want      string
	}{
		{6.53, 6.24, 6.97, "s", "6.24~6.97 s"},
		{921e6, 842e6, 1015e6, "USD", "842~1,015 M USD"},
		{0.01, -0.032, 0.065, "ratio", "-3.2 to +6.5 %"}, // half-width over 30 %: two digits
		{0.38, 0.2, 0.7, "s", "200~700 ms"},
	} {
		if got := plainText(For(c.v, c.lo, c.hi, c.unit).Interval(c.lo, c.hi)); got != c.want {
			t.Errorf("interval of %v = %q, want %q", c.v, got, c.want)
		}
	}
	if got := For(0.38, 0.2, 0.7, "s").Value(0.38); got != "380" {
		t.Errorf("a wide interval leaves two digits: %q", got)
	}
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		Probability(0.999): "> 0.99", Probability(0.001): "< 0.01", Probability(0.84): "0.84", Probability(math.NaN()): NoData,
		plainText(Change(0.146)): "+15 %", plainText(Change(-0.052)): "-5.2 %", plainText(ChangeFine(0.0001)): "0.0 %",
		Int(16384): "16,384", plainText(Short(0.09, "ratio")): "9 %", plainText(Short(4e11, "b/s")): "400 Gb/s",
		plainText(Use(0.64)): "64 %", plainText(Use(0.064)): "6.4 %", plainText(ShortInterval(3, 6, "years")): "3~6 years",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// parse reads a printed cell back in printed units.
func parse(t *rapid.T, s string) float64 {
	s = strings.NewReplacer(",", "", Minus, "-", Gap+"%", "").Replace(s)
	if strings.HasPrefix(s, "<") || strings.HasPrefix(s, ">") {
		return 0 // below what the column shows: its share went to the others
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatalf("cell %q is not a number", s)
	}
	return v
}

// TestColumnsAddUp: printed cells sum to the printed total, whatever the parts.
func TestColumnsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.Float64Range(0, 1e8), 1, 12).Draw(t, "parts")
		var sum float64
		for _, p := range parts {
			sum += p
		}
		c := NewColumn(parts, sum, "USD")
		var printed float64
		for _, s := range c.Cells {
			printed += parse(t, s)
		}
		if total := parse(t, c.Total); math.Abs(printed-total) > 1e-6*math.Max(1, total) {
			t.Fatalf("cells %v sum to %v, the total reads %s", c.Cells, printed, c.Total)
		}
		shares := make([]float64, len(parts))
		for i := range parts {
			if sum > 0 {
				shares[i] = parts[i] / sum
			}
		}
		if sum > 0 {
			printed = 0
			for _, s := range Percents(shares, 1) {
				printed += parse(t, s)
			}
			if math.Abs(printed-100) > 1e-6 {
				t.Fatalf("shares print to %v", printed)
			}
		}
	})
}

func TestColumnThatDoesNotAddUpIsNotForced(t *testing.T) {
	c := NewColumn([]float64{1, 2}, 10, "USD")
	if c.Cells[0] != "1.00" && c.Cells[0] != "1.0" || c.Total != "10.0" {
		t.Errorf("cells %v, total %s: a gap must stay visible", c.Cells, c.Total)
	}
}
