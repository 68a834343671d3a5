package scenarios

import (
	"fmt"
	"math"

	"aisim/cluster/edge"
	"aisim/hardware"
	"aisim/hardware/profile"
	"aisim/internal/result"
	"aisim/workloads/serving"
)

// PlayedOffload is a service answered at the sites and in the region, at several loads.
type PlayedOffload struct {
	Workload      string
	Local, Remote []result.LoadPoint // at the same loads
	LinkFull      float64            // requests per second of all sites that fill their links
}

// PlayedUpdate is how models reach the sites and samples come back.
type PlayedUpdate struct {
	Workload                        string
	ModelBytes                      float64
	RolloutSec                      float64
	SampleBytesPerDay               float64 // of all sites
	LinkShare                       float64 // of each site's link that they take
	OutagesPerYear, BufferBytes     float64 // of each site
	CatchUpSec                      float64
	EgressUSDPerYear, MeanStaleness float64
}

// loads at which sites and region are compared, as multiples of the load asked for.
var offloadLoads = []float64{0.25, 0.5, 1, 1.5, 2, 3}

// Offloads plays every service of an edge scenario at its sites and in the region. The mean time
// on the sites' links is that of M/D/1 queues; the region is simulated as one pool.
func (f *Future) Offloads() ([]PlayedOffload, error) {
	e := f.World.Scenario.Edge
	if e == nil || e.Offload == nil {
		return nil, nil
	}
	var out []PlayedOffload
	for i := range f.World.Placed {
		if p := &f.World.Placed[i]; p.Serving != nil {
			o, err := f.offload(i, e)
			if err != nil {
				return nil, f.World.Scenario.problemOf("edge.offload", fmt.Errorf("%s in the region: %w", p.ID, err))
			}
			out = append(out, o)
		}
	}
	return out, nil
}

func (f *Future) offload(i int, e *Edge) (PlayedOffload, error) {
	p := &f.World.Placed[i]
	out := PlayedOffload{Workload: p.ID}
	reqs, err := f.Sample.Requests(i)
	if err != nil {
		return out, err
	}
	if out.Local, err = f.Service(i).LoadCurve(reqs, serving.Options{Workers: 1}, offloadLoads); err != nil {
		return out, err
	}
	server, err := f.World.Catalogue.Server(e.Offload.Server)
	if err != nil {
		return out, err
	}
	chip, err := f.World.Catalogue.Accelerator(server.AcceleratorID)
	if err != nil {
		return out, err
	}
	prof, err := profile.For(chip.ID)
	if err != nil {
		return out, err
	}
	dev, err := hardware.NewDevice(chip, prof, f.Sample.draw)
	if err != nil {
		return out, err
	}
	bytes := f.requestBytes(i)
	out.LinkFull = e.WAN.BytesPerSec / bytes * float64(e.Sites)
	for k, l := range out.Local {
		cfg := *p.Serving
		cfg.Replicas = e.Offload.Nodes * server.AcceleratorCount / cfg.ReplicaChips()
		if cfg.Replicas < 1 {
			return out, fmt.Errorf("%d × %s hold no replica of %s", e.Offload.Nodes, server.ID, cutOf(&cfg))
		}
		there := edge.LinkSec(bytes, e.WAN.BytesPerSec, l.RequestsPerSec/float64(e.Sites))
		if math.IsInf(there, 1) {
			break // from here on the links are full
		}
		// Up the link and its queue, across; the answer comes back across.
		cfg.Network = serving.Network{LatencySec: e.WAN.LatencySec + (e.Offload.RoundTripSec+there)/2, Sites: 1}
		prep, err := serving.Prepare(cfg, serving.Machine{Device: dev})
		if err != nil {
			return out, err
		}
		at, err := prep.LoadCurve(reqs, serving.Options{Workers: 1}, offloadLoads[k:k+1])
		if err != nil {
			return out, err
		}
		out.Remote = append(out.Remote, at[0])
	}
	return out, nil
}

// requestBytes is the mean size of a request on the link.
func (f *Future) requestBytes(i int) float64 {
	p := &f.World.Placed[i]
	if g := p.Arch.Generic; g != nil {
		return g.SampleBytes
	}
	const tokenBytes = 4
	reqs, err := f.Sample.Requests(i)
	if err != nil || len(reqs) == 0 {
		return tokenBytes
	}
	sum := 0.0
	for _, r := range reqs {
		sum += float64(r.Prompt) * tokenBytes
	}
	return sum / float64(len(reqs))
}

// Updates is the life of each service's model on the fleet. Links that the requests and their
// samples fill are an error: no update gets through.
func (f *Future) Updates() ([]PlayedUpdate, error) {
	e := f.World.Scenario.Edge
	if e == nil || e.Update == nil {
		return nil, nil
	}
	u := e.Update
	source := math.Inf(1)
	if u.SourceBytesPerSec != nil {
		source = *u.SourceBytesPerSec
	}
	var out []PlayedUpdate
	for i := range f.World.Placed {
		p := &f.World.Placed[i]
		if p.Serving == nil {
			continue
		}
		perSite := f.requestsPerSec(p.ID) * u.SampleShare * f.requestBytes(i) / float64(e.Sites)
		used := perSite
		if e.Requests == "wan" {
			used += f.requestsPerSec(p.ID) * f.requestBytes(i) / float64(e.Sites)
		}
		q := PlayedUpdate{Workload: p.ID, ModelBytes: p.Arch.WeightBytes(p.DType), SampleBytesPerDay: perSite * day * float64(e.Sites), LinkShare: perSite / e.WAN.BytesPerSec}
		free := e.WAN.BytesPerSec - used
		if free <= 0 {
			return nil, f.World.Scenario.problemOf("edge.update", fmt.Errorf("%s puts %.3g MB/s on each site's link of %.3g MB/s: nothing is left for updates", p.ID, used/1e6, e.WAN.BytesPerSec/1e6))
		}
		q.RolloutSec = edge.RolloutSec(u.Stages, u.HoldSec, q.ModelBytes, e.Sites, free, source)
		q.OutagesPerYear, q.BufferBytes, q.CatchUpSec = edge.Outage(e.WAN.Availability, e.WAN.OutageSec, perSite, free+perSite)
		q.EgressUSDPerYear = q.SampleBytesPerDay * 365 / 1e9 * u.EgressUSDPerGB
		q.MeanStaleness = u.EverySec/2 + q.RolloutSec
		out = append(out, q)
	}
	return out, nil
}
