package serving

import (
	"math"
	"testing"

	"aisim/internal/measured"
	"aisim/workloads/trace"
)

// talks are n conversations of turns requests each: every turn repeats the prompt before it
// and adds a block of 64 tokens.
func talks(n, turns int, gap float64) (reqs []Request, hashes []int64) {
	at := 0.0
	for turn := range turns {
		for c := range n {
			start := len(hashes)
			for b := range turn + 1 {
				hashes = append(hashes, int64(c*1000+b))
			}
			reqs = append(reqs, Request{ArriveSec: at, Prompt: int32(64*(turn+1) + 1), Output: 4, HashStart: int32(start), HashCount: int32(turn + 1)})
			at += gap
		}
	}
	return reqs, hashes
}

func sharing(t *testing.T, replicas, blocks int, router string, reqs []Request, hashes []int64, tiers ...Tier) *Outcome {
	t.Helper()
	p := toyService(toyEngine, replicas, 64, 512, blocks)
	p.Config.Arch = arch(t, "llama3.1-8b") // for the bytes of a token
	p.Config.Router, p.Config.Prefix = router, PrefixCache{Enabled: true, Tiers: tiers}
	o, err := p.Simulate(reqs, Options{Hashes: hashes, HashTokens: 64})
	if err != nil {
		t.Fatal(err)
	}
	if o.Lost > 0 {
		t.Fatalf("%d requests lost", o.Lost)
	}
	return o
}

// With room for everything, turn k of a conversation finds the k blocks of the turns before
// it and computes the last 65 tokens.
func TestPrefixHitsByCount(t *testing.T) {
	const n, turns = 5, 6
	reqs, hashes := talks(n, turns, 1)
	o := sharing(t, 1, 100_000, RoundRobin, reqs, hashes)
	want := int64(n * 64 * turns * (turns - 1) / 2)
	if o.PrefixTokens[0] != want || o.PromptAsked != o.PromptTokens {
		t.Errorf("%d tokens found of %d asked, want %d of %d", o.PrefixTokens[0], o.PromptAsked, want, o.PromptTokens)
	}
	// A prompt whose last token is all that is left takes the step of one token.
	p := toyService(toyEngine, 1, 64, 512, 100_000)
	p.Config.Prefix.Enabled = true
	two := []Request{{Prompt: 65, Output: 1, HashCount: 1}, {ArriveSec: 100, Prompt: 65, Output: 1, HashCount: 1}}
	o, err := p.Simulate(two, Options{Hashes: []int64{7}, HashTokens: 64})
	if err != nil {
		t.Fatal(err)
	}
	first, second := p.Model.step(65, 65*65/2.0, 0, 0, 1, 1), p.Model.step(1, 64.5, 0, 0, 1, 1)
	if math.Abs(o.TTFT.Max-first-p.Model.RequestSec) > 1e-9 || math.Abs(o.TTFT.Min-second-p.Model.RequestSec) > 1e-9 {
		t.Errorf("first tokens after %v and %v s, want %v and %v", o.TTFT.Max, o.TTFT.Min, first, second)
	}
}

// Memory that holds a quarter of the conversations in turn keeps little by the least
// recently used; a tier below keeps all, at the price of loading.
func TestPrefixEvictionAndTiers(t *testing.T) {
	const n, turns = 8, 3
	reqs, hashes := talks(n, turns, 10)
	blocks := n * turns * 64 / toyEngine.BlockTokens
	all := sharing(t, 1, blocks+100, RoundRobin, reqs, hashes)
	part := sharing(t, 1, blocks/4, RoundRobin, reqs, hashes)
	fast := sharing(t, 1, blocks/4, RoundRobin, reqs, hashes, Tier{Name: "host", Bytes: 1e18, BytesPerSec: 1e18})
	slow := sharing(t, 1, blocks/4, RoundRobin, reqs, hashes, Tier{Name: "host", Bytes: 1e18, BytesPerSec: 1e18, LatencySec: 0.5})
	small := sharing(t, 1, blocks/4, RoundRobin, reqs, hashes, Tier{Name: "host", Bytes: 1e-9, BytesPerSec: 1e18}, Tier{Name: "nvme", Bytes: 1e18, BytesPerSec: 1e18})
	if part.PrefixHitRate() >= all.PrefixHitRate()/2 {
		t.Errorf("hit rate %.3f with a quarter of the memory, %.3f with all", part.PrefixHitRate(), all.PrefixHitRate())
	}
	for _, o := range []*Outcome{fast, slow} {
		if math.Abs(o.PrefixHitRate()-all.PrefixHitRate()) > 1e-9 {
			t.Errorf("hit rate %.3f with a tier, want %.3f", o.PrefixHitRate(), all.PrefixHitRate())
		}
	}
	if small.PrefixTokens[1] != 0 || small.PrefixTokens[2] != fast.PrefixTokens[1] {
		t.Errorf("a host tier without room held %v, with room %v", small.PrefixTokens, fast.PrefixTokens)
	}
	if d := slow.TTFT.Max - fast.TTFT.Max; math.Abs(d-0.5) > 1e-2 {
		t.Errorf("a latency of 0.5 s to the tier moved the largest first token by %v s", d)
	}
}

// A router that knows prefixes keeps conversations together.
func TestPrefixRouters(t *testing.T) {
	reqs, hashes := talks(9, 8, 0.37)
	turn := sharing(t, 4, 100_000, RoundRobin, reqs, hashes).PrefixHitRate()
	for _, router := range []string{PrefixAware, KVAware} {
		if got := sharing(t, 4, 100_000, router, reqs, hashes).PrefixHitRate(); !(got > turn+0.05) {
			t.Errorf("%s: hit rate %.3f, in turn %.3f", router, got, turn)
		}
	}
}

// The conversation trace of Mooncake on Llama 3.1 70B: what is found grows with memory and
// tiers, and first tokens come sooner.
func TestMooncakeConversation(t *testing.T) {
	tr, err := trace.ReadFile(measured.Path(t, "inference/mooncake-fast25/conversation_trace.jsonl"), trace.Mooncake, trace.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	c, m := chat(t, 16)
	c.Router = PrefixAware
	run := func(p PrefixCache) *Outcome {
		c.Prefix = p
		o, err := Simulate(c, m, tr.Requests, Options{Hashes: tr.Hashes, HashTokens: tr.BlockTokens})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d requests: hit rate %.3f by tier %v, ttft mean %.3g s, lost %d", o.Requests, o.PrefixHitRate(), o.PrefixTokens, o.TTFT.Mean, o.Lost)
		return o
	}
	none, hbm := run(PrefixCache{}), run(PrefixCache{Enabled: true})
	host := run(PrefixCache{Enabled: true, Tiers: []Tier{{Name: "host", Bytes: 1e12, BytesPerSec: 200e9}}})
	if !(host.PrefixHitRate() > hbm.PrefixHitRate() && hbm.PrefixHitRate() > 0.1) || !(hbm.TTFT.Mean < none.TTFT.Mean) {
		t.Error("more memory for prefixes did not find more, or first tokens did not come sooner")
	}
}
