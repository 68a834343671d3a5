package training

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync"

	"aisim/hardware"
)

// Space bounds a search over configurations. Zero values take what is usual: powers of
// two, micro-batches to 8, all ZeRO stages that the framework's form allows, and
// recomputation none, selective and full.
type Space struct {
	MaxTensor   int // 0: the chips of a scale-up domain
	MaxPipeline int // 0: the layers
	MaxContext  int // 0: 16, and no more than leaves 4,096 tokens a rank
	MaxMicro    int // 0: 8
	MaxVirtual  int // 0: 8
	ZeRO        []int
	Recompute   []Recompute
	Schedules   []Schedule // nil: 1F1B and interleaved; only frameworks that have them run others
	Limit       int        // of candidates that are timed; 0: all
	Workers     int        // 0: all CPUs; the result is the same for any
}

// Candidate is a configuration with what became of it.
type Candidate struct {
	Config    Config
	Seconds   float64 // of a step; 0 where it was refused
	NeedBytes float64 // of the fullest rank's memory
	Bubble    float64 // waiting of the pacing rank over its work
	Exposed   float64 // share of the step in which communication stands still
	Refused   string  // why it cannot run; "" where it can
	Loses     string  // to the best: where its time goes that the best's does not
	MFU       float64
}

// Found is a search: what can run by step time, then what cannot.
type Found struct {
	Ranked  []Candidate // fastest first
	Refused []Candidate // by how far they miss, nearest first
	Skipped int         // candidates beyond Space.Limit
}

// Candidates are the configurations of a model on a number of chips that are legal: whole
// layers, heads, experts and batches, exchanges of tensor groups inside a scale-up
// domain, schedules that exist. Only what the caller's configuration leaves at 0 (or "")
// in Parallel, Micro and Recompute is varied, ZeRO where it is negative, and the schedule
// over those of the space that exist for the split.
func Candidates(c Config, chips, domain int, s Space) []Config {
	if c.Arch.Generic != nil {
		return genericCandidates(c, chips, s)
	}
	a := &c.Arch
	pick := func(fixed, most int, ok func(int) bool) []int {
		if fixed > 0 {
			return []int{fixed}
		}
		var out []int
		for v := 1; v <= most; v *= 2 {
			if ok(v) {
				out = append(out, v)
			}
		}
		return out
	}
	free := c.Parallel
	tps := pick(free.TP, orMost(s.MaxTensor, domain), func(v int) bool { return a.Heads%v == 0 && chips%v == 0 })
	pps := pick(free.PP, min(orMost(s.MaxPipeline, a.Layers), chips), func(v int) bool { return chips%v == 0 })
	cps := pick(free.CP, min(orMost(s.MaxContext, 16), max(1, c.Batch.Seq/4096)), func(v int) bool { return c.Batch.Seq%v == 0 })
	eps := []int{1}
	if a.Experts > 0 {
		eps = pick(free.EP, a.Experts, func(v int) bool { return a.Experts%v == 0 })
	}
	micros := pick(c.Batch.Micro, orMost(s.MaxMicro, 8), func(int) bool { return true })
	zeros, modes := s.ZeRO, s.Recompute
	if zeros == nil {
		zeros = []int{0, 1, 2, 3}
	}
	if c.ZeRO >= 0 {
		zeros = []int{c.ZeRO}
	}
	if modes == nil {
		modes = []Recompute{RecomputeNone, RecomputeSelective, RecomputeFull}
	}
	if c.Recompute != "" {
		modes = []Recompute{c.Recompute}
	}
	schedules := s.Schedules
	if c.Schedule != "" || schedules == nil {
		schedules = []Schedule{c.Schedule}
	}
	var out []Config
	for _, tp := range tps {
		for _, pp := range pps {
			for _, cp := range cps {
				if model := tp * pp * cp; chips%model != 0 || free.DP > 0 && free.DP != chips/model {
					continue
				}
				dp := chips / (tp * pp * cp)
				for _, micro := range micros {
					if c.Batch.Global%(dp*micro) != 0 {
						continue
					}
					for _, vp := range c.virtuals(pp, c.Batch.Global/(dp*micro), s) {
						for _, ep := range eps {
							for _, zero := range zeros {
								if zero > 0 && dp*cp == 1 || zero >= 2 && pp > 1 {
									continue // shards that are gathered for every micro-batch of every stage
								}
								for _, mode := range modes {
									n := c
									n.Parallel = Parallel{TP: tp, PP: pp, DP: dp, CP: cp, EP: ep, VP: vp}
									n.Batch.Micro, n.ZeRO, n.Recompute = micro, zero, mode
									n.SequenceParallel = tp > 1
									for _, n.Schedule = range schedules {
										if full, err := n.resolve(chips); err == nil {
											out = append(out, full)
										}
									}
								}
							}
						}
					}
				}
			}
		}
	}
	return out
}

func orMost(set, usual int) int {
	if set > 0 {
		return set
	}
	return usual
}

// virtuals are the interleavings of a pipeline that divide its layers into whole chunks.
func (c *Config) virtuals(pp, micros int, s Space) []int {
	switch {
	case c.Parallel.VP > 0:
		return []int{c.Parallel.VP}
	case pp == 1 || micros%pp != 0:
		return []int{1}
	}
	var out []int
	for v := 1; v <= orMost(s.MaxVirtual, 8) && v*pp <= c.Arch.Layers+2; v++ {
		// Chunks of unequal size make the largest pace; the edges may be one short.
		if rest := (c.Arch.Layers + 2) % (v * pp); v == 1 || rest == 0 || c.Arch.Layers%(v*pp) == 0 {
			out = append(out, v)
		}
	}
	return out
}

func genericCandidates(c Config, chips int, s Space) []Config {
	var out []Config
	for micro := 1; micro*chips <= c.Batch.Global; micro *= 2 {
		if c.Batch.Global%(micro*chips) != 0 || c.Batch.Micro > 0 && micro != c.Batch.Micro {
			continue
		}
		for zero := range 3 {
			if c.ZeRO >= 0 && zero != c.ZeRO {
				continue
			}
			n := c
			n.Parallel, n.Batch.Micro, n.ZeRO = Parallel{DP: chips}, micro, zero
			if full, err := n.resolve(chips); err == nil {
				out = append(out, full)
			}
		}
	}
	return out
}

// Search times every legal candidate on a machine and ranks them. Those that do not fit
// are refused with what they lack before they are timed; of those that fit the ones with the
// least arithmetic, recomputation and bubble come first when Limit cuts.
func Search(c Config, m Machine, s Space) (*Found, error) {
	fw, err := FrameworkByID(c.Framework)
	if err != nil {
		return nil, err
	}
	if m.Device == nil {
		return nil, errors.New("training: the machine has no device")
	}
	if err := m.Device.Supports(c.Precision); err != nil {
		return nil, &ConfigError{"precision", err.Error()}
	}
	all := Candidates(c, len(m.Chips), m.scaleUpChips(), s)
	if len(all) == 0 {
		return nil, &ConfigError{"parallelism", fmt.Sprintf("no split of the model over %d chips is legal for a batch of %d: widths must divide heads, sequence, batch and chips", len(m.Chips), c.Batch.Global)}
	}
	out := &Found{}
	var fit []Candidate
	for i := range all {
		n := Candidate{Config: all[i]}
		n.NeedBytes, n.Refused = all[i].fits(fw, m.Device)
		if n.Refused != "" {
			out.Refused = append(out.Refused, n)
			continue
		}
		fit = append(fit, n)
	}
	if s.Limit > 0 && len(fit) > s.Limit {
		sort.SliceStable(fit, func(a, b int) bool { return fit[a].Config.promise() < fit[b].Config.promise() })
		out.Skipped = len(fit) - s.Limit
		fit = fit[:s.Limit]
	}
	steps := make([]*Step, len(fit))
	each(len(fit), s.Workers, func(i int) {
		var err error
		if steps[i], err = screen(fit[i].Config, m); err != nil {
			fit[i].Refused = strings.TrimPrefix(err.Error(), "training: ")
		}
	})
	var best *Step
	order := make([]int, 0, len(fit))
	for i := range fit {
		if fit[i].Refused != "" {
			out.Refused = append(out.Refused, fit[i])
			continue
		}
		st := steps[i]
		fit[i].Seconds, fit[i].Bubble, fit[i].MFU = st.Seconds, st.Bubble, st.MFU
		fit[i].Exposed = st.Exposed() / st.Seconds
		order = append(order, i)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(fit[a].Seconds, fit[b].Seconds) })
	for _, i := range order {
		if best == nil {
			best = steps[i]
		} else {
			fit[i].Loses = loses(best, steps[i])
		}
		out.Ranked = append(out.Ranked, fit[i])
	}
	slices.SortStableFunc(out.Refused, func(a, b Candidate) int { return cmp.Compare(a.NeedBytes, b.NeedBytes) })
	return out, nil
}

// each calls f for 0..n-1 on workers goroutines.
func each(n, workers int, f func(int)) {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var wait sync.WaitGroup
	for w := range min(workers, n) {
		wait.Go(func() {
			for i := w; i < n; i += workers {
				f(i)
			}
		})
	}
	wait.Wait()
}

// fits is the memory of the fullest rank, and why it does not fit.
func (c *Config) fits(fw *Framework, d *hardware.Device) (float64, string) {
	if c.Arch.Generic != nil {
		f := c.genericMemory(fw)
		return f.total(), lacks(f.total(), d.MemBytes, "all ranks")
	}
	need, stage := worst(c.memory(fw, c.chunks()))
	return need, lacks(need, d.MemBytes, c.stageName(stage))
}

func lacks(need, usable float64, where string) string {
	if need <= usable {
		return ""
	}
	return fmt.Sprintf("memory: %s needs %.1f GiB of %.1f", where, need/gib, usable/gib)
}

// promise orders candidates before they are timed: arithmetic with recomputation and
// bubble, and a little for each way of splitting that has to be paid with exchanges.
func (c *Config) promise() float64 {
	if c.Arch.Generic != nil {
		return float64(c.ZeRO) - float64(c.Batch.Micro)
	}
	p, v, m := float64(c.Parallel.PP), float64(c.Parallel.VP), float64(c.microBatches())
	work := 1.0
	switch c.Recompute {
	case RecomputeFull:
		work = 4.0 / 3
	case RecomputeSelective:
		work = 1.02
	}
	split := 0.03*math.Log2(float64(c.Parallel.TP*c.Parallel.CP)) + 0.01*math.Log2(p*v*float64(c.Parallel.EP))
	if c.ZeRO >= 2 {
		split += 0.05
	}
	bubble := (p - 1) / (v * m)
	switch c.Schedule { // closed forms with all three passes alike
	case ScheduleZBH1:
		bubble /= 3
	case ScheduleDualPipe:
		bubble = (p/2 - 1) * 2 / (3 * m)
	}
	return work * (1 + bubble) * (1 + split)
}

// screen is Plan without the causes by level of the network, and with nothing drawn for a
// report: a fraction of the time.
func screen(c Config, m Machine) (*Step, error) {
	j, err := prepare(c, m)
	if err != nil {
		return nil, err
	}
	if j, err = j.on(m, &fabric{machine: &m}); err != nil {
		return nil, err
	}
	j.undrawn = true
	return j.Step()
}

// Exposed is the time in which communication stands in a step's way.
func (s *Step) Exposed() float64 {
	var sec float64
	for _, p := range s.Parts {
		if exchanges[p.Name] {
			sec += p.Seconds
		}
	}
	return sec
}

// exchanges are the parts of a step that are communication.
var exchanges = func() map[string]bool {
	m := map[string]bool{}
	for _, p := range []part{partTensor, partContext, partExpert, partGather, partPipeline, partReduce, partParameters} {
		m[partNames[p].name] = true
	}
	return m
}()

// loses says where a step takes longer than the best: the parts that grew most.
func loses(best, s *Step) string {
	was := map[string]float64{}
	for _, p := range best.Parts {
		was[p.Name] = p.Seconds
	}
	type growth struct {
		name string
		sec  float64
	}
	var grew []growth
	for _, p := range s.Parts {
		if g := p.Seconds - was[p.Name]; g > 0 {
			grew = append(grew, growth{p.Name, g})
		}
	}
	slices.SortStableFunc(grew, func(a, b growth) int { return cmp.Compare(b.sec, a.sec) })
	var b strings.Builder
	for i, g := range grew[:min(2, len(grew))] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s +%.0f %%", g.name, 100*g.sec/best.Seconds)
	}
	return b.String()
}
