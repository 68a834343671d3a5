package topology

import "fmt"

// rail is the rail of a NIC in a rail-only fabric.
func (g *Graph) rail(nic int32) int { return int(g.nicTo[nic]) / (g.tiers[0].blocks / g.rails) }

// acrossRails routes between NICs of different rails, which no switch joins: over the
// scale-up fabric to a chip of the sender's domain that has a live NIC on the
// receiver's rail, its own host's first, or else over the sender's rail to the
// receiver's domain (Wang et al., Rail-only, HOTI 2024).
func (r *router) acrossRails(src, dst NodeID, a, b int32, salt uint64, w float64, out []Share) ([]Share, float64, error) {
	g := r.g
	if via, nic, ok := g.onRail(src, g.rail(b)); ok {
		if got, lat, ok := r.scaleUp(src, via, w, out); ok {
			got, l, err := r.network(nic, b, salt, w, got)
			return got, lat + l, err
		}
	}
	if via, nic, ok := g.onRail(dst, g.rail(a)); ok {
		got, l, err := r.network(a, nic, salt, w, out)
		if err != nil {
			return got, 0, err
		}
		if got, lat, ok := r.scaleUp(via, dst, w, got); ok {
			return got, lat + l, nil
		}
	}
	return out, 0, fmt.Errorf("rails %d and %d of a rail-only fabric are separate networks, and no scale-up fabric at either end leads from one to the other", g.rail(a), g.rail(b))
}

// onRail finds a chip of n's scale-up domain with a live NIC on a rail, on n's own host if
// there is one.
func (g *Graph) onRail(n NodeID, rail int) (chip NodeID, nic int32, ok bool) {
	if g.Domain(n) < 0 {
		return 0, 0, false
	}
	gr := &g.groups[g.owner[n]]
	nics := gr.HostGroup.NICs
	if nics == 0 {
		return 0, 0, false
	}
	own := int(g.index[n])
	try := func(host int) bool {
		for k := range nics {
			nic = gr.nicBase + int32(host*nics+k)
			chip = gr.chip0 + NodeID(host*gr.ChipsPerHost+k*gr.ChipsPerHost/nics)
			if g.nicOK[nic] && g.rail(nic) == rail && chip != n && g.Domain(chip) == g.Domain(n) {
				return true
			}
		}
		return false
	}
	if try(own / gr.ChipsPerHost) {
		return chip, nic, true
	}
	first := own / gr.perDomain * gr.perDomain
	for c := first; c < min(first+gr.perDomain, gr.chips); c += gr.ChipsPerHost {
		if try(c / gr.ChipsPerHost) {
			return chip, nic, true
		}
	}
	return 0, 0, false
}
