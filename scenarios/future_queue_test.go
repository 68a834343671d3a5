package scenarios

import (
	"os"
	"path/filepath"
	"regexp"
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
	// Limits, partitions and elasticity.
	if q := play("queue.batch.max_gpus=16"); q.Classes[3].Jobs != 0 || q.Classes[2].Jobs == 0 {
		t.Errorf("%d jobs of more than 64 GPUs where 16 may be asked for", q.Classes[3].Jobs)
	}
	if q := play("queue.batch.kill_at_limit=true", "queue.batch.max_wall=1h"); q.Killed == 0 || q.Utilisation >= base.Utilisation {
		t.Errorf("%d jobs of more than an hour were ended", q.Killed)
	}
	few := play("queue.batch.partition=[{id='vision', nodes=4}]", "queue.batch.tenant.vision.partition=vision")
	if few.Outcome.Tenants[1].WaitMeanSec <= base.Outcome.Tenants[1].WaitMeanSec {
		t.Errorf("vision waits %.0f s on 4 nodes and %.0f s on all", few.Outcome.Tenants[1].WaitMeanSec, base.Outcome.Tenants[1].WaitMeanSec)
	}
	low := play("queue.batch.qos=[{id='low', group_gpus=32}]", "queue.batch.tenant.vision.qos=low")
	if low.Outcome.Tenants[1].WaitMeanSec <= base.Outcome.Tenants[1].WaitMeanSec {
		t.Errorf("vision waits %.0f s with 32 GPUs and %.0f s with all", low.Outcome.Tenants[1].WaitMeanSec, base.Outcome.Tenants[1].WaitMeanSec)
	}
	if q := play("queue.batch.tenant.language.elastic=0.125"); q.Resizes == 0 || q.Outcome.Tenants[2].WaitMeanSec >= base.Outcome.Tenants[2].WaitMeanSec {
		t.Errorf("elastic jobs change %d times and wait %.0f s, fixed ones %.0f s", q.Resizes, q.Outcome.Tenants[2].WaitMeanSec, base.Outcome.Tenants[2].WaitMeanSec)
	}
	small := play("queue.batch.order=multifactor", "queue.batch.weights={age=1}")
	if large := play("queue.batch.order=multifactor", "queue.batch.weights={age=1, size=100}"); large.Classes[2].WaitMeanSec >= small.Classes[2].WaitMeanSec {
		t.Errorf("large jobs wait %.0f s with the weight of their size and %.0f s without", large.Classes[2].WaitMeanSec, small.Classes[2].WaitMeanSec)
	}
	if q := play("faults.node_failures_per_1000_node_days=200"); q.Failures <= base.Failures {
		t.Errorf("%d failures, %d at a fiftieth of the rate", q.Failures, base.Failures)
	}
}

func TestQueueThatNeverDrains(t *testing.T) {
	for set, want := range map[string]string{
		"queue.batch.generator.load=1.3":                      "never drains",
		"queue.batch.preempt=true":                            `order = "priority"`,
		"queue.batch.order=multifactor":                       "weighted sum",
		"queue.batch.weights={age=1}":                         `order = "multifactor"`,
		"queue.batch.tenant.vision.qos=gold":                  "no such quality",
		"queue.batch.tenant.vision.partition=p":               "no such partition",
		"queue.batch.partition=[{id='p', first=39, nodes=9}]": "fewer nodes",
		"queue.batch.tenant.vision.cohort=''":                 "cohort",
	} {
		_, err := Load("research-and-production", []string{set})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", set, err, want)
		}
	}
}

// Nothing fails in a scenario without [faults]; its queues run all the same.
func TestQueueWithoutFaults(t *testing.T) {
	text, err := BuiltinText("slurm-partitions")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "q.toml")
	if err := os.WriteFile(file, regexp.MustCompile(`(?m)^\[faults\]\n(.+\n)*`).ReplaceAll(text, nil), 0o644); err != nil {
		t.Fatal(err)
	}
	sc, err := Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if sc.Faults != nil {
		t.Fatal("the scenario still has faults")
	}
	if _, err := Assemble(sc, Options{}); err != nil {
		t.Error(err)
	}
}
