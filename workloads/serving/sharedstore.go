package serving

import "math"

// store is a pool of cached blocks on the network that the replicas of a site share. Blocks are
// written as they are computed, so that one replica finds what another has made, and the one that
// was not used for longest goes when it is full. Reads follow one another on its link in the order in which
// they are asked for; writes travel beside them (the other direction of the link).
type store struct {
	blocks  prefixes // one list, all of them idle
	most    int
	sec     float64 // of the link for one block
	latency float64
	until   float64 // the link is busy
}

// newStore is nil where the lowest tier is not shared.
func newStore(p *PrefixCache, dense, tokens int, tokenBytes float64) *store {
	n := len(p.Tiers)
	if n == 0 || !p.Tiers[n-1].Shared {
		return nil
	}
	t := &p.Tiers[n-1]
	bytes := tokenBytes * float64(tokens)
	return &store{blocks: prefixes{index: newBlockIndex(dense), list: []lru{{head: -1, tail: -1}}},
		most: int(math.Min(t.Bytes/bytes, math.MaxInt32)), sec: bytes / t.BytesPerSec, latency: t.LatencySec}
}

func (s *store) has(hash int64) bool {
	if s == nil {
		return false
	}
	_, ok := s.blocks.index.get(hash)
	return ok
}

// put writes a block, or makes it the one used last.
func (s *store) put(hash int64) {
	if s == nil || s.most == 0 {
		return
	}
	b := &s.blocks
	i, ok := b.index.get(hash)
	if ok {
		b.unlink(i)
		b.link(i, 0)
		return
	}
	if b.list[0].count == s.most {
		b.evict(0)
	}
	i = b.newCell(hash)
	b.index.set(hash, i)
	b.link(i, 0)
}

// send reads n blocks from time now on and returns by how much they come later than over an
// idle link.
func (s *store) send(now float64, n int) (waitSec float64) {
	if s == nil || n == 0 {
		return 0
	}
	start := math.Max(now, s.until)
	s.until = start + float64(n)*s.sec
	return start - now
}
