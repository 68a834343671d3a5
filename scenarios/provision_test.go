package scenarios

import (
	"math"
	"strings"
	"testing"

	"aisim/cluster"
)

// Training begins when the last node has its image: 12 GB on each of 64 nodes through
// 10 Gb/s are 614 s, on one node at 50 MB/s 240 s.
func TestProvisionStartsTraining(t *testing.T) {
	start := func(sets ...string) float64 {
		t.Helper()
		sets = append([]string{"cluster.nodes=64", "workload.pretrain.parallelism={tensor=8,pipeline=16}", "workload.pretrain.batch.global=64", "storage.checkpoints.nodes=8"}, sets...)
		sc, err := Load("llama3-405b-16k-h100", sets)
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
		return f.Campaign[0].Losses[cluster.Starting]
	}
	there := start()
	base := []string{`provision={boot="100 s"}`}
	for _, c := range []struct {
		sets []string
		want float64
	}{
		{base, 2 + 100 + 1.94 + 64*12e9/1.25e9},
		{append(base, `provision.registry="1 Tb/s"`), 2 + 100 + 1.94 + 240},
		{append(base, `provision.registry="1 Tb/s"`, `provision.unpack="100 MB/s"`), 2 + 100 + 1.94 + 120},
		{append(base, `provision.image="0 B"`, `provision.capacity_wait="1 h"`, `provision.driver="3 min"`, `provision.request="5 s"`, `provision.start="0 s"`), 3600 + 180 + 5 + 100},
	} {
		if got := start(c.sets...) - there; math.Abs(got-c.want) > 1e-3 {
			t.Errorf("%v: training begins %g s later, want %g", c.sets, got, c.want)
		}
	}
}

// Instances that are taken away come back through the same chain, and a warning saves work.
func TestProvisionReplacesTakenInstances(t *testing.T) {
	play := func(sets ...string) *cluster.TrainingOutcome {
		t.Helper()
		sets = append([]string{"replicas=1", `economics.rent={instance="azure-nd96amsr-a100-v4",purchase="spot",price="10 USD/h",interruptions="0.002/h"}`}, sets...)
		sc, err := Load("gpt3-175b-1024-a100", sets)
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
		return f.Campaign[0]
	}
	there := play("faults.spares=0", "faults.repair=0 s")
	far := play("faults.spares=0", "faults.repair=0 s", `provision={capacity_wait="2 h"}`)
	if there.Failures[cluster.FaultTaken] == 0 || there.Losses[cluster.AwaitingRepair] > 1 || far.Losses[cluster.AwaitingRepair] < 3600 {
		t.Errorf("%d instances taken: waiting %g s where others stand by, %g s where they take two hours", there.Failures[cluster.FaultTaken], there.Losses[cluster.AwaitingRepair], far.Losses[cluster.AwaitingRepair])
	}
	if warned := play(`economics.rent.notice="1 h"`); warned.Losses[cluster.Rework] >= there.Losses[cluster.Rework] || warned.Drained == 0 {
		t.Errorf("with an hour's warning %g s are done again, %g without", warned.Losses[cluster.Rework], there.Losses[cluster.Rework])
	}
}

// A queue that rents its nodes waits for them, and gives most of them back.
func TestQueueRentsNodes(t *testing.T) {
	play := func(sets ...string) PlayedQueue {
		t.Helper()
		f := playFuture(t, "research-and-production", append([]string{"queue.batch.generator.duration=20d", "queue.batch.generator.load=0.2", "queue.batch.window=[]"}, sets...)...)
		q, err := f.Queues(1)
		if err != nil {
			t.Fatal(err)
		}
		return q[0]
	}
	all := play()
	rented := []string{"provision={}", "queue.batch.autoscale={}"}
	some := play(rented...)
	if some.WaitMeanSec <= all.WaitMeanSec+60 || some.Use.Off < 0.3*some.Use.Capacity || some.NodeStarts == 0 {
		t.Errorf("waits of %g s with all nodes, %g s with rented ones; %g of the GPU time not rented", all.WaitMeanSec, some.WaitMeanSec, some.Use.Off/some.Use.Capacity)
	}
	for _, c := range []struct {
		set    string
		more   bool
		figure func(PlayedQueue) float64
	}{
		{"queue.batch.autoscale.idle=4 h", false, func(q PlayedQueue) float64 { return q.Use.Off }},
		{"queue.batch.autoscale.min=16", false, func(q PlayedQueue) float64 { return q.Use.Off }},
		{"queue.batch.autoscale.interval=30 min", true, func(q PlayedQueue) float64 { return q.WaitMeanSec }},
		{`queue.batch.autoscale.mode="event"`, false, func(q PlayedQueue) float64 { return q.WaitMeanSec }},
		{"provision.boot=1 h", true, func(q PlayedQueue) float64 { return q.WaitMeanSec }},
	} {
		if got, was := c.figure(play(append(rented, c.set)...)), c.figure(some); got == was || (got > was) != c.more {
			t.Errorf("%s: from %g to %g, want more: %v", c.set, was, got, c.more)
		}
	}
	if _, err := Load("research-and-production", []string{"queue.batch.autoscale={}"}); err == nil || !strings.Contains(err.Error(), "[provision]") {
		t.Errorf("rented nodes that come up from nowhere: %v", err)
	}
}
