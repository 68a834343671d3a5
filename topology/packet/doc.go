// Package packet simulates a fabric packet by packet on the engine of package sim: the
// finest rung of the ladder, which the flow fabric and the collectives' closed forms are
// checked against.
//
// # One event per hop
//
// A packet is an event and nothing else: flow, number, lane and flags fit in its
// argument. It happens when the packet's first byte reaches the far end of a link. The
// switch then picks the next link and books its departure there,
//
//	start = max(now, port free),  free' = start + bytes/rate,  arrival = start + latency,
//
// which is cut-through: a hop costs its latency, serialisation is paid once. A booking is
// never undone, and a port serves in the order of booking, so no second event is needed to
// start a transmission. Broken ticks of a serialisation are carried by the port as an
// exact fraction.
//
// # InfiniBand
//
// A packet may be booked on a link only against credits for the buffer of its lane at
// the far end; without, it waits at its output, in the order of arrival, for as long as
// it takes, and holds its own input buffer meanwhile (credit-based link-level flow
// control, InfiniBand Architecture Specification vol. 1, §7.9). Because credits only
// grow while a packet is first in line, booking early gives the departure times of a
// switch that looks at its credits at the last moment. Credits go back when the tail has left,
// in batches, and take the link's latency. Nothing can be lost.
//
// # RoCE
//
// Ports serve their queues one packet at a time (a second event per hop where there is a
// queue); an input whose buffer passes a threshold pauses its lane on the sender's side
// (priority flow control, IEEE 802.1Qbb); queues mark packets like RED (ECN); the receiver
// answers marks at most once per 50 µs and the sender sets its rate by DCQCN (Zhu et al.:
// Congestion control for large-scale RDMA deployments, SIGCOMM 2015).
//
// # Parallel runs
//
// Pods are partitions, the latency of the shortest link between two is the
// lookahead, and all state belongs to the node that changes it. Results are the same for any
// number of workers, either queue and any partitioning.
//
// The model, its checks and its speed are described in docs/models/packet.md.
package packet
