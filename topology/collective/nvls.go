package collective

import "math"

// reductionDepth scales the fixed time of an in-switch reduction, which is given for
// eight chips, to n: log2(n)/3, the depth at which its ranks meet. Between 4 and 8 it
// equals the (n/8)^0.57 of the kernel, collective and storage notes, B1.
func reductionDepth(n int) float64 { return math.Log2(float64(n)) / 3 }

// nvlsTreeShare is the part of the in-switch rate that is left when a tree between
// domains feeds it (same source).
const nvlsTreeShare = 0.93

// layNVLS: the switch reduces and multicasts, so a chip's links carry S each way
// however many chips take part. In-network efficiency is given as the bus bandwidth of
// eight chips per line rate, 2·7/8·S. Below eight the library scales its estimate of
// the rate by (m−1)/m.
func layNVLS(b *builder, g *placed) error {
	for _, d := range g.domains {
		if len(d) < 2 {
			continue
		}
		m := float64(len(d))
		bytes := 2 * 7.0 / 8 * max(1, (7.0/8)/((m-1)/m))
		for i, x := range d {
			if err := b.edge(x, d[(i+1)%len(d)], bytes, false); err != nil {
				return err
			}
		}
	}
	b.scale, b.net, b.wire, b.maxWire = 0, 0, 0, 0
	return nil
}

func layNVLSTree(b *builder, g *placed) error {
	if err := layTreeEdges(b, g); err != nil {
		return err
	}
	return layNVLS(b, g)
}

// laySHARP reduces in the network's switches (Graham et al., 2016; NCCL's CollNet): each
// domain reduces its S and sends S/m over each of its m rails, up to the switches and
// down again, once.
func laySHARP(inSwitch bool) func(*builder, *placed) error {
	return func(b *builder, g *placed) error {
		for i := range g.width {
			for d := range g.domains {
				next := g.domains[(d+1)%len(g.domains)][i]
				if err := b.edge(g.domains[d][i], next, 1/float64(g.width), i == 0 && d == 0); err != nil {
					return err
				}
			}
		}
		b.ph.netSteps = max(b.ph.netSteps, 2)
		b.ph.wireSec = max(b.ph.wireSec, 2*b.maxWire)
		b.scale, b.net, b.wire, b.maxWire = 0, 0, 0, 0
		if inSwitch {
			return layNVLS(b, g)
		}
		if g.width < 2 {
			return nil
		}
		wire := b.ph.wireSec
		for _, dom := range g.domains {
			m := float64(len(dom))
			for i, x := range dom {
				if err := b.edge(x, dom[(i+1)%len(dom)], 2*(m-1)/m, i == 0); err != nil {
					return err
				}
			}
		}
		m := float64(g.width)
		b.ph.scaleSteps = max(b.ph.scaleSteps, 2*(m-1))
		b.ph.wireSec = max(b.ph.wireSec, wire+2*(m-1)*b.maxWire)
		b.scale, b.net, b.wire, b.maxWire = 0, 0, 0, 0
		return nil
	}
}
