// Package phold is the PHOLD benchmark (Fujimoto: Performance of Time Warp under
// synthetic workloads, 1990) on the public engine of package sim.
//
// Each event at a logical process (LP) makes one new event; with probability
// Remote its destination is uniform over all LPs, otherwise the LP itself; its
// delay is Lookahead + Exp(Mean − Lookahead). PHOLD has no unit of time: here one of
// its units is 1e6 ticks of the clock, and Result gives times in its units.
//
// Delays are cut to whole ticks and each LP draws from a plain SplitMix64, so that
// the order-sensitive hash can be compared bit by bit with programs in other
// languages that do the same.
package phold
