package scenarios

import (
	"strings"
	"testing"
)

// Each knob moves the waits or the shares the way it should.
func TestQueueKnobs(t *testing.T) {
	play := func(set ...string) PlayedQueue {
		t.Helper()
		sc, err := Load("research-and-production", append([]string{"queue.batch.generator.duration=40d"}, set...))
		if err != nil {
			t.Fatal(err)
		}
		w, err := Assemble(sc, Options{})
		if err != nil {
			t.Fatal(err)
		}
		f, err := w.NewBench().Sample(0).Play(nil)
		if err != nil {
			t.Fatal(err)
		}
		q, err := f.Queues(1)
		if err != nil {
			t.Fatal(err)
		}
		return q[0]
	}
	base := play()
	if base.PoolGPUs != 256 || base.Jobs < 500 || len(base.Outcome.Tenants) != 3 {
		t.Fatalf("%d GPUs, %d jobs, %d tenants", base.PoolGPUs, base.Jobs, len(base.Outcome.Tenants))
	}
	if q := play("queue.batch.backfill=none", "queue.batch.order=fifo"); q.WaitMeanSec <= base.WaitMeanSec {
		t.Errorf("without backfill a job waits %.0f s, with it %.0f s", q.WaitMeanSec, base.WaitMeanSec)
	}
	if q := play("queue.batch.nodes=16"); q.Busy <= base.Busy && q.WaitMeanSec <= base.WaitMeanSec {
		t.Errorf("half the nodes: %.3f busy, %.0f s", q.Busy, q.WaitMeanSec)
	}
	if q := play("queue.batch.restart=2h"); q.Use.Restart <= base.Use.Restart {
		t.Errorf("longer restarts take %.0f GPU-s, shorter ones %.0f", q.Use.Restart, base.Use.Restart)
	}
	if q := play("faults.node_failures_per_1000_node_days=200"); q.Failures <= base.Failures {
		t.Errorf("%d failures, %d at a fiftieth of the rate", q.Failures, base.Failures)
	}
}

func TestQueueThatNeverDrains(t *testing.T) {
	for set, want := range map[string]string{
		"queue.batch.generator.load=1.3":      "never drains",
		"queue.batch.preempt=true":            `order = "priority"`,
		"queue.batch.tenant.vision.cohort=''": "cohort",
	} {
		_, err := Load("research-and-production", []string{set})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", set, err, want)
		}
	}
}
