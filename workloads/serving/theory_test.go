package serving

import (
	"math"
	"testing"

	"aisim/sim"
	"aisim/workloads/arrivals"
)

func poisson(t testing.TB, rate, seconds float64, prompt, output arrivals.Lengths, seed uint64) []Request {
	t.Helper()
	reqs, err := arrivals.Generate(arrivals.Spec{RatePerSec: rate, DurationSec: seconds, Prompt: prompt, Output: output}, sim.NewStream(seed, "test"))
	if err != nil {
		t.Fatal(err)
	}
	return reqs
}

func fixed(n float64) arrivals.Lengths { return arrivals.Lengths{Mean: n} }

var toyEngine = EngineProfile{ID: "toy", BlockTokens: 16, ReservePrompt: true}

// TestMD1 holds the mean wait of one seat with equal requests against M/D/1,
// W = ρD/(2(1−ρ)). 200,000 requests give the mean wait at ρ = 0.8 within about
// 1.5 % (one sd); the tolerance is three of them.
func TestMD1(t *testing.T) {
	p := toyService(toyEngine, 1, 1, 100, 1000)
	d := p.Model.step(50, 50*25, 0, 0, 1, 1)
	for _, rho := range []float64{0.3, 0.8} {
		o, err := p.Simulate(poisson(t, rho/d, 200_000*d/rho, fixed(50), fixed(1), 1), Options{})
		if err != nil {
			t.Fatal(err)
		}
		want := rho * d / (2 * (1 - rho))
		if e := o.Queue.Mean/want - 1; math.Abs(e) > 0.045 {
			t.Errorf("ρ = %v: mean wait %.5g s, M/D/1 %.5g s, error %+.1f %%", rho, o.Queue.Mean, want, 100*e)
		}
		if e := o.Utilisation/rho - 1; math.Abs(e) > 0.01 {
			t.Errorf("utilisation %v, want %v", o.Utilisation, rho)
		}
	}
}

// TestMoreServersShareBetter: at equal utilisation and variable service four
// replicas wait less than one, and joining the shortest queue less than turns.
func TestMoreServersShareBetter(t *testing.T) {
	const d = 0.0075 // about the mean service time; only equal for all three
	wait := func(k int, router string) float64 {
		p := toyService(toyEngine, k, 1, 2000, 1000)
		p.Config.Router = router
		o, err := p.Simulate(poisson(t, 0.8*float64(k)/d, 100_000*d/(0.8*float64(k)), arrivals.Lengths{Mean: 50, CV: 1.5, Max: 2000}, fixed(1), 2), Options{})
		if err != nil {
			t.Fatal(err)
		}
		return o.Queue.Mean
	}
	single, turn, least := wait(1, RoundRobin), wait(4, RoundRobin), wait(4, LeastOutstanding)
	if !(least < turn && turn < single) {
		t.Errorf("mean waits at equal utilisation: one replica %v, four in turn %v, four by least outstanding %v: expected to fall", single, turn, least)
	}
}

// TestLittle holds sequences in the system (counted by time in the replicas)
// against arrivals times time in the system (counted by request): without
// preemption a sequence is in every step from admission to its end.
func TestLittle(t *testing.T) {
	p := toyService(toyEngine, 2, 64, 512, 5000)
	f := runFleet(t, p, poisson(t, 60, 600, arrivals.Lengths{Mean: 200, CV: 1}, arrivals.Lengths{Mean: 30, CV: 1}, 3), Options{})
	var seqs, stay float64
	var tokens, asked int64
	for i := range f.reps {
		seqs += f.reps[i].seqSeconds
		tokens += f.reps[i].doneTokens
	}
	for i := range f.rec {
		stay += f.rec[i].finish - f.rec[i].sched
		asked += int64(f.reqs[i].Output)
	}
	if math.Abs(seqs/stay-1) > 1e-9 {
		t.Errorf("sequence-seconds %v by step, %v by request", seqs, stay)
	}
	if tokens != asked {
		t.Errorf("%d tokens emitted, %d asked for", tokens, asked)
	}
}

// TestPartsAddUp holds that the parts of every latency sum to it, and that busy
// seconds are what the steps took.
func TestPartsAddUp(t *testing.T) {
	c, m := chat(t, 2)
	c.Network = Network{LatencySec: 0.02, BytesPerSec: 1e8}
	o, err := Simulate(c, m, poisson(t, 8, 300, arrivals.Lengths{Mean: 1000, CV: 1}, arrivals.Lengths{Mean: 200, CV: 1}, 4), Options{})
	if err != nil {
		t.Fatal(err)
	}
	sum := func(s []ResourceShare) (sec, share float64) {
		for _, x := range s {
			sec += x.Seconds
			share += x.Share
			if x.Seconds < -1e-9 {
				t.Errorf("%s: negative time %v", x.Resource, x.Seconds)
			}
		}
		return sec, share
	}
	for _, c := range []struct {
		name string
		by   []ResourceShare
		want float64
	}{{"ttft", o.TTFTBy, o.TTFT.Mean}, {"e2e", o.LatencyBy, o.E2E.Mean}, {"busy", o.BusyBy, o.Replicas[0].BusySec + o.Replicas[1].BusySec}} {
		sec, share := sum(c.by)
		if math.Abs(sec/c.want-1) > 1e-9 || math.Abs(share-1) > 1e-9 {
			t.Errorf("%s: parts sum to %v s and share %v, want %v s", c.name, sec, share, c.want)
		}
	}
	total := 0.0
	for _, p := range o.E2EParts {
		total += p.Seconds
	}
	if math.Abs(total/o.E2E.Mean-1) > 1e-9 {
		t.Errorf("parts of the whole request sum to %v, mean is %v", total, o.E2E.Mean)
	}
	for k, p := range []float64{.50, .95, .99} {
		total = 0
		for _, x := range o.TTFTParts[k].Parts {
			total += x.Seconds
		}
		if q := o.TTFT.Quantile(p); math.Abs(total/q-1) > 0.05 {
			t.Errorf("%s: parts sum to %v, percentile is %v", o.TTFTParts[k].Percentile, total, q)
		}
	}
}

// TestSharesPredictScaling holds shares of the latency at light load against
// re-simulation with 10 % more of each resource. At light load batches hardly
// change, so that the first-order gain share·(1 − 1/1.1) is what comes out; 10 %
// of the gain, or 0.05 % of the latency, is left for queues and shifts of share.
func TestSharesPredictScaling(t *testing.T) {
	reqs := poisson(t, 0.5, 4000, arrivals.Lengths{Mean: 1000, CV: 0.5}, arrivals.Lengths{Mean: 100, CV: 0.5}, 5)
	run := func(change func(*Config, *Machine)) *Outcome {
		c, m := chat(t, 2)
		change(&c, &m)
		o, err := Simulate(c, m, reqs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	base := run(func(*Config, *Machine) {})
	for i, scale := range []func(*Config, *Machine){
		func(c *Config, m *Machine) { m.Device = scaled(m.Device, 1.1, 1) },
		func(c *Config, m *Machine) { m.Device = scaled(m.Device, 1, 1.1) },
		func(c *Config, m *Machine) {
			d := *m.Device
			d.ScaleUpBytesPerSec *= 1.1
			m.Device = &d
		},
		func(c *Config, m *Machine) { m.HostSpeed = 1.1 },
	} {
		s := base.LatencyBy[i]
		got := 1 - run(scale).E2E.Mean/base.E2E.Mean
		want := s.Share * (1 - 1/1.1)
		t.Logf("%-8s share %.4f, gain %.4f, first order %.4f", s.Resource, s.Share, got, want)
		if math.Abs(got-want) > 0.1*want+0.0005 {
			t.Errorf("%s: 10 %% more gains %.4f, its share says %.4f", s.Resource, got, want)
		}
	}
}

// TestNoShareNoGain doubles resources that have no share: the answer must not
// move by 1 %; here it does not move at all.
func TestNoShareNoGain(t *testing.T) {
	reqs := poisson(t, 5, 400, fixed(800), fixed(100), 6)
	c, m := chat(t, 1)
	c.Arch, c.TP = arch(t, "llama3.1-8b"), 1
	o, err := Simulate(c, m, reqs, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range o.LatencyBy {
		if (s.Resource == "scaleup" || s.Resource == "wan") && s.Share != 0 {
			t.Fatalf("%s has share %v on one chip without a network", s.Resource, s.Share)
		}
	}
	d := *m.Device
	d.ScaleUpBytesPerSec *= 2
	m.Device = &d
	again, err := Simulate(c, m, reqs, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if again.E2E.Mean != o.E2E.Mean || again.TTFT.P99 != o.TTFT.P99 {
		t.Error("doubling a link that is not used moved the answer")
	}
}

// TestMMk holds the mean wait for one of k seats against Erlang's C, W = C(k, a)·S/(k − a):
// steps take the same time whatever is in them, outputs are geometric. An arrival finds the
// step under way half done in the mean, which comes on top. 200,000 requests give the wait
// within about 2 % (one sd), geometric steps in place of exponential times are within 1 %.
func TestMMk(t *testing.T) {
	const k, step, mean, rho = 8, 0.01, 50.0, 0.8
	p := toyService(toyEngine, 1, k, 100, 100_000)
	m := *p.Model
	m.linear = make([]split, len(p.Model.linear))
	for i := range m.linear {
		m.linear[i] = split{sec: step}
	}
	m.head, m.prefill, m.kv, m.seq, m.mixed = make([]split, len(p.Model.head)), split{}, split{sec: 1e-18}, split{}, split{}
	p.Model = &m
	a := rho * k
	s := sim.NewStream(9, "mmk")
	reqs := make([]Request, 200_000)
	at := 0.0
	for i := range reqs {
		at += s.Exp(mean * step / a)
		n := 1 + int32(math.Log(1-s.Float64())/math.Log(1-1/mean)) // geometric from 1
		reqs[i] = Request{ArriveSec: at, Prompt: 1, Output: n}
	}
	o, err := p.Simulate(reqs, Options{})
	if err != nil {
		t.Fatal(err)
	}
	term, sum := 1.0, 1.0
	for j := 1; j < k; j++ {
		term *= a / float64(j)
		sum += term
	}
	last := term * a / k / (1 - rho)
	want := last/(sum+last)*mean*step/(k-a) + step/2
	if got := o.Queue.Mean; math.Abs(got/want-1) > 0.06 {
		t.Errorf("mean wait %.4g s, Erlang's C and half a step say %.4g s", got, want)
	}
	// Little's law on the run: requests in steps by time, and by request.
	if in := o.MeanBatch * o.Replicas[0].BusySec; math.Abs(in/(float64(o.OutputTokens)*step)-1) > 1e-9 {
		t.Errorf("%.6g sequence-seconds in steps, %.6g by tokens", in, float64(o.OutputTokens)*step)
	}
}

// TestClientsThink holds a closed loop against the law of interactive systems: N clients
// that think for Z and wait for R bring N/(R + Z) requests per second. The run begins and
// ends with part of a cycle; 60 cycles leave 2 %.
func TestClientsThink(t *testing.T) {
	p := toyService(toyEngine, 2, 64, 512, 5000)
	reqs := poisson(t, 60, 100, arrivals.Lengths{Mean: 200, CV: 0.5}, arrivals.Lengths{Mean: 30, CV: 0.5}, 3)
	for _, think := range []float64{0, 1, 4} {
		o, err := p.Simulate(reqs, Options{Concurrency: 100, ThinkSec: think})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := o.RequestsPerSec, 100/(o.E2E.Mean+think); math.Abs(got/want-1) > 0.06 {
			t.Errorf("think %v s: %.4g requests/s, the law says %.4g", think, got, want)
		}
	}
}

// TestTokensLeaveInTheirTime holds decode steps against the pace at which tokens leave: no
// step of b sequences is shorter than b times it, the time is the host's, and the steps of a run
// that outgrow it are as long as without it.
func TestTokensLeaveInTheirTime(t *testing.T) {
	const clients, prompt, output = 10, 100, 400
	var reqs []Request
	for range clients {
		reqs = append(reqs, Request{Prompt: prompt, Output: output})
	}
	run := func(pace float64) *Outcome {
		p := toyService(toyEngine, 1, clients, 2000, 5000)
		p.Model.pace = pace
		o, err := p.Simulate(reqs, Options{Concurrency: clients})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	m := toyModel(clients, 2000, 5000, toyEngine.BlockTokens)
	work := func(i int) float64 { // the i-th step after the first token
		return m.step(0, 0, clients, float64(clients*(prompt+i)), clients, 0)
	}
	free := run(0)
	for _, pace := range []float64{work(1) / clients / 2, work(200) / clients, 2 * work(400) / clients} {
		want := 0.0
		for i := 1; i < output; i++ {
			want += math.Max(work(i), pace*clients)
		}
		o := run(pace)
		if got := o.TPOT.Mean * (output - 1); math.Abs(got/want-1) > 1e-9 {
			t.Errorf("pace %.3g s: %.6g s after the first token, %.6g by steps", pace, got, want)
		}
		host := func(o *Outcome) (sec float64) {
			for _, s := range o.BusyBy {
				if s.Resource == "host" {
					sec += s.Seconds
				}
			}
			return sec
		}
		if more, longer := host(o)-host(free), o.Replicas[0].BusySec-free.Replicas[0].BusySec; math.Abs(more-longer) > 1e-9*free.Replicas[0].BusySec {
			t.Errorf("pace %.3g s: busy %.6g s longer, of which the host's %.6g", pace, longer, more)
		}
	}
}

// TestTokensSentTogether holds the first token of an engine that sends n at a time against the
// time at which n are computed, and leaves the end of requests where it was.
func TestTokensSentTogether(t *testing.T) {
	reqs := []Request{{Prompt: 100, Output: 101}}
	run := func(n int) *Outcome {
		p := toyService(toyEngine, 1, 4, 2000, 5000)
		p.Config.Engine.HoldsFirst, p.Config.StreamInterval = true, n
		o, err := p.Simulate(reqs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	one, ten, all := run(1), run(10), run(1000)
	if got, want := ten.TTFT.Mean, one.TTFT.Mean+9*one.TPOT.Mean; math.Abs(got/want-1) > 1e-9 {
		t.Errorf("first token of ten after %g s, want %g", got, want)
	}
	if all.TTFT.Mean != all.E2E.Mean || ten.E2E.Mean != one.E2E.Mean || math.Abs(ten.TTFT.Mean+100*ten.TPOT.Mean-ten.E2E.Mean) > 1e-9 {
		t.Errorf("whole request %g, %g and %g s, all tokens at once after %g", one.E2E.Mean, ten.E2E.Mean, all.E2E.Mean, all.TTFT.Mean)
	}
	sum := 0.0
	for _, p := range ten.TTFTParts[0].Parts {
		sum += p.Seconds
	}
	if math.Abs(sum-ten.TTFT.Mean) > 1e-9 {
		t.Errorf("parts of the first token sum to %g s of %g", sum, ten.TTFT.Mean)
	}
}
