// Package closedloop holds the models to a machine that is at hand: a probe measures it, a
// profile is fitted on the probe, and real work that the probe did not do is predicted with the
// profile and then compared with what it took.
//
// The work is a training run of a small network with gonum (batches read from disk, forward,
// backward, momentum, checkpoints that are on the device when they end), and a pipeline that
// reads chunks of a text from disk, compresses them with zstd, encrypts them with AES-256-GCM
// and sends them over a loopback connection.
//
// Predictions are those of the rooms below: hardware.Device for every operator, with the device
// made of the probe's profile; storage.System for the disk; the profile's host operations; and
// workloads/tandem for the order of it all. Probe and work take turns, so that both see the
// same machine: what else runs on it slows both.
package closedloop
