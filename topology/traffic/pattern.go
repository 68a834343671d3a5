package traffic

import "aisim/topology"

// Flow is one message between two endpoints.
type Flow struct {
	Src, Dst topology.NodeID
	Bytes    float64
	StartSec float64
}

// Permutation sends one message from every host to another, each receiving one: a
// random permutation without fixed points by Fisher–Yates on SplitMix64, drawn again
// while an element stays in place. The seed is the generator's state.
func Permutation(hosts []topology.NodeID, bytes float64, seed uint64) []Flow {
	if len(hosts) < 2 {
		return nil
	}
	d := make([]int32, len(hosts))
	for again := true; again; {
		for i := range d {
			d[i] = int32(i)
		}
		for i := len(d) - 1; i > 0; i-- {
			j := splitMix(&seed) % uint64(i+1)
			d[i], d[j] = d[j], d[i]
		}
		again = false
		for i, x := range d {
			again = again || int(x) == i
		}
	}
	out := make([]Flow, len(d))
	for i, x := range d {
		out[i] = Flow{Src: hosts[i], Dst: hosts[x], Bytes: bytes}
	}
	return out
}

func splitMix(state *uint64) uint64 {
	*state += 0x9e3779b97f4a7c15
	z := *state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Incast sends one message from every other host to the first.
func Incast(hosts []topology.NodeID, bytes float64) []Flow {
	if len(hosts) < 2 {
		return nil
	}
	out := make([]Flow, 0, len(hosts)-1)
	for _, h := range hosts[1:] {
		out = append(out, Flow{Src: h, Dst: hosts[0], Bytes: bytes})
	}
	return out
}

// AllToAll sends one message for every ordered pair, by distance: first each host to
// its right neighbour, then to the one after.
func AllToAll(hosts []topology.NodeID, bytes float64) []Flow {
	n := len(hosts)
	if n < 2 {
		return nil
	}
	out := make([]Flow, 0, n*(n-1))
	for s := 1; s < n; s++ {
		for i := range n {
			out = append(out, Flow{Src: hosts[i], Dst: hosts[(i+s)%n], Bytes: bytes})
		}
	}
	return out
}
