// Package pipeline plays data and model pipelines: directed graphs of stages that
// read, shuffle and write on a pool of executors, and the cadence at which a model is
// retrained on what they make.
//
// # Stages (Spark, Beam in batch)
//
// A stage is ⌈bytes ÷ partition⌉ tasks. Reading, shuffling, computing and writing of a
// task overlap, so that it takes
//
//	launch + max(read, shuffle, bytes ÷ rate per core, write) × straggler
//
// with an even share of the pool's bandwidth for every core in use. Tasks of ready stages are
// list-scheduled on the cores, first in first out, no faster than the driver hands them
// out; a stage is ready when those before it are done. Stragglers are log-normal with
// median 1; with speculation a copy starts at 1.5 times the median and the earlier of
// the two ends (Spark's spark.speculation.multiplier).
//
// Checks: waves × task time without stragglers; Graham's bound for list scheduling (SIAM
// J. Appl. Math. 17, 1969) with them; the closed form of Ernest (Venkataraman et al.,
// NSDI 2016); and that for the analytic queries of Ousterhout et al. (NSDI 2015) neither an
// infinitely fast network nor disk gains more than they measured.
//
// # Streams (Beam)
//
// A stream's backlog is the integral of arrivals less capacity; an autoscaler brings workers
// up and down with it (Stream). Backlog is the closed form of a burst on workers that stay.
//
// # Cadence
//
// See Cadence: staleness against the cost of a run, drift detection by a two-sample
// Kolmogorov–Smirnov test, canary sizes by the two-proportion test.
//
// Left out: memory and spill, skewed keys, locality of tasks.
package pipeline
