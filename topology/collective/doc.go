// Package collective predicts how long collective operations take when they are placed
// on real ranks of a real graph.
//
// An algorithm turns an operation over a group into phases; a phase is a number of
// steps and a set of edges that each carry a fraction of S bytes between two ranks.
// The edges of all groups are laid on the links of the graph at once, so placement,
// oversubscription, rails and failed links change the answer. The time of a phase is
//
//	t = steps·α + c·√τ + τ,  τ = S · max over links (load / capacity)
//
// where load is the bytes put on the link per byte of S by all groups together. The
// max is what the slowest flow of a max–min allocation gets, because the link with the
// largest load per capacity is the first that progressive filling saturates; the flow
// model confirms it by simulation and also takes background traffic. The √ term is the
// pipeline fill with the optimal chunk size. See docs/models/collectives.md.
package collective
