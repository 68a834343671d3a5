package faas

import (
	"math"
	"testing"
)

func within(t *testing.T, what string, got, want, rel float64) {
	t.Helper()
	if math.Abs(got/want-1) > rel {
		t.Errorf("%s: %.5g, want %.5g within %.2g", what, got, want, rel)
	}
}

// 200,000 requests: the standard error of a mean of exponential times is 0.2 %, queues
// that are correlated over some tens of requests widen it tenfold.
const many = 200_000

func TestMM1(t *testing.T) {
	o, err := Simulate(Config{RatePerSec: 0.5, WarmSec: 1, ServiceCV: 1, KeepAliveSec: 1e9, MaxInstances: 1, MinInstances: 1, Requests: many}, 1)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "M/M/1 response", o.RespMeanSec, 2, 0.03)
	within(t, "M/M/1 wait", o.WaitMeanSec, 1, 0.05)
	within(t, "busy", o.MeanBusy, 0.5, 0.01)
	// Little's law: requests in the system are rate times response.
	within(t, "Little", o.MeanInService+0.5*o.WaitMeanSec, 0.5*o.RespMeanSec, 0.01)
}

func TestMMk(t *testing.T) {
	const k, load = 4, 0.8
	o, err := Simulate(Config{RatePerSec: k * load, WarmSec: 1, ServiceCV: 1, KeepAliveSec: 1e9, MaxInstances: k, MinInstances: k, Requests: 5 * many}, 1)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "M/M/4 wait", o.WaitMeanSec, erlangC(k, k*load)/(k*(1-load)), 0.05)
}

// erlangC is the probability that all k servers are busy at an offered load of a.
func erlangC(k int, a float64) float64 {
	term, sum := 1.0, 0.0
	for i := range k {
		sum += term
		term *= a / float64(i+1)
	}
	last := term / (1 - a/float64(k))
	return last / (sum + last)
}

func TestMG1(t *testing.T) {
	// Pollaczek and Khinchine: λE[S²]/2(1−ρ), a cv of 0 and of 2.
	for _, cv := range []float64{0, 2} {
		o, err := Simulate(Config{RatePerSec: 0.5, WarmSec: 1, ServiceCV: cv, KeepAliveSec: 1e9, MaxInstances: 1, MinInstances: 1, Requests: many}, 1)
		if err != nil {
			t.Fatal(err)
		}
		within(t, "M/G/1 wait", o.WaitMeanSec, 0.5*(1+cv*cv)/2/(1-0.5), 0.08)
	}
}

func TestSparseCallsAreCold(t *testing.T) {
	// λT = 1 and a service that is short beside both: P(cold) is exp(−1).
	o, err := Simulate(Config{RatePerSec: 1.0 / 600, WarmSec: 0.01, ColdSec: 0.01, KeepAliveSec: 600, Requests: many}, 1)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "P(cold)", o.ColdProb, math.Exp(-1), 0.01)
	within(t, "instances", o.MeanInstances, 1-math.Exp(-1), 0.01)
}

func TestLifetimeEndsInstancesInUse(t *testing.T) {
	// Calls far closer than the keep-alive and a service that is short beside both: one
	// instance, replaced by the first call after its life L. Of λL + 1 calls one is cold.
	o, err := Simulate(Config{RatePerSec: 1.0 / 60, WarmSec: 1e-6, ColdSec: 1e-6, KeepAliveSec: 6000, LifetimeSec: 7200, Requests: many}, 1)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "P(cold)", o.ColdProb, 1.0/(7200.0/60+1), 0.01)
	// The client sees a reply of the old instance for a keep-alive after its end.
	within(t, "alive", o.MeanInstances, 7200.0/7260, 0.001)
	within(t, "seen", o.MeanSeen, (7200.0+6000-60)/7260, 0.01)
	// Kept warm, it is replaced before it is missed.
	if o, err = Simulate(Config{RatePerSec: 1.0 / 60, WarmSec: 1e-6, KeepAliveSec: 6000, LifetimeSec: 7200, MinInstances: 1, Requests: many}, 1); err != nil || o.Cold != 0 {
		t.Errorf("%d cold starts of an instance that is kept warm, %v", o.Cold, err)
	}
}

func TestWaitingRequestsOutliveInstances(t *testing.T) {
	// Bounded instances of several slots that end often: all requests are served, and the
	// wait is that of a queue, not of a life.
	o, err := Simulate(Config{RatePerSec: 5, WarmSec: 1, ServiceCV: 1, KeepAliveSec: 60, LifetimeSec: 30, Concurrency: 4, MaxInstances: 2,
		Chain: []Stage{{Name: "start", Sec: 2}}, Requests: many}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !(o.WaitMeanSec < 5) || o.Cold < many/5/30 {
		t.Errorf("waits of %.3g s, %d cold starts", o.WaitMeanSec, o.Cold)
	}
}

func TestInfiniteServersHoldRateTimesService(t *testing.T) {
	// The example of SimFaaS: 0.9/s of 2.016 s warm, 2.163 s cold, 600 s: 7.68 instances,
	// 1.815 of them busy, 0.131 % cold.
	o, err := Simulate(Config{RatePerSec: 0.9, WarmSec: 2.016, ColdSec: 2.163, ServiceCV: 1, KeepAliveSec: 600, Requests: 2_000_000}, 3)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "busy", o.MeanBusy, 1.815, 0.01)
	within(t, "instances", o.MeanInstances, 7.68, 0.02)
	within(t, "P(cold)", o.ColdProb, 0.00131, 0.06)
}

func TestKnobsMove(t *testing.T) {
	base := Config{RatePerSec: 0.01, WarmSec: 2, ServiceCV: 1, KeepAliveSec: 300, Requests: 50_000,
		Chain: []Stage{{Name: "image", Bytes: 12e9, BytesPerSec: 1e9}, {Name: "weights", Sec: 8, CV: 0.5}}}
	run := func(change func(*Config)) *Outcome {
		c := base
		change(&c)
		o, err := Simulate(c, 1)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	b := run(func(*Config) {})
	if o := run(func(c *Config) { c.KeepAliveSec = 600 }); o.ColdProb >= b.ColdProb || o.MeanIdle <= b.MeanIdle {
		t.Errorf("longer keep-alive: cold %v to %v, idle %v to %v", b.ColdProb, o.ColdProb, b.MeanIdle, o.MeanIdle)
	}
	if o := run(func(c *Config) { c.ReapSec = 60 }); o.ColdProb >= b.ColdProb {
		t.Errorf("reaping late: cold %v to %v", b.ColdProb, o.ColdProb)
	}
	if o := run(func(c *Config) { c.LifetimeSec = 600 }); o.ColdProb <= b.ColdProb || o.MeanSeen <= o.MeanInstances {
		t.Errorf("instances that end: cold %v to %v, %v seen of %v", b.ColdProb, o.ColdProb, o.MeanSeen, o.MeanInstances)
	}
	if o := run(func(c *Config) { c.MinInstances = 1 }); o.ColdProb >= b.ColdProb/2 {
		t.Errorf("one kept warm: cold %v to %v", b.ColdProb, o.ColdProb)
	}
	if o := run(func(c *Config) { c.Concurrency = 8; c.RatePerSec = 1 }); o.MeanInstances >= run(func(c *Config) { c.RatePerSec = 1 }).MeanInstances {
		t.Errorf("eight requests an instance need as many instances as one")
	}
	within(t, "cold chain", b.ColdMeanSec, 20, 0.05)
	if _, err := Simulate(Config{RatePerSec: 3, WarmSec: 1, MaxInstances: 2, Requests: 10}, 1); err == nil {
		t.Error("a load of 1.5 was taken")
	}
}

func TestBreakEven(t *testing.T) {
	p := Price{PerRequest: 1e-6, PerBusySecond: 1e-3}
	// 3.6 USD/h is 1e-3 USD/s: as much as one request a second of one second, less the fee.
	got, err := p.BreakEven(1, 3.6, 4, 0.7)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "break-even", got, 1e-3/(1e-3+1e-6), 1e-9)
}
