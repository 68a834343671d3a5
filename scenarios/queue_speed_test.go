package scenarios

import (
	"strings"
	"testing"
)

const trainingQueue = `
version = 1
name    = "training and a queue"
[cluster]
server = "dgx-h100"
nodes  = 34
[cluster.fabric]
topology         = "fat-tree"
levels           = 2
switch           = "qm9700-ndr"
oversubscription = [4.0]
[[workload]]
id          = "tune"
kind        = "training"
model       = "llama3.1-8b"
nodes       = 2
parallelism = { tensor = 1 }
batch       = { global = 128, micro = 1, sequence = 8192 }
zero        = 3
duration    = "1 d"
[[queue]]
id         = "batch"
leaf_nodes = 16
jobs_like  = "tune"
generator  = { kind = "gavel-multi", load = 0.9, duration = "20 d", scale = 2 }
`

// The speed of spread jobs follows from the fabric: links above the leaves that are four times
// too few slow them, those that suffice hardly, more neighbours more.
func TestQueueSpeedFollowsFromTheFabric(t *testing.T) {
	play := func(set ...string) PlayedQueue {
		t.Helper()
		sc, err := Parse("queue.toml", []byte(trainingQueue), set)
		if err != nil {
			t.Fatal(err)
		}
		w, err := Assemble(sc, Options{})
		if err != nil {
			t.Fatal(err)
		}
		f, err := w.NewBench().Sample(0).PlayCluster(nil)
		if err != nil {
			t.Fatal(err)
		}
		q, err := f.Queues(1)
		if err != nil {
			t.Fatal(err)
		}
		return q[0]
	}
	thin, wide := play(), play("cluster.fabric.oversubscription=[1.0]")
	if thin.Spread[0] != 1 || thin.Spread[1] != 1 || thin.Spread[2] >= 0.97 || thin.Spread[2] >= wide.Spread[2]-0.02 {
		t.Errorf("speeds %v where four ports share one uplink, %v where each has its own", thin.Spread, wide.Spread)
	}
	if alone := play("queue.batch.neighbours=0"); alone.Spread[2] <= thin.Spread[2] {
		t.Errorf("speeds %v without neighbours, %v with", alone.Spread, thin.Spread)
	}
	t.Logf("thin %v, wide %v", thin.Spread, wide.Spread)
}

func TestQueueJobsRefused(t *testing.T) {
	for set, want := range map[string]string{
		"queue.batch.jobs_like=nobody":           "no workload of that id",
		"queue.batch.speed=[1.0,1.0,0.9,0.9]":    "follows from jobs_like",
		"queue.batch.mig='1g.10gb'":              "train over the fabric",
		"workload.tune.kind='serving'":           "",
		"queue.batch.neighbours=2":               "0 to 1",
		"queue.batch.tenant=[{id='a', qos='x'}]": "no such quality",
	} {
		_, err := Parse("queue.toml", []byte(trainingQueue), []string{set})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", set, err, want)
		}
	}
}

// Instances multiply what jobs can hold; what a chip cannot be cut into is refused.
func TestMIGInstances(t *testing.T) {
	for _, x := range []struct {
		chip, profile string
		want          int
	}{{"nvidia-h100-sxm", "1g.10gb", 7}, {"nvidia-a100-sxm-40", "3g.20gb", 2}, {"nvidia-a100-sxm-80", "2g.20gb", 3}, {"nvidia-h200-sxm", "1g.18gb", 7}} {
		if n, err := migInstances(x.chip, x.profile); err != nil || n != x.want {
			t.Errorf("%s %s: %d (%v), want %d", x.chip, x.profile, n, err, x.want)
		}
	}
	for chip, profile := range map[string]string{"nvidia-h100-sxm": "9g.90gb", "amd-mi300x": "1g.10gb", "nvidia-v100-sxm-32": "1g.5gb"} {
		if _, err := migInstances(chip, profile); err == nil {
			t.Errorf("%s is cut into %s", chip, profile)
		}
	}
	text := strings.Replace(strings.Replace(trainingQueue, "jobs_like  = \"tune\"", "mig = \"1g.10gb\"", 1), "scale = 2", "scale = 1", 1)
	sc, err := Parse("queue.toml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := Assemble(sc, Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := w.NewBench().Sample(0).PlayCluster(nil)
	if err != nil {
		t.Fatal(err)
	}
	q, err := f.Queues(1)
	if err != nil {
		t.Fatal(err)
	}
	if q[0].PerNode != 56 || q[0].PoolGPUs != 32*56 {
		t.Errorf("%d instances a node, %d in all", q[0].PerNode, q[0].PoolGPUs)
	}
}
