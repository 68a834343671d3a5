// Package arrivals makes request streams: Poisson and Gamma renewal processes
// with a daily rhythm, length distributions, and a generator fitted to the
// conversation part of the Azure LLM inference trace of 2023.
//
// Arrivals are made in operational time, in which the process has unit rate,
// and carried to the clock through the integral of the rate; so every process
// can have every modulation and keeps its burstiness under it. Lengths are
// lognormal, given by mean and coefficient of variation or by two percentiles,
// fixed, or piecewise linear through quantiles.
//
// Streams are drawn from one sim.Stream per purpose, so that changing the
// lengths leaves the arrivals as they were. Sources and limits:
// docs/models/arrivals.md.
package arrivals
