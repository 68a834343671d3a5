package pipeline

import (
	"fmt"
	"math"
	"sort"
)

// Burst multiplies the arrivals of a stream by Factor for LengthSec, once per EverySec; the
// first begins EverySec after the start.
type Burst struct{ Factor, LengthSec, EverySec float64 }

// Stream is elements that come without end, and workers that follow them. Many elements a
// second are a fluid: what has come and is not done is the backlog, the integral of arrivals
// less capacity, never below zero. Every LookSec the autoscaler wants as many workers as
// keep up with what came since it last looked and clear the backlog within TargetSec, as
// streaming runners of Beam do; more of them work StartSec later, fewer are kept when fewer
// were wanted for DownSec.
type Stream struct {
	PerSec       float64 // mean arrivals
	Swing        float64 // of the day: 0.3 is 30 % more at the peak and less at the trough
	Burst        *Burst
	WorkerPerSec float64 // elements that one worker does
	Min, Max     int     // workers
	StartSec     float64
	LookSec      float64
	TargetSec    float64
	DownSec      float64
	DurationSec  float64
	LimitSec     float64 // on the lag that Within counts against; 0 is none
}

// StreamOutcome is what became of it. Lag is the time from an element's arrival to its end.
type StreamOutcome struct {
	Elements            float64
	MeanWorkers         float64
	PeakWorkers, Starts int
	PeakBacklog         float64
	PeakSec             float64 // when the backlog was largest
	LastBacklog         float64 // at the end
	MeanLagSec          float64
	LagP99Sec           float64
	Within              float64 // share of the elements within the limit
}

// Check says what is wrong.
func (s Stream) Check() error {
	switch {
	case !(s.PerSec > 0) || !(s.WorkerPerSec > 0) || !(s.DurationSec > 0) || !(s.LookSec > 0) || !(s.TargetSec > 0):
		return fmt.Errorf("pipeline: a stream needs arrivals, what a worker does, a duration, an interval and a target above 0")
	case s.Swing < 0 || s.Swing > 1 || s.StartSec < 0 || s.DownSec < 0 || s.Min < 1 || s.Max < s.Min:
		return fmt.Errorf("pipeline: a stream's swing lies between 0 and 1, its times are not negative, and 1 ≤ min ≤ max workers")
	}
	mean := s.PerSec
	if b := s.Burst; b != nil {
		if !(b.Factor > 0) || !(b.LengthSec > 0) || !(b.EverySec > b.LengthSec) {
			return fmt.Errorf("pipeline: bursts have a factor and a length above 0 and end before the next")
		}
		mean *= 1 + (b.Factor-1)*b.LengthSec/b.EverySec
	}
	if load := mean / (float64(s.Max) * s.WorkerPerSec); load >= 1 {
		return fmt.Errorf("pipeline: load %.3g: %.4g elements/s come and %d workers do %.4g: the backlog grows for ever", load, mean, s.Max, float64(s.Max)*s.WorkerPerSec)
	}
	return nil
}

// rate of arrivals at a time. The day begins at its mean and rises.
func (s *Stream) rate(sec float64) float64 {
	r := s.PerSec * (1 + s.Swing*math.Sin(2*math.Pi*sec/86400))
	if b := s.Burst; b != nil && sec >= b.EverySec && math.Mod(sec, b.EverySec) < b.LengthSec {
		r *= b.Factor
	}
	return r
}

// lagPoint is elements that had a lag.
type lagPoint struct{ sec, elements float64 }

// steps of the fluid between two looks of the autoscaler, and at most stepSec each.
const stepSec = 1.0

// Simulate plays the stream from an empty backlog and as many workers as keep up with the
// mean.
func (s Stream) Simulate() (*StreamOutcome, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	clamp := func(n float64) int { return min(max(int(math.Ceil(n-1e-9)), s.Min), s.Max) }
	out := &StreamOutcome{}
	on := clamp(s.PerSec / s.WorkerPerSec) // working or starting
	working := on
	type start struct {
		at float64
		n  int
	}
	type want struct {
		at float64
		n  int
	}
	var starts []start
	var wants []want // of the last DownSec, falling
	var lags []lagPoint
	backlog, came := 0.0, 0.0
	n := int(math.Ceil(s.LookSec / stepSec))
	dt := s.LookSec / float64(n)
	looks := int(math.Ceil(s.DurationSec / s.LookSec))
	workerSec := 0.0
	out.PeakWorkers = on
	for look := range looks {
		for k := range n {
			now := float64(look)*s.LookSec + float64(k)*dt
			for len(starts) > 0 && starts[0].at <= now+1e-9 {
				working += starts[0].n
				starts = starts[1:]
			}
			in := s.rate(now+dt/2) * dt
			capacity := float64(working) * s.WorkerPerSec
			after := math.Max(0, backlog+in-capacity*dt)
			lag := (backlog + after) / 2 / capacity
			lags = append(lags, lagPoint{lag, in})
			out.Elements += in
			out.MeanLagSec += lag * in
			if s.LimitSec <= 0 || lag <= s.LimitSec {
				out.Within += in
			}
			if backlog = after; backlog > out.PeakBacklog {
				out.PeakBacklog, out.PeakSec = backlog, now+dt
			}
			workerSec += float64(on) * dt
			came += in
		}
		now := float64(look+1) * s.LookSec
		w := clamp((came/s.LookSec + backlog/s.TargetSec) / s.WorkerPerSec)
		came = 0
		for len(wants) > 0 && wants[len(wants)-1].n <= w {
			wants = wants[:len(wants)-1]
		}
		wants = append(wants, want{now, w})
		for wants[0].at < now-s.DownSec {
			wants = wants[1:]
		}
		switch keep := wants[0].n; { // the most of the window
		case w > on:
			starts = append(starts, start{now + s.StartSec, w - on})
			out.Starts += w - on
			on = w
		case keep < on && len(starts) == 0:
			on, working = keep, keep
		}
		out.PeakWorkers = max(out.PeakWorkers, on)
	}
	played := float64(looks) * s.LookSec
	out.MeanWorkers, out.LastBacklog = workerSec/played, backlog
	out.MeanLagSec /= out.Elements
	out.Within /= out.Elements
	sort.Slice(lags, func(a, b int) bool { return lags[a].sec < lags[b].sec })
	left := 0.99 * out.Elements
	for _, l := range lags {
		if left -= l.elements; left <= 0 {
			out.LagP99Sec = l.sec
			break
		}
	}
	return out, nil
}
