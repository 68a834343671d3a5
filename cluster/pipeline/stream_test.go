package pipeline

import (
	"strings"
	"testing"
)

func stream(t *testing.T, s Stream) *StreamOutcome {
	t.Helper()
	o, err := s.Simulate()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Ten workers that stay: a burst of half an hour at 1.5 times what they do piles up and is
// gone when the closed form says so.
func TestStreamBacklogOfABurst(t *testing.T) {
	s := Stream{PerSec: 800, WorkerPerSec: 100, Min: 10, Max: 10, LookSec: 10, TargetSec: 15, DurationSec: 4 * 3600,
		Burst: &Burst{Factor: 1500.0 / 800, LengthSec: 1800, EverySec: 10000}}
	peak, gone := Backlog(1500, 800, 1000, 1800)
	s.DurationSec = 10000 + gone - 60 // a minute before: 60 s × 200/s are left
	o := stream(t, s)
	near(t, "peak", o.PeakBacklog, peak, 1e-9)
	near(t, "when", o.PeakSec, 11800, 1e-9)
	near(t, "left a minute before the end", o.LastBacklog, 12000, 1e-6)
	s.DurationSec += 120
	if o = stream(t, s); o.LastBacklog != 0 {
		t.Errorf("%g elements are left after the end", o.LastBacklog)
	}
	// The lag rises to peak ÷ capacity and falls again: on average over the 1,800 s at
	// 1,500/s and the 4,500 s at 800/s half of it, over all that came nothing beside.
	all := 800*s.DurationSec + 700*1800
	near(t, "mean lag", o.MeanLagSec, peak/1000/2*(1500*1800+800*(gone-1800))/all, 0.002)
}

// At a steady rate the workers are those that keep up; over a day that swings their mean
// is that of the rate, rounded up half a worker on average.
func TestStreamWorkersFollowTheRate(t *testing.T) {
	s := Stream{PerSec: 1030, WorkerPerSec: 100, Min: 1, Max: 100, StartSec: 120, LookSec: 10, TargetSec: 30, DownSec: 0, DurationSec: 86400}
	if o := stream(t, s); o.MeanWorkers != 11 || o.PeakBacklog != 0 || o.Starts != 0 {
		t.Errorf("steady: %+v", o)
	}
	s.Swing, s.StartSec, s.PerSec = 0.5, 0, 5000
	near(t, "mean over a day", stream(t, s).MeanWorkers, 50.5, 0.01)
}

func TestStreamKnobs(t *testing.T) {
	base := Stream{PerSec: 1000, WorkerPerSec: 100, Min: 2, Max: 100, StartSec: 120, LookSec: 10, TargetSec: 30, DownSec: 600, DurationSec: 86400, LimitSec: 20,
		Burst: &Burst{Factor: 2, LengthSec: 900, EverySec: 7200}}
	b := stream(t, base)
	lag := func(o *StreamOutcome) float64 { return o.LagP99Sec }
	workers := func(o *StreamOutcome) float64 { return o.MeanWorkers }
	for name, c := range map[string]struct {
		turn   func(*Stream)
		more   bool
		figure func(*StreamOutcome) float64
	}{
		"start":  {func(s *Stream) { s.StartSec = 300 }, true, lag},
		"look":   {func(s *Stream) { s.LookSec = 60 }, true, lag},
		"target": {func(s *Stream) { s.TargetSec = 600 }, false, workers},
		"max":    {func(s *Stream) { s.Max = 14 }, true, lag},
		"min":    {func(s *Stream) { s.Min = 25 }, false, lag},
		"down":   {func(s *Stream) { s.DownSec = 3600 }, true, workers},
		"swing":  {func(s *Stream) { s.Swing = 0.5 }, true, func(o *StreamOutcome) float64 { return float64(o.PeakWorkers) }},
		"burst":  {func(s *Stream) { s.Burst = nil }, false, lag},
		"rate":   {func(s *Stream) { s.WorkerPerSec = 200 }, false, workers},
		"limit":  {func(s *Stream) { s.LimitSec = 200 }, true, func(o *StreamOutcome) float64 { return o.Within }},
	} {
		s := base
		c.turn(&s)
		if got, was := c.figure(stream(t, s)), c.figure(b); got == was || (got > was) != c.more {
			t.Errorf("%s: from %g to %g, want more: %v", name, was, got, c.more)
		}
	}
	base.Max = 11
	if _, err := base.Simulate(); err == nil || !strings.Contains(err.Error(), "load 1.02") {
		t.Errorf("a load above 1: %v", err)
	}
}
