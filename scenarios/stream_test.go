package scenarios

import (
	"strings"
	"testing"
)

// A stream in a scenario is the one of its model, and a load that its workers never do is
// refused with the load.
func TestStreams(t *testing.T) {
	play := func(sets ...string) PlayedStream {
		t.Helper()
		sc, err := Load("edge-cameras", append([]string{`stream=[{id="clicks",rate="1000/s",worker="100/s",max=40,price="0.1 USD/h",lag_slo="30 s",burst={factor=2,length="10 min",every="3 h"}}]`}, sets...))
		if err != nil {
			t.Fatal(err)
		}
		p, err := sc.PlayStreams()
		if err != nil {
			t.Fatal(err)
		}
		return p[0]
	}
	base := play()
	if base.PeakBacklog <= 0 || base.HourlyUSD != base.MeanWorkers*0.1 || base.Within >= 1 {
		t.Errorf("%+v", *base.StreamOutcome)
	}
	if slow := play("stream.clicks.start=10 min"); slow.LagP99Sec <= base.LagP99Sec {
		t.Errorf("workers that start later: p99 lag %g s, %g", slow.LagP99Sec, base.LagP99Sec)
	}
	_, err := Load("edge-cameras", []string{`stream=[{id="clicks",rate="1000/s",worker="100/s",max=9}]`})
	if err == nil || !strings.Contains(err.Error(), "the backlog grows for ever") {
		t.Errorf("a load of 1.1: %v", err)
	}
}
