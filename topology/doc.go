// Package topology models how bytes travel: the graph of chips, NICs and
// switches, its builders, deterministic routing, and what a report says of it.
//
// # Graph
//
// Nodes are chips, NICs and switches; links are directed and come in pairs, each
// with its own capacity. Everything is held in flat arrays, and a fat-tree's wiring
// is a formula besides: a block of level l is one leaf (l = 1) or up to n_l blocks of
// level l−1 under S_l switches. The uplinks of a block are numbered 0 … U−1 and
// uplink j of every sibling ends at switch j / t of the parent block, where t is the
// number of parallel cables between a switch and a child block (Leiserson 1985;
// Al-Fares et al., SIGCOMM 2008, for the k-ary form; Öhring et al. 1995 for the
// generalised one). A switch of radix k and oversubscription o has ⌊k/(1+o)⌋ ports
// up and ⌊o·up⌋ ports down.
//
// # Routing
//
// Paths are shortest up–down paths. "d-mod-k" picks uplink ⌊d/Π u⌋ mod u at each level
// for destination port d (Zahavi 2010; the rule of SimGrid's fat-tree zone), "ecmp" a
// hash of (source, destination, salt), "adaptive" spreads the bytes evenly over all
// equal paths, which is what per-packet adaptive routing reaches on long transfers.
// Failed links are left out before paths are counted; if no shortest path is left, a
// higher common switch is tried; if there is none, the error names the pair.
//
// A torus routes in dimension order, the shorter way round, and half each way when
// both are equal (not under "d-mod-k", which then takes the positive way).
//
// # Left out
//
// Buffers, credits, congestion trees, head-of-line blocking and the time that adaptive
// routing takes to settle: those need the packet fabric. PCIe between chip and NIC is
// not a link; a chip injects into its NIC at the NIC's rate.
package topology
