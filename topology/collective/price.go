package collective

import (
	"fmt"
	"math"
	"strings"

	"aisim/hardware/profile"
	"aisim/topology"
)

// tie is what rounding may set two levels apart; of equal levels the lower is named.
const tie = 1e-9

// efficiency of a level for a kind of traffic: the fraction of the line rate.
func (c *Comm) efficiency(l topology.LevelID, t traffic) float64 {
	p := c.class(l)
	e := p.Efficiency
	switch t {
	case pairTraffic:
		if p.P2P > 0 {
			e = p.P2P
		}
	case copyTraffic:
		if p.P2P > 0 {
			e = p.P2P
		}
		if p.Copy > 0 {
			e = p.Copy
		}
	case shuffleTraffic:
		if p.AllToAll > 0 {
			e = p.AllToAll
		}
	case switchTraffic:
		if l == topology.ScaleUpLevel {
			e = p.InNetwork
		}
	case switchTreeTraffic:
		if l == topology.ScaleUpLevel {
			e = nvlsTreeShare * p.InNetwork
		}
	}
	return e
}

func (c *Comm) class(l topology.LevelID) *profile.LinkParams {
	if l == topology.ScaleUpLevel {
		return &c.links.ScaleUp
	}
	return &c.links.Network
}

// or is a, or b where a is not given.
func or(a, b float64) float64 {
	if a > 0 {
		return a
	}
	return b
}

// stepSec and hopSec are a class's constants under a protocol.
func stepSec(p *profile.LinkParams, t traffic, proto Protocol) float64 {
	switch {
	case proto == LL:
		return p.LowStepSec
	case proto == LL128 || t == pairTraffic || t == copyTraffic: // a pair has no ring to keep in step
		return or(p.MidStepSec, p.StepSec)
	case t == shuffleTraffic:
		return or(p.AllToAllStepSec, p.StepSec)
	}
	return p.StepSec
}

func hopSec(p *profile.LinkParams, proto Protocol) float64 {
	switch proto {
	case LL:
		return or(p.LowHopSec, p.HopSec)
	case LL128:
		return or(p.MidHopSec, p.HopSec)
	}
	return p.HopSec
}

// filling is a class's chunk fill: c and its bound.
func filling(p *profile.LinkParams, t traffic) (c, most float64) {
	c, most = p.FillSqrtSec, p.FillMaxSec
	switch t {
	case switchTraffic, switchTreeTraffic:
		c, most = or(p.InNetworkFillSqrtSec, c), or(p.InNetworkFillMaxSec, most)
	case shuffleTraffic:
		c = or(p.AllToAllFillSqrtSec, c)
	case pairTraffic:
		c, most = c/2, most/2
	case copyTraffic:
		c = 0
	}
	return c, or(most, math.Inf(1))
}

// pricedPhase is a phase under the present capacities and constants.
type pricedPhase struct {
	secPerByte [numProtocols]float64 // infinite where the protocol does not exist
	level      topology.LevelID      // that limits Simple
	own        float64               // seconds per byte of S for a rank's own part
}

// pricePhase finds the limiting level. ok is false when the profile lacks in-network reduction.
func (c *Comm) pricePhase(s *shape, ph *phase, opt PlanOptions) (out pricedPhase, ok bool, err error) {
	for l := range topology.NumLevels {
		if ph.perLevel[l] == 0 {
			continue
		}
		e := c.efficiency(l, ph.traffic)
		if !(e > 0) {
			if ph.traffic == switchTraffic || ph.traffic == switchTreeTraffic {
				return out, false, nil
			}
			return out, false, fmt.Errorf("collective: the link constants of class %q have no efficiency, which %s over the %s level needs", c.class(l).Class, s.op, l.Key())
		}
		t := ph.perLevel[l] / (c.g.Scale(l) * e)
		if t > out.secPerByte[Simple]*(1+tie) {
			out.level = l
		}
		for proto := range numProtocols {
			out.secPerByte[proto] = max(out.secPerByte[proto], t*slowdown(c.class(l), ph.traffic, proto))
		}
	}
	if len(opt.Background) > 0 || c.opt.Expand {
		run := c.simulate
		if c.opt.Model != "flow" {
			run = c.bound
		}
		sec, level, err := run(s, ph, opt.Background)
		if err != nil {
			return out, false, err
		}
		if sec > 0 {
			out.level = level
		}
		for proto := range numProtocols {
			out.secPerByte[proto] = sec * slowdown(c.class(out.level), ph.traffic, proto)
		}
	}
	local := c.links.ScaleUp.Local
	if ph.traffic == shuffleTraffic {
		local = c.links.ScaleUp.AllToAllLocal
	}
	if local > 0 && ph.ownPerCapacity > 0 {
		out.own = ph.ownPerCapacity / (c.g.Scale(topology.ScaleUpLevel) * local)
	}
	return out, true, nil
}

// slowdown is the multiple of Simple's wire time that a protocol takes on a class of links.
func slowdown(p *profile.LinkParams, t traffic, proto Protocol) float64 {
	switch {
	case proto == Simple:
		return 1
	case t != ringTraffic:
	case proto == LL && p.LowEff > 0:
		return 1 / p.LowEff
	case proto == LL128 && p.MidEff > 0:
		return 1 / p.MidEff
	}
	return math.Inf(1)
}

// price turns a shape into a plan under the present capacities and constants.
func (c *Comm) price(s *shape, opt PlanOptions) (*Plan, error) {
	p := &Plan{op: s.op, ranks: s.ranks, groups: len(s.groups), shape: s}
	want := numProtocols
	if name := opt.Protocol; name != "" {
		for proto, suffix := range protocolSuffix {
			if name == strings.TrimPrefix(suffix, "/") || name == "simple" && proto == int(Simple) {
				want = Protocol(proto)
			}
		}
		if want == numProtocols {
			return nil, fmt.Errorf("collective: protocol %q is not known (want ll, ll128 or simple)", name)
		}
	}
	for i := range s.candidates {
		cand := &s.candidates[i]
		priced := make([]pricedPhase, len(cand.phases))
		out := pricedCandidate{name: cand.name, index: i, protocols: [numProtocols]int{-1, -1, -1}}
		usable, worst, base := true, -1.0, 0.0
		for k := range cand.phases {
			ph := &cand.phases[k]
			one, ok, err := c.pricePhase(s, ph, opt)
			if err != nil {
				return nil, err
			}
			if !ok {
				usable = false
				break
			}
			priced[k] = one
			if one.secPerByte[Simple] > worst {
				worst, out.level = one.secPerByte[Simple], one.level
			}
			for l, b := range ph.bytes {
				out.bytes[l] += b
			}
			if ph.scaleSteps > 0 || ph.perLevel[topology.ScaleUpLevel] > 0 {
				base = max(base, c.links.ScaleUp.BaseSec)
			}
			if ph.netSteps > 0 || ph.perLevel[topology.NICLevel] > 0 {
				base = max(base, c.links.Network.BaseSec)
			}
		}
		if !usable {
			continue
		}
		p.candidates = append(p.candidates, out)
		at := len(p.candidates) - 1
		for proto := range numProtocols {
			if want != numProtocols && proto != want {
				continue
			}
			if v, ok := c.variantOf(cand, priced, proto); ok {
				v.candidate, v.fixed = at, v.fixed+base
				v.name = cand.names[proto]
				p.candidates[at].protocols[proto] = len(p.variants)
				p.variants = append(p.variants, v)
			}
		}
	}
	switch {
	case s.ranks < 2:
	case len(p.candidates) == 0:
		return nil, fmt.Errorf("collective: %s by %q needs in-network reduction, which link class %q does not have", s.op, s.algorithm, c.links.ScaleUp.Class)
	case len(p.variants) == 0:
		return nil, fmt.Errorf("collective: %s by %q does not run under protocol %q with these link classes", s.op, s.algorithm, opt.Protocol)
	}
	return p, nil
}

// variantOf prices a candidate under one protocol, without the base.
func (c *Comm) variantOf(cand *candidate, priced []pricedPhase, proto Protocol) (variant, bool) {
	v := variant{caution: 1}
	if cand.caution > 0 && proto != LL {
		v.caution = cand.caution
	}
	su, net := &c.links.ScaleUp, &c.links.Network
	for k := range cand.phases {
		ph, pr := &cand.phases[k], &priced[k]
		tau := pr.secPerByte[proto]
		if math.IsInf(tau, 1) || proto != Simple && ph.traffic != ringTraffic {
			return v, false
		}
		v.fixed += ph.wireSec + ph.fixedTimes*su.InNetworkSec + ph.netFixedTimes*net.InNetworkSec +
			ph.scaleSteps*(stepSec(su, ph.traffic, proto)+hopSec(su, proto)) + ph.netSteps*(stepSec(net, ph.traffic, proto)+hopSec(net, proto))
		v.perByte += tau + pr.own
		if proto == LL || tau == 0 {
			continue
		}
		root, most := filling(c.class(pr.level), ph.traffic)
		if ph.perLevel[topology.NICLevel] > 0 {
			// What crosses nodes fills in the network's chunks, whatever limits the rate.
			r, m := filling(net, ph.traffic)
			if ph.traffic == switchTreeTraffic {
				r, m = net.FillSqrtSec, or(net.FillMaxSec, math.Inf(1))
			}
			if r > root {
				root, most = r, m
			}
		}
		if proto == LL128 {
			root, most = root/2, most/2
		}
		if root > 0 {
			v.fills = append(v.fills, fill{root * math.Sqrt(tau), most})
		}
	}
	return v, true
}
