// Package crush computes where Ceph puts data, bit for bit: CRUSH maps in the
// text form of `crushtool -d`, rules, reweights, weight-sets, and the way from
// an object's name over its placement group to the OSDs that serve it.
//
// A map is parsed once into flat arrays (Parse); a Mapper walks it without
// allocating, one Mapper per goroutine:
//
//	m, err := crush.Parse(text)
//	mapper := m.NewMapper()
//	osds = mapper.Do(rule, x, size, m.InWeights(), osds)
//
// Above it lie Pool (object name → placement group → CRUSH input), Cluster
// (OSD states, upmaps, primary affinity) and the questions of planners: Tally,
// Compare, Capacity.
//
// Sources: Weil et al., "CRUSH: Controlled, Scalable, Decentralized Placement
// of Replicated Data" (SC06) for buckets and rules; Jenkins' hash functions
// (lookup2, one-at-a-time mix of 96 bits) for the hashes; the documentation of
// Ceph for tunables, device classes and weight-sets. The details that neither
// states were settled by comparing with crushtool and osdmaptool 16.2.15.
// docs/models/crush.md has the algorithms and the limits.
package crush
