package crush

import (
	"errors"
	"math"
	"math/big"
	"slices"
)

// maxTreeItems is what a tree bucket can hold: Ceph counts its nodes, twice the
// next power of two, in eight bits.
const maxTreeItems = 64

var (
	errTaken       = errors.New("the id is taken by another bucket")
	errWeight      = errors.New("the weights add up to more than 32 bits hold (65536.0)")
	errUniformZero = errors.New("the items of a uniform bucket must not weigh zero")
	errTreeSize    = errors.New("a tree bucket holds at most 64 items")
	errUniform     = errors.New("a uniform bucket cannot be filtered by class")
)

// addBucket appends a bucket and works out what its algorithm needs.
func (m *Map) addBucket(id, typ int32, alg Alg, items []int32, weights []uint32) error {
	slot := -1 - int(id)
	for len(m.buckets) <= slot {
		m.buckets = append(m.buckets, bucket{})
	}
	if m.buckets[slot].alg != 0 {
		return errTaken
	}
	b := bucket{id: id, typ: typ, alg: alg, size: uint32(len(items)), first: uint32(len(m.items)), extra: uint32(len(m.sums))}
	total := uint64(0)
	for _, w := range weights {
		if total += uint64(w); total > math.MaxUint32 {
			return errWeight
		}
		if alg == List {
			m.sums = append(m.sums, uint32(total))
		}
	}
	b.weight = uint32(total)
	lengths := weights
	switch alg {
	case Straw:
		m.sums = append(m.sums, weights...)
		lengths = strawLengths(weights, m.Tunables.StrawCalcVersion)
	case Tree:
		if len(items) > maxTreeItems {
			return errTreeSize
		}
		m.sums = appendTree(m.sums, weights)
		b.nodes = uint32(len(m.sums)) - b.extra
	}
	m.items = append(m.items, items...)
	m.weights = append(m.weights, lengths...)
	m.buckets[slot] = b
	return nil
}

// appendTree appends the node weights of a binary tree whose leaf k is node
// 2k+1 and whose inner node n has the children n ± 2^(h−1), h the trailing zeros of n.
func appendTree(to, weights []uint32) []uint32 {
	if len(weights) == 0 {
		return to
	}
	depth := 1
	for t := len(weights) - 1; t > 0; t >>= 1 {
		depth++
	}
	nodes := make([]uint32, 1<<depth)
	for k, w := range weights {
		node := 2*k + 1
		nodes[node] = w
		for h := range depth - 1 {
			node = node&^(1<<h|1<<(h+1)) | 1<<(h+1) // the parent, one level up
			nodes[node] += w
		}
	}
	return append(to, nodes...)
}

// strawLengths are the lengths (16.16) that make an item's straw the longest in
// proportion to its weight, from the lightest to the heaviest: each step in weight
// stretches the rest by (1/p)^(1/left), p the share of what lies below.
// Version 0 counts items of equal weight and of weight zero wrongly.
func strawLengths(weights []uint32, version uint8) []uint32 {
	size := len(weights)
	order := make([]int, size)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case weights[a] < weights[b]:
			return -1
		case weights[a] > weights[b]:
			return 1
		}
		return 0
	})
	lengths := make([]uint32, size)
	left, straw, below, last := size, 1.0, 0.0, 0.0
	for i := 0; i < size; {
		if weights[order[i]] == 0 {
			i++
			if version > 0 {
				left--
			}
			continue
		}
		lengths[order[i]] = uint32(int64(straw * One))
		if i++; i == size {
			break
		}
		here, next := weights[order[i-1]], weights[order[i]]
		if version == 0 && here == next {
			continue
		}
		below += (float64(here) - last) * float64(left)
		if version == 0 {
			for j := i; j < size && weights[order[j]] == next; j++ {
				left--
			}
		} else {
			left--
		}
		above := float64(uint32(left) * (next - here)) // wraps at 32 bits, as in Ceph
		straw *= power(1/(below/(below+above)), 1/float64(left))
		last = float64(here)
	}
	return lengths
}

// power is x^y rounded to the nearest float64, as the C library's is but for
// rare ties; math.Pow is not near enough.
func power(x, y float64) float64 {
	if x == 1 || y == 1 {
		return x
	}
	if !(x > 0) || math.IsInf(x, 0) || math.IsInf(y, 0) || math.IsNaN(y) {
		return math.Pow(x, y)
	}
	const precision = 192
	wide := func(v float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(v) }
	// ln x = l + ln(x·e^−l) with l the float64 logarithm; what is left is tiny.
	l := math.Log(x)
	rest := exponential(wide(-l))
	rest.Sub(rest.Mul(rest, wide(x)), wide(1))
	square := new(big.Float).SetPrec(precision).Mul(rest, rest)
	ln := wide(l)
	ln.Add(ln, rest)
	ln.Sub(ln, square.Mul(square, wide(0.5)))
	out, _ := exponential(ln.Mul(ln, wide(y))).Float64()
	return out
}

// exponential is e^v by Taylor's series of v/2^16, squared back.
func exponential(v *big.Float) *big.Float {
	const halvings = 16
	prec := v.Prec()
	small := new(big.Float).SetPrec(prec).SetMantExp(v, -halvings)
	sum := new(big.Float).SetPrec(prec).SetInt64(1)
	term := new(big.Float).SetPrec(prec).SetInt64(1)
	for n := int64(1); n < 32; n++ {
		term.Mul(term, small)
		term.Quo(term, new(big.Float).SetPrec(prec).SetInt64(n))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum
}
