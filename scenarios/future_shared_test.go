package scenarios

import (
	"math"
	"testing"

	"aisim/cluster"
)

// A pipeline that shares the machine slows the training's checkpoints, and is slowed by
// them; more of it slows more.
func TestPipelinesShareTheStore(t *testing.T) {
	play := func(sets ...string) *Future {
		t.Helper()
		return playFuture(t, "hospital-group", append([]string{"workload.ask.duration=10 s", "workload.train.duration=10 d",
			`pipeline=[{id="features",store="records",every="6 h",stage=[{id="scan",read="20 TB"},{id="keep",after=["scan"],write="2 TB",read="1 GB"}]}]`}, sets...)...)
	}
	alone, beside := play(), play(`pipeline.features.shares=true`)
	a, err := alone.Pipelines()
	if err != nil {
		t.Fatal(err)
	}
	b, err := beside.Pipelines()
	if err != nil {
		t.Fatal(err)
	}
	if b[0].Seconds < a[0].Seconds || b[0].Pool.ReadBytesPerSec > a[0].Pool.ReadBytesPerSec {
		t.Errorf("a run takes %g s alone and %g s beside the workloads", a[0].Seconds, b[0].Seconds)
	}
	runs := 0
	for i, c := range beside.chores {
		if c.pipeline == "features" {
			runs = beside.Outcome.Periodic[i].Runs
		}
	}
	if runs < 30 || len(alone.chores) >= len(beside.chores) {
		t.Errorf("%d runs in ten days", runs)
	}
	var x, y *cluster.TrainingOutcome
	for i := range alone.Campaign {
		if alone.Campaign[i] != nil {
			x, y = alone.Campaign[i], beside.Campaign[i]
		}
	}
	if y.Losses[cluster.Useful] >= x.Losses[cluster.Useful] {
		t.Errorf("training does %g s of work alone and %g s beside the pipeline", x.Losses[cluster.Useful], y.Losses[cluster.Useful])
	}
}

// A stage that is a job of a queue waits with the others: on an idle queue it takes its time,
// on a full one longer, and the others wait for it.
func TestPipelineStagesInQueues(t *testing.T) {
	stage := `pipeline=[{id="nightly",store="none",every="1 d",stage=[{id="tune",time="2 h",queue="batch",gpus=64}]}]`
	store := `storage=[{id="none",kind="object",bandwidth="1 GB/s"}]`
	play := func(sets ...string) (*Future, float64, PlayedQueue) {
		t.Helper()
		f := playFuture(t, "research-and-production", append([]string{"queue.batch.generator.duration=40d", store, stage}, sets...)...)
		p, err := f.Pipelines()
		if err != nil {
			t.Fatal(err)
		}
		q, err := f.Queues(f.Sample.seed)
		if err != nil {
			t.Fatal(err)
		}
		return f, p[0].Seconds, q[0]
	}
	_, quiet, _ := play("queue.batch.generator.load=0.02", "faults.node_failures_per_1000_node_days=0.001")
	if math.Abs(quiet-15-7200) > 500 { // a checkpoint every so often
		t.Errorf("on an idle queue the run takes %g s, want two hours and the engine's start", quiet)
	}
	_, busy, q := play("queue.batch.generator.load=0.9")
	if busy <= quiet+60 || q.Stages[0].Jobs < 35 {
		t.Errorf("on a full queue %g s, on an idle one %g; %d jobs", busy, quiet, q.Stages[0].Jobs)
	}
	f := playFuture(t, "research-and-production", "queue.batch.generator.duration=40d", "queue.batch.generator.load=0.9")
	without, err := f.Queues(f.Sample.seed)
	if err != nil {
		t.Fatal(err)
	}
	if q.GPUSec <= without[0].GPUSec {
		t.Errorf("GPU-seconds %g with the stage, %g without", q.GPUSec, without[0].GPUSec)
	}
}

// Scans for records to erase read the whole set as often as they say.
func TestErasureScansAreScheduled(t *testing.T) {
	f := playFuture(t, "hospital-group", "workload.ask.duration=10 s", "workload.train.duration=20 d", "pipeline.retrain.every=60 d")
	scans := f.ErasureScans()
	if len(scans) == 0 {
		t.Fatal("no data set is scanned")
	}
	s := scans[0]
	if s.Runs < int(20*day/s.EverySec)-1 || s.MeanSec <= 0 || s.Bytes <= 0 {
		t.Errorf("%+v", s)
	}
}
