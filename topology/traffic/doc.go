// Package traffic lays patterns of messages on a fabric and runs them: the
// permutation, incast, all-to-all and ring all-reduce by which fabrics and their
// simulators are compared, on the k-ary three-level fat-tree.
//
// # Fabric
//
// [Kary] is k³/4 hosts on three levels of switches with k ports, full bisection,
// 400 Gb/s and 1 µs per link (Al-Fares, Loukissas & Vahdat, SIGCOMM 2008).
//
// # Flow model
//
// A message of B bytes enters the network when the latency of its path has passed and
// then moves at its max–min rate, re-shared whenever a message comes or goes: the CM02
// model of SimGrid (Velho & Legrand, SIMUTools 2009) without TCP factors. With d-mod-k
// routing the completion times are SimGrid's.
//
// A ring all-reduce of S bytes over n ranks is 2(n−1) steps of n messages of ⌊S/n⌋ bytes
// (Patarasuk & Yuan, JPDC 2009). Message s of rank i starts when both ranks i and i+1
// are in step s (a rendezvous), and a rank enters step s+1 when its message and that
// of its left neighbour have arrived. Nothing is folded: every message is a flow.
//
// # Packet model
//
// The same patterns on package packet: 4,096-byte payloads, InfiniBand credits,
// adaptive routing, acknowledgements as packets.
//
// # Left out
//
// The sum that a reduction computes, and any time between two steps of a rank.
package traffic
