// Package loader models the path from a store to the accelerators: the workloads of
// MLPerf Storage as DLIO defines them, utilisation against the number of
// accelerators, and the loaders of training frameworks with their workers, decoders and
// prefetch, step by step.
//
// Equations: t is the computation of a batch, n accelerators meet at a barrier after each
// step, the store delivers at most X samples per second:
//
//	AU(n) = t / max(t + e + b·(H_n − 1), n·batch/X)
//
// with e the exposed part of a read and H_n the harmonic number (the mean of the largest of n
// exponential delays). Sources: the rules and configuration of MLPerf Storage v1.0 (MLCommons),
// DLIO (Devarajan et al., CCGrid 2021), and documentation of the frameworks' loaders.
// docs/models/loaders.md has the rest.
package loader
