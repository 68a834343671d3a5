// Package storage models where bytes rest: Ceph pools, Lustre file systems, Gluster volumes,
// object stores and NVMe drives inside the compute nodes. A System is a few pooled resources
// (network ports, CPU, drives, request limits) that are registered on the same
// max–min fair network as the links of the fabric, so that checkpoints,
// restores, dataset reads and model loads contend with one another and with
// everything else that travels.
//
// One client byte costs each resource a weight that follows from the I/O path:
//
//	replicated write   network in R·S, out (R−1)·S; R device writes of S
//	replicated read    network out S; one device read of S
//	k+m full write     network in S + (k+m−1)/k·P, out (k+m−1)/k·P; k+m device writes of P/k
//	k+m read           network out S + (k−1)/k·P, in (k−1)/k·P; k device reads of P/k
//
// with S the bytes of one operation and P those bytes padded to whole stripes.
// CPU is a cost per operation plus a cost per byte and copy; a drive spends
// max(bytes/bandwidth, 1/IOPS) on an access (their sum on a rotating disk).
//
// Sources: Weil et al., "CRUSH: Controlled, Scalable, Decentralized Placement
// of Replicated Data" (SC06), for placement; Ceph documentation for the I/O
// paths, defaults and full ratios; published measurements of ceph.io (Reef
// freeze RBD performance 2023, a cluster of 630 OSDs) for the CPU costs
// and the share of the line rate that storage nodes reach. Each constant carries its source:
// see NominalConstants. docs/models/storage.md has the equations.
//
// Left out here, and where it comes: exact CRUSH maps instead of the binomial
// spread, partial and fast erasure-coded overwrites, recovery and scrub
// traffic, mClock and encryption of Ceph; locks, heal and rebalance of Lustre and
// Gluster; caches.
package storage
