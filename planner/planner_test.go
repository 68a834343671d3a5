package planner

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"aisim/hardware"
	"aisim/internal/result"
	"aisim/scenarios"
	"aisim/sim"
)

// small is a campaign of 64 H100 with faults, storage and a bought machine: every part
// of an evaluation, in some hundred milliseconds.
const small = `
version = 1
name = "small campaign"
seed = 3
replicas = 9

[cluster]
server = "hgx-h100-oem"
nodes = 8

[cluster.fabric]
topology = "fat-tree"
levels = 2
switch = "qm9700-ndr"
radix = 16
oversubscription = [2.0]

[[storage]]
id = "ceph"
kind = "ceph"
nodes = 8
server = "storage-nvme-24"
drives = { type = "nvme4-pm9a3", per_node = 4 }
pool = { profile = "ec-4+2", failure_domain = "host" }

[[workload]]
id = "train"
kind = "training"
model = "llama3.1-70b"
precision = "bf16"
parallelism = { tensor = 8, pipeline = 4 }
batch = { global = 64, micro = 1, sequence = 4096 }
recompute = "full"
duration = "20d"
checkpoint = { to = "ceph", every = "30 min" }
dataset = { from = "ceph", token_size = "4 B" }

[faults]
node_failures_per_1000_node_days = 20
recovery = "15 min"

[economics]
electricity = "0.08 USD/kWh"
pue = 1.25
`

func load(t testing.TB, text string, sets ...string) *scenarios.World {
	t.Helper()
	sc, err := scenarios.Parse("test", []byte(text), sets)
	if err != nil {
		t.Fatal(err)
	}
	w, err := scenarios.Assemble(sc, scenarios.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func evaluate(t testing.TB, w *scenarios.World, workers int) *result.Run {
	t.Helper()
	run, err := Evaluate(context.Background(), w, Options{Workers: workers, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func TestSameBytesOnAnyNumberOfWorkers(t *testing.T) {
	var first []byte
	for _, workers := range []int{1, 2, 4, 1} {
		text, err := json.Marshal(evaluate(t, load(t, small), workers))
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = text
		} else if !bytes.Equal(first, text) {
			t.Fatalf("%d workers give another run", workers)
		}
	}
}

// What the report states is what a reader finds who turns the knob.
func TestElasticitiesHold(t *testing.T) {
	run := evaluate(t, load(t, small), 2)
	if len(run.Elasticities) < 8 {
		t.Fatalf("%d elasticities", len(run.Elasticities))
	}
	base := run.Metrics["train."+result.MetricTokensPerSec].Value
	overrides := map[string]func(factor float64) []string{
		scenarios.Compute: func(f float64) []string {
			return []string{fmt.Sprintf(`cluster.override.peak_bf16="%g TFLOP/s"`, 989*f)}
		},
		scenarios.HBM: func(f float64) []string {
			return []string{fmt.Sprintf(`cluster.override.memory_bandwidth="%g GB/s"`, 3350*f)}
		},
		scenarios.ScaleUp: func(f float64) []string {
			return []string{fmt.Sprintf(`cluster.override.scaleup_bandwidth="%g GB/s"`, 450*f)}
		},
		scenarios.MTBF: func(f float64) []string {
			return []string{fmt.Sprintf("faults.node_failures_per_1000_node_days=%g", 20/f)}
		},
	}
	for _, el := range run.Elasticities {
		set, ok := overrides[el.Resource]
		if !ok {
			continue
		}
		got := evaluate(t, load(t, small, append(set(1.1), "replicas=1")...), 1).Metrics["train."+result.MetricTokensPerSec].Value/base - 1
		// Within a third of the stated gain, or inside its interval: one future against the mean.
		if math.Abs(got-el.Gain.Value) > math.Abs(el.Gain.Value)/3 && (got < el.Gain.Low || got > el.Gain.High) {
			t.Errorf("%s: stated %+.3f %%, turning the knob gives %+.3f %%", el.Resource, 100*el.Gain.Value, 100*got)
		}
		if el.Free && math.Abs(el.Double) >= 0.01 {
			t.Errorf("%s is called free and doubling it gives %+.2f %%", el.Resource, 100*el.Double)
		}
	}
	if run.Elasticities[0].Resource != scenarios.Compute {
		t.Errorf("a 70 B model on 64 H100 is limited by %s", run.Elasticities[0].Resource)
	}
}

// The blame on the critical path and the re-simulated gains agree for the largest.
func TestBottleneckAgreesWithElasticity(t *testing.T) {
	run := evaluate(t, load(t, small), 2)
	top := run.Bottlenecks[0]
	for _, el := range run.Elasticities {
		if el.Resource == top.Resource {
			// 10 % more of a resource with share s saves s·(1−1/1.1) of the time.
			want := 1/(1-top.Share*(1-1/1.1)) - 1
			if math.Abs(el.Gain.Value-want) > want/3 {
				t.Errorf("%s: share %.3f predicts %+.2f %%, simulated %+.2f %%", top.Resource, top.Share, 100*want, 100*el.Gain.Value)
			}
			return
		}
	}
	t.Errorf("no elasticity for the bottleneck %q", top.Resource)
}

func TestLedgerOfARunReconciles(t *testing.T) {
	run := evaluate(t, load(t, small), 2)
	sum := 0.0
	for _, l := range run.Ledger.Lines {
		sum += l.USD
		if l.Low > l.USD || l.High < l.USD {
			t.Errorf("%s: %g outside %g..%g", l.Item, l.USD, l.Low, l.High)
		}
	}
	if math.Abs(sum-run.Ledger.TotalUSD.Value) > 1e-6*sum {
		t.Errorf("lines %g, total %g", sum, run.Ledger.TotalUSD.Value)
	}
	var check func(n result.EnergyNode)
	check = func(n result.EnergyNode) {
		s := 0.0
		for _, c := range n.Children {
			s += c.MWMean
			check(c)
		}
		if len(n.Children) > 0 && math.Abs(s-n.MWMean) > 1e-9*n.MWMean {
			t.Errorf("%s: %g MW, its parts %g", n.Name, n.MWMean, s)
		}
	}
	check(*run.Energy)
	for _, b := range run.Where {
		s := 0.0
		for _, p := range b.Parts {
			s += p.Share
		}
		if math.Abs(s-1) > 1e-9 {
			t.Errorf("bar %q sums to %g", b.Name, s)
		}
	}
	for key, n := range run.Metrics {
		if n.Unit == "" || math.IsNaN(n.Value) || n.Low > n.Value || n.High < n.Value {
			t.Errorf("%s: %+v", key, n)
		}
	}
}

// Every input of the design's example that should matter moves the number that it
// should, in the right direction.
func TestEveryInputMatters(t *testing.T) {
	metrics := func(sets ...string) map[string]result.Number {
		return evaluate(t, load(t, small, append(sets, "replicas=1")...), 2).Metrics
	}
	base := metrics()
	for _, c := range []struct {
		set, metric string
		sign        float64
	}{
		{`cluster.server="dgx-a100-640"`, "train.tokens_per_second", -1},
		{"cluster.nodes=4", "train.tokens_per_second", -1},
		{`cluster.override.peak_bf16="1200 TFLOP/s"`, "train.step_time", -1},
		{`cluster.override.memory_bandwidth="4 TB/s"`, "train.step_time", -1},
		{`cluster.override.scaleup_bandwidth="225 GB/s"`, "train.step_time", 1},
		{`cluster.override.nic="100 Gb/s"`, "train.step_time", 1},
		{`cluster.override.power="8 kW"`, "facility.power", -1},
		{`cluster.override.price="200000 USD"`, "ledger.capital", -1},
		{"cluster.fabric.oversubscription=[7.0]", "train.step_time", 1},
		{`cluster.fabric.switch="qm8700-hdr"`, "train.step_time", 1},
		{`cluster.fabric.failed_links=["leaf-0:spine-0"]`, "train.step_time", 1},
		{`cluster.fabric.link_latency="1 ms"`, "train.step_time", 1},
		{"storage.ceph.nodes=16", "train.checkpoint_write", -1},
		{"storage.ceph.drives.per_node=1", "train.checkpoint_write", 1},
		{`storage.ceph.drives.type="hdd-18tb-gen"`, "train.checkpoint_write", 1},
		{`storage.ceph.pool.profile="rep-3"`, "train.checkpoint_write", 1},
		{"storage.ceph.cores=8", "train.checkpoint_write", 1},
		{`storage.ceph.nics={count=1, speed="25 Gb/s"}`, "train.checkpoint_write", 1},
		{`workload.train.model="llama3.1-8b"`, "train.tokens_per_second", 1},
		{`workload.train.framework="megatron-deepspeed"`, "train.step_time", 1},
		{`workload.train.precision="fp8"`, "train.step_time", -1},
		{"workload.train.parallelism.tensor=4", "train.step_time", 0},
		{"workload.train.parallelism.pipeline=8", "train.step_time", 0},
		{"workload.train.parallelism.virtual=4", "train.step_time", -1},
		{"workload.train.batch.global=128", "train.step_time", 1},
		{"workload.train.batch.micro=2", "train.step_time", 0},
		{"workload.train.batch.sequence=8192", "train.step_time", 1},
		{`workload.train.recompute="none"`, "train.step_time", -1},
		{"workload.train.zero=3", "train.step_time", 0},
		{"workload.train.overlap.tensor=1.0", "train.step_time", -1},
		{"workload.train.overlap.data=0.0", "train.step_time", 1},
		{"workload.train.straggler=0.2", "train.step_time", 1},
		{`workload.train.duration="40d"`, "train.tokens", 1},
		{`workload.train.checkpoint.every="4 h"`, "train.goodput", -1},
		{`workload.train.checkpoint.mode="async"`, "train.goodput", 1},
		{`workload.train.dataset.token_size="1 MB"`, "train.goodput", -1},
		{"faults.node_failures_per_1000_node_days=80", "train.goodput", -1},
		{`faults.recovery="2 h"`, "train.goodput", -1},
		{`faults.detection="2 h"`, "train.goodput", -1},
		{`economics.electricity="0.30 USD/kWh"`, "ledger.total", 1},
		{"economics.pue=1.6", "facility.power", 1},
		{"economics.years=8", "ledger.total", -1},
		{"economics.cost_of_capital=0.2", "ledger.total", 1},
		{"economics.residual=0.4", "ledger.total", -1},
		{"economics.maintenance=0.1", "ledger.total", 1},
		{`economics.depreciation="straight-line"`, "ledger.total", -1},
		{`economics.staff="10 people"`, "ledger.total", 1},
		{`economics.colocation="400 USD/kW-month"`, "ledger.total", 1},
		{`economics.software="1 MUSD/y"`, "ledger.total", 1},
		{`economics.carbon_intensity="20 g/kWh"`, "facility.carbon", -1},
		{`economics.prices.switch="150000 USD"`, "ledger.capital", 1},
		{`economics.prices.link="9000 USD"`, "ledger.capital", 1},
		{`economics.prices.storage_node="200000 USD"`, "ledger.capital", 1},
	} {
		got, ok := metrics(c.set)[c.metric]
		if !ok {
			t.Errorf("%s: no %s", c.set, c.metric)
			continue
		}
		was := base[c.metric]
		if d := got.Value - was.Value; d*c.sign < 0 || d == 0 {
			t.Errorf("%s: %s went from %.6g to %.6g %s", c.set, c.metric, was.Value, got.Value, got.Unit)
		}
	}
}

func TestStoppedRunIsMarked(t *testing.T) {
	w := load(t, small)
	ctx, cancel := context.WithCancel(context.Background())
	run, err := Evaluate(ctx, w, Options{Workers: 1, Progress: func(done, total int) {
		if done == 1 {
			cancel()
		}
	}})
	if err == nil || run == nil || run.Complete || run.Stopped == "" {
		t.Fatalf("run %v, error %v", run, err)
	}
	if run.Replicas < 1 || run.Metrics["train.step_time"].Value <= 0 {
		t.Errorf("nothing of what was done is in the run")
	}
}

func TestQuantile(t *testing.T) {
	v := []float64{1, 2, 3, 4, 5}
	for q, want := range map[float64]float64{0: 1, 0.25: 2, 0.5: 3, 0.9: 4.6, 1: 5} {
		if got := quantile(v, q); math.Abs(got-want) > 1e-12 {
			t.Errorf("quantile(%g) = %g, want %g", q, got, want)
		}
	}
	if n := number([]float64{3, 1}, "s", result.Derived, ""); n.NoInterval == "" || n.Low != 3 || n.High != 3 {
		t.Errorf("two replicas make an interval: %+v", n)
	}
}

// What carries an interval: a metric that follows one input and noise is put down to
// that input, and its kind becomes the metric's.
func TestDriversOfAnInterval(t *testing.T) {
	e := &evaluation{}
	for i := range 300 { // many, so that chance does not speak
		s := sim.NewStream(1, fmt.Sprint(i))
		a, b, c := math.Exp(0.1*s.Normal(0, 1)), math.Exp(0.1*s.Normal(0, 1)), math.Exp(0.1*s.Normal(0, 1))
		m := &measures{values: map[string]float64{"x": 3 * math.Pow(a, 2) * b}, units: map[string]string{}}
		e.base = append(e.base, &point{m: m})
		e.inputs = append(e.inputs, []scenarios.Drawn{
			{Name: "a", Ratio: a, Value: hardware.Value{Kind: result.Assumed}},
			{Name: "b", Ratio: b, Value: hardware.Value{Kind: result.Measured}},
			{Name: "c", Ratio: c, Value: hardware.Value{Kind: result.Datasheet}},
		})
	}
	ds := e.drivers("x")
	if len(ds) == 0 || ds[0].name != "a" || ds[0].share < 0.6 || ds[0].share > 0.95 { // exactly 0.8
		t.Fatalf("drivers %+v", ds)
	}
	for _, d := range ds {
		if d.name == "c" {
			t.Errorf("an input without effect carries %g of the interval", d.share)
		}
	}
	if k := heaviest(byKind(ds), result.Derived); k != result.Assumed {
		t.Errorf("kind %s", k)
	}
}
