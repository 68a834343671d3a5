// Package queue runs batch jobs on a shared machine from event to event: who waits, who
// runs where, who is stopped, and what the GPUs did meanwhile.
//
// Jobs are gangs: all GPUs or none. A pool is a set of alike nodes with a queue of its own
// (a Slurm partition, a Kubernetes node group). The queue is ordered first come, by
// priority, by shortest estimate, by fair share of decayed use, by dominant share, or by
// attained service with time slices; behind a head that does not fit, jobs may start under
// EASY backfill (Lifka 1995: the head is never delayed by estimates), conservative backfill
// (Feitelson and Weil 1998: no job is), or as they fit. Tenants have weights, quotas and
// cohorts that lend idle quota (Kueue's admission); higher priorities and owners of lent
// quota may stop others, at the price of a checkpoint and a restart. Nodes fail and are
// repaired alone or by leaf; windows of maintenance are kept free.
//
// Placement packs: a job that fits in a node takes the fullest node that holds it, a larger
// one whole nodes, of as few leaves and pods as possible; its speed may depend on how far
// it is spread. GPU-seconds are accounted to useful work, lost work, checkpoints and
// restarts, fragmentation and idleness; they add up to the machine's (held under the
// invariants tag).
//
// Under Slurm's rules partitions are ranges of a pool's nodes that may overlap, each with a
// head and a promise of its own; qualities of service limit what tenants hold; priority may
// be a weighted sum of factors (Slurm's multifactor plugin). Elastic jobs start on fewer
// GPUs and grow when nobody waits.
//
// Everything is decided by model facts in one order, so the outcome does not depend on the
// number of workers. Left out: jobs without gangs, shares of a GPU, preemption across pools.
package queue
