package scenarios

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aisim/hardware"
)

const papers = `
version = 1
name = "papers"
[cluster]
server = "dgx-h100"
nodes = 3
[cluster.fabric]
switch = "qm9700-ndr"
[[workload]]
id = "read"
kind = "serving"
model = "llama3.1-70b"
precision = "fp8"
parallelism = { tensor = 4 }
arrivals = { process = "poisson", rate = "6/s", prompt = { mean = 4000, cv = 0.5 }, output = { mean = 100, cv = 0.5 } }
duration = "60 s"
slo = { ttft = "2 s" }
`

func futureOf(t *testing.T, text string, set ...string) (*Future, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sc, err := Load(path, set)
	if err != nil {
		return nil, err
	}
	w, err := Assemble(sc, Options{Untried: true})
	if err != nil {
		return nil, err
	}
	return w.NewBench().Sample(0).Play(nil)
}

func playPapers(t *testing.T, text string, set ...string) *Future {
	t.Helper()
	f, err := futureOf(t, text, set...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Each key of the pool for prompts moves what it should.
func TestPrefillKeys(t *testing.T) {
	alike := playPapers(t, papers)
	if playPapers(t, papers, "workload.read.prefill.nodes=0").Served[0].E2E.Mean != alike.Served[0].E2E.Mean {
		t.Error("a pool without nodes is not the service without one")
	}
	one := playPapers(t, papers, "workload.read.prefill.nodes=1")
	if o := one.Served[0]; o.Prefill.Workers != 2 || len(o.Replicas) != 6 || o.TPOT.P99 >= alike.Served[0].TPOT.P99 || o.Completed != o.Requests {
		t.Errorf("a node of three for prompts: %d workers of %d, %d of %d served, %v s per token at p99, %v before", o.Prefill.Workers, len(o.Replicas), o.Completed, o.Requests, o.TPOT.P99, alike.Served[0].TPOT.P99)
	}
	for _, x := range []struct {
		set   []string
		what  string
		moved func(f *Future) bool
	}{
		{[]string{"nodes=2"}, "two nodes answer sooner", func(f *Future) bool { return f.Served[0].TTFT.P99 < one.Served[0].TTFT.P99 }},
		{[]string{"replicas=1"}, "one worker is busier", func(f *Future) bool {
			return f.Served[0].Prefill.Utilisation > 1.6*one.Served[0].Prefill.Utilisation && f.World.Placed[0].Prefill.Nodes == 1
		}},
		{[]string{"nodes=1", "tensor=8"}, "one worker of eight chips is quicker with one prompt", func(f *Future) bool { return f.Served[0].TTFT.P10 < one.Served[0].TTFT.P10 }},
		{[]string{"nodes=1", "tensor=2", "pipeline=2"}, "stages", func(f *Future) bool { return f.Served[0].TTFT.P50 != one.Served[0].TTFT.P50 }},
		{[]string{"nodes=1", "max_batch=1"}, "one prompt a step", func(f *Future) bool { return f.Served[0].TTFT.P99 != one.Served[0].TTFT.P99 }},
		{[]string{"nodes=1", "token_budget=1024"}, "small steps take longer", func(f *Future) bool { return f.Served[0].TTFT.P50 > one.Served[0].TTFT.P50 }},
		{[]string{"nodes=1", "memory_fraction=0.5"}, "less cache", func(f *Future) bool {
			return f.Services[0].Prefill.Memory.Blocks < one.Services[0].Prefill.Memory.Blocks/2
		}},
		{[]string{"nodes=1", "first_token=\"worker\""}, "clients see the first token before the cache moves", func(f *Future) bool {
			return f.Served[0].TTFT.P50 < one.Served[0].TTFT.P50 && f.Served[0].E2E.P50 == one.Served[0].E2E.P50
		}},
		{[]string{"nodes=1", "transfer=\"layer\""}, "caches leave while they are made", func(f *Future) bool {
			return f.Served[0].MoveSec < 0.5*one.Served[0].MoveSec && f.Served[0].TTFT.P50 < one.Served[0].TTFT.P50
		}},
		{[]string{"nodes=1", "server=\"dgx-h200\""}, "another chip, besides the three nodes", func(f *Future) bool {
			return f.Pools[0].ID == "nvidia-h200-sxm" && f.World.Chips() == 32 && f.Services[0].Config.Replicas == 6 && f.Services[0].Prefill.Memory.Blocks > one.Services[0].Prefill.Memory.Blocks
		}},
	} {
		set := make([]string, len(x.set))
		for k, s := range x.set {
			set[k] = "workload.read.prefill." + s
		}
		if f := playPapers(t, papers, set...); !x.moved(f) {
			t.Errorf("%s does not hold: first token p50 %v p99 %v s, %+v", x.what, f.Served[0].TTFT.P50, f.Served[0].TTFT.P99, f.Served[0].Prefill)
		}
	}
}

// A cache crosses the ports of the chips that made it: its time on an idle fabric is its
// bytes over four ports at the rate that the link class reaches, and the way's latency.
func TestPrefillMovesOverTheFabric(t *testing.T) {
	set := []string{"workload.read.prefill.nodes=1", "workload.read.arrivals.rate=0.2/s", "workload.read.arrivals.prompt={mean=4000, cv=0}", "workload.read.duration=10 min"}
	f := playPapers(t, papers, set...)
	link := f.World.links(func(name string, v hardware.Value) float64 { return v.V }).Network
	bytes := 4000 * f.World.Placed[0].Arch.KVBytesPerToken(f.Services[0].Config.KVPrecision)
	want := bytes/(4*50e9*reached(link)) + f.Services[0].Way.LatencySec[0]
	if got := f.Served[0].MoveSec; math.Abs(got-want) > 1e-3*want {
		t.Errorf("a cache of %.0f MB takes %v s, want %v", bytes/1e6, got, want)
	}
	if half := playPapers(t, papers, append(set, "cluster.override.nic=200 Gb/s")...); math.Abs(half.Served[0].MoveSec/want-2) > 0.02 {
		t.Errorf("ports of half the rate: %v s, want twice %v", half.Served[0].MoveSec, want)
	}
	if up, err := f.Sample.Play(Change{NIC: 2}); err != nil || !(up.Served[0].MoveSec < 0.55*want) || up.SameService(f, 0) {
		t.Errorf("twice the ports: %v s, want half of %v (%v)", up.Served[0].MoveSec, want, err)
	}
}

// Workers fail and load like replicas do, and what they had is computed again.
func TestPrefillFails(t *testing.T) {
	text := papers + "[faults]\nnode_failures_per_1000_node_days = 100000\nrecovery = \"2 s\"\ndetection = \"1 s\"\n"
	f := playPapers(t, text, "workload.read.prefill.nodes=1", "workload.read.duration=40 min")
	o := f.Served[0]
	if f.Prompts[0].Failures == 0 || o.Retried == 0 || o.Completed+o.Lost != o.Requests {
		t.Errorf("%d failures of prompt workers, %d requests again, %d + %d of %d ended", f.Prompts[0].Failures, o.Retried, o.Completed, o.Lost, o.Requests)
	}
}

func TestPrefillRefusals(t *testing.T) {
	for _, x := range []struct{ set, want string }{
		{"workload.read.prefill.nodes=3", "at least one must decode"},
		{"workload.read.prefill.tensor=4", "nodes or replicas"},
		{"workload.read.prefill={nodes=1, replicas=3}", "hold 2 workers"},
		{"workload.read.prefill={nodes=1, price=\"1 USD\"}", "stands on nodes of the cluster"},
		{"workload.read.prefill={nodes=1, server=\"dgx-b300x\"}", "server"},
		{"workload.read.prefill={nodes=1, server=\"dgx-h200\", tensor=16, pipeline=80}", "workers of tensor 16"},
		{"workload.read.prefill={nodes=1, tensor=1, memory_fraction=0.3}", "does not fit"},
	} {
		_, err := futureOf(t, papers, x.set)
		if err == nil || !strings.Contains(err.Error(), x.want) || !strings.Contains(err.Error(), "prefill") {
			t.Errorf("%s: %v, want %q", x.set, err, x.want)
		}
	}
	offload := strings.Replace(papers, "nodes = 3", "nodes = 4", 1) + "[edge]\nsites = 2\nwan = { latency = \"5 ms\", bandwidth = \"10 Gb/s\" }\nrequests = \"site\"\noffload = { server = \"dgx-h100\", round_trip = \"20 ms\", nodes = 1 }\n"
	if _, err := futureOf(t, offload, "workload.read.prefill.nodes=2"); err == nil || !strings.Contains(err.Error(), "region") {
		t.Errorf("offload beside pools: %v", err)
	}
}

// Drafts, autoscalers of both pools, sites and classes go beside separate pools.
func TestBesidePools(t *testing.T) {
	one := playPapers(t, papers, "workload.read.prefill.nodes=1").Served[0]
	draft := playPapers(t, papers+"speculative = { draft = \"llama3.1-8b\", tokens = 3, acceptance = 0.8 }\n", "workload.read.prefill.nodes=1").Served[0]
	if !(draft.TPOT.P50 < 0.8*one.TPOT.P50) {
		t.Errorf("a draft beside pools: %v s per token, %v without", draft.TPOT.P50, one.TPOT.P50)
	}
	scaled := playPapers(t, papers+"autoscale = { min = 1, target = 8, interval = \"5 s\" }\n", "workload.read.prefill={nodes=1, autoscale={min=0, target=1, interval=\"5 s\", down_after=\"10 s\"}}", "workload.read.duration=20 min")
	o, first := scaled.Served[0], scaled.Service(0)
	if o.Scaling == nil || o.Prefill.Scaling == nil || o.Prefill.Scaling.Starts == 0 || o.Completed != o.Requests {
		t.Errorf("replicas %+v, workers %+v, %d of %d served", o.Scaling, o.Prefill.Scaling, o.Completed, o.Requests)
	}
	if !(first.Prefill.Config.Autoscale.StartSec > 30 && first.Config.Autoscale.StartSec > 30 && o.TTFT.Max > first.Prefill.Config.Autoscale.StartSec) {
		t.Errorf("workers start in %v s, replicas in %v: a 70 B model captures its graphs in 40 s; slowest first token %v s", first.Prefill.Config.Autoscale.StartSec, first.Config.Autoscale.StartSec, o.TTFT.Max)
	}
	text := strings.Replace(papers, "nodes = 3", "nodes = 4", 1) + "[edge]\nsites = 2\nwan = { latency = \"5 ms\", bandwidth = \"10 Gb/s\" }\n"
	if o := playPapers(t, text, "workload.read.prefill.nodes=2").Served[0]; o.Completed != o.Requests || o.Prefill.Workers != 4 {
		t.Errorf("pools of two sites: %d workers, %d of %d served", o.Prefill.Workers, o.Completed, o.Requests)
	}
}

// An autoscaled service lives through failures of its nodes.
func TestAutoscaleFails(t *testing.T) {
	text := papers + "autoscale = { min = 1, target = 16 }\n[faults]\nnode_failures_per_1000_node_days = 100000\nrecovery = \"2 s\"\ndetection = \"1 s\"\n"
	o := playPapers(t, text, "workload.read.duration=30 min").Served[0]
	if o.Scaling == nil || o.Scaling.Replaced == 0 || o.Completed+o.Lost != o.Requests {
		t.Errorf("%+v, %d + %d of %d ended", o.Scaling, o.Completed, o.Lost, o.Requests)
	}
}
