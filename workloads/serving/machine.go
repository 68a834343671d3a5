package serving

import (
	"aisim/hardware"
	"aisim/topology/collective"
)

// AllReduceOn makes Machine.AllReduce of a prepared all-reduce over the chips of
// a replica: its time less its fixed latency, which the engine profile states
// for the kernels that engines use (custom all-reduce inside CUDA graphs).
func AllReduceOn(p *collective.Plan) func(bytes float64) float64 {
	return func(bytes float64) float64 {
		c := p.Time(bytes)
		return c.Sec - c.LatencySec
	}
}

// Whole is the time of a prepared collective with its latency, for chips that meet over
// the network.
func Whole(p *collective.Plan) func(bytes float64) float64 {
	return func(bytes float64) float64 { return p.Time(bytes).Sec }
}

// Drawn returns the profile with its constants drawn, in the names
// "engine/vllm.layer" and so on.
func (e EngineProfile) Drawn(d hardware.Draw) EngineProfile {
	if d == nil {
		return e
	}
	return e.Draw(func(name string, value, relSD float64) float64 {
		return d("engine/"+name, hardware.Value{V: value, RelSD: relSD})
	})
}

// WeightBytes is what one replica loads before it is ready, over all its chips.
func (p *Prepared) WeightBytes() float64 {
	return p.Memory.Weights * float64(p.Config.ReplicaChips())
}

// Chips is the number of chips of the whole service.
func (p *Prepared) Chips() int {
	return p.Config.ReplicaChips() * p.Config.Replicas
}
