package scenarios

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// Every knob of a function moves what it should, in its direction.
func TestFunctionKnobs(t *testing.T) {
	play := func(sets ...string) PlayedFunction {
		sc, err := Load("edge-cameras", append([]string{"function.closer-look.requests=20000"}, sets...))
		if err != nil {
			t.Fatal(err)
		}
		p, err := sc.PlayFunctions()
		if err != nil {
			t.Fatal(err)
		}
		return p[0]
	}
	cold := func(p PlayedFunction) float64 { return p.ColdProb }
	chain := func(p PlayedFunction) float64 { return p.ColdMeanSec }
	instances := func(p PlayedFunction) float64 { return p.MeanInstances }
	hour := func(p PlayedFunction) float64 { return p.HourlyUSD }
	base := play()
	for _, c := range []struct {
		set    string
		more   bool
		figure func(PlayedFunction) float64
	}{
		{"rate=0.2/s", false, cold},
		{"keep_alive=1 h", false, cold},
		{"keep_alive=1 h", true, instances},
		{"reap=1 h", true, instances},
		{"lifetime=10 min", true, cold},
		{"time=20 s", true, instances},
		{"cv=5", true, func(p PlayedFunction) float64 { return p.RespP99Sec }},
		{"min_instances=3", false, cold},
		{"concurrency=8", false, cold},
		{"max_instances=1", true, func(p PlayedFunction) float64 { return p.WaitMeanSec }},
		{`start=[{name="machine",time="200 s"}]`, true, chain},
		{`start=[{name="image",bytes="500 GB",rate="1 GB/s"}]`, true, chain},
		{"price_busy=10 USD/h", true, hour},
		{"price_request=1 USD", true, hour},
		{"reserved.price=2 USD/h", true, func(p PlayedFunction) float64 { return p.BreakEven }},
		{"reserved.utilisation=0.01", true, func(p PlayedFunction) float64 { return p.BreakEven }},
		{"price_busy=0.1 USD/h", true, func(p PlayedFunction) float64 { return p.BreakEven }},
	} {
		got, was := c.figure(play("function.closer-look."+c.set)), c.figure(base)
		if got == was || (got > was) != c.more {
			t.Errorf("%s: from %g to %g, want more: %v", c.set, was, got, c.more)
		}
	}
	// Sparse calls: P(cold) = exp(−λT) for one instance.
	sparse := play("function.closer-look.rate=0.002/s", "function.closer-look.reap=0 s", "function.closer-look.time=1 ms", `function.closer-look.start=[{name="x",time="1 ms"}]`)
	if want := math.Exp(-0.002 * 600); math.Abs(sparse.ColdProb-want) > 0.01 {
		t.Errorf("sparse calls start cold with %g, want %g", sparse.ColdProb, want)
	}
}

func TestFunctionThatNeverDrains(t *testing.T) {
	_, err := Load("edge-cameras", []string{"function.closer-look.rate=1/s", "function.closer-look.max_instances=2"})
	var inv *Invalid
	if !errors.As(err, &inv) || inv.Problems[0].Key != "function.closer-look" {
		t.Errorf("%v", err)
	}
}

// The price of a reserved machine may be that of an instance of the catalogue.
func TestReservedInstance(t *testing.T) {
	load := func(reserved string) (*Scenario, error) {
		return Load("edge-cameras", []string{"function.closer-look.requests=1000", "function.closer-look.reserved=" + reserved})
	}
	even := func(reserved string) float64 {
		t.Helper()
		sc, err := load(reserved)
		if err != nil {
			t.Fatal(err)
		}
		p, err := sc.PlayFunctions()
		if err != nil {
			t.Fatal(err)
		}
		return p[0].BreakEven
	}
	if a, b := even(`{instance="aws-p5-4xlarge",slots=64}`), even(`{price="6.88 USD/h",slots=64}`); a != b || a <= 0 {
		t.Errorf("break-even at %g requests/s by the catalogue and %g by hand", a, b)
	}
	for reserved, want := range map[string]string{
		`{slots=4}`: "what the machine costs",
		`{instance="aws-p5-4xlarge",purchase="three-year",slots=4}`: "no three-year price",
		`{price="1 USD/h",purchase="three-year",slots=4}`:           "no instance is bought",
	} {
		if _, err := load(reserved); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", reserved, err, want)
		}
	}
}
