package storage

import (
	"cmp"
	"math"
	"slices"

	"aisim/topology"
	"aisim/topology/flow"
)

// Ceilings are the rates that each stage of the path could carry alone, all
// clients moving alike, in the order of the bytes: the clients' ports, each level of the
// fabric, the storage hosts' ports, cores, encoder and drives. The smallest is what
// the clients reach together when nothing else runs. Stages without a limit are left out.
func (s *System) Ceilings(op Op, clients []topology.NodeID, objectBytes float64) ([]Stage, error) {
	demands, err := s.Demand(op, clients, objectBytes)
	if err != nil {
		return nil, err
	}
	p := s.place
	var load []flow.Use // of every resource, per byte of an average client
	for _, d := range demands {
		share := float64(d.Count) / float64(len(clients))
		for _, u := range d.Uses {
			load = append(load, flow.Use{Res: u.Res, Weight: u.Weight * share})
		}
	}
	load = merge(load)
	var out []Stage
	if limit := s.m.perClient(op, objectBytes, len(clients)); !math.IsInf(limit.BytesPerSec, 1) {
		limit.BytesPerSec *= float64(len(clients))
		out = append(out, limit)
	}
	if p.graph != nil {
		var levels [topology.NumLevels]float64
		for _, u := range load {
			if int(u.Res) >= p.graph.NumLinks() {
				break // links come first
			}
			l := p.graph.LevelOf(topology.LinkID(u.Res))
			if c := p.net.Capacity(u.Res) / u.Weight; levels[l] == 0 || c < levels[l] {
				levels[l] = c
			}
		}
		for l, c := range levels {
			if c == 0 {
				continue
			}
			id := topology.LevelID(l)
			name := id.Key() + " links"
			if id == topology.NICLevel {
				name = "client links"
			}
			for _, level := range p.graph.Levels() {
				if level.ID == id && id != topology.NICLevel {
					name = level.Name
				}
			}
			out = append(out, Stage{name, id.Key(), c})
		}
	}
	pools := s.m.pools()
	for i, r := range p.res {
		at, used := slices.BinarySearchFunc(load, r, func(u flow.Use, r flow.ResourceID) int { return cmp.Compare(u.Res, r) })
		if !used {
			continue
		}
		c := p.net.Capacity(r) / load[at].Weight
		pool := pools[i%len(pools)]
		if k := len(out) - 1; i >= len(pools) && k >= 0 {
			if at := find(out, pool.name); at >= 0 {
				out[at].BytesPerSec = math.Min(out[at].BytesPerSec, c)
				continue
			}
		}
		out = append(out, Stage{pool.name, pool.key, c})
	}
	return append(out, s.m.informative(op, objectBytes)...), nil
}

func find(stages []Stage, name string) int {
	for i := range stages {
		if stages[i].Name == name {
			return i
		}
	}
	return -1
}

// Narrowest is the stage with the smallest rate, the first of equals; false for none.
func Narrowest(stages []Stage) (Stage, bool) {
	if len(stages) == 0 {
		return Stage{}, false
	}
	best := stages[0]
	for _, s := range stages[1:] {
		if s.BytesPerSec < best.BytesPerSec {
			best = s
		}
	}
	return best, true
}
