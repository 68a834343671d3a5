package crush

import "math/bits"

// Pool is what placement needs to know of a pool.
type Pool struct {
	ID         int64
	Name       string
	Erasure    bool // positions are kept and holes left; replicated sets move up
	Size       int
	Shards     int // data shards: 1 for replicas, k for k+m
	Rule       int
	PGs        uint32 // pg_num
	PlacedPGs  uint32 // pgp_num: placement groups beyond it lie where an earlier one lies
	HashPSPool bool   // flag hashpspool: pools do not overlap; all pools made since 2012 have it
}

// stableMod folds a hash onto 0..n−1 so that growing n to the next power of two
// splits groups and moves nothing else.
func stableMod(h, n uint32) uint32 {
	if n == 0 {
		return 0
	}
	mask := uint32(1)<<bits.Len32(n-1) - 1
	if v := h & mask; v < n {
		return v
	}
	return h & (mask >> 1)
}

// PG is the placement group of an object. A locator key replaces the name; a
// namespace goes before it.
func (p *Pool) PG(name, key, namespace string) uint32 {
	if key != "" {
		name = key
	}
	if namespace != "" {
		name = namespace + "\x1f" + name
	}
	return stableMod(HashName(name), p.PGs)
}

// Input is the CRUSH input x of a placement group.
func (p *Pool) Input(pg uint32) uint32 {
	ps := stableMod(pg, p.PlacedPGs)
	if p.HashPSPool {
		return Hash2(ps, uint32(p.ID))
	}
	return ps + uint32(p.ID)
}
