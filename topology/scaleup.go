package topology

import "fmt"

// addScaleUp makes the links among the chips of each domain of a group.
func (g *Graph) addScaleUp(gr *group, owner int) error {
	su := gr.ScaleUp
	gr.suKind, gr.perDomain = su.Kind, su.DomainChips
	if gr.perDomain == 0 {
		gr.perDomain = gr.ChipsPerHost
	}
	if g.spec.Topology == "torus" && owner == 0 && gr.suKind != "torus" {
		if gr.suKind != "" && gr.suKind != "none" {
			return fmt.Errorf("topology: torus: the scale-up of group %q is %q, want torus", gr.Name, gr.suKind)
		}
		gr.suKind = "torus"
	}
	if gr.suKind == "" {
		gr.suKind = "none"
		if gr.chips > 0 && su.BytesPerSec > 0 {
			gr.suKind = "switch"
		}
	}
	if gr.suKind == "none" || gr.chips == 0 {
		gr.suKind, gr.perDomain, gr.domains = "none", 1, max(gr.chips, gr.Count)
		return nil
	}
	if !(su.BytesPerSec > 0) {
		return fmt.Errorf("topology: scale-up %q of group %q has no bandwidth", gr.suKind, gr.Name)
	}
	if gr.suKind == "torus" {
		if len(su.Dims) == 0 {
			return fmt.Errorf("topology: torus of group %q has no dims", gr.Name)
		}
		product := 1
		for i, d := range su.Dims {
			if d < 1 || d > 1<<16 || product > maxNodes {
				return fmt.Errorf("topology: torus of group %q: dims[%d] = %d is outside 1..65536", gr.Name, i, d)
			}
			product *= d
		}
		if su.DomainChips != 0 && su.DomainChips != product {
			return fmt.Errorf("topology: torus %v of group %q holds %d chips, its domain says %d", su.Dims, gr.Name, product, su.DomainChips)
		}
		gr.perDomain = product
	}
	if gr.perDomain < 1 || gr.perDomain > gr.chips && gr.suKind != "switch" {
		return fmt.Errorf("topology: scale-up domain of %d chips in group %q, which has %d", gr.perDomain, gr.Name, gr.chips)
	}
	if gr.suKind != "switch" && gr.chips%gr.perDomain != 0 {
		return fmt.Errorf("topology: %d chips of group %q do not fill %s domains of %d", gr.chips, gr.Name, gr.suKind, gr.perDomain)
	}
	gr.domains = (gr.chips + gr.perDomain - 1) / gr.perDomain
	gr.dom0 = NodeID(len(g.kind))
	gr.suFirst = LinkID(len(g.from))
	m := gr.perDomain
	if m == 1 {
		return nil
	}
	switch gr.suKind {
	case "switch":
		for d := range gr.domains {
			g.addNode(ScaleUpSwitch, owner, d)
		}
		for c := range gr.chips {
			g.addPair(gr.chip0+NodeID(c), gr.dom0+NodeID(c/m), su.BytesPerSec, su.LatencySec, su.LatencySec, ScaleUpLevel)
		}
	case "mesh":
		if m > 512 {
			return fmt.Errorf("topology: mesh domain of %d chips in group %q is over 512", m, gr.Name)
		}
		for d := range gr.domains {
			base := gr.chip0 + NodeID(d*m)
			for a := range m {
				for b := range m {
					if a != b {
						g.addLink(base+NodeID(a), base+NodeID(b), su.BytesPerSec/float64(m-1), su.LatencySec, ScaleUpLevel)
					}
				}
			}
		}
	case "ring":
		gr.dims = []int{m}
		g.addTorus(gr)
	case "torus":
		for _, d := range su.Dims {
			if d > 1 {
				gr.dims = append(gr.dims, d)
			}
		}
		g.addTorus(gr)
	default:
		return fmt.Errorf("topology: scale-up kind %q of group %q is not known (want switch, mesh, ring, torus or none)", gr.suKind, gr.Name)
	}
	return nil
}

// addTorus joins each chip to its neighbours in every dimension. A chip's bandwidth is
// shared by 2 links per dimension.
func (g *Graph) addTorus(gr *group) {
	dims := gr.dims
	each := gr.ScaleUp.BytesPerSec / float64(2*len(dims))
	gr.neighbour = make([]LinkID, gr.chips*len(dims)*2)
	for c := range gr.chips {
		stride := 1
		for d := len(dims) - 1; d >= 0; d-- {
			x := c / stride % dims[d]
			for dir := range 2 {
				y := x + 1 - 2*dir
				k := (c*len(dims)+d)*2 + dir
				if y < 0 || y >= dims[d] {
					if gr.ScaleUp.NoWrap {
						gr.neighbour[k] = -1
						continue
					}
					y = (y + dims[d]) % dims[d]
				}
				peer := c + (y-x)*stride
				gr.neighbour[k] = g.addLink(gr.chip0+NodeID(c), gr.chip0+NodeID(peer), each, gr.ScaleUp.LatencySec, ScaleUpLevel)
			}
			stride *= dims[d]
		}
	}
}
