package serving

import (
	"math"
	"slices"
	"testing"

	"aisim/workloads/arrivals"
)

// Gaps by class are as many as the class's tokens after first ones and sum to the time between
// its first and last tokens; together they are those of all requests. Runs and single steps agree.
func TestGapsByClass(t *testing.T) {
	for _, first := range []bool{false, true} {
		for _, blocks := range []int{5000, 130} {
			e := toyEngine
			e.PrefillFirst, e.ReservePrompt = first, false
			reqs := poisson(t, 60, 60, arrivals.Lengths{Mean: 100, CV: 1}, arrivals.Lengths{Mean: 60, CV: 1}, 3)
			var p99 [2][3]float64
			within := 1e-6
			if first {
				within = 0.002
			}
			for i, every := range []bool{false, true} {
				p := classed(toyService(e, 2, 16, 512, blocks), threeClasses)
				o, err := p.Simulate(reqs, Options{EveryStep: every})
				if err != nil {
					t.Fatal(err)
				}
				var tokens [3]int
				for k := range reqs {
					tokens[classOf(p.Config.Classes, k)] += int(reqs[k].Output) - 1
				}
				all := 0
				for k := range o.Classes {
					c := &o.Classes[k]
					want := 0.0
					for _, x := range slices.Concat(c.E2E.runs...) {
						want += x
					}
					for _, x := range slices.Concat(c.TTFT.runs...) {
						want -= x
					}
					if c.ITL.Count != tokens[k] {
						t.Errorf("prefill first %v, %d blocks, %s: %d gaps, %d tokens after first ones", first, blocks, c.ID, c.ITL.Count, tokens[k])
					}
					// Means are exact but for times in whole nanoseconds; where prompts go first, who gives way
					// may have had its last token before others of its class that stay.
					if sum := c.ITL.Mean * float64(c.ITL.Count); math.Abs(sum/want-1) > within {
						t.Errorf("prefill first %v, %d blocks, %s: gaps sum to %.6g s, tokens took %.6g s", first, blocks, c.ID, sum, want)
					}
					all += c.ITL.Count
					p99[i][k] = c.ITL.P99
				}
				if all != o.ITL.Count {
					t.Errorf("%d gaps by class, %d in all", all, o.ITL.Count)
				}
				if blocks == 130 && !(o.Classes[0].ITL.P999 > 1.5*o.Classes[1].ITL.P999) {
					t.Errorf("prefill first %v: the lowest priority gives way, and its p99.9 gap is %v s, the highest's %v s", first, o.Classes[0].ITL.P999, o.Classes[1].ITL.P999)
				}
			}
			for k := range p99[0] {
				if math.Abs(p99[0][k]/p99[1][k]-1) > 0.002 {
					t.Errorf("prefill first %v, class %d: p99 of the gaps %.6g s coalesced, %.6g s step by step", first, k, p99[0][k], p99[1][k])
				}
			}
		}
	}
}
