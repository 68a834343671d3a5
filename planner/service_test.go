package planner

import (
	"context"
	"math"
	"testing"

	"aisim/internal/result"
	"aisim/scenarios"
)

const chat = `
version = 1
name = "small chat"
replicas = 5
[cluster]
server = "hgx-h100-oem"
nodes = 2
[cluster.fabric]
topology = "single-switch"
switch = "qm9700-ndr"
[[storage]]
id = "models"
kind = "object"
bandwidth = "10 GB/s"
per_client = "2 GB/s"
latency = "50 ms"
price = "0.023 USD/GB-month"
[[workload]]
id = "chat"
kind = "serving"
model = "llama3.1-70b"
engine = "vllm"
parallelism = { tensor = 4 }
arrivals = { process = "gamma", rate = "12/s", cv = 1.5, prompt = { mean = 1000, cv = 1.0 }, output = { mean = 200, cv = 0.8 } }
duration = "5 min"
slo = { ttft = "500 ms", tpot = "60 ms", percentile = 95 }
load_from = "models"
warm = false
[economics]
electricity = "0.08 USD/kWh"
`

// The capacity of a service: what more of each resource gains is what a reader finds who
// turns the knob.
func TestCapacityElasticitiesHold(t *testing.T) {
	run := evaluate(t, load(t, chat), 2)
	base := run.Metrics["chat.capacity"].Value
	if asked := run.Metrics["chat.requests_per_second"].Value; base < asked {
		t.Fatalf("capacity %g below the load of %g requests/s that is within the level", base, asked)
	}
	for rank, el := range run.Elasticities {
		if el.Resource != scenarios.Compute && el.Resource != scenarios.HBM {
			continue
		}
		// A third of the gain for what limits most; a search on 4,000 requests knows the
		// smaller ones to about two points.
		allowed := math.Abs(el.Gain.Value) / 3
		if rank > 0 {
			allowed = math.Max(allowed, 0.02)
		}
		set := map[string]string{scenarios.Compute: `cluster.override.peak_bf16="1088 TFLOP/s"`, scenarios.HBM: `cluster.override.memory_bandwidth="3685 GB/s"`}[el.Resource]
		got := evaluate(t, load(t, chat, set, "replicas=1"), 1).Metrics["chat.capacity"].Value/base - 1
		if math.Abs(got-el.Gain.Value) > allowed && (got < el.Gain.Low || got > el.Gain.High) {
			t.Errorf("%s: stated %+.2f %%, turning the knob gives %+.2f %%", el.Resource, 100*el.Gain.Value, 100*got)
		}
	}
	for _, el := range run.Elasticities {
		if el.Resource == scenarios.NIC && el.Gain.Value != 0 {
			t.Errorf("NICs that a replica does not use gain %+.2f %%", 100*el.Gain.Value)
		}
	}
}

// Every input of a service that should matter moves the number that it should.
func TestEveryInputOfAServiceMatters(t *testing.T) {
	if testing.Short() {
		t.Skip("two dozen capacity searches")
	}
	metrics := func(sets ...string) map[string]result.Number {
		run, err := Evaluate(context.Background(), load(t, chat, sets...), Options{Replicas: 1, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		return run.Metrics
	}
	base := metrics()
	for _, c := range []struct {
		set, metric string
		sign        float64
	}{
		{`workload.chat.model="llama3.1-8b"`, "chat.ttft_p95", -1},
		{`workload.chat.engine="sglang"`, "chat.tpot_p95", 0},
		{`workload.chat.precision="fp8"`, "chat.tpot_p95", -1},
		{`workload.chat.kv_precision="fp8"`, "chat.cache_peak", -1},
		{"workload.chat.parallelism.tensor=8", "chat.tpot_p50", -1},
		{"workload.chat.replicas=2", "chat.ttft_p95", 1},
		{`workload.chat.router="round-robin"`, "chat.ttft_p95", 0},
		{`workload.chat.arrivals.rate="20/s"`, "chat.ttft_p95", 1},
		{"workload.chat.arrivals.cv=4.0", "chat.ttft_p95", 1},
		{"workload.chat.arrivals.prompt.mean=3000", "chat.ttft_p95", 1},
		{"workload.chat.arrivals.output.mean=600", "chat.latency_p95", 1},
		{`workload.chat.duration="10 min"`, "chat.completed", 1},
		{"workload.chat.max_batch=8", "chat.ttft_p95", 1},
		{"workload.chat.token_budget=512", "chat.ttft_p95", 0},
		{"workload.chat.memory_fraction=0.6", "chat.cache_peak", 1},
		{`workload.chat.slo.ttft="100 ms"`, "chat.capacity", -1},
		{`workload.chat.slo.tpot="20 ms"`, "chat.capacity", -1},
		{"workload.chat.slo.percentile=99", "chat.capacity", -1},
		{`storage.models.bandwidth="2 GB/s"`, "chat.load_time", 1},
		{`storage.models.per_client="0.2 GB/s"`, "chat.load_time", 1},
		{`storage.models.price="0.5 USD/GB-month"`, "ledger.total", 1},
		{`cluster.override.memory="60 GiB"`, "chat.cache_peak", 1},
		{"seed=9", "chat.ttft_p95", 0},
	} {
		got, ok := metrics(c.set)[c.metric]
		if !ok {
			t.Errorf("%s: no %s", c.set, c.metric)
			continue
		}
		if d := got.Value - base[c.metric].Value; d*c.sign < 0 || d == 0 {
			t.Errorf("%s: %s went from %.6g to %.6g %s", c.set, c.metric, base[c.metric].Value, got.Value, got.Unit)
		}
	}
	if w := metrics("workload.chat.warm=true"); w["chat.load_time"].Value != 0 {
		t.Errorf("a warm service loads for %g s", w["chat.load_time"].Value)
	}
}

const edge = `
version = 1
name = "edge"
replicas = 1
[cluster]
server = "alveo-u250-4x"
nodes = 4
[cluster.fabric]
topology = "single-switch"
switch = "eth-32x100g"
[edge]
sites = 4
wan = { bandwidth = "1 Gb/s", latency = "10 ms", availability = 0.99 }
[[workload]]
id = "see"
kind = "serving"
model = "resnet-50"
precision = "int8"
arrivals = { process = "poisson", rate = "2000/s" }
duration = "20 s"
batcher = { max = 8, window = "2 ms" }
slo = { ttft = "60 ms" }
[faults]
components = { host = 5.0 }
`

func TestEveryInputOfAnEdgeMatters(t *testing.T) {
	metrics := func(sets ...string) map[string]result.Number {
		return evaluate(t, load(t, edge, sets...), 1).Metrics
	}
	base := metrics()
	for _, c := range []struct {
		set, metric string
		sign        float64
	}{
		{`edge.wan.latency="25 ms"`, "see.latency_p95", 1},
		{`edge.wan.bandwidth="300 Mb/s"`, "see.latency_p95", 1},
		{"edge.wan.availability=0.9", "see.attainment", -1},
		{"edge.sites=2", "see.latency_p95", 1},
		{"edge.devices_per_site=1", "see.utilisation", 1},
		{`workload.see.batcher.window="10 ms"`, "see.latency_p95", 1},
		{"workload.see.batcher.max=1", "see.utilisation", 0},
		{`workload.see.model="mobilenet-v2"`, "see.utilisation", -1},
	} {
		got, ok := metrics(c.set)[c.metric]
		if d := got.Value - base[c.metric].Value; !ok || d*c.sign < 0 || d == 0 {
			t.Errorf("%s: %s went from %.6g to %.6g %s", c.set, c.metric, base[c.metric].Value, got.Value, got.Unit)
		}
	}
}
