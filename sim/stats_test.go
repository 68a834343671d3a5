package sim

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestHistogramAgainstSortedValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float64 {
			return math.Pow(10, rapid.Float64Range(-8, 8).Draw(t, "exponent"))
		}), 1, 200).Draw(t, "seconds")
		var h Histogram
		sum := 0.0
		for _, v := range values {
			h.Record(v)
			sum += v
		}
		slices.Sort(values)
		near := func(what string, got, want, tolerance float64) {
			if math.Abs(got-want) > tolerance*want+0.6e-9 {
				t.Fatalf("%s = %g, want %g", what, got, want)
			}
		}
		for _, p := range []float64{0, 1, 25, 50, 90, 99, 99.9, 100} {
			rank := max(int(math.Ceil(p/100*float64(len(values))-1e-9)), 1)
			near("percentile", h.Percentile(p), values[rank-1], 0.001)
		}
		near("mean", h.Mean(), sum/float64(len(values)), 1e-9)
		near("min", h.Min(), values[0], 1e-9)
		near("max", h.Max(), values[len(values)-1], 1e-9)
		if h.Count() != int64(len(values)) || h.FractionAtMost(values[len(values)-1]*1.01+1e-9) != 1 || h.FractionAtMost(values[0]*0.99-1e-9) != 0 {
			t.Fatalf("count %d, fractions %g %g", h.Count(), h.FractionAtMost(values[len(values)-1]), h.FractionAtMost(values[0]*0.99))
		}
	})
}

// Merging is exact: any split and any order give the same bits.
func TestHistogramMergeIsExact(t *testing.T) {
	s := NewStream(2, "merge")
	parts := make([]Histogram, 7)
	var whole Histogram
	for i := range 20_000 {
		v := s.LogNormal(-3, 3)
		whole.Record(v)
		parts[i%7].Record(v)
	}
	parts[3].Record(math.NaN())
	whole.Record(-1)
	for seed := range uint64(5) {
		var merged Histogram
		for _, i := range rand.New(rand.NewPCG(seed, 0)).Perm(7) {
			merged.Merge(&parts[i])
		}
		if merged.Mean() != whole.Mean() || merged.Min() != whole.Min() || merged.Max() != whole.Max() || merged.SD() != whole.SD() ||
			merged.Count() != whole.Count() || merged.Rejected() != 1 || whole.Rejected() != 1 || !slices.Equal(merged.Cells(), whole.Cells()) {
			t.Fatal("merged histogram differs from the whole")
		}
		for p := 0.0; p <= 100; p += 0.5 {
			if merged.Percentile(p) != whole.Percentile(p) {
				t.Fatalf("percentile %g differs", p)
			}
		}
	}
	if h := NewHistogram(); !math.IsNaN(h.Percentile(50)) || !math.IsNaN(h.Mean()) || h.Count() != 0 || h.Cells() != nil {
		t.Error("an empty histogram has values")
	}
	var ticks, seconds Histogram
	ticks.RecordTime(15 * Microsecond)
	seconds.RecordN(15e-6, 1)
	if ticks.Mean() != seconds.Mean() || ticks.Mean() != 15e-6 {
		t.Errorf("15 µs is %g and %g s", ticks.Mean(), seconds.Mean())
	}
}

func TestTallyAgainstDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-1e6, 1e6), 2, 100).Draw(t, "values")
		cut := rapid.IntRange(0, len(values)).Draw(t, "cut")
		var a, b Tally
		mean := 0.0
		for i, v := range values {
			mean += v / float64(len(values))
			if i < cut {
				a.Add(v)
			} else {
				b.Add(v)
			}
		}
		a.Merge(b)
		variance := 0.0
		for _, v := range values {
			variance += (v - mean) * (v - mean) / float64(len(values)-1)
		}
		if math.Abs(a.Mean()-mean) > 1e-6 || math.Abs(a.Var()-variance) > 1e-9*variance+1e-3 ||
			a.Min() != slices.Min(values) || a.Max() != slices.Max(values) || a.Count() != int64(len(values)) {
			t.Fatalf("%+v, want mean %g, variance %g", a, mean, variance)
		}
	})
	var empty Tally
	if !math.IsNaN(empty.Mean()) || !math.IsNaN(empty.Var()) || !math.IsNaN(empty.Min()) || !math.IsNaN(empty.Max()) || empty.Sum() != 0 {
		t.Error("an empty tally has values")
	}
}

// The series integrates to what the level integrates to, however often the bins
// were merged.
func TestTimeSeriesConservesIntegralAndSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewTimeSeries(rapid.IntRange(0, 20).Draw(t, "bins"), rapid.SampledFrom([]Duration{0, 1, 77, Second}).Draw(t, "width"))
		var l Level
		now, sum := Time(0), 0.0
		for range rapid.IntRange(0, 50).Draw(t, "steps") {
			now += rapid.SampledFrom([]Duration{0, 1, 50, Millisecond, 10 * Second, 100 * Day}).Draw(t, "gap")
			v := float64(rapid.IntRange(-5, 5).Draw(t, "value"))
			s.Set(now, v)
			l.Set(now, v)
			s.Add(now, v)
			sum += v
		}
		end := now + 3*Second
		s.Finish(end)
		gotIntegral, gotSum, covered := 0.0, 0.0, 0.0
		for _, p := range s.Points() {
			gotIntegral += p.Mean * p.CoveredSec
			gotSum += p.Sum
			covered += p.CoveredSec
			if p.CoveredSec > 0 && (p.Mean < p.Low-1e-9 || p.Mean > p.High+1e-9) || p.CoveredSec > p.WidthSec*1.0001 {
				t.Fatalf("point %+v", p)
			}
		}
		if want := l.Integral(end); math.Abs(gotIntegral-want) > 1e-9*(math.Abs(want)+end.Seconds()) || gotSum != sum || covered > end.Seconds()*1.0001 {
			t.Fatalf("integral %g, want %g; sum %g, want %g", gotIntegral, want, gotSum, sum)
		}
	})
}

func TestLevelByHand(t *testing.T) {
	var l Level
	l.Set(2*Second, 3)
	l.Add(4*Second, -2) // 3 for 2 s, then 1
	if l.Mean(10*Second) != 1.2 || l.Integral(10*Second) != 12 || l.Max() != 3 || l.Value() != 1 {
		t.Errorf("mean %g, integral %g, want 1.2 and 12", l.Mean(10*Second), l.Integral(10*Second))
	}
}

func TestSpansKeepTheLongest(t *testing.T) {
	s := NewSpans(100)
	r := NewStream(1, "spans")
	total := 0.0
	for i := range 5000 {
		length := Duration(r.Exp(1e9))
		total += length.Seconds()
		s.Record(Span{Start: Time(i), End: Time(i) + length, Track: uint32(i % 4)})
	}
	s.Record(Span{Start: 5, End: 4})
	kept, shortest := 0.0, Never
	for _, k := range s.All() {
		kept += (k.End - k.Start).Seconds()
		shortest = min(shortest, k.End-k.Start)
	}
	n, dropped := s.Dropped()
	if len(s.All()) > 100 || int(n)+len(s.All()) != 5001 || math.Abs(kept+dropped-total) > 1e-9*total {
		t.Errorf("kept %d, dropped %d; %g s and %g s of %g s", len(s.All()), n, kept, dropped, total)
	}
	// The longest 50 of 5,000 exponential lengths are above ln(100) means.
	if shortest.Seconds() < 0.1*3.5 {
		t.Errorf("kept a bar of %v", shortest)
	}
	whole := NewSpans(100)
	whole.Merge(s)
	if !slices.Equal(whole.All(), s.All()) {
		t.Error("a merge into an empty recorder differs")
	}
}
