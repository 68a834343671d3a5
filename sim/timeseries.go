package sim

// TimeSeries records what a figure draws over time, in bounded memory: a row of
// equal bins that covers the run from time 0. When the run outgrows the row, the
// bins are merged in pairs and become twice as wide, so the last binning
// depends only on the length of the run and the number of bins.
//
// Two kinds of quantity share the row. Set records a level that holds until
// the next Set (power, queue length). Add records amounts that happen at an
// instant (tokens, failures, bytes).
type TimeSeries struct {
	width  Duration
	bins   []bin
	used   int // bins up to the latest record
	value  float64
	since  Time // the level is value from here on
	placed bool // whether a level was ever set
}

type bin struct {
	integral float64 // level × seconds
	covered  Duration
	low      float64
	high     float64
	sum      float64
	count    int64
}

// NewTimeSeries returns a recorder of at most n bins (at least 2; odd numbers are
// rounded up) that begins with bins of the given width (at least 1 tick).
func NewTimeSeries(n int, width Duration) *TimeSeries {
	n = max(n, 2)
	return &TimeSeries{width: max(width, 1), bins: make([]bin, n+n%2)}
}

// Set changes the level at time t. An earlier t than that of the last Set
// counts as that time.
func (s *TimeSeries) Set(t Time, value float64) {
	s.extend(t)
	s.value, s.placed = value, true
	s.since = max(s.since, t)
}

// Add records an amount at time t.
func (s *TimeSeries) Add(t Time, amount float64) {
	b := s.at(t)
	b.sum += amount
	b.count++
}

// Finish extends the level to the end of the run. Records may follow.
func (s *TimeSeries) Finish(end Time) { s.extend(end) }

// extend integrates the present level from since to t.
func (s *TimeSeries) extend(t Time) {
	if !s.placed {
		s.since = max(t, 0)
		return
	}
	for s.since < t {
		b := s.at(s.since)
		until := t
		// The end of the bin is computed from its start, which cannot overflow.
		if left := s.width - s.since%s.width; t-s.since > left {
			until = s.since + left
		}
		if b.covered == 0 {
			b.low, b.high = s.value, s.value
		}
		b.low, b.high = min(b.low, s.value), max(b.high, s.value)
		b.covered += until - s.since
		b.integral += s.value * (until - s.since).Seconds()
		s.since = until
	}
}

// at returns the bin of time t and widens the bins until it exists.
func (s *TimeSeries) at(t Time) *bin {
	t = max(t, 0)
	for t/s.width >= Time(len(s.bins)) {
		s.halve()
	}
	i := int(t / s.width)
	s.used = max(s.used, i+1)
	return &s.bins[i]
}

func (s *TimeSeries) halve() {
	half := len(s.bins) / 2
	for i := 0; i < half; i++ {
		a, b := s.bins[2*i], s.bins[2*i+1]
		switch {
		case a.covered == 0:
			a.low, a.high = b.low, b.high
		case b.covered > 0:
			a.low, a.high = min(a.low, b.low), max(a.high, b.high)
		}
		a.integral += b.integral
		a.covered += b.covered
		a.sum += b.sum
		a.count += b.count
		s.bins[i] = a
	}
	clear(s.bins[half:])
	s.width *= 2
	s.used = (s.used + 1) / 2
}

// Point is one bin of a series.
type Point struct {
	StartSec, WidthSec float64
	Mean, Low, High    float64 // of the level over the part of the bin where it was set
	CoveredSec         float64 // how long that part is
	Sum                float64 // of the amounts
	Count              int64   // number of amounts
}

// Points returns the bins up to the last record, in order of time.
func (s *TimeSeries) Points() []Point {
	points := make([]Point, s.used)
	for i := range points {
		b := &s.bins[i]
		points[i] = Point{
			StartSec: (Time(i) * s.width).Seconds(), WidthSec: s.width.Seconds(),
			Low: b.low, High: b.high, CoveredSec: b.covered.Seconds(), Sum: b.sum, Count: b.count,
		}
		if b.covered > 0 {
			points[i].Mean = b.integral / b.covered.Seconds()
		}
	}
	return points
}
