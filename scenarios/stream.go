package scenarios

import (
	"aisim/cluster/pipeline"
	"aisim/internal/units"
)

// Stream is elements that come without end and workers that follow them.
type Stream struct {
	ID           string       `toml:"id"`
	Name         string       `toml:"name"`
	PerSec       float64      `toml:"rate"`
	Swing        float64      `toml:"diurnal"`
	Burst        *StreamBurst `toml:"burst"`
	WorkerPerSec float64      `toml:"worker"`
	Min          int          `toml:"min"`
	Max          int          `toml:"max"`
	StartSec     float64      `toml:"start"`
	LookSec      float64      `toml:"interval"`
	TargetSec    float64      `toml:"target"`
	DownSec      float64      `toml:"down_after"`
	DurationSec  float64      `toml:"duration"`
	LagSLOSec    *float64     `toml:"lag_slo"`
	USDPerHour   *float64     `toml:"price"`
}

// StreamBurst multiplies the arrivals for a while, again and again.
type StreamBurst struct {
	Factor    float64 `toml:"factor"`
	LengthSec float64 `toml:"length"`
	EverySec  float64 `toml:"every"`
}

var streamKeys = []Key{
	{Path: "stream", Doc: "A streaming job (Beam): elements come without end, and an autoscaler brings workers up and down with their backlog. It runs beside the cluster, on a provider's machines.", Items: within(0, 64)},
	{Path: "stream.id", Doc: "Name that metrics refer to.", Required: true, Example: `"clicks"`},
	{Path: "stream.name", Doc: "Title, as reports print it.", Default: `""`},
	{Path: "stream.rate", Doc: "Mean rate of elements.", Required: true, Dim: units.Rate, Range: above(0, 1e12), Example: `"50000/s"`},
	{Path: "stream.diurnal", Doc: "Swing of the rate over the day: 0.3 is 30 % above the mean at the peak and below it at the trough.", Dim: units.Ratio, Range: within(0, 1), Default: `0`, Why: "a steady rate"},
	{Path: "stream.burst", Doc: "The rate is multiplied for a while, again and again."},
	{Path: "stream.burst.factor", Doc: "By so much.", Required: true, Dim: units.Ratio, Range: above(0, 1000), Example: `3`},
	{Path: "stream.burst.length", Doc: "For so long.", Required: true, Dim: units.Time, Range: above(0, day), Example: `"10 min"`},
	{Path: "stream.burst.every", Doc: "From one to the next.", Required: true, Dim: units.Time, Range: above(0, year), Example: `"6 h"`},
	{Path: "stream.worker", Doc: "Elements that one worker does.", Required: true, Dim: units.Rate, Range: above(0, 1e12), Example: `"4000/s"`},
	{Path: "stream.min", Doc: "Workers at least.", Range: within(1, 100000), Default: `1`, Why: "the usual least"},
	{Path: "stream.max", Doc: "Workers at most.", Required: true, Range: within(1, 100000), Example: `40`},
	{Path: "stream.start", Doc: "Until a new worker works.", Dim: units.Time, Range: within(0, day), Default: `"2 min"`, Why: "assumed: a virtual machine and its harness take 1 to 3 min"},
	{Path: "stream.interval", Doc: "How often the autoscaler looks.", Dim: units.Time, Range: within(1, day), Default: `"30 s"`, Why: "assumed"},
	{Path: "stream.target", Doc: "Time in which the autoscaler wants the backlog done.", Dim: units.Time, Range: above(0, day), Default: `"1 min"`, Why: "assumed"},
	{Path: "stream.down_after", Doc: "How long fewer workers must be enough before some go.", Dim: units.Time, Range: within(0, day), Default: `"10 min"`, Why: "assumed"},
	{Path: "stream.duration", Doc: "Time that is simulated.", Dim: units.Time, Range: within(minute, year), Default: `"1 d"`},
	{Path: "stream.lag_slo", Doc: "Limit on the time from an element's arrival to its end.", Dim: units.Time, Range: above(0, day), Derived: "none is promised", Example: `"30 s"`},
	{Path: "stream.price", Doc: "Price of one worker.", Dim: units.MoneyPerHour, Range: within(0, 1e5), Derived: "no bill is made", Example: `"0.08 USD/h"`},
}

func (s *Stream) model() pipeline.Stream {
	m := pipeline.Stream{PerSec: s.PerSec, Swing: s.Swing, WorkerPerSec: s.WorkerPerSec, Min: s.Min, Max: s.Max, StartSec: s.StartSec, LookSec: s.LookSec, TargetSec: s.TargetSec,
		DownSec: s.DownSec, DurationSec: s.DurationSec}
	if b := s.Burst; b != nil {
		m.Burst = &pipeline.Burst{Factor: b.Factor, LengthSec: b.LengthSec, EverySec: b.EverySec}
	}
	if s.LagSLOSec != nil {
		m.LimitSec = *s.LagSLOSec
	}
	return m
}

// streams checks what no single key of a stream shows.
func (c *checker) streams() {
	for i := range c.sc.Streams {
		s := &c.sc.Streams[i]
		if !c.id("stream", s.ID) {
			continue
		}
		if err := s.model().Check(); err != nil {
			c.bad("stream."+s.ID, "", "more or faster workers", "%s", err)
		}
	}
}

// PlayedStream is a stream and what its workers cost.
type PlayedStream struct {
	*Stream
	*pipeline.StreamOutcome
	HourlyUSD float64
}

// PlayStreams simulates the streams of the scenario.
func (sc *Scenario) PlayStreams() ([]PlayedStream, error) {
	var out []PlayedStream
	for i := range sc.Streams {
		s := &sc.Streams[i]
		o, err := s.model().Simulate()
		if err != nil {
			return nil, sc.problemOf("stream."+s.ID, err)
		}
		p := PlayedStream{Stream: s, StreamOutcome: o}
		if s.USDPerHour != nil {
			p.HourlyUSD = o.MeanWorkers * *s.USDPerHour
		}
		out = append(out, p)
	}
	return out, nil
}
