package crush

import "slices"

// Mapper runs rules of one map. It holds scratch memory, so each goroutine needs its
// own; Do allocates nothing once size and map have been seen.
type Mapper struct {
	m         *Map
	ln        *[1 << 16]uint64
	args      chooseArgs
	draws     []uint32 // 16 random bits for each item of a bucket
	perm      []uint32
	permState []permState
	scratch   []int32
}

type permState struct {
	x, done uint32
}

// NewMapper makes a Mapper without choose_args.
func (m *Map) NewMapper() *Mapper {
	return &Mapper{m: m, ln: lnDistance(), draws: make([]uint32, m.widest+lanes), perm: make([]uint32, len(m.items)), permState: make([]permState, len(m.buckets)),
		scratch: make([]int32, 3*16)}
}

// DefaultChooseArgs is the index of the weight-set for pools without their own.
const DefaultChooseArgs = -1

// UseChooseArgs makes the Mapper use the weight-set with that index (a pool's
// id), or else the default one, and says whether there is one.
func (p *Mapper) UseChooseArgs(index int64) bool {
	a, ok := p.m.args[index]
	if !ok {
		a, ok = p.m.args[DefaultChooseArgs]
	}
	p.args = a
	return ok
}

// search is what a choose step asks for.
type search struct {
	x                    uint32
	reweight             []uint32
	typ                  int32
	tries, leafTries     uint32
	localTries, fallback uint32
	varyR, stable        uint8
	leaf                 bool
}

// Do maps input x to at most size OSDs by a rule and returns them in out[:0],
// grown where needed. reweight has the OSDs' reweights (16.16: One in, 0 out,
// between: in for that share of inputs); OSDs beyond its length are out.
// Replicated rules may return fewer than size; erasure-coded ones leave None at
// positions that cannot be filled. size below one maps to nothing.
func (p *Mapper) Do(rule *Rule, x uint32, size int, reweight []uint32, out []int32) []int32 {
	out = out[:0]
	if size < 1 {
		return out
	}
	if len(p.scratch) < 3*size {
		p.scratch = make([]int32, 3*size)
	}
	work, next, leaves := p.scratch[:size], p.scratch[size:2*size], p.scratch[2*size:3*size]
	t := &p.m.Tunables
	s := search{x: x, reweight: reweight, tries: t.ChooseTotalTries + 1, localTries: t.ChooseLocalTries,
		fallback: t.ChooseLocalFallbackTries, varyR: t.ChooseleafVaryR, stable: t.ChooseleafStable}
	leafTries, n := uint32(0), 0
	for i := range rule.Steps {
		step := &rule.Steps[i]
		switch step.Op {
		case OpTake:
			work[0], n = step.Arg, 1
		case OpSetChooseTries:
			if step.Arg > 0 {
				s.tries = uint32(step.Arg)
			}
		case OpSetChooseleafTries:
			if step.Arg > 0 {
				leafTries = uint32(step.Arg)
			}
		case OpSetChooseLocalTries:
			s.localTries = uint32(step.Arg)
		case OpSetChooseLocalFallback:
			s.fallback = uint32(step.Arg)
		case OpSetChooseleafVaryR:
			s.varyR = uint8(min(step.Arg, 255))
		case OpSetChooseleafStable:
			s.stable = uint8(min(step.Arg, 1))
		case OpChooseFirstN, OpChooseleafFirstN, OpChooseIndep, OpChooseleafIndep:
			s.typ = step.Type
			s.leaf = step.Op == OpChooseleafFirstN || step.Op == OpChooseleafIndep
			firstn := step.Op == OpChooseFirstN || step.Op == OpChooseleafFirstN
			switch {
			case leafTries > 0:
				s.leafTries = leafTries
			case firstn && t.ChooseleafDescendOnce == 0:
				s.leafTries = s.tries
			default:
				s.leafTries = 1
			}
			n = p.chooseStep(&s, firstn, int(step.Arg), work[:n], next, leaves)
			if s.leaf {
				copy(next[:n], leaves[:n])
			}
			work, next = next, work
		case OpEmit:
			out = append(out, work[:min(n, size-len(out))]...)
			n = 0
		}
	}
	return out
}

// chooseStep chooses below every bucket of from into to, and their leaves, and returns how many.
func (p *Mapper) chooseStep(s *search, firstn bool, count int, from, to, leaves []int32) int {
	n, size := 0, len(to)
	if count <= 0 {
		count += size
		if count <= 0 {
			return 0
		}
	}
	for _, id := range from {
		b := p.m.bucketByID(id)
		if b == nil {
			continue
		}
		if firstn {
			n += p.firstn(s, b, int32(count), to[n:], 0, size-n, leaves[n:], 0, s.leaf)
			continue
		}
		some := min(count, size-n)
		p.indep(s, b, some, int32(count), to[n:], 0, leaves[n:], 0, s.leaf)
		n += some
	}
	return n
}

// out reports whether the reweights keep OSD id from holding x.
func (s *search) out(id int32) bool {
	if int(id) >= len(s.reweight) {
		return true
	}
	w := s.reweight[id]
	if w >= One {
		return false
	}
	return w == 0 || Hash2(s.x, uint32(id))&0xffff >= w
}

// firstn chooses up to count distinct items of the wanted type below a bucket,
// from attempt numbers below reps on, and appends them to out[:at]; with leaf it also
// finds an OSD below each. It returns the new length. Positions that fail all
// tries are left out, and later ones move up.
func (p *Mapper) firstn(s *search, top *bucket, reps int32, out []int32, at, count int, leaves []int32, parentR int32, leaf bool) int {
	typ, tries := s.typ, s.tries
	if !leaf && leaves == nil { // the search for a leaf
		typ, tries = 0, s.leafTries
	}
	rep := int32(0)
	if s.stable == 0 {
		rep = int32(at)
	}
	for ; rep < reps && count > 0; rep++ {
		item, ok := p.attempt(s, top, typ, tries, rep+parentR, out, at, count, leaves, leaf)
		if !ok {
			continue
		}
		out[at] = item
		at++
		count--
	}
	return at
}

// attempt descends again and again from top until it finds an item that is
// neither taken nor out, or has failed often enough.
func (p *Mapper) attempt(s *search, top *bucket, typ int32, tries uint32, r0 int32, out []int32, at, count int, leaves []int32, leaf bool) (int32, bool) {
	m := p.m
	failed, failedHere := uint32(0), uint32(0)
	for b := top; ; {
		r := r0 + int32(failed)
		collides, rejected := false, b.size == 0
		item := int32(0)
		if !rejected {
			if s.fallback > 0 && failedHere >= b.size>>1 && failedHere > s.fallback {
				item = p.permute(b, s.x, r)
			} else {
				item = p.choose(b, s.x, r, at)
			}
			itemType := int32(0)
			if item < 0 {
				itemType = m.buckets[-1-item].typ
			}
			if itemType != typ {
				if item >= 0 {
					return 0, false
				}
				b = &m.buckets[-1-item]
				continue
			}
			collides = slices.Contains(out[:at], item)
			if !collides && leaf {
				if item < 0 {
					rejected = !p.leaf(s, &m.buckets[-1-item], r, leaves, at, count)
				} else {
					leaves[at] = item
				}
			}
			if !rejected && !collides && itemType == 0 {
				rejected = s.out(item)
			}
			if !rejected && !collides {
				return item, true
			}
		}
		failed++
		failedHere++
		switch {
		case collides && failedHere <= s.localTries:
		case s.fallback > 0 && failedHere <= b.size+s.fallback:
		case failed < tries:
			b, failedHere = top, 0
		default:
			return 0, false
		}
	}
}

// leaf looks for one OSD below a bucket for position at.
func (p *Mapper) leaf(s *search, b *bucket, r int32, leaves []int32, at, count int) bool {
	reps, parentR := int32(at)+1, int32(0)
	if s.stable != 0 {
		reps = 1
	}
	if s.varyR > 0 {
		parentR = r >> ((s.varyR - 1) & 31)
	}
	return p.firstn(s, b, reps, leaves, at, count, nil, parentR, false) > at
}

// indep fills the positions at … at+left−1 of out, breadth first, so that a
// position does not depend on whether others could be filled. reps is the number of
// positions of the whole step, which spaces the attempts.
func (p *Mapper) indep(s *search, top *bucket, left int, reps int32, out []int32, at int, leaves []int32, parentR int32, leaf bool) {
	m := p.m
	typ, tries := s.typ, s.tries
	if !leaf && leaves == nil {
		typ, tries = 0, s.leafTries
	}
	end := at + left
	for i := at; i < end; i++ {
		out[i] = undefined
		if leaves != nil {
			leaves[i] = undefined
		}
	}
	for round := uint32(0); left > 0 && round < tries; round++ {
		for rep := at; rep < end; rep++ {
			if out[rep] != undefined {
				continue
			}
			for b := top; b.size > 0; {
				r := int32(rep) + parentR
				if b.alg == Uniform && b.size%uint32(reps) == 0 {
					r += (reps + 1) * int32(round)
				} else {
					r += reps * int32(round)
				}
				item := p.choose(b, s.x, r, at)
				itemType := int32(0)
				if item < 0 {
					itemType = m.buckets[-1-item].typ
				}
				if itemType != typ {
					if item < 0 {
						b = &m.buckets[-1-item]
						continue
					}
					out[rep] = None
					if leaves != nil {
						leaves[rep] = None
					}
					left--
					break
				}
				if slices.Contains(out[at:end], item) {
					break
				}
				if leaf {
					if item < 0 {
						p.indep(s, &m.buckets[-1-item], 1, reps, leaves, rep, nil, r, false)
						if leaves[rep] == None {
							break
						}
					} else {
						leaves[rep] = item
					}
				}
				if itemType == 0 && s.out(item) {
					break
				}
				out[rep] = item
				left--
				break
			}
		}
	}
	for i := at; i < end; i++ {
		if out[i] == undefined {
			out[i] = None
		}
		if leaves != nil && leaves[i] == undefined {
			leaves[i] = None
		}
	}
}
