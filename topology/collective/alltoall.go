package collective

import "math"

// layAllToAll: S/n to every rank, oneself included, all at once. Libraries hide part of
// the step latencies: √(n−1) of them show (kernel, collective and storage notes, B1).
func layAllToAll(b *builder, g *placed) error {
	n := len(g.ranks)
	lat, err := b.load.AddUniform(g.ranks, 1/float64(n))
	if err != nil {
		return err
	}
	steps := sqrt(float64(n - 1))
	if len(g.domains) > 1 {
		b.ph.netSteps = max(b.ph.netSteps, steps)
	} else {
		b.ph.scaleSteps = max(b.ph.scaleSteps, steps)
	}
	b.ph.wireSec = max(b.ph.wireSec, lat)
	b.own(g)
	return nil
}

// laySkewed: every rank sends S to the others (and itself) in proportion to their weights.
func laySkewed(weights []float64) func(*builder, *placed) error {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	return func(b *builder, g *placed) error {
		for i, from := range g.ranks {
			for j, to := range g.ranks {
				if i != j && weights[j] > 0 {
					if err := b.edge(from, to, weights[j]/sum, true); err != nil {
						return err
					}
				}
			}
		}
		steps := sqrt(float64(len(g.ranks) - 1))
		if len(g.domains) > 1 {
			b.ph.netSteps = max(b.ph.netSteps, steps)
		} else {
			b.ph.scaleSteps = max(b.ph.scaleSteps, steps)
		}
		b.ph.wireSec = max(b.ph.wireSec, b.maxWire)
		b.scale, b.net, b.wire, b.maxWire = 0, 0, 0, 0
		return nil
	}
}

// layPXN: data for rank j of another domain goes first to rank j of one's own over the
// scale-up fabric, then along that rank's rail.
func layPXN(b *builder, g *placed) error {
	n := float64(len(g.ranks))
	domains, width := len(g.domains), g.width
	wire := 0.0
	for _, dom := range g.domains {
		for i, x := range dom {
			for j, y := range dom {
				if i != j {
					if err := b.edge(x, y, float64(domains)/n, true); err != nil {
						return err
					}
				}
			}
		}
	}
	wire += b.maxWire
	b.scale, b.net, b.wire, b.maxWire = 0, 0, 0, 0
	for d, dom := range g.domains {
		for e := range g.domains {
			if d == e {
				continue
			}
			for j, x := range dom {
				if err := b.edge(x, g.domains[e][j], float64(width)/n, true); err != nil {
					return err
				}
			}
		}
	}
	wire += b.maxWire
	b.scale, b.net, b.wire, b.maxWire = 0, 0, 0, 0
	b.ph.scaleSteps = max(b.ph.scaleSteps, 1)
	b.ph.netSteps = max(b.ph.netSteps, sqrt(float64(domains-1)))
	b.ph.wireSec = max(b.ph.wireSec, wire)
	return nil
}

func sqrt(v float64) float64 { return math.Sqrt(v) }
