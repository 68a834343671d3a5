// Package probe measures the host that it runs on: GEMMs, memory, ciphers, digests,
// compression, loopback connections and a disk, by its own kernels, and what the usual
// tools measure where they are installed. Its records are those of calibration/ingest, so
// that `aisim calibrate fit` makes a profile of them.
//
// Measuring is a discipline here, after Hunold & Carpen-Amarie, "Reproducible MPI
// Benchmarking Is Still Not As Easy As You Think" (TPDS 2016): all tasks take turns, so that
// what disturbs the machine for a while disturbs a few repetitions of each and not all of
// one; the first repetitions of each turn are discarded; short operations are repeated inside one
// repetition until the clock can tell them; a repetition during which the system took a
// processor away (involuntary context switches of getrusage) does not count; what counts is
// the median, and a task whose repetitions scatter is refused and not averaged.
//
// A primitive is measured in the state in which a running program finds it. Operations cycle
// through operands that together do not fit in a core's own cache but in the shared one, as the
// tensors of a step do, and follow on others of their kind, so that what other tasks left in the
// caches does not count. A device is used once after a while of computing: a
// disk, a network stack and a waiting thread that rested answer up to four times slower than
// in a loop that does nothing else.
package probe
