package scenarios

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSet(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace.csv")
	if err := os.WriteFile(trace, []byte("TIMESTAMP,ContextTokens,GeneratedTokens\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const train, serve = "llama3-405b-16k-h100", "llama3-70b-serving"
	for _, c := range []struct {
		builtin string
		sets    []string
		check   func(*Scenario) bool
	}{
		{serve, []string{"cluster.nodes=16"}, func(sc *Scenario) bool { return sc.Cluster.Nodes == 16 }},
		{train, []string{"cluster.fabric.oversubscription=[1.0, 3.5]"}, func(sc *Scenario) bool { return sc.Cluster.Fabric.Oversubscription[1] == 3.5 }},
		{train, []string{"economics.electricity=0.05 USD/kWh"}, func(sc *Scenario) bool { return sc.Economics.USDPerKWh == 0.05 }},
		{train, []string{`economics.electricity="0.05 USD/kWh"`}, func(sc *Scenario) bool { return sc.Economics.USDPerKWh == 0.05 }},
		{train, []string{"economics.cost_of_capital=7 %"}, func(sc *Scenario) bool { return sc.Economics.CostOfCapital == 0.07 }},
		{train, []string{"economics.pue=1.1"}, func(sc *Scenario) bool { return sc.Economics.PUE == 1.1 }},
		{train, []string{"name=another name"}, func(sc *Scenario) bool { return sc.Name == "another name" }},
		{train, []string{"workload.pretrain.batch.global=4096"}, func(sc *Scenario) bool { return sc.Workloads[0].Batch.Global == 4096 }},
		{train, []string{"workload.pretrain.steps=100"}, func(sc *Scenario) bool {
			return *sc.Workloads[0].Steps == 100 && sc.Workloads[0].DurationSec == nil
		}},
		{train, []string{"workload.pretrain.checkpoint.every=1 h"}, func(sc *Scenario) bool {
			return !sc.Workloads[0].Checkpoint.Every.Auto && sc.Workloads[0].Checkpoint.Every.Sec == 3600
		}},
		{train, []string{"workload.pretrain.parallelism={tensor=8,pipeline=8}"}, func(sc *Scenario) bool {
			return sc.Workloads[0].Parallelism.Pipeline == 8 && sc.Workloads[0].Parallelism.Virtual == 1
		}},
		{train, []string{"storage.checkpoints.drives.per_node=24"}, func(sc *Scenario) bool { return sc.Storage[0].Drives.PerNode == 24 }},
		{train, []string{"storage.checkpoints.nics={count=4,speed=\"400 Gb/s\"}"}, func(sc *Scenario) bool { return sc.Storage[0].NICs.BytesPerSec == 50e9 }},
		{train, []string{"cluster.override.nic=800 Gb/s"}, func(sc *Scenario) bool { return *sc.Cluster.Override.NICBytesPerSec == 100e9 }},
		{train, []string{`cluster.fabric.failed_links=["leaf-3:spine-2"]`}, func(sc *Scenario) bool { return len(sc.Cluster.Fabric.FailedLinks) == 1 }},
		{train, []string{"economics.mode=rent", "economics.rent.instance=azure-nd96isr-h100-v5"}, func(sc *Scenario) bool { return sc.Economics.Rent != nil }},
		{train, []string{"faults.components.gpu=5"}, func(sc *Scenario) bool {
			return sc.Faults.Components.GPU == 5 && *sc.Faults.NodeFailuresPer1000NodeDays == 5
		}},
		{serve, []string{"workload.chat.trace=" + trace, "workload.chat.rescale=2"}, func(sc *Scenario) bool {
			return sc.Workloads[0].Trace == trace && sc.Workloads[0].Arrivals == nil && sc.Workloads[0].Rescale == 2
		}},
		{serve, []string{"workload.chat.arrivals.rate=30/s"}, func(sc *Scenario) bool { return *sc.Workloads[0].Arrivals.RequestsPerSec == 30 }},
		{serve, []string{"seed=7", "seed=8"}, func(sc *Scenario) bool { return sc.Seed == 8 }},
	} {
		sc, err := Load(c.builtin, c.sets)
		if err != nil {
			t.Errorf("%v:\n%s", c.sets, err)
			continue
		}
		if !c.check(sc) {
			t.Errorf("%v changed nothing", c.sets)
		}
		key, _, _ := strings.Cut(c.sets[0], "=")
		if !sc.IsSet(key) {
			t.Errorf("%s does not count as set", key)
		}
		plain, err := Load(c.builtin, nil)
		if err != nil || plain.SHA256() == sc.SHA256() {
			t.Errorf("%v leaves the digest as it was", c.sets)
		}
	}
}

func TestSetProblems(t *testing.T) {
	var b strings.Builder
	for _, set := range []string{
		"cluster.nodes",
		"=4",
		"cluster.nodes=many",
		"cluster.nodes=-4",
		"cluster.nodse=4",
		"clutser.nodes=4",
		"workload.pretain.steps=1",
		"workload.pretrain=1",
		"workload.pretrain.stpes=1",
		"workload=1",
		"storage.checkpoints.nodes=[",
		"name.first=x",
		"cluster.fabric.oversubscription=7",
		"economics.electricity=0.05",
		"economics.electricity=0.05 EUR/kWh",
		"workload.pretrain.trace=x.csv",
		"workload.pretrain.model=llama9",
		"cluster.nodes=4\nserver=\"x\"",
	} {
		_, err := Load("llama3-405b-16k-h100", []string{set})
		if err == nil {
			t.Errorf("%q is taken", set)
			continue
		}
		b.WriteString(err.Error() + "\n")
	}
	golden(t, "testdata/set.txt", b.String())
}
