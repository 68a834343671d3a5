package serving

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"aisim/hardware"
	"aisim/internal/measured"
	"aisim/workloads/arrivals"
	"aisim/workloads/trace"
)

func scaled(d *hardware.Device, compute, memory float64) *hardware.Device {
	return d.Scale(hardware.Scaling{Compute: compute, Memory: memory})
}

// busy is a load that keeps two replicas of the chat service at about half of
// their capacity.
func busy(t testing.TB) []Request {
	return poisson(t, 12, 300, arrivals.Lengths{Mean: 1150, CV: 0.96}, arrivals.Lengths{Mean: 211, CV: 0.77}, 9)
}

// TestEveryKnobMoves turns each input and asks which way the answer goes.
func TestEveryKnobMoves(t *testing.T) {
	reqs := busy(t)
	run := func(change func(*Config, *Machine, *Options)) *Outcome {
		t.Helper()
		c, m := chat(t, 2)
		var opt Options
		change(&c, &m, &opt)
		o, err := Simulate(c, m, reqs, opt)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	base := run(func(*Config, *Machine, *Options) {})
	ttft := func(o *Outcome) float64 { return o.TTFT.Mean }
	tpot := func(o *Outcome) float64 { return o.TPOT.Mean }
	cache := func(o *Outcome) float64 { return -o.CacheMean }
	missed := func(o *Outcome) float64 { return -o.Attainment }
	for _, k := range []struct {
		name   string
		metric func(*Outcome) float64
		sign   float64 // +1: the metric must rise; 0: it must move (turns spread prompts better, queues worse)
		change func(*Config, *Machine, *Options)
	}{
		{"compute", ttft, -1, func(_ *Config, m *Machine, _ *Options) { m.Device = scaled(m.Device, 1.5, 1) }},
		{"memory bandwidth", tpot, -1, func(_ *Config, m *Machine, _ *Options) { m.Device = scaled(m.Device, 1, 1.5) }},
		{"scale-up bandwidth", ttft, -1, func(_ *Config, m *Machine, _ *Options) {
			d := *m.Device
			d.ScaleUpBytesPerSec *= 4
			m.Device = &d
		}},
		{"given all-reduce", ttft, +1, func(_ *Config, m *Machine, _ *Options) { m.AllReduce = func(b float64) float64 { return b / 20e9 } }},
		{"host speed", tpot, -1, func(_ *Config, m *Machine, _ *Options) { m.HostSpeed = 2 }},
		{"memory", cache, +1, func(_ *Config, m *Machine, _ *Options) {
			d := *m.Device
			d.MemBytes *= 2
			m.Device = &d
		}},
		{"memory fraction", cache, -1, func(c *Config, _ *Machine, _ *Options) { c.MemoryFraction = 0.5 }},
		{"replicas", ttft, -1, func(c *Config, _ *Machine, _ *Options) { c.Replicas = 4 }},
		{"router", ttft, 0, func(c *Config, _ *Machine, _ *Options) { c.Router = RoundRobin }},
		{"router staleness", ttft, +1, func(c *Config, _ *Machine, _ *Options) { c.StaleSec = 20 }},
		{"tensor", ttft, +1, func(c *Config, _ *Machine, _ *Options) { c.TP = 4 }},
		{"pipeline", tpot, +1, func(c *Config, m *Machine, _ *Options) { c.TP, c.PP = 4, 2 }},
		{"hop latency", tpot, +1, func(c *Config, m *Machine, _ *Options) { c.PP, m.HopLatencySec = 2, 1e-3 }},
		{"hop bandwidth", ttft, +1, func(c *Config, m *Machine, _ *Options) { c.PP, m.HopBytesPerSec = 2, 1e9 }},
		{"precision", tpot, -1, func(c *Config, _ *Machine, _ *Options) { c.Precision = hardware.FP8 }},
		{"cache precision", tpot, -1, func(c *Config, _ *Machine, _ *Options) { c.KVPrecision = hardware.FP8 }},
		{"max batch", ttft, +1, func(c *Config, _ *Machine, _ *Options) { c.MaxBatch = 4 }},
		{"token budget", ttft, +1, func(c *Config, _ *Machine, _ *Options) { c.TokenBudget = 256 }},
		{"stream interval", ttft, +1, func(c *Config, _ *Machine, _ *Options) { c.Engine, c.StreamInterval = engine(t, "trtllm"), 20 }},
		{"network latency", ttft, +1, func(c *Config, _ *Machine, _ *Options) { c.Network.LatencySec = 0.05 }},
		{"network bandwidth", ttft, +1, func(c *Config, _ *Machine, _ *Options) { c.Network.BytesPerSec = 1e5 }},
		{"token bytes", ttft, +1, func(c *Config, _ *Machine, _ *Options) { c.Network.BytesPerSec, c.Network.TokenBytes = 1e5, 8 }},
		{"sites", ttft, 0, func(c *Config, _ *Machine, _ *Options) { c.Network.Sites = 2 }},
		{"ttft limit", missed, +1, func(c *Config, _ *Machine, _ *Options) { c.SLO.TTFTSec = 0.1 }},
		{"tpot limit", missed, +1, func(c *Config, _ *Machine, _ *Options) { c.SLO.TPOTSec = 0.015 }},
		{"ready at", ttft, +1, func(_ *Config, _ *Machine, o *Options) { o.ReadyAt = []float64{100, 100} }},
		{"outage", ttft, +1, func(_ *Config, _ *Machine, o *Options) { o.Outages = []Outage{{0, 50, 200}} }},
		{"engine sglang", ttft, 0, func(c *Config, _ *Machine, _ *Options) { c.Engine = engine(t, "sglang") }},
		{"engine trtllm", ttft, 0, func(c *Config, _ *Machine, _ *Options) { c.Engine = engine(t, "trtllm") }},
	} {
		o := run(k.change)
		was, now := k.metric(base), k.metric(o)
		switch k.name {
		case "token bytes":
			was = k.metric(run(func(c *Config, _ *Machine, _ *Options) { c.Network.BytesPerSec = 1e5 }))
		case "stream interval":
			was = k.metric(run(func(c *Config, _ *Machine, _ *Options) { c.Engine = engine(t, "trtllm") }))
		case "hop latency", "hop bandwidth":
			was = k.metric(run(func(c *Config, _ *Machine, _ *Options) { c.PP = 2 }))
		}
		if moved := now - was; !(k.sign*moved > 1e-4*math.Abs(was) || (k.sign == 0 && math.Abs(moved) > 1e-4*math.Abs(was))) {
			t.Errorf("%s: the metric went from %v to %v", k.name, was, now)
		}
	}
	// Each constant of the engine profile, doubled, must slow something. The three
	// of mixtures and latent attention are turned on models that have them.
	for i, name := range constantNames {
		switch name {
		case "memory_reserve", "memory_links", "sampler_bytes", "link_efficiency", "handover":
			continue // in memory_test.go, above by the link, and between pools (TestSplitOneRequest)
		}
		id := "llama3.1-70b"
		switch name {
		case "mixed_moe_layer", "moe_layer", "imbalance", "moe16", "moe8", "moe4", "moe_tile", "moe_weights", "widened", "moe_request", "cadence":
			id = "mixtral-8x7b"
		case "mla_layer":
			id = "deepseek-v3-671b"
		}
		e2e := func(factor float64) float64 {
			o := run(func(c *Config, m *Machine, _ *Options) {
				c.Arch = arch(t, id)
				if id == "deepseek-v3-671b" {
					m.Device, c.Precision = device(t, "nvidia-h200-sxm"), hardware.FP8
				}
				switch name {
				case "eager_layer":
					c.Engine = engine(t, "vllm-eager")
				case "cadence":
					c.Engine = engine(t, "sglang")
				case "streamed":
					c.Engine = engine(t, "sglang")
				case "delivered": // as slow as the steps are long
					c.Engine.Delivered.Value = 10e-3
				case "imbalance":
					c.ExpertParallel = c.TP
				case "prefill8":
					c.KVPrecision = hardware.FP8
				case "gemm8", "quant8", "moe8":
					c.Precision = hardware.FP8
				case "widened":
					c.Precision = hardware.FP4 // beside an H100
				case "gemm4", "quant4", "moe4":
					m.Device, c.Precision = device(t, "nvidia-b200-sxm"), hardware.FP4
				}
				c.Engine.constants()[i].Value *= factor
			})
			return o.E2E.Mean
		}
		was, now := e2e(1), e2e(2)
		switch name {
		case "hidden", "gemm16", "gemm8", "gemm4", "moe16", "moe8", "moe4", "moe_weights", "widened", "stream", "prefill", "prefill8":
			was, now = now, was // an efficiency
		}
		if !(now > was*1.00005) {
			t.Errorf("engine constant %s doubled: mean request time from %v to %v", name, was, now)
		}
	}
}

// TestMoreIsNeverSlower tries metamorphic relations over loads and sizes.
func TestMoreIsNeverSlower(t *testing.T) {
	for _, rate := range []float64{1, 6, 20} {
		reqs := poisson(t, rate, 200, arrivals.Lengths{Mean: 800, CV: 1}, arrivals.Lengths{Mean: 150, CV: 1}, 11)
		last := math.Inf(1)
		for _, bw := range []float64{1, 1.3, 2, 4} {
			c, m := chat(t, 2)
			m.Device = scaled(m.Device, 1, bw)
			o, err := Simulate(c, m, reqs, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if o.E2E.Mean > last {
				t.Errorf("%v requests/s: bandwidth × %v made requests slower: %v after %v s", rate, bw, o.E2E.Mean, last)
			}
			last = o.E2E.Mean
		}
		last = math.Inf(1)
		for _, n := range []int{1, 2, 4, 8} {
			c, m := chat(t, n)
			o, err := Simulate(c, m, reqs, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if o.TTFT.Mean > last || o.Completed != len(reqs) {
				t.Errorf("%v requests/s: %d replicas made the first token slower: %v after %v s", rate, n, o.TTFT.Mean, last)
			}
			last = o.TTFT.Mean
		}
	}
}

// TestWorkersDoNotMatter compares everything that comes out, for one, two and
// four workers and for a second run.
func TestWorkersDoNotMatter(t *testing.T) {
	reqs := busy(t)
	for _, router := range []string{RoundRobin, LeastOutstanding} {
		c, m := chat(t, 3)
		c.Router = router
		var first *Outcome
		for _, w := range []int{1, 2, 4, 1} {
			o, err := Simulate(c, m, reqs, Options{Workers: w, ReadyAt: []float64{0, 5, 10}})
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = o
			} else if !reflect.DeepEqual(first, o) {
				t.Errorf("%s: %d workers gave another outcome", router, w)
			}
		}
	}
}

// TestStepModeAgrees holds closed forms against an event per step on the whole
// service: percentiles to a microsecond.
func TestStepModeAgrees(t *testing.T) {
	reqs := busy(t)
	c, m := chat(t, 2)
	a, err := Simulate(c, m, reqs, Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Simulate(c, m, reqs, Options{EveryStep: true})
	if err != nil {
		t.Fatal(err)
	}
	if a.Steps != b.Steps || a.Events >= b.Events/3 {
		t.Errorf("%d steps in %d events, step by step %d in %d", a.Steps, a.Events, b.Steps, b.Events)
	}
	for _, q := range []float64{.1, .5, .9, .99, 1} {
		for i, d := range [][2]*Distribution{{&a.TTFT, &b.TTFT}, {&a.TPOT, &b.TPOT}, {&a.E2E, &b.E2E}} {
			if x, y := d[0].Quantile(q), d[1].Quantile(q); math.Abs(x-y) > 1e-6 {
				t.Errorf("metric %d at %v: %v, step by step %v", i, q, x, y)
			}
		}
	}
	if math.Abs(a.Replicas[0].BusySec/b.Replicas[0].BusySec-1) > 1e-9 || math.Abs(a.CacheMean/b.CacheMean-1) > 0.01 {
		t.Errorf("busy %v and %v s, cache %v and %v", a.Replicas[0].BusySec, b.Replicas[0].BusySec, a.CacheMean, b.CacheMean)
	}
}

func TestOutagesAndStarts(t *testing.T) {
	reqs := busy(t)
	c, m := chat(t, 2)
	p, err := Prepare(c, m)
	if err != nil {
		t.Fatal(err)
	}
	inf := math.Inf(1)
	for _, k := range []struct {
		name    string
		opt     Options
		retried bool
		lost    bool
	}{
		{"one replica away", Options{Outages: []Outage{{0, 100, 150}}}, true, false},
		{"both away, one comes back", Options{Outages: []Outage{{0, 100, 120}, {1, 100, inf}}}, true, false},
		{"away for good", Options{Outages: []Outage{{0, 100, inf}, {1, 150, inf}}}, true, true},
		{"overlapping outages", Options{Outages: []Outage{{0, 100, 150}, {0, 120, 130}, {0, 140, 200}}}, true, false},
		{"late start", Options{ReadyAt: []float64{60, inf}}, false, false},
		{"nobody comes", Options{ReadyAt: []float64{inf, inf}}, false, true},
	} {
		for _, router := range []string{RoundRobin, LeastOutstanding} {
			p.Config.Router = router
			o, err := p.Simulate(reqs, k.opt)
			if err != nil {
				t.Fatal(err)
			}
			if o.Completed+o.Lost != len(reqs) || (o.Lost > 0) != k.lost || (o.Retried > 0) != k.retried {
				t.Errorf("%s, %s: %d of %d completed, %d lost, %d retried", k.name, router, o.Completed, len(reqs), o.Lost, o.Retried)
			}
			if math.IsNaN(o.RequestsPerSec) || o.RequestsPerSec > o.OfferedPerSec*1.001 {
				t.Errorf("%s: %v requests/s served, %v offered", k.name, o.RequestsPerSec, o.OfferedPerSec)
			}
			for _, s := range o.LatencyBy {
				if s.Seconds < -1e-9 {
					t.Errorf("%s, %s: %s took %v s", k.name, router, s.Resource, s.Seconds)
				}
			}
			checkEmpty(t, runFleet(t, p, reqs, k.opt))
		}
	}
}

func TestRefusesWhatCanNeverFit(t *testing.T) {
	c, m := chat(t, 1)
	c.MaxContext = 2000
	reqs := []Request{{Prompt: 1500, Output: 501}, {Prompt: 1500, Output: 500}}
	o, err := Simulate(c, m, reqs, Options{})
	if err != nil || o.Lost != 1 || o.Completed != 1 || o.OutputTokens != 500 {
		t.Errorf("%v %+v", err, o)
	}
}

func TestClosedLoop(t *testing.T) {
	c, m := chat(t, 1)
	reqs := make([]Request, 400)
	for i := range reqs {
		reqs[i] = Request{Prompt: 1024, Output: 128}
	}
	last := 0.0
	for _, n := range []int{1, 8, 64} {
		o, err := Simulate(c, m, reqs, Options{Concurrency: n})
		if err != nil {
			t.Fatal(err)
		}
		// Little's law over the loop: in flight = rate × time; request handling
		// lies outside the loop that keeps n in flight.
		inside := o.E2E.Mean - c.Engine.Request.Value
		if e := o.RequestsPerSec*inside/float64(n) - 1; math.Abs(e) > 0.1 {
			t.Errorf("%d in flight: %v requests/s of %v s each", n, o.RequestsPerSec, inside)
		}
		if o.OutputPerSec < last || o.MeanBatch > float64(n)+1e-9 {
			t.Errorf("%d in flight: %v tokens/s after %v, mean batch %v", n, o.OutputPerSec, last, o.MeanBatch)
		}
		last = o.OutputPerSec
	}
}

// Attainment is the Outcome's, without the rest of it.
func TestAttainmentAlone(t *testing.T) {
	c, m := chat(t, 2)
	p, err := Prepare(c, m)
	if err != nil {
		t.Fatal(err)
	}
	for _, factor := range []float64{0.2, 1, 4} {
		r, err := trace.Rescale(busy(t), factor)
		if err != nil {
			t.Fatal(err)
		}
		o, err := p.Simulate(r, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if a, err := p.Attainment(r, Options{}); err != nil || a != o.Attainment {
			t.Errorf("at factor %g: attainment %v alone, %v in the outcome (%v)", factor, a, o.Attainment, err)
		}
	}
}

func TestCapacityBrackets(t *testing.T) {
	c, m := chat(t, 2)
	p, err := Prepare(c, m)
	if err != nil {
		t.Fatal(err)
	}
	reqs := busy(t)
	got, err := p.Capacity(reqs, Options{}, 0.02, 14)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("capacity %.3g requests/s in %d evaluations", got.RequestsPerSec, got.Evaluations)
	if got.Evaluations > 14 || got.RequestsPerSec <= 0 || got.AtLeast {
		t.Fatalf("%+v", got)
	}
	over, missed := 0, 0
	for i, pt := range got.Points {
		if i > 0 && pt.RequestsPerSec < got.Points[i-1].RequestsPerSec {
			t.Error("points are not in order of load")
		}
		if pt.RequestsPerSec > got.RequestsPerSec*1.0001 {
			over++
			if pt.Attainment.Value < 0.95 {
				missed++
			}
		}
	}
	if over == 0 || missed != over {
		t.Errorf("of %d loads above the capacity %d miss the goal", over, missed)
	}
	p.Config.SLO.TTFTSec = 1e-3
	none, err := p.Capacity(reqs, Options{}, 0, 0)
	if err != nil || none.RequestsPerSec != 0 || !strings.Contains(none.Why, "within the slo") {
		t.Errorf("%v %+v", err, none)
	}
	p.Config.SLO = SLO{}
	if _, err = p.Capacity(reqs, Options{}, 0, 0); err == nil {
		t.Error("capacity without a limit was given")
	}
}

// TestWholeTraces replays the published traces from the first row to the last.
func TestWholeTraces(t *testing.T) {
	for _, k := range []struct {
		file     string
		replicas int
	}{
		{"azure-llm-2023/AzureLLMInferenceTrace_conv.csv", 8},
		{"azure-llm-2023/AzureLLMInferenceTrace_code.csv", 8},
		{"mooncake-fast25/conversation_trace.jsonl", 16},
	} {
		t.Run(k.file, func(t *testing.T) {
			tr, err := trace.ReadFile(measured.Path(t, "inference/"+k.file), "", trace.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			c, m := chat(t, k.replicas)
			o, err := Simulate(c, m, tr.Requests, Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d requests, %d lost, ttft p50 %.3f p95 %.3f, tpot p95 %.4f, attainment %.3f, utilisation %.2f", o.Requests, o.Lost, o.TTFT.P50, o.TTFT.P95, o.TPOT.P95, o.Attainment, o.Utilisation)
			if o.Completed+o.Lost != len(tr.Requests) || o.Lost > 0 {
				t.Errorf("%d completed and %d lost of %d", o.Completed, o.Lost, len(tr.Requests))
			}
		})
	}
}

// endless repeats one request at a steady rate.
type endless struct{ left, made int }

func (e *endless) Fill(to []Request) (int, error) {
	n := min(e.left, len(to))
	e.left -= n
	for i := range to[:n] {
		to[i] = Request{ArriveSec: float64(e.made) / 20, Prompt: 30, Output: 10}
		e.made++
	}
	return n, nil
}

// TestStreamsInLittleMemory holds that memory grows with what is in flight: a load of many
// chunks reuses a few of them, and counts every request.
func TestStreamsInLittleMemory(t *testing.T) {
	p := toyService(toyEngine, 2, 64, 512, 5000)
	const n = 50 * chunkSize
	for _, router := range []string{RoundRobin, LeastOutstanding} {
		for _, workers := range []int{1, 3} {
			p.Config.Router = router
			count := p.newTally(&Options{})
			f, err := p.run(&endless{left: n}, Options{Workers: workers}, count)
			if err != nil {
				t.Fatal(err)
			}
			if len(f.book.ring) > 8 || f.book.oldest() != nil || count.completed != n {
				t.Errorf("%s: %d chunks held at once, %d requests completed of %d", router, len(f.book.ring), count.completed, n)
			}
		}
	}
}
