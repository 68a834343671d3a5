// Package probe measures the host that it runs on: GEMMs, memory, ciphers, digests,
// compression, loopback connections and a disk, by its own kernels, and what the usual
// tools measure where they are installed. Its records are those of calibration/ingest, so
// that `aisim calibrate fit` makes a profile of them.
//
// Measuring is a discipline here, after Hunold & Carpen-Amarie, "Reproducible MPI
// Benchmarking Is Still Not As Easy As You Think" (TPDS 2016): all tasks take turns, so that
// what disturbs the machine for a while disturbs a few repetitions of each and not all of
// one; the first repetitions are discarded; short operations are repeated inside one
// repetition until the clock can tell them; a repetition during which the system took a
// processor away (involuntary context switches of getrusage) does not count; what counts is
// the median, and a task whose repetitions scatter is refused and not averaged.
//
// Every operation cycles through operands that together do not fit in a core's cache, as in
// a step of a program where others ran in between.
package probe
