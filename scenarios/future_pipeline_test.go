package scenarios

import (
	"strings"
	"testing"
)

func playedPipeline(t *testing.T, sets ...string) PlayedPipeline {
	t.Helper()
	p, err := playedFuture(t, "hospital-group", append([]string{"workload.ask.duration=10 s", "workload.train.duration=1 d"}, sets...)...).Pipelines()
	if err != nil {
		t.Fatal(err)
	}
	return p[0]
}

// Every knob of a pipeline moves what it should, in its direction.
func TestPipelineKnobs(t *testing.T) {
	base := playedPipeline(t)
	stage := func(p PlayedPipeline, i int) float64 { return p.Spans[i].End - p.Spans[i].Start }
	run := func(p PlayedPipeline) float64 { return p.Seconds }
	ingest := func(p PlayedPipeline) float64 { return stage(p, 0) }
	interval := func(p PlayedPipeline) float64 { return p.IntervalSec }
	canary := func(p PlayedPipeline) float64 { return p.CanarySec }
	for _, c := range []struct {
		set    string
		more   bool
		figure func(PlayedPipeline) float64
	}{
		{"pipeline.retrain.nodes=3", true, ingest},
		{"pipeline.retrain.cores=112", false, ingest},
		{"pipeline.retrain.straggler=1", true, ingest},
		{"pipeline.retrain.engine=beam", true, ingest},
		{"storage.records.cores=2", true, ingest},
		{"pipeline.retrain.partition=10 GB", true, ingest},
		{"workload.train.duration=2 d", true, run},
		{"pipeline.retrain.every=7 d", false, interval},
		{"pipeline.retrain.drift={per_day=0.001}", true, interval},
		{"pipeline.retrain.canary.hold=10 h", true, canary},
		{"pipeline.retrain.canary.finds=0.011", true, canary},
		{"workload.ask.arrivals.rate=10/s", true, canary},
	} {
		got, was := c.figure(playedPipeline(t, c.set)), c.figure(base)
		if got == was || (got > was) != c.more {
			t.Errorf("%s: from %g to %g, want more: %v", c.set, was, got, c.more)
		}
	}
	if a, b := playedPipeline(t).Seconds, base.Seconds; a != b {
		t.Errorf("the same seed gives %g and %g", a, b)
	}
}

func TestPipelinesThatPileUp(t *testing.T) {
	sc, err := Load("hospital-group", []string{"pipeline.retrain.every=2 d"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = Assemble(sc, Options{}); err == nil || !strings.Contains(err.Error(), "runs pile up") {
		t.Errorf("%v", err)
	}
}
