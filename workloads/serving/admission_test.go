package serving

import (
	"math"
	"testing"

	"aisim/workloads/arrivals"
)

// TestErlangLoss holds the share turned away by k replicas of one seat and no queue against
// Erlang's loss formula, B = (a^k/k!)/Σ a^j/j!, which holds for any service time. 300,000
// requests give B within 0.002 (three sd).
func TestErlangLoss(t *testing.T) {
	for _, k := range []int{1, 4} {
		p := toyService(toyEngine, k, 1, 100, 1000)
		p.Config.Router, p.Config.Limits.MaxQueue = LeastOutstanding, 1
		d := p.Model.step(50, 50*25, 0, 0, 1, 1)
		a := 0.9 * float64(k)
		term, sum := 1.0, 1.0
		for j := 1; j <= k; j++ {
			term *= a / float64(j)
			sum += term
		}
		o, err := p.Simulate(poisson(t, a/d, 300_000*d/a, fixed(50), fixed(1), 5), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := float64(o.Shed)/float64(o.Requests), term/sum; math.Abs(got-want) > 0.003 {
			t.Errorf("%d replicas turned away %.4f, Erlang says %.4f", k, got, want)
		}
		if o.Completed+o.Lost != o.Requests || o.Shed != o.Lost {
			t.Errorf("%d requests, %d completed, %d lost, %d turned away", o.Requests, o.Completed, o.Lost, o.Shed)
		}
	}
}

// Twice the load that a service carries: clients that give up are never counted as served,
// and what is served is never more than without them.
func TestTimeouts(t *testing.T) {
	p := toyService(toyEngine, 2, 8, 512, 5000)
	reqs := poisson(t, 200, 60, arrivals.Lengths{Mean: 200, CV: 1}, arrivals.Lengths{Mean: 30, CV: 1}, 3)
	run := func(timeout float64, queue int) *Outcome {
		p.Config.Limits = Admission{TimeoutSec: timeout, MaxQueue: queue}
		o, err := p.Simulate(reqs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if o.Completed+o.Lost != o.Requests || o.TimedOut+o.Shed != o.Lost {
			t.Errorf("timeout %v: %d completed, %d lost of %d, %d gave up", timeout, o.Completed, o.Lost, o.Requests, o.TimedOut)
		}
		return o
	}
	never, short := run(0, 0), run(2, 0)
	if never.Lost > 0 || short.TimedOut == 0 {
		t.Fatalf("%d lost without a limit, %d gave up with one", never.Lost, short.TimedOut)
	}
	if short.TTFT.Max > 2+p.Model.RequestSec {
		t.Errorf("a first token was counted after %v s", short.TTFT.Max)
	}
	if short.OutputPerSec > 1.001*never.OutputPerSec || short.OutputTokens >= never.OutputTokens {
		t.Errorf("clients that give up raised tokens from %v/s to %v/s", never.OutputPerSec, short.OutputPerSec)
	}
	// Turning away early wastes less than letting clients give up: more of them are served.
	if both := run(2, 12); both.Shed == 0 || both.Attained < short.Attained {
		t.Errorf("turned away %d: %d served, %d without", both.Shed, both.Attained, short.Attained)
	}
}
