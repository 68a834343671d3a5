// Command bench measures the simulator against its reference programs and writes
// docs/performance.md. From the project's root:
//
//	go run ./internal/bench                 # everything, in less than eight minutes on two cores
//	go run ./internal/bench -o - -quick     # a short look, to standard output
//
// Both sides of a ratio run in turn within one call, several times each; the best wall
// time counts, and the results (simulated time, hash, number of events) are held
// against each other first, because a fast run with another result is worth
// nothing. Reference programs are built where their sources (../shared/bench) and tools
// (g++, libsimgrid) are; where they are not, the row says why it has no ratio.
package main
