// Package collective predicts how long collective operations take when they are placed
// on real ranks of a real graph.
//
// An algorithm turns an operation over a group into phases; a phase is a number of
// steps and a set of edges that each carry a fraction of S bytes between two ranks.
// The edges of all groups are laid on the links of the graph at once, so placement,
// oversubscription, rails and failed links change the answer. The time of a phase is
//
//	t = steps·α + fill(τ) + τ,  τ = S · max over links (load / capacity)
//
// where load is the bytes put on the link per byte of S by all groups together, α and
// the share of the capacity belong to the protocol (LL, LL128, Simple), and fill grows
// with √τ up to the library's buffers. The max is what the slowest flow of a max–min
// allocation gets, because the link with the largest load per capacity is the first that
// progressive filling saturates; the flow model confirms it by simulation and also
// takes background traffic. [Comm.Expand] and [Comm.Run] move every message instead.
// See docs/models/collectives.md for the equations, the constants' sources and the
// errors against measured runs.
package collective
