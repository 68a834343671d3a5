// Package jobs reads traces of batch jobs and pods, and generates jobs.
//
// Layouts, told from the first lines: the Standard Workload Format of the Parallel
// Workloads Archive (Feitelson), Slurm's `sacct --parsable2` with its header, Gavel's
// tab-separated traces (Narayanan et al., OSDI 2020), and CSV with a header: Philly as
// flattened by Pollux (Jeon et al., ATC 2019), Pollux workloads (Qiao et al., OSDI 2021),
// Helios, Acme, and any CSV that has a submit time, a duration and a GPU or node count
// under one of the names that csv.go lists. openb's lists of nodes and pods (Weng et al.,
// ATC 2023) have readers of their own, for they describe placement and not a queue.
//
// Input may be plain, gzip or Zstandard. A line that cannot be used ends the reading with
// file, line, what is wrong and what is wanted; jobs that never ran (no duration, no
// processors) are counted and left out where the layout has a way to say so.
//
// Generated jobs: Poisson arrivals with durations and sizes of Gavel's generator,
// of the Philly trace's quantiles, or exponential ones for closed forms.
package jobs
