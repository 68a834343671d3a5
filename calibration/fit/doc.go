// Package fit finds the constants of performance models from measurements.
//
// Collectives: the constants of a link class (hardware/profile, LinkParams) are those
// that minimise the mean of √(e² + δ²), e = ln(predicted/measured) of a call's time and
// δ = 0.02, over the measured calls of one fabric generation, every call with the same weight.
// The simplex of Nelder & Mead walks over blocks of constants (the ring and its
// protocols, the in-switch reduction, the all-to-all, send/recv) in turn, in logarithms,
// restarted from where it ended. Predictions are those of topology/collective itself.
//
// The tables are not part of the repository; tests that need them skip without them.
package fit
