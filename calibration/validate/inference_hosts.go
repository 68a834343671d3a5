package validate

import (
	"fmt"

	"aisim/hardware"
	"aisim/topology"
	"aisim/topology/collective"
	"aisim/workloads/serving"
)

// acrossHosts lays what the chips of a worker exchange on a network, where they are more than
// a scale-up domain that ends with its host.
func (s *service) acrossHosts(k *inference, a *hardware.Accelerator, m *serving.Machine, l layout) error {
	stage, domain := l.tp*l.adp, m.Device.ScaleUpDomain
	if stage <= domain || domain <= bridged || domain > hostChips {
		return nil
	}
	if stage%domain != 0 {
		return fmt.Errorf("%d chips do not fill hosts of %d %s", stage, domain, s.chip)
	}
	if k.nets == nil {
		nets, err := newCollectives()
		if err != nil {
			return err
		}
		k.nets = nets.(*collectives)
	}
	p, err := k.nets.place(a, wires{class: "ib", nics: domain, nicPerSec: portBytesPerSec, switched: true}, stage, stage/domain, false)
	if err != nil {
		return err
	}
	s.assume("%d hosts of %d chips with a port of 400 Gb/s each", stage/domain, domain)
	prepare := func(op collective.Op, group []topology.NodeID) (func(float64) float64, error) {
		plan, err := p.comm.Prepare(op, [][]topology.NodeID{group}, collective.PlanOptions{})
		if err != nil {
			return nil, err
		}
		return serving.Whole(plan), nil
	}
	if l.tp > domain {
		if m.AllReduce, err = prepare(collective.AllReduce, p.chips[:l.tp]); err != nil {
			return err
		}
	}
	if l.adp > 1 {
		m.Exchange, err = prepare(collective.AllToAll, p.chips)
	}
	return err
}
