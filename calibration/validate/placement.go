package validate

import (
	"fmt"
	"strings"

	"aisim/hardware"
	"aisim/hardware/profile"
	"aisim/topology"
	"aisim/topology/collective"
)

// placement is a row's chips on a graph, with the link constants that hold there.
type placement struct {
	comm    *collective.Comm
	chips   []topology.NodeID
	domain  int // chips of one scale-up domain
	scaleUp string
	network string
	rates   struct{ scaleUp, nicPerChip float64 } // line rates one way
}

// cableSec and switchSec are the latencies of the cables and switches of the graphs.
const (
	cableSec  = 1e-7
	switchSec = 3e-7
)

// hostChips is the largest scale-up domain that sits in one host (DGX-2); wider ones span hosts.
const hostChips = 16

// place builds hosts on one non-blocking switch: published runs say next to nothing of
// the network above the hosts. Chips that are onBus meet over PCIe alone.
func (k *collectives) place(a *hardware.Accelerator, w wires, chips, hosts int, onBus bool) (*placement, error) {
	key := fmt.Sprintf("%s/%t/%s/%d/%g/%d/%d", a.ID, onBus, w.class, w.nics, w.nicPerSec, chips, hosts)
	if p := k.placed[key]; p != nil {
		return p, nil
	}
	if chips%hosts != 0 {
		return nil, fmt.Errorf("%d chips do not spread evenly over %d hosts", chips, hosts)
	}
	perHost := chips / hosts
	p := &placement{scaleUp: profile.LinkClass(a.ScaleUpLink), network: w.class}
	up := topology.ScaleUp{Kind: "switch", BytesPerSec: a.ScaleUpBandwidth.V / 2}
	domain := int(a.ScaleUpDomain.V)
	if w.switched && domain > 1 && domain < perHost {
		domain = perHost // NVSwitch joins all chips of a host, a DGX-2 too
	}
	bridged := domain > 1 && domain < perHost && perHost%domain == 0 && hosts == 1 // pairs of cards: all of them meet over the host's bus
	switch {
	case onBus || bridged || domain <= 1 || up.BytesPerSec == 0 || p.scaleUp == "":
		p.scaleUp, domain = "pcie", perHost
		up.BytesPerSec = a.HostBandwidth.V
	case p.scaleUp == "xgmi" || p.scaleUp == "gaudi-roce" || p.scaleUp == "xe-link":
		up.Kind = "mesh"
	case p.scaleUp == "ici" || p.scaleUp == "neuronlink":
		if hosts*perHost != chips || chips > domain {
			return nil, fmt.Errorf("%s: %d chips are more than one slice, and the row names no shape of it", a.ID, chips)
		}
		up.Kind = "ring"
	}
	if up.BytesPerSec == 0 {
		return nil, fmt.Errorf("%s: the catalogue has no bandwidth of its scale-up or host link", a.ID)
	}
	if up.Kind == "mesh" && perHost < domain && perHost > 1 && domain > 1 {
		// A pair of a mesh has its own links only.
		up.BytesPerSec *= float64(perHost-1) / float64(domain-1)
	}
	// A rack-wide domain spans hosts; else it ends with the host.
	domain = min(domain, chips)
	if int(a.ScaleUpDomain.V) <= hostChips {
		domain = min(domain, perHost)
	}
	for domain > perHost && (chips%domain != 0 || domain%perHost != 0) {
		domain--
	}
	domain = max(domain, 1)
	for domain < perHost && perHost%domain != 0 {
		domain--
	}
	up.DomainChips = domain
	if domain == 1 {
		up = topology.ScaleUp{Kind: "none"}
	}
	g, err := topology.Build(topology.Spec{
		Topology: "single-switch", LinkLatencySec: cableSec, SwitchLatencySec: switchSec,
		Hosts: []topology.HostGroup{{Name: "host", Count: hosts, ChipsPerHost: perHost, NICs: w.nics, NICBytesPerSec: w.nicPerSec, ScaleUp: up}},
	})
	if err != nil {
		return nil, err
	}
	su, ok := k.links[p.scaleUp]
	if !ok {
		su = k.links["other"]
	}
	p.comm = collective.New(g, collective.Links{ScaleUp: su, Network: k.links[w.class]}, collective.Options{})
	p.chips, p.domain = g.Chips("host"), domain
	p.rates.scaleUp = up.BytesPerSec
	p.rates.nicPerChip = w.nicPerSec * float64(w.nics) / float64(perHost)
	k.placed[key] = p
	return p, nil
}

// rooflineSec is what the bytes take at stated line rates, nothing else.
func (p *placement) rooflineSec(op collective.Op, bytes float64) float64 {
	n := len(p.chips)
	work := bytes * op.BusFactor(n)
	rate := p.rates.scaleUp
	if n > p.domain {
		// A ring through all hosts uses every NIC once.
		rate = p.rates.nicPerChip * float64(p.domain)
		if op == collective.AllToAll {
			rate, work = p.rates.nicPerChip, bytes*float64(n-p.domain)/float64(n)
		}
		if rate > p.rates.scaleUp && p.rates.scaleUp > 0 && op != collective.AllToAll {
			rate = p.rates.scaleUp
		}
	}
	return work / rate
}

// algorithmOf turns a row's words into what a user would force; "" leaves it to the library.
func algorithmOf(text string) (algorithm, protocol string) {
	t := strings.ToLower(text)
	if strings.Contains(t, "likely") || strings.Contains(t, "auto") && !strings.Contains(t, "sharp") {
		return "", ""
	}
	switch {
	case strings.Contains(t, "ll128"):
		protocol = "ll128"
	case strings.Contains(t, "simple"):
		protocol = "simple"
	}
	switch {
	case strings.Contains(t, "nvlstree") || strings.Contains(t, "nvls tree"):
		algorithm = "nvls-tree"
	case strings.Contains(t, "sharp") && !strings.Contains(t, "nvlink sharp") || strings.Contains(t, "collnet"):
		algorithm = "sharp"
	case strings.Contains(t, "nvls"):
		if !strings.Contains(t, "no nvls") && !strings.Contains(t, "without nvls") {
			algorithm = "nvls"
		} else {
			algorithm = "ring"
		}
	case strings.Contains(t, "tree"):
		algorithm = "tree"
	case strings.Contains(t, "ring"):
		algorithm = "ring"
	}
	return algorithm, protocol
}
