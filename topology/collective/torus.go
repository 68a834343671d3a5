package collective

import (
	"slices"

	"aisim/topology"
)

// box is a group's position in its torus: the coordinates that occur in each dimension
// and the rank at each combination of them.
type box struct {
	extents [][]int // sorted coordinates, of dimensions with more than one
	ranks   []topology.NodeID
}

// findBox returns ok when the ranks fill the product of their coordinates.
func findBox(g *topology.Graph, ranks []topology.NodeID) (box, bool) {
	var b box
	first := g.Coordinate(ranks[0], nil)
	if first == nil {
		return b, false
	}
	values := make([][]int, len(first))
	coords := make([][]int, len(ranks))
	for i, r := range ranks {
		coords[i] = g.Coordinate(r, nil)
		for d, x := range coords[i] {
			if at, have := slices.BinarySearch(values[d], x); !have {
				values[d] = slices.Insert(values[d], at, x)
			}
		}
	}
	size := 1
	for _, v := range values {
		size *= len(v)
	}
	if size != len(ranks) {
		return b, false
	}
	b.ranks = make([]topology.NodeID, size)
	for i, c := range coords {
		at := 0
		for d, x := range c {
			k, _ := slices.BinarySearch(values[d], x)
			at = at*len(values[d]) + k
		}
		b.ranks[at] = ranks[i]
	}
	for _, v := range values {
		if len(v) > 1 {
			b.extents = append(b.extents, v)
		}
	}
	return b, len(b.extents) > 0
}

func boxes(g *topology.Graph, groups []placed) bool {
	shape := -1
	for i := range groups {
		for _, d := range groups[i].domains {
			if len(d) < 2 {
				return false
			}
			b, ok := findBox(g, d)
			if !ok || shape >= 0 && shape != len(b.extents) {
				return false
			}
			shape = len(b.extents)
		}
	}
	return shape > 0
}

// torusPhases are reduce-scatter and all-gather over every dimension of a torus at once:
// the data is cut in as many parts as there are dimensions, part p takes the dimensions
// in the order p, p+1, …, so all links work in every phase; each ring runs both ways with
// half of the part (the multi-dimensional bucket algorithm; Sack & Gropp 2012, Jain &
// Sabharwal 2010).
func torusPhases(g *topology.Graph, groups []placed, reduce, gather bool) []phase {
	if len(groups) == 0 {
		return nil
	}
	first, ok := findBox(g, groups[0].domains[0])
	if !ok {
		return nil
	}
	dims := len(first.extents)
	var out []phase
	if reduce {
		for i := range dims {
			out = append(out, phase{traffic: ringTraffic, lay: perDomain(layTorus(i))})
		}
	}
	if gather {
		for i := dims - 1; i >= 0; i-- {
			out = append(out, phase{traffic: ringTraffic, lay: perDomain(layTorus(i))})
		}
	}
	return out
}

// layTorus lays phase i: part p rings along dimension (p+i) mod D on what the phases
// before have left of it.
func layTorus(i int) func(*builder, *placed) error {
	return func(b *builder, g *placed) error {
		bx, ok := findBox(b.g, g.ranks)
		if !ok {
			return layRing(1)(b, g)
		}
		dims := len(bx.extents)
		if i >= dims {
			return nil
		}
		for p := range dims {
			size := 1 / float64(dims)
			for k := range i {
				size /= float64(len(bx.extents[(p+k)%dims]))
			}
			d := (p + i) % dims
			n := len(bx.extents[d])
			stride := 1
			for k := d + 1; k < dims; k++ {
				stride *= len(bx.extents[k])
			}
			half := size * float64(n-1) / float64(n) / 2
			for at := range bx.ranks {
				x := at / stride % n
				next := at + ((x+1)%n-x)*stride
				counted := at/stride/n == 0 && at%stride == 0 // one line of the box
				if err := b.edge(bx.ranks[at], bx.ranks[next], half, counted); err != nil {
					return err
				}
				if err := b.edge(bx.ranks[next], bx.ranks[at], half, false); err != nil {
					return err
				}
			}
			b.chain(float64(n-1), float64(n))
		}
		return nil
	}
}
