package cephsim

import (
	"fmt"
	"math"

	"aisim/sim"
)

// Result is what a run measured, until its end.
type Result struct {
	SimulatedSec float64
	Events       uint64
	Hash         uint64 // of every answer in its order, summed over the hosts

	Requests, Reads, Writes int64 // answered
	Refused, Resent, Stuck  int64 // by full OSDs; after a failure; groups that cannot serve
	PerSec, BytesPerSec     float64
	Read, Write             *sim.Histogram // latencies
	InFlight                int64
	LastSec                 float64 // when the last answer came

	Rebuilt, ToRebuild int64   // objects
	RebuiltBytes       int64   //
	RebuildSec         float64 // from the loss to the last object; 0 if not all are back
	ScrubbedBytes      int64

	// Busy shares until the end, or the last answer: of all, and of the busiest.
	CPU, Drives, PortsIn, PortsOut Use
	Bottleneck                     string
	FullOSDs, NearfullOSDs         int
}

// Use is the busy share of a kind of resource.
type Use struct{ Mean, Max float64 }

// Run plays until the end. Under the build tag "invariants" it then lets everything in flight end and
// checks that nothing was lost.
func (p *Pool) Run() (*Result, error) {
	if err := p.engine.Run(p.end); err != nil {
		return nil, err
	}
	r := p.result()
	if invariants {
		if err := p.drain(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// drain ends what is in flight and checks the conservation of requests, messages and bytes.
func (p *Pool) drain() error {
	if err := p.engine.Run(p.end + 100*sim.Day); err != nil {
		return err
	}
	var sent, arrived, bytesOut, bytesIn, issued, ended, stuck, lost int64
	add := func(c *counts) {
		sent, arrived, bytesOut, bytesIn, lost = sent+c.messages, arrived+c.received, bytesOut+c.sent, bytesIn+c.arrived, lost+c.lost
	}
	for i := range p.nodes {
		n := &p.nodes[i]
		add(&n.counts)
		for e := range n.ops {
			if q := &n.ops[e]; q.used && p.c.Failure == nil {
				panic(fmt.Sprintf("cephsim: invariant: node %d: operation %d in stage %d never ended", i, e, q.stage))
			}
		}
		if int(n.free) != p.costs.CoresPerNode {
			panic(fmt.Sprintf("cephsim: invariant: node %d has %d of %d cores free at rest", i, n.free, p.costs.CoresPerNode))
		}
	}
	for i := range p.hosts {
		h := &p.hosts[i]
		add(&h.counts)
		issued, ended = issued+h.issued, ended+h.done+h.refused
		for s := range h.requests {
			if r := &h.requests[s]; r.live && r.stuck {
				stuck++
			}
		}
	}
	if sent != arrived || bytesOut != bytesIn {
		panic(fmt.Sprintf("cephsim: invariant: %d messages of %d bytes sent, %d of %d received", sent, bytesOut, arrived, bytesIn))
	}
	if issued != ended+stuck {
		panic(fmt.Sprintf("cephsim: invariant: %d requests issued, %d ended, %d wait for a group that cannot serve, %d messages lost", issued, ended, stuck, lost))
	}
	return nil
}

func (p *Pool) result() *Result {
	r := &Result{SimulatedSec: p.end.Seconds(), Events: p.engine.Events(), Read: sim.NewHistogram(), Write: sim.NewHistogram(), ToRebuild: p.toMove}
	for i := range p.hosts {
		h := &p.hosts[i]
		r.Requests, r.Reads, r.Refused, r.Resent = r.Requests+h.done, r.Reads+h.doneRead, r.Refused+h.refused, r.Resent+h.resent
		r.Hash += h.hash
		r.LastSec = math.Max(r.LastSec, h.last.Seconds())
		for s := range h.requests {
			if q := &h.requests[s]; q.live {
				r.InFlight++
				if q.stuck {
					r.Stuck++
				}
			}
		}
	}
	for i := range p.racks {
		r.Read.Merge(&p.racks[i].reads)
		r.Write.Merge(&p.racks[i].writes)
	}
	r.Writes = r.Requests - r.Reads
	over := r.SimulatedSec
	if p.c.Requests > 0 && r.InFlight == 0 && r.LastSec > 0 { // all done before the end
		over = r.LastSec
	}
	end := ticks(over)
	r.PerSec = float64(r.Requests) / over
	r.BytesPerSec = r.PerSec * p.c.RequestBytes
	share := func(u *Use, busy float64, count int) {
		v := math.Min(1, busy/float64(end))
		u.Mean += v / float64(count)
		u.Max = math.Max(u.Max, v)
	}
	var last sim.Time
	cores := math.Min(float64(p.costs.CoresPerNode), float64(p.costs.PerNode*p.costs.OSDThreads))
	for i := range p.nodes {
		n := &p.nodes[i]
		r.Rebuilt, r.RebuiltBytes, r.ScrubbedBytes = r.Rebuilt+n.counts.moved, r.RebuiltBytes+n.counts.movedBytes, r.ScrubbedBytes+n.counts.scrubbed
		last = max(last, n.counts.lastMove)
		share(&r.CPU, float64(n.busy)/cores, len(p.nodes))
		share(&r.PortsIn, float64(n.in.busy), len(p.nodes))
		share(&r.PortsOut, float64(n.out.busy), len(p.nodes))
		for d := range n.osds {
			o := &n.osds[d]
			share(&r.Drives, float64(o.drive.busy), len(p.nodes)*p.costs.PerNode)
			if o.stored >= p.full {
				r.FullOSDs++
			}
			if o.stored >= p.full/p.costs.FullRatio*nearfull {
				r.NearfullOSDs++
			}
		}
	}
	if r.Rebuilt == r.ToRebuild && r.Rebuilt > 0 {
		r.RebuildSec = (last - p.lost).Seconds()
	}
	best := 0.0
	for _, u := range []struct {
		name string
		use  Use
	}{{"cpu", r.CPU}, {"drives", r.Drives}, {"ports in", r.PortsIn}, {"ports out", r.PortsOut}} {
		if u.use.Max > best {
			best, r.Bottleneck = u.use.Max, u.name
		}
	}
	if best < 0.8 {
		r.Bottleneck = "none: requests wait for latency"
	}
	return r
}

// nearfull is mon_osd_nearfull_ratio.
const nearfull = 0.85
