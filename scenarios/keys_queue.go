package scenarios

import (
	"aisim/cluster/queue"
	"aisim/internal/units"
	"aisim/workloads/jobs"
)

var queueKeys = []Key{
	{Path: "queue", Doc: "Batch jobs of several tenants that share nodes of the cluster.", Items: within(0, 16)},
	{Path: "queue.id", Doc: "Name that metrics refer to.", Required: true, Example: `"batch"`},
	{Path: "queue.name", Doc: "Title, as reports print it.", Default: `""`},
	{Path: "queue.nodes", Doc: "Nodes that its jobs run on.", Range: within(1, 131072), Derived: "the nodes that no workload takes", Example: `64`},
	{Path: "queue.leaf_nodes", Doc: "Nodes below one leaf switch: a job is kept on as few leaves as possible.", Range: within(1, 131072), Derived: "all nodes", Example: `16`},
	{Path: "queue.pod_leaves", Doc: "Leaves in a pod.", Range: within(1, 131072), Derived: "all leaves", Example: `8`},
	{Path: "queue.speed", Doc: "Speed of a job within one node, one leaf, one pod, and beyond, over that of its run time.", Dim: units.Ratio, Range: above(0, 10), Items: within(4, 4), Default: `[1, 1, 1, 1]`, Why: "assumed: placement costs nothing; measure a job in both places", Example: `[1, 0.97, 0.93, 0.9]`},
	{Path: "queue.order", Doc: "Order of the queue: arrival, priority of the tenant, shortest estimate, decayed use per weight, present share per weight, or least attained service in slices.", Enum: queue.OrderNames(), Default: `"fifo"`},
	{Path: "queue.backfill", Doc: "Which jobs may start before a head that does not fit: none, those that do not delay the head by the estimates (easy), or any promised job (conservative), or any.", Enum: queue.BackfillNames(), Default: `"easy"`, Why: "the usual rule of batch systems"},
	{Path: "queue.depth", Doc: "Jobs that are looked at behind the head.", Range: within(1, 1_000_000), Derived: "500, and 100 under conservative backfill", Example: `1000`},
	{Path: "queue.preempt", Doc: "Tenants of higher priority stop jobs of lower ones. Needs order priority.", Default: `false`},
	{Path: "queue.save_on_stop", Doc: "A job that is stopped writes a checkpoint first.", Default: `true`, Why: "preemption with notice"},
	{Path: "queue.quantum", Doc: "Time between two decisions under order las.", Dim: units.Time, Range: above(0, day), Default: `"6 min"`, Why: "the rounds of Gavel"},
	{Path: "queue.half_life", Doc: "Time in which use counts half as much under order fair-share.", Dim: units.Time, Range: above(0, year), Default: `"7 d"`, Why: "Slurm's default of PriorityDecayHalfLife"},
	{Path: "queue.checkpoint_every", Doc: "Interval of the jobs' checkpoints; without it a failure loses the whole run.", Dim: units.Time, Range: above(0, year), Derived: "none are written", Example: `"1 h"`},
	{Path: "queue.checkpoint_time", Doc: "Time that one takes.", Dim: units.Time, Range: within(0, day), Default: `"60 s"`, Why: "assumed"},
	{Path: "queue.restart", Doc: "Time from starting a stopped job to its next step.", Dim: units.Time, Range: within(0, day), Default: `"5 min"`, Why: "assumed: image and weights near by"},
	{Path: "queue.estimate", Doc: "Estimate of a job's length over its length, where it gives no limit.", Dim: units.Ratio, Range: above(0, 1000), Default: `2`, Why: "assumed: users ask for twice what they need"},
	{Path: "queue.bind_rate", Doc: "Nodes that the scheduler can start per second.", Dim: units.Rate, Range: above(0, 1e6), Derived: "at once", Example: `"100/s"`},
	{Path: "queue.wait_slo", Doc: "Wait that is promised.", Dim: units.Time, Range: above(0, year), Derived: "none is promised", Example: `"1 h"`},
	{Path: "queue.trace", Doc: "File with jobs: SWF, sacct, Philly, or CSV. Give this or generator.", Group: "jobs", File: true, Example: `"jobs.swf"`},
	{Path: "queue.generator", Doc: "Jobs drawn from a distribution. Give this or trace.", Group: "jobs"},
	{Path: "queue.generator.kind", Doc: "Lengths and sizes: fitted on Philly; Gavel's, of one GPU or of up to eight; log-uniform sizes of parallel machines; exponential.", Enum: jobs.GeneratorKinds(), Default: `"philly"`},
	{Path: "queue.generator.load", Doc: "GPU time that is asked for, over what there is. Give this or rate.", Group: "rate", Dim: units.Ratio, Range: above(0, 10), Example: `0.8`},
	{Path: "queue.generator.rate", Doc: "Jobs that arrive. Give this or load.", Group: "rate", Dim: units.Rate, Range: above(0, 1e6), Example: `"30/h"`},
	{Path: "queue.generator.duration", Doc: "Time over which they arrive.", Required: true, Dim: units.Time, Range: above(0, 10*year), Example: `"90 d"`},
	{Path: "queue.generator.mean_run", Doc: "Mean length of exponential jobs.", Dim: units.Time, Range: above(0, year), Default: `"1 h"`},
	{Path: "queue.generator.scale", Doc: "Multiplies the sizes.", Range: within(1, 100000), Default: `1`, Why: "the sizes as published"},
	{Path: "queue.tenant", Doc: "One who shares the queue. Jobs of a trace name tenants by user or account.", Items: within(0, 256)},
	{Path: "queue.tenant.id", Doc: "Name that reports print.", Required: true, Example: `"research"`},
	{Path: "queue.tenant.share", Doc: "Part of the generated jobs that are the tenant's, over the sum of all.", Dim: units.Ratio, Range: above(0, 1e6), Default: `1`},
	{Path: "queue.tenant.priority", Doc: "Larger goes first under order priority.", Range: within(-1000, 1000), Default: `0`},
	{Path: "queue.tenant.weight", Doc: "Part of the machine that is due to it, over the sum of all.", Dim: units.Ratio, Range: above(0, 1e6), Default: `1`},
	{Path: "queue.tenant.quota", Doc: "GPUs that are its own; 0 sets no quota.", Range: within(0, 10_000_000), Default: `0`},
	{Path: "queue.tenant.borrow", Doc: "GPUs beyond its quota that it may use while its cohort leaves them idle; -1 is no limit.", Range: within(-1, 10_000_000), Default: `0`},
	{Path: "queue.tenant.cohort", Doc: "Tenants of one cohort lend each other idle quota.", Default: `""`, Example: `"all"`},
	{Path: "queue.tenant.reclaim", Doc: "It may stop borrowers to get its quota back.", Default: `false`},
	{Path: "queue.tenant.price", Doc: "What a GPU-hour is charged at.", Dim: units.Money, Range: within(0, 1e6), Derived: "the bill's share of a GPU-hour", Example: `"2.50 USD"`},
	{Path: "queue.window", Doc: "Nodes that are kept free from one time to another: maintenance, a reservation.", Items: within(0, 256)},
	{Path: "queue.window.nodes", Doc: "Nodes that are kept free.", Required: true, Range: within(1, 131072), Example: `4`},
	{Path: "queue.window.from", Doc: "Start, from that of the run.", Required: true, Dim: units.Time, Range: within(0, 10*year), Example: `"30 d"`},
	{Path: "queue.window.until", Doc: "When it ends, from the start of the run.", Required: true, Dim: units.Time, Range: above(0, 10*year), Example: `"31 d"`},
}
