package serving

import (
	"math"
	"strings"
	"testing"
)

// A store that replicas share: what one has computed another finds, which a store of each does
// not give; a lost replica's blocks are still there.
func TestSharedStoreIsShared(t *testing.T) {
	const n, turns = 6, 4
	reqs, hashes := talks(n, turns, 5)
	room := 2 * n * turns * 64 / toyEngine.BlockTokens
	tier := Tier{Name: "store", Bytes: 1e18, BytesPerSec: 1e15, LatencySec: 1e-3}
	own := sharing(t, 5, room, RoundRobin, reqs, hashes, tier)
	tier.Shared = true
	all := sharing(t, 5, room, RoundRobin, reqs, hashes, tier)
	one := sharing(t, 1, room, RoundRobin, reqs, hashes)
	if math.Abs(all.PrefixHitRate()-one.PrefixHitRate()) > 1e-9 || own.PrefixHitRate() > 0.8*one.PrefixHitRate() {
		t.Errorf("hit rate %.3f with a shared store, %.3f with one for each of five, %.3f on one replica", all.PrefixHitRate(), own.PrefixHitRate(), one.PrefixHitRate())
	}
	if all.PrefixTokens[1] == 0 || all.PrefixTokens[1] >= all.PrefixTokens[0]+all.PrefixTokens[1]+1 {
		t.Errorf("tokens found by tier: %v", all.PrefixTokens)
	}
	tier.Bytes = 1 // holds no block
	if none := sharing(t, 5, room, RoundRobin, reqs, hashes, tier); none.PrefixTokens[1] != 0 {
		t.Errorf("a store without room held %v", none.PrefixTokens)
	}
	p := toyService(toyEngine, 1, 64, 512, room)
	p.Config.Arch = arch(t, "llama3.1-8b")
	tier.Bytes = 1e18
	p.Config.Prefix = PrefixCache{Enabled: true, Tiers: []Tier{tier}}
	two := []Request{{Prompt: 65, Output: 1, HashCount: 1}, {ArriveSec: 100, Prompt: 65, Output: 1, HashCount: 1}}
	o, err := p.Simulate(two, Options{Hashes: []int64{7}, HashTokens: 64, Outages: []Outage{{Start: 40, End: 50}}})
	if err != nil {
		t.Fatal(err)
	}
	if o.PrefixTokens[0] != 0 || o.PrefixTokens[1] != 64 {
		t.Errorf("after a failure the store gave %v", o.PrefixTokens)
	}
}

// Reads share the store's rate: of four replicas that ask at once the k-th has its blocks after
// k times what they take alone. Latency is not waited for twice.
func TestSharedStoreContends(t *testing.T) {
	const replicas, sec, latency = 4, 0.5, 0.01
	p := toyService(toyEngine, replicas, 64, 512, 10_000)
	p.Config.Arch = arch(t, "llama3.1-8b")
	bytes := 64 * p.Config.Arch.KVBytesPerToken(p.Config.KVPrecision)
	p.Config.Prefix = PrefixCache{Enabled: true, Tiers: []Tier{{Name: "store", Bytes: 1e18, BytesPerSec: bytes / sec, LatencySec: latency, Shared: true}}}
	// Replica 0 makes the block; then a request on each of the others and on 0, which has it.
	reqs := []Request{{Prompt: 65, Output: 1, HashCount: 1}}
	for range replicas {
		reqs = append(reqs, Request{ArriveSec: 100, Prompt: 65, Output: 1, HashCount: 1})
	}
	var first *Outcome
	for _, opt := range []Options{{}, {Workers: 2}, {EveryStep: true}} {
		opt.Hashes, opt.HashTokens, opt.Digest = []int64{7}, 64, !opt.EveryStep
		o, err := p.Simulate(reqs, opt)
		if err != nil {
			t.Fatal(err)
		}
		if o.PrefixTokens[0] != 64 || o.PrefixTokens[1] != 3*64 {
			t.Fatalf("found %v", o.PrefixTokens)
		}
		done, err := p.Completions(reqs, opt)
		if err != nil {
			t.Fatal(err)
		}
		hit := p.Model.step(1, 64.5, 0, 0, 1, 1) + p.Model.RequestSec
		for k, want := range []float64{latency + sec, latency + 2*sec, latency + 3*sec, 0} { // in turn: replicas 1, 2, 3 and 0
			if got := done[k+1] - 100; math.Abs(got-want-hit) > 1e-6 {
				t.Errorf("request %d: answered after %v s, want %v", k, got, want+hit)
			}
		}
		if first == nil {
			first = o
		} else if o.Digest != first.Digest && !opt.EveryStep {
			t.Errorf("two workers give another result")
		}
	}
}

func TestSharedStoreIsLowest(t *testing.T) {
	c, m := chat(t, 1)
	c.Prefix = PrefixCache{Enabled: true, Tiers: []Tier{{Name: "store", Bytes: 1, BytesPerSec: 1, Shared: true}, {Name: "nvme", Bytes: 1, BytesPerSec: 1}}}
	if _, err := Prepare(c, m); err == nil || !strings.Contains(err.Error(), "only the lowest tier may be shared") {
		t.Errorf("got %v", err)
	}
}
