// Package search finds the best of many designs when looking closely is dear.
//
// A design is one place in each of several variables. Two rungs evaluate it: the coarse
// one is cheap and a little wrong, the fine one decides. Spaces small enough are screened
// whole on the coarse rung; larger ones are sampled there by an evolution (tournaments by
// the feasibility rules of Deb, Comput. Methods Appl. Mech. Eng. 186, 2000; uniform
// crossover; mutation of one place). What the fine rung then looks at is chosen by what it
// has said so far: the ratios of fine to coarse values of the designs looked at, near the
// limits where they matter, give a range in which the next ratio is expected. A design is
// put aside only when even the best end of that range misses a limit or is no better than
// the best design known. The search ends when nothing is left, which is when the best is
// proven as far as the ratios hold, or when the budget is spent, which is said.
//
// Everything is a function of the problem and the seed: batches have a fixed size, so the
// number of workers cannot change what is looked at.
package search
