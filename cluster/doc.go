// Package cluster runs what shares one machine over days and months of simulated
// time: training campaigns that step, read input, checkpoint, fail and restart, and
// services whose replicas load their weights, fail and come back. It is the job and
// the cluster rung of the ladder: the step rung below hands it step times, the
// fabric rung the rates of bulk transfers.
//
// Between two events nothing changes, so identical steps advance in closed form: a
// campaign of 54 days costs a few thousand events. What is in motion at the same
// moment (a checkpoint, a restore, the reading of input, a service that loads) is a
// Mix; the rates of every Mix are solved once, max–min fair over one set of wires and
// drives, and remembered (Phases).
//
// Failures are a Poisson process with rate nodes × failures per node-second (drawn
// once per failure, not tested per tick); each takes detection, a restart, a spare or a
// repair, a restore through storage, and the work since the last committed checkpoint.
// Domains (leaf, rack, supply) take their nodes together; repairs wait for crews; training
// restarts on spares, hot or cold, shrinks, or leaves nodes that are seen to fail.
// The interval between checkpoints is given or Daly's optimum.
//
// Sources: J. W. Young, CACM 17(9), 1974; J. T. Daly, FGCS 22(3), 2006; the causes'
// shares from the Llama 3 report (arXiv 2407.21783, table 5).
package cluster
