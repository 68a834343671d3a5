package cephsim

import (
	"fmt"
	"strings"

	"aisim/storage"
	"aisim/storage/crush"
)

// none is a place that no OSD fills.
const none = -1

// mapText is the pool's CRUSH map: racks of hosts of equal drives, and the rule of its protection.
func mapText(c *storage.Costs) string {
	var b strings.Builder
	b.WriteString("tunable choose_local_tries 0\ntunable choose_local_fallback_tries 0\ntunable choose_total_tries 50\n" +
		"tunable chooseleaf_descend_once 1\ntunable chooseleaf_vary_r 1\ntunable chooseleaf_stable 1\ntunable straw_calc_version 1\n")
	for i := range c.Nodes * c.PerNode {
		fmt.Fprintf(&b, "device %d osd.%d\n", i, i)
	}
	b.WriteString("type 0 osd\ntype 1 host\ntype 3 rack\ntype 11 root\n")
	id := 2
	bucket := func(typ, name string, items []string, each float64) {
		fmt.Fprintf(&b, "%s %s {\n\tid -%d\n\talg straw2\n\thash 0\n", typ, name, id)
		id++
		for _, it := range items {
			fmt.Fprintf(&b, "\titem %s weight %.3f\n", it, each)
		}
		b.WriteString("}\n")
	}
	var racks, hosts []string
	for n := range c.Nodes {
		var osds []string
		for d := range c.PerNode {
			osds = append(osds, fmt.Sprintf("osd.%d", n*c.PerNode+d))
		}
		name := fmt.Sprintf("host%d", n)
		bucket("host", name, osds, 1)
		hosts = append(hosts, name)
	}
	for from := 0; from < len(hosts); from += c.NodesPerRack {
		name := fmt.Sprintf("rack%d", from/c.NodesPerRack)
		bucket("rack", name, hosts[from:min(from+c.NodesPerRack, len(hosts))], float64(c.PerNode))
		racks = append(racks, name)
	}
	fmt.Fprintf(&b, "root default {\n\tid -1\n\talg straw2\n\thash 0\n")
	for i, r := range racks {
		in := min(c.NodesPerRack, c.Nodes-i*c.NodesPerRack)
		fmt.Fprintf(&b, "\titem %s weight %.3f\n", r, float64(in*c.PerNode))
	}
	b.WriteString("}\n")
	mode, tries := "firstn", ""
	if !c.Protection.Replicated {
		mode, tries = "indep", "\tstep set_chooseleaf_tries 5\n\tstep set_choose_tries 100\n"
	}
	fmt.Fprintf(&b, "rule pool {\n\tid 0\n\ttype %s\n\tmin_size 1\n\tmax_size 64\n%s\tstep take default\n\tstep chooseleaf %s 0 type %s\n\tstep emit\n}\n",
		map[string]string{"firstn": "replicated", "indep": "erasure"}[mode], tries, mode, c.FailureDomain)
	return b.String()
}

// acting is the OSDs of every placement group in one state of the map: width places each, those of
// copies moved up, those of shards with holes.
type acting struct {
	width int
	osds  []int32
}

func (a *acting) of(pg int) []int32 { return a.osds[pg*a.width : (pg+1)*a.width] }

// place maps all groups with the given OSDs out.
func place(c *storage.Costs, out []bool) (acting, error) {
	m, err := crush.Parse([]byte(mapText(c)))
	if err != nil {
		return acting{}, fmt.Errorf("cephsim: the pool's map: %w", err)
	}
	rule, err := m.RuleByID(0)
	if err != nil {
		return acting{}, err
	}
	weights := m.InWeights()
	for i := range out {
		if out[i] {
			weights[i] = 0
		}
	}
	pool := crush.Pool{ID: 1, PGs: uint32(c.PGs), PlacedPGs: uint32(c.PGs), HashPSPool: true}
	mapper := m.NewMapper()
	a := acting{width: c.Protection.Width(), osds: make([]int32, c.PGs*c.Protection.Width())}
	var got []int32
	for pg := range c.PGs {
		got = mapper.Do(rule, pool.Input(uint32(pg)), a.width, weights, got[:0])
		row := a.of(pg)
		for i := range row {
			row[i] = none
			if i < len(got) && got[i] != crush.None {
				row[i] = got[i]
			}
		}
	}
	return a, nil
}

// without is a with some OSDs down: copies move up, shards leave holes.
func (a *acting) without(down []bool, replicated bool) acting {
	b := acting{width: a.width, osds: make([]int32, len(a.osds))}
	for i := range b.osds {
		b.osds[i] = none
	}
	for pg := range len(a.osds) / max(a.width, 1) {
		to := b.of(pg)
		n := 0
		for i, o := range a.of(pg) {
			if o == none || down[o] {
				continue
			}
			if replicated {
				to[n] = o
				n++
			} else {
				to[i] = o
			}
		}
	}
	return b
}

// primary is the first OSD that is there, none if the group is lost or has fewer than least.
func primary(osds []int32, least int) int32 {
	first, live := int32(none), 0
	for _, o := range osds {
		if o != none {
			if live == 0 {
				first = o
			}
			live++
		}
	}
	if live < least {
		return none
	}
	return first
}
