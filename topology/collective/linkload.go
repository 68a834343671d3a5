package collective

import (
	"fmt"

	"aisim/topology"
)

// AddLinkBytes adds what one call of a plan with S = bytes puts on every link, by
// topology.LinkID, to `into`; for utilisation per link and switch (topology.Graph.Use).
// It lays the algorithm that Time takes at that size on the graph again, which costs as
// much as preparing it did.
func (c *Comm) AddLinkBytes(p *Plan, bytes float64, into []float64) error {
	if len(into) < c.g.NumLinks() {
		return fmt.Errorf("collective: %d entries for %d links", len(into), c.g.NumLinks())
	}
	at, _ := p.choose(&bytes)
	if at < 0 {
		return nil
	}
	cand := &p.shape.candidates[p.candidates[p.variants[at].candidate].index]
	load := c.g.NewLoad()
	for k := range cand.phases {
		scratch := cand.phases[k]
		b := &builder{g: c.g, load: load, ph: &scratch}
		load.Reset()
		for _, ranks := range p.shape.groups {
			if len(ranks) < 2 {
				continue
			}
			g := place(c.g, ranks)
			if err := scratch.lay(b, &g); err != nil {
				return err
			}
		}
		sum, err := load.Sum()
		if err != nil {
			return err
		}
		for _, x := range sum {
			into[x.Link] += x.Fraction * bytes
		}
	}
	return nil
}

// LinkBytes is AddLinkBytes into a new slice.
func (c *Comm) LinkBytes(p *Plan, bytes float64) ([]float64, error) {
	out := make([]float64, c.g.NumLinks())
	return out, c.AddLinkBytes(p, bytes, out)
}

// Shares are the bytes per byte of S that a plan puts on each link, at the algorithm
// that Time takes for S = bytes; as flow uses of a transfer that stands for the operation.
func (c *Comm) Shares(p *Plan, bytes float64) ([]topology.Share, error) {
	all, err := c.LinkBytes(p, bytes)
	if err != nil {
		return nil, err
	}
	var out []topology.Share
	for id, v := range all {
		if v > 0 {
			out = append(out, topology.Share{Link: topology.LinkID(id), Fraction: v / bytes})
		}
	}
	return out, nil
}
