package training

import (
	"fmt"

	"aisim/hardware"
	"aisim/internal/result"
	"aisim/topology"
	"aisim/topology/collective"
)

// Job is a configuration laid out on a machine: groups, schedule, memory and
// prepared collectives. Step puts numbers on it; On moves it to a machine with other
// rates. A Job is not safe for concurrent use, because its collectives are not.
type Job struct {
	cfg        Config
	machine    Machine
	profile    *Framework // as published
	framework  *Framework // as drawn for the machine
	shape      shape
	chip       chip
	layout     layout
	chunked    []chunk
	sched      *schedule
	groups     [numPlans][][]topology.NodeID
	plans      [numPlans]*priced
	hops       [][][]topology.NodeID // groups of each stage boundary
	boundaries []*priced
	memory     []result.MemoryClass

	tpExposed, ppExposed, dpHidden float64
	hostSpeed, attentionRate       float64
	residual                       float64 // factor on chip time
	assumed                        []result.Assumption
	undrawn                        bool // spans are left out
}

// Plan predicts one training step: Prepare, then Step. It returns a *ConfigError
// (several joined) for impossible configurations and a *MemoryError when the
// configuration does not fit.
func Plan(cfg Config, m Machine) (*Step, error) {
	j, err := Prepare(cfg, m)
	if err != nil {
		return nil, err
	}
	return j.Step()
}

// Prepare checks a configuration and lays it out: what does not change when rates
// do. Errors as Plan's.
func Prepare(cfg Config, m Machine) (*Job, error) {
	j, err := prepare(cfg, m)
	if err != nil {
		return nil, err
	}
	return j.On(m)
}

// prepare is Prepare up to what depends on rates.
func prepare(cfg Config, m Machine) (*Job, error) {
	fw, err := FrameworkByID(cfg.Framework)
	if err != nil {
		return nil, err
	}
	if m.Device == nil {
		return nil, fmt.Errorf("training: the machine has no device")
	}
	if err := m.Device.Supports(cfg.Precision); err != nil {
		return nil, &ConfigError{"precision", err.Error()}
	}
	if cfg, err = cfg.resolve(len(m.Chips)); err != nil {
		return nil, err
	}
	fw = fw.on(m.Device.ID)
	j := &Job{cfg: cfg, profile: fw, framework: fw, layout: layout{cfg.Parallel, m.Chips}}
	if cfg.Arch.Generic != nil {
		j.prepareGeneric()
	} else if err := j.prepareTransformer(); err != nil {
		return nil, err
	}
	return j, nil
}

func (j *Job) prepareTransformer() (err error) {
	c := &j.cfg
	j.shape = c.shape()
	j.chunked = c.chunks()
	p := c.Parallel
	if j.sched, err = scheduleFor(c.Schedule, p.PP, p.VP, c.microBatches()); err != nil {
		return &ConfigError{"parallelism", err.Error()}
	}
	l := &j.layout
	if p.TP > 1 {
		g := l.tensor()
		if c.SequenceParallel {
			j.groups[planTensorGather], j.groups[planTensorScatter] = g, g
		} else {
			j.groups[planTensorReduce] = g
		}
	}
	if p.CP > 1 {
		j.groups[planContext] = l.context()
	}
	if p.EP > 1 {
		j.groups[planExpert] = l.expert()
	}
	if p.PP > 1 {
		hops := p.PP - 1
		if p.VP > 1 {
			hops++
		}
		for b := range hops {
			j.hops = append(j.hops, l.boundary(b))
		}
	}
	switch {
	case c.Schedule == ScheduleDualPipe:
		j.groups[planMirror] = l.mirrors()
	case c.Arch.TiedEmbeddings, c.MTP > 0:
		j.groups[planTied] = l.tied()
	}
	data := l.data()
	experts := data
	if p.EP > 1 {
		experts = l.expertData()
	}
	if c.Arch.Experts == 0 {
		experts = nil
	}
	if c.ZeRO == 0 {
		j.groups[planDataReduce], j.groups[planExpertDataReduce] = data, experts
	} else {
		if copies := p.copies(); copies > 1 {
			data = l.shards(p.Shards)
			j.groups[planCopies] = l.copies(p.Shards)
		}
		j.groups[planDataGather], j.groups[planDataScatter] = data, data
		j.groups[planExpertDataGather], j.groups[planExpertDataScatter] = experts, experts
	}
	return nil
}

// remember sets what each class of ranks keeps in a device's memory, or refuses.
func (j *Job) remember(d *hardware.Device) error {
	c := &j.cfg
	if c.Arch.Generic != nil {
		return j.rememberGeneric(d.MemBytes)
	}
	feet := c.memory(j.profile, j.chunked)
	if need, stage := worst(feet); need > d.MemBytes {
		near, changes := c.nearest(j.profile, d.MemBytes, d.ScaleUpDomain)
		return &MemoryError{Stage: c.stageName(stage), NeedBytes: need, UsableBytes: d.MemBytes,
			Parts: feet[stage].parts(), Changes: changes, Nearest: near}
	}
	j.memory = c.classes(feet, d.MemBytes)
	return nil
}

// settings takes overlaps from the configuration or the framework, and notes what
// was taken as given.
func (j *Job) settings() {
	c, fw := &j.cfg, j.framework
	j.assumed = nil
	if g := c.Arch.Generic; g != nil && g.BytesSourceAssumed {
		j.assumed = append(j.assumed, result.Assumption{Name: "memory traffic per " + g.Unit, Value: gigabytes(g.BytesPerSample),
			Pedigree: result.Assumed, Source: g.BytesSource})
	}
	pick := func(user *float64, exposed float64, what string) float64 {
		if user != nil {
			return 1 - *user
		}
		j.assumed = append(j.assumed, result.Assumption{Name: what, Value: fmt.Sprintf("%.0f %%", 100*(1-exposed)),
			Pedigree: result.Derived, Source: fw.Name + " " + fw.Version + ": " + fw.Source})
		return exposed
	}
	if c.Parallel.TP > 1 {
		j.tpExposed = pick(c.Overlap.TP, fw.TPExposed, "tensor-parallel exchange that runs beside computation")
	}
	if c.Parallel.PP > 1 {
		j.ppExposed = pick(c.Overlap.PP, fw.PPExposed, "stage-to-stage exchange that runs beside computation")
	}
	if c.Parallel.DP*c.Parallel.CP > 1 && (c.ZeRO < 3 || c.Parallel.copies() > 1) {
		j.dpHidden = 1 - pick(c.Overlap.DP, fw.DPExposed, "gradient exchange that may run beside computation")
	}
	if c.Straggler == nil {
		j.assumed = append(j.assumed, result.Assumption{Name: "extra time of the slowest rank",
			Value: fmt.Sprintf("%.2g %% per doubling of nodes", 100*fw.StragglerPerDoubling), Pedigree: result.Derived,
			Source: fw.Name + ": " + fw.Source})
	}
}

// On returns the job on a machine of the same size with other rates: another device,
// fabric, host speed or background traffic. What is the same is shared.
func (j *Job) On(m Machine) (*Job, error) {
	fab, err := newFabric(&m)
	if err != nil {
		return nil, err
	}
	return j.on(m, fab)
}

func (j *Job) on(m Machine, fab *fabric) (*Job, error) {
	if len(m.Chips) != len(j.layout.chips) {
		return nil, fmt.Errorf("training: job laid out on %d chips, the machine has %d", len(j.layout.chips), len(m.Chips))
	}
	if err := m.Device.Supports(j.cfg.Precision); err != nil {
		return nil, &ConfigError{"precision", err.Error()}
	}
	n := *j
	n.machine = m
	if err := n.remember(m.Device); err != nil {
		return nil, err
	}
	n.framed()
	if err := n.checkHost(); err != nil {
		return nil, err
	}
	var err error
	for id, groups := range j.groups {
		if n.plans[id], err = fab.prepare(planOps[id], groups); err != nil {
			return nil, err
		}
	}
	n.boundaries = make([]*priced, len(j.hops))
	for b, groups := range j.hops {
		if n.boundaries[b], err = fab.prepare(collective.SendRecv, groups); err != nil {
			return nil, err
		}
	}
	return &n, nil
}

// framed sets what follows from the framework's profile and the machine's chip.
func (j *Job) framed() {
	m := &j.machine
	j.framework, j.residual = j.profile.drawn(m.Draw, j.cfg.Arch.Experts > 0)
	j.settings()
	j.chip = newChip(narrowed(m.Device, onChip(j.profile.NarrowRateOn, m.Device.ID, 1)), j.residual, j.framework.GroupedRate, j.framework.GroupedHalf)
	j.hostSpeed = orOne(m.HostSpeed)
	j.attentionRate = j.framework.attentionRate(m.Device.ID)
}

// With is the job under other constants of its framework, for fits of these: groups,
// schedule and prepared collectives stay.
func (j *Job) With(fw *Framework) (*Job, error) {
	n := *j
	n.profile = fw.on(j.machine.Device.ID)
	if err := n.remember(n.machine.Device); err != nil {
		return nil, err
	}
	n.framed()
	n.undrawn = true
	return &n, nil
}

// Config is the configuration with defaults filled in.
func (j *Job) Config() Config { return j.cfg }

// SteadyBytes is what a rank keeps allocated between steps beside its states.
func (j *Job) SteadyBytes() float64 { return j.cfg.steadyBytes(j.profile) }

// Memory is what each class of ranks keeps.
func (j *Job) Memory() []result.MemoryClass { return j.memory }

// collective times one call on size bytes with its causes, and says what all groups
// together put on the network.
func (j *Job) collective(id planID, size float64) (took, levelBytes) {
	return j.plans[id].time(size)
}
