// Package training predicts one step of training: its time and what the time is
// made of, the schedule of every pipeline stage, the memory of every class of
// ranks, and what the step asks of network and storage.
//
// # Model
//
// Work per micro-batch and layer is a list of operators on one chip
// (hardware.Device) and of collectives over real ranks (topology/collective). A
// pipeline schedule (Schedule) is built operation by operation; the
// critical path through it, then the gradient reduction that its backward work
// does not cover, the optimizer and the gathering of parameters make the step.
//
// Ranks are numbered as Megatron does: tensor fastest, then context, expert
// (inside data), data, pipeline. Groups are taken from the chips of the machine in
// that order, so placement, oversubscription and failed links change the answer.
//
// # Causes
//
// Every time carries its derivative by each resource (took.by): sums add them, a
// maximum keeps the winner's, a norm weighs them. All times are homogeneous of
// degree one in the slowness of the resources, so by Euler's theorem the parts sum
// to the whole, and a part is what re-simulating with a slightly faster resource
// would gain. That is Step.ByResource's ElasticSeconds.
//
// # Folding
//
// Ranks of one pipeline stage do the same work at the same time, so one of each
// stage is simulated; a collective takes as long as its slowest group. A test holds
// folded equal to unfolded.
//
// Sources: docs/models/training.md and docs/models/memory.md. Left out: Ulysses,
// expert imbalance, offload of activations, mixed fleets;
// data loading and checkpoints are the cluster's.
package training
