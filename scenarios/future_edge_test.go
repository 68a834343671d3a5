package scenarios

import (
	"errors"
	"strings"
	"testing"
)

func edgeFuture(t *testing.T, sets ...string) *Future {
	t.Helper()
	return playedFuture(t, "edge-cameras", append([]string{"workload.watch.duration=5 s"}, sets...)...)
}

// Every knob of the region and of updates moves what it should, in its direction.
func TestEdgeKnobs(t *testing.T) {
	region := func(f *Future) float64 {
		o, err := f.Offloads()
		if err != nil {
			t.Fatal(err)
		}
		return o[0].Remote[2].TTFTP95
	}
	update := func(get func(PlayedUpdate) float64) func(*Future) float64 {
		return func(f *Future) float64 {
			u, err := f.Updates()
			if err != nil {
				t.Fatal(err)
			}
			return get(u[0])
		}
	}
	rollout := update(func(u PlayedUpdate) float64 { return u.RolloutSec })
	base := edgeFuture(t)
	for _, c := range []struct {
		set    string
		more   bool
		figure func(*Future) float64
	}{
		{"edge.offload.round_trip=100 ms", true, region},
		{"edge.offload.server=edge-l4-1u", true, region},
		{"edge.wan.bandwidth=1 Gb/s", false, region},
		{"edge.wan.latency=50 ms", true, region},
		{"edge.wan.bandwidth=20 Mb/s", true, rollout},
		{"edge.update.hold=48 h", true, rollout},
		{"edge.update.source=10 Mb/s", true, rollout},
		{"edge.update.stages=[1.0]", false, rollout},
		{"edge.update.samples=0.1", true, update(func(u PlayedUpdate) float64 { return u.SampleBytesPerDay })},
		{"edge.update.egress_price=0.09 USD/GB", true, update(func(u PlayedUpdate) float64 { return u.EgressUSDPerYear })},
		{"edge.update.every=60 d", true, update(func(u PlayedUpdate) float64 { return u.MeanStaleness })},
		{"edge.wan.outage=10 h", true, update(func(u PlayedUpdate) float64 { return u.BufferBytes })},
		{"edge.wan.availability=0.9", true, update(func(u PlayedUpdate) float64 { return u.OutagesPerYear })},
	} {
		set := []string{c.set}
		if c.set == "edge.wan.bandwidth=20 Mb/s" {
			set = append(set, "workload.watch.arrivals.rate=100/s")
		}
		got, was := c.figure(edgeFuture(t, set...)), c.figure(base)
		if got == was || (got > was) != c.more {
			t.Errorf("%s: from %g to %g, want more: %v", c.set, was, got, c.more)
		}
	}
}

func TestUpdatesNeedRoomOnTheLink(t *testing.T) {
	sc, err := Load("edge-cameras", []string{"workload.watch.duration=5 s", "edge.update.samples=1", "edge.wan.bandwidth=10 Mb/s"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = Assemble(sc, Options{}); err == nil || !strings.Contains(err.Error(), "nothing is left for updates") {
		t.Errorf("%v", err)
	}
}

func TestOffloadNeedsRequestsFromTheSites(t *testing.T) {
	_, err := Load("edge-cameras", []string{"edge.requests=wan"})
	var inv *Invalid
	if !errors.As(err, &inv) || inv.Problems[0].Key != "edge.offload" {
		t.Errorf("%v", err)
	}
}
