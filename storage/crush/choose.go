package crush

import "math/bits"

// choose picks an item of a bucket for input x and attempt r.
func (p *Mapper) choose(b *bucket, x uint32, r int32, position int) int32 {
	m := p.m
	first, last := b.first, b.first+b.size
	switch b.alg {
	case Straw2:
		items := m.items[first:last]
		if p.args == nil {
			return items[p.straw2(x, items, m.weights[first:last], uint32(r))]
		}
		return items[p.straw2Args(b, x, r, position, items)]
	case Straw:
		return p.straw(x, m.items[first:last], m.weights[first:last], uint32(r))
	case List:
		return m.chooseList(b, x, uint32(r))
	case Tree:
		return m.chooseTree(b, x, uint32(r))
	}
	return p.permute(b, x, r)
}

// straw2 is the index of the item with the largest draw (L(u) − 2^48)/weight,
// rounded toward zero; the first wins ties. Items of weight zero lose to all
// others. With d = 2^48 − L(u) the draw is −⌊d/w⌋, and ⌊d/w⌋ < best exactly
// if d < best·w, so that only a new best costs a division.
func (p *Mapper) straw2(x uint32, ids []int32, weights []uint32, r uint32) int {
	high, best := 0, ^uint64(0)
	u := p.draws[:len(ids)]
	draws(x, r, ids, u)
	weights = weights[:len(u)]
	for i, v := range u {
		w, d := uint64(weights[i]), p.ln[v&0xffff]
		if over, product := bits.Mul64(best, w); over != 0 || d < product {
			high, best = i, d/w
		}
	}
	return high
}

// straw2Args is straw2 with the weights and ids of the choose_args.
func (p *Mapper) straw2Args(b *bucket, x uint32, r int32, position int, items []int32) int {
	weights := p.m.weights[b.first : b.first+b.size]
	a := &p.args[-1-b.id]
	if a.positions > 0 {
		at := min(position, a.positions-1) * int(b.size)
		weights = a.weights[at : at+int(b.size)]
	}
	if a.ids != nil {
		items = a.ids
	}
	return p.straw2(x, items, weights, uint32(r))
}

// straw draws a straw for every item: 16 random bits times its length.
func (p *Mapper) straw(x uint32, items []int32, lengths []uint32, r uint32) int32 {
	high, best := 0, uint64(0)
	u := p.draws[:len(items)]
	draws(x, r, items, u)
	lengths = lengths[:len(u)]
	for i, v := range u {
		if draw := uint64(v) * uint64(lengths[i]); draw > best {
			high, best = i, draw
		}
	}
	return items[high]
}

// chooseList walks from the newest item; each is taken with its share of the
// weight of itself and all older ones.
func (m *Map) chooseList(b *bucket, x, r uint32) int32 {
	items := m.itemsOf(b)
	weights, sums := m.weights[b.first:b.first+b.size], m.sums[b.extra:b.extra+b.size]
	for i := len(items) - 1; i >= 0; i-- {
		w := uint64(Hash4(x, uint32(items[i]), r, uint32(b.id))&0xffff) * uint64(sums[i]) >> 16
		if w < uint64(weights[i]) {
			return items[i]
		}
	}
	return items[0]
}

// chooseTree goes down from the root, left with the share of the left child.
func (m *Map) chooseTree(b *bucket, x, r uint32) int32 {
	nodes := m.sums[b.extra : b.extra+b.nodes]
	n := b.nodes / 2
	for n&1 == 0 {
		half := (n & -n) / 2
		t := uint64(Hash4(x, n, r, uint32(b.id))) * uint64(nodes[n]) >> 32
		if t < uint64(nodes[n-half]) {
			n -= half
		} else {
			n += half
		}
	}
	return m.items[b.first+min(n/2, b.size-1)]
}

// permute is item r of a random permutation of the bucket (Fisher–Yates,
// worked out as far as asked and kept for the next attempt with the same x).
func (p *Mapper) permute(b *bucket, x uint32, r int32) int32 {
	items := p.m.itemsOf(b)
	n := uint32(r) % b.size
	if n == 0 {
		return items[Hash3(x, uint32(b.id), 0)%b.size]
	}
	perm := p.perm[b.first : b.first+b.size]
	state := &p.permState[-1-b.id]
	if state.done == 0 || state.x != x {
		for i := range perm {
			perm[i] = uint32(i)
		}
		state.x, state.done = x, 0
	}
	for ; state.done <= n; state.done++ {
		at := state.done
		if at < b.size-1 {
			other := at + Hash3(x, uint32(b.id), at)%(b.size-at)
			perm[at], perm[other] = perm[other], perm[at]
		}
	}
	return items[perm[n]]
}
