// Package cephsim plays a Ceph pool access by access on the discrete-event engine: clients in closed or open
// loops, ports, the queues and threads of OSDs with their schedulers, drives with
// group commit and deferred writes, replicated and erasure-coded paths, and what failure does: detection,
// peering, resent requests, backfill and scrub. Placement is exact CRUSH.
//
// An entity is a storage node or a client host; a partition is a rack. Messages travel half a
// round trip, which is the lookahead. A port or a drive is a backlog b of work that drains with time:
// an access of length s that is ready at r ends at max(r + s, b + s) and leaves the backlog
// max(b, now) + s. An OSD's operations wait in its queue, ordered by mClock or wpq between
// clients, recovery and best effort; one starts when the OSD has a thread and the node a core free, holds
// both for its core time, and goes on to drive or wire after the software time of
// an unloaded operation. Costs are those of package storage, so both rungs rest on the same constants.
//
// Sources: Ceph documentation (I/O paths, mClock profiles, heartbeat and recovery defaults); Gulati et al., "mClock"
// (OSDI 2010) for the tags; docs/models/ceph.md has equations, sources and limits.
package cephsim
