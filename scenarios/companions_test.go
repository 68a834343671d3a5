package scenarios

import (
	"math"
	"strings"
	"testing"
)

const several = `
version = 1
name = "several"
[cluster]
server = "dgx-h100"
nodes = 2
[cluster.fabric]
switch = "qm9700-ndr"
[[workload]]
id = "big"
kind = "serving"
model = "llama3.1-70b"
parallelism = { tensor = 4 }
replicas = 2
memory_fraction = 0.6
arrivals = { process = "azure-conv", rate = "2/s" }
duration = "60 s"
slo = { ttft = "1 s" }
[[workload]]
id = "code"
kind = "serving"
model = "llama3.1-70b"
precision = "fp8"
parallelism = { tensor = 4 }
with = "big"
share = 1
memory_fraction = 0.39
arrivals = { process = "azure-conv", rate = "2/s" }
duration = "60 s"
slo = { ttft = "1 s" }
[[workload]]
id = "small"
kind = "serving"
model = "llama3.1-8b"
with = "big"
replicas = 3
arrivals = { process = "azure-conv", rate = "2/s" }
duration = "60 s"
slo = { ttft = "1 s" }
`

// Several models on the same nodes: chips of their own where they are given none of another's, a
// replica within a node, turns where they share; cost divided by what they hold.
func TestSeveralModelsOnNodes(t *testing.T) {
	f := playPapers(t, several)
	w := f.World
	for i, want := range []string{
		"2 × tensor 4 × pipeline 1 on accelerators 0–7 of node 0, in turns with code",
		"2 × tensor 4 × pipeline 1 on accelerators 0–7 of node 0, in turns with big",
		"3 × tensor 1 × pipeline 1 on accelerators 0–2 of node 1",
	} {
		if got := w.Where(i); got != want {
			t.Errorf("%s stands at %q, want %q", w.Placed[i].ID, got, want)
		}
	}
	if a, b, c := w.Placed[0].Bear, w.Placed[1].Bear, w.Placed[2].Bear; a != 4 || b != 4 || c != 3 {
		t.Errorf("they bear %v, %v and %v accelerators", a, b, c)
	}
	for r := range 2 { // steps never run at once
		if busy := f.Served[0].Replicas[r].BusySec + f.Served[1].Replicas[r].BusySec; busy > math.Max(f.Served[0].EndSec, f.Served[1].EndSec)-math.Min(f.Served[0].StartSec, f.Served[1].StartSec)+1e-6 {
			t.Errorf("the chips of replica %d work %v s", r, busy)
		}
	}
	apart := playPapers(t, several, "workload.code.replicas=1", "workload.code.arrivals.rate=0.01/s")
	if o, p := f.Served[0], apart.Served[0]; !(o.TPOT.Mean > 1.1*p.TPOT.Mean) {
		t.Errorf("beside a busy neighbour %v s per token, beside a quiet one %v s", o.TPOT.Mean, p.TPOT.Mean)
	}
	more := playPapers(t, several, "workload.code.share=9")
	if o, p := more.Served[1], f.Served[1]; !(o.TPOT.Mean < p.TPOT.Mean) || !(more.Served[0].TPOT.Mean > f.Served[0].TPOT.Mean) {
		t.Errorf("nine times the share: %v s per token, before %v s", o.TPOT.Mean, p.TPOT.Mean)
	}
	// Failures of the nodes are the host's, and all on them are hit.
	broken := playPapers(t, strings.ReplaceAll(several, "duration = \"60 s\"", "duration = \"30 min\"")+"[faults]\nnode_failures_per_1000_node_days = 100000\nrecovery = \"5 s\"\ndetection = \"1 s\"\nrepair = \"1 min\"\n")
	if broken.Fleet[0].Failures == 0 || broken.Fleet[1].Failures != 0 || broken.Served[1].Retried == 0 || broken.Served[0].Retried == 0 {
		t.Errorf("%d and %d failures, %d and %d requests sent again", broken.Fleet[0].Failures, broken.Fleet[1].Failures, broken.Served[0].Retried, broken.Served[1].Retried)
	}
}

func TestSeveralModelsRefused(t *testing.T) {
	for _, x := range []struct {
		set  []string
		want string
	}{
		{[]string{"workload.small.replicas=9"}, "16 accelerators on 2 nodes of 8: big takes 2 × tensor 4 × pipeline 1; small asks for 9"},
		{[]string{"workload.big.replicas=4"}, "there is room for 0"},
		{[]string{"workload.code.memory_fraction=0.5"}, "big 0.6 + code 0.5 of their memory, 1.1 together"},
		{[]string{"workload.code.parallelism.tensor=2"}, "not cut over as many chips"},
		{[]string{"workload.code.replicas=3"}, "each stands on the chips of one of big"},
		{[]string{`workload.small.with="code"`}, "stands on the nodes of big itself"},
		{[]string{`workload.small.with="none"`}, "there is no such service"},
		{[]string{"workload.small.nodes=1"}, "the nodes are those of big"},
		{[]string{"workload.code.autoscale={target=8}"}, "autoscaling on shared chips is not modelled"},
		{[]string{"workload.code.memory_fraction=0.1"}, "does not fit"},
	} {
		if _, err := futureOf(t, several, x.set...); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v: expected %q, got %v", x.set, x.want, err)
		}
	}
	lone := several[:strings.Index(several, `[[workload]]
id = "code"`)]
	if _, err := futureOf(t, lone, "workload.big.share=2"); err == nil || !strings.Contains(err.Error(), "changes nothing") {
		t.Errorf("a share of chips that nobody shares: %v", err)
	}
}

// Two models that do not fit together hold the accelerators in turns, their weights over the host
// links between.
func TestSwappedModels(t *testing.T) {
	set := []string{"workload.big.memory_fraction=0.9", "workload.code.memory_fraction=0.9", "workload.code.swap=20 s", "workload.code.arrivals.rate=0.05/s"}
	f := playPapers(t, several, set...)
	for i := range 2 {
		p := f.Service(i)
		if want := f.Services[i].Memory.Weights / f.Device.HostBytesPerSec; p.Swap.Sec != want || p.Swap.PatienceSec != 20 || !(want > 0.2 && want < 3) || p.Neighbours[0].SwapSec == 0 {
			t.Errorf("%s comes in %v s, %v s by hand, after %v s", f.World.Placed[i].ID, p.Swap.Sec, want, p.Swap.PatienceSec)
		}
		if o := f.Served[i]; o.Completed != o.Requests {
			t.Errorf("%d of %d answered", o.Completed, o.Requests)
		}
	}
	if rare, often := f.Served[1].TTFT.Mean, playPapers(t, several, append(set, "workload.code.swap=2 s")...).Served[1].TTFT.Mean; !(often < rare) || rare < 2 {
		t.Errorf("the rare model answers after %v s with patience of 20 s, %v s with 2 s", rare, often)
	}
	for _, x := range []struct {
		set  []string
		want string
	}{
		{[]string{"workload.big.swap=3 s"}, "changes nothing"},
		{[]string{"workload.code.swap=3 s", "cluster.override.host_memory=100 GB"}, "a node's memory keeps are big"},
	} {
		if _, err := futureOf(t, several, x.set...); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v: expected %q, got %v", x.set, x.want, err)
		}
	}
}
