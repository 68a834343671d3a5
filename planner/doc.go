// Package planner evaluates designs: it plays the futures of a scenario's world, puts
// intervals on what they gave, blames the time on resources, re-simulates the world with
// each resource changed, and works the ledger out. Evaluate on one design is `aisim run`.
//
// Intervals: every replica draws all uncertain inputs of the catalogue and the profiles
// and the seeds of failures and requests (replica 0 is nominal); a metric's value is that of
// replica 0, its 90 % interval spans the 5th to the 95th percentile over the replicas.
//
// Elasticities: a resource is changed by a stated step in the same replicas (common
// random numbers), so that the difference is that of the change alone. Nothing is
// differentiated: a gain of 6 % is what the simulation gave with 10 % more.
//
// Search over designs, goals, comparisons and sweeps stand on Evaluate and come later.
package planner
