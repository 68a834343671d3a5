package arrivals

import (
	"math"
	"testing"

	"aisim/sim"
)

// Talks hold together: each turn begins with all that was said, its hashes with those of the
// turn before it, and their number, rate and times to think are those asked for.
func TestTalks(t *testing.T) {
	spec := Spec{RatePerSec: 10, DurationSec: 5000, Prompt: Lengths{Mean: 200, CV: 0.5}, Output: Lengths{Mean: 100, CV: 0.5}}
	k := Talk{Turns: 4, ThinkSec: 20, ThinkCV: 1, Shared: 100, BlockTokens: 16}
	load, err := GenerateTalks(spec, k, sim.NewStream(1, "talks"))
	if err != nil {
		t.Fatal(err)
	}
	reqs := load.Requests
	starts, follows, think, last := 0, 0, 0.0, 0.0
	for i, q := range reqs {
		if q.ArriveSec < last {
			t.Fatalf("request %d comes at %v s after %v", i, q.ArriveSec, last)
		}
		last = q.ArriveSec
		if q.Back == 0 {
			starts++
			continue
		}
		follows++
		think += float64(q.ThinkSec)
		before := reqs[i-int(q.Back)]
		if q.Prompt <= before.Prompt+before.Output || q.HashStart != before.HashStart || q.HashCount < before.HashCount {
			t.Fatalf("turn %d: %+v after %+v", i, q, before)
		}
		if math.Abs(q.ArriveSec-before.ArriveSec-float64(q.ThinkSec)) > 1e-3 {
			t.Fatalf("turn %d comes %v s after the one before it, thinking %v", i, q.ArriveSec-before.ArriveSec, q.ThinkSec)
		}
		if int(q.HashStart+q.HashCount) > len(load.Hashes) {
			t.Fatalf("turn %d: hashes beyond the end", i)
		}
	}
	// 12,500 talks: their mean number of turns, of standard deviation 3.5, is known to 0.8 %.
	if turns := float64(starts+follows) / float64(starts); math.Abs(turns-4) > 0.1 {
		t.Errorf("%v turns, want 4", turns)
	}
	if rate := float64(len(reqs)) / spec.DurationSec; math.Abs(rate-10) > 0.4 {
		t.Errorf("%v turns a second, want 10", rate)
	}
	if got := think / float64(follows); math.Abs(got-20) > 0.5 {
		t.Errorf("thinks %v s, want 20", got)
	}
	if a, b := reqs[0], reqs[1]; load.Hashes[a.HashStart] != load.Hashes[b.HashStart] || load.Hashes[a.HashStart+6] == load.Hashes[b.HashStart+6] {
		t.Error("the first 96 of 100 shared tokens are six common blocks of 16, the seventh is a talk's own")
	}
	k.Context = 1000
	if load, err = GenerateTalks(spec, k, sim.NewStream(1, "talks")); err != nil {
		t.Fatal(err)
	}
	for i, q := range load.Requests {
		if q.Back > 0 && q.Prompt+q.Output > 1000 {
			t.Fatalf("turn %d of %d tokens beyond the context", i, q.Prompt+q.Output)
		}
	}
	for _, bad := range []Talk{{Turns: 0.5}, {Turns: 2, ThinkSec: -1}, {Turns: math.NaN()}, {Turns: 2, ThinkCV: 1e3}, {Turns: 2, Shared: -1}} {
		if _, err := GenerateTalks(spec, bad, sim.NewStream(1, "talks")); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
