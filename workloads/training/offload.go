package training

import "fmt"

// Optimizer states in host memory (ZeRO-Offload, arXiv:2101.06840): a step sends each
// gradient to the host in 16 bits, the host updates there and sends the weight back in 16 bits.
const (
	offloadLinkBytes = 4  // per updated parameter over the host link: gradient there, weight back
	offloadHostBytes = 14 // kept there: weight and two moments in 32 bits, gradient in 16 (section 3)
	// Adam reads those 14 and writes weight and moments back, and the weight in 16 bits.
	offloadAdamBytes = 14 + 12 + 2
)

func (c *Config) checkOffload(bad func(field, format string, args ...any)) {
	switch {
	case !c.OffloadOptimizer:
	case c.Arch.Generic != nil:
		bad("offload_optimizer", "a model known by totals per sample keeps its optimizer on the chip")
	case c.Precision.Bytes() >= 4:
		bad("offload_optimizer", "exists for mixed precision: in %s there is no 32-bit copy to keep elsewhere", c.Precision)
	case c.ZeRO == 0 && c.Parallel.DP*c.Parallel.CP > 1:
		bad("offload_optimizer", "zero 0 would keep and update the same state once for each of data %d × context %d: use zero 1 or more", c.Parallel.DP, c.Parallel.CP)
	}
}

// updated are the parameters that a stage's rank updates.
func (j *Job) updated(s int) float64 {
	n := j.stageParams(s)
	local := n.total()
	if j.cfg.ZeRO >= 1 {
		local = n.dense/j.shape.shards + n.expert/j.shape.expertShards()
	}
	return local * j.cfg.trainedShare()
}

// checkHost refuses an offload that the hosts cannot hold or whose rates are not known.
func (j *Job) checkHost() error {
	if !j.cfg.OffloadOptimizer {
		return nil
	}
	m := &j.machine
	refuse := func(format string, args ...any) error {
		return &ConfigError{"offload_optimizer", fmt.Sprintf(format, args...)}
	}
	switch {
	case m.Device.HostBytesPerSec <= 0:
		return refuse("the rate of %s's host link is not known", m.Device.ID)
	case m.HostMemBytes <= 0:
		return refuse("the host's memory is not known: give cluster.override.host_memory")
	case m.HostMemBytesPerSec <= 0:
		return refuse("the host's memory bandwidth, which its Adam runs at, is not known: give cluster.override.host_memory_bandwidth")
	}
	var most float64
	for s := range j.cfg.Parallel.PP {
		most = max(most, j.updated(s))
	}
	// Stages lie far apart, so the chips of a host mostly hold the same one.
	if need := offloadHostBytes * most * j.perHost(); need > m.HostMemBytes {
		return refuse("the states of %.0f chips need %.0f GiB of host memory, and a host has %.0f: more chips, more sharding (zero, data), or cluster.override.host_memory", j.perHost(), need/gib, m.HostMemBytes/gib)
	}
	return nil
}

// perHost is the number of chips that share a host.
func (j *Job) perHost() float64 {
	return float64(min(max(1, j.machine.ChipsPerNode), len(j.machine.Chips)))
}

// hostUpdate is the optimizer of a stage on the host: bytes over the chip's own link, then
// Adam at the memory bandwidth that the chips of a host share.
func (j *Job) hostUpdate(s int) took {
	n := j.updated(s)
	link := offloadLinkBytes * n / j.machine.Device.HostBytesPerSec
	adam := offloadAdamBytes * n * j.perHost() / j.machine.HostMemBytesPerSec
	return fixed((link+adam)/j.hostSpeed, byHost)
}
