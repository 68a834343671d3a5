package training

import (
	"fmt"

	"aisim/topology"
	"aisim/topology/collective"
)

// levelProbe is the factor on one level's bandwidth by which a collective's causes
// are found: as large a step as reports state, because limits of several levels lie
// close together in balanced fabrics.
const levelProbe = 1.1

// fabric prepares collectives on a machine and on copies of it with one level faster.
type fabric struct {
	machine *Machine
	faster  [topology.NumLevels]*collective.Comm
}

func newFabric(m *Machine) (*fabric, error) {
	f := &fabric{machine: m}
	if m.Comm == nil {
		return f, nil
	}
	g := m.Comm.Graph()
	for _, l := range g.Levels() {
		quick, err := g.WithCapacity(map[string]float64{l.Key: levelProbe})
		if err != nil {
			return nil, fmt.Errorf("training: %w", err)
		}
		f.faster[l.ID] = m.Comm.On(quick, m.Comm.Links())
	}
	return f, nil
}

// priced is one collective over its groups, on the machine as it is and with each
// level faster.
type priced struct {
	base   *collective.Plan
	faster [topology.NumLevels]*collective.Plan
}

// prepare lays an operation on the machine; nil for no groups.
func (f *fabric) prepare(op collective.Op, groups [][]topology.NodeID) (*priced, error) {
	if len(groups) == 0 {
		return nil, nil
	}
	if f.machine.Comm == nil {
		return nil, fmt.Errorf("training: %d ranks exchange data, and the machine has no fabric", len(f.machine.Chips))
	}
	opt := collective.PlanOptions{Background: f.machine.Background}
	var p priced
	var err error
	if p.base, err = f.machine.Comm.Prepare(op, groups, opt); err != nil {
		return nil, fmt.Errorf("training: %s: %w", op, err)
	}
	for l, c := range f.faster {
		if c == nil {
			continue
		}
		if p.faster[l], err = c.Prepare(op, groups, opt); err != nil {
			return nil, fmt.Errorf("training: %s: %w", op, err)
		}
	}
	return &p, nil
}

// time is one call on size bytes with its causes. What grows with the bytes is
// bandwidth: each level gets what relieving it alone would gain; what is left was
// limited by several levels at once. The rest is latency.
func (p *priced) time(size float64) (took, levelBytes) {
	if p == nil || size <= 0 {
		return took{}, levelBytes{}
	}
	c := p.base.Time(size)
	t := took{sec: c.Sec}
	level, ok := topology.ParseLevel(c.Level)
	if !ok || c.Sec <= 0 {
		t.by[byLatency] = c.Sec
		return t, c.BytesByLevel
	}
	const gain = 1 - 1/levelProbe
	grows := min(max((p.base.Time(size*(1+probe)).Sec-c.Sec)/probe, 0), c.Sec)
	var alone float64
	for l, q := range p.faster {
		if q == nil || c.BytesByLevel[l] == 0 {
			continue
		}
		g := max(0, c.Sec-q.Time(size).Sec) / gain
		t.by[byLevel+cause(l)] = g
		alone += g
	}
	if alone > grows {
		for l := range p.faster {
			t.by[byLevel+cause(l)] *= grows / alone
		}
		alone = grows
	}
	t.by[byTied+cause(level)] = grows - alone
	t.by[byLatency] = c.Sec - grows
	return t, c.BytesByLevel
}
