package planner

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sort"

	"aisim/internal/result"
	"aisim/scenarios"
	"aisim/sim"
)

// MorrisOptions say how inputs are screened.
type MorrisOptions struct {
	Trajectories int // 0: morrisTrajectories
	Workers      int
	Metric       string // empty: the cost of a unit of what is delivered, or the cost
	Progress     func(done, total int)
}

// The design of Morris (Technometrics 33(2), 1991) with the levels that Saltelli et al.
// (Global Sensitivity Analysis, 2008, chapter 3) advise: four levels, steps of two thirds.
const (
	morrisTrajectories = 8
	morrisLevels       = 4
)

// levelOf is the standard score of a level: the ends are the 5th and the 95th percentile.
func levelOf(level int) float64 {
	return z90 * (2*float64(level)/(morrisLevels-1) - 1)
}

// Morris screens every uncertain input that a world asks for: along random trajectories
// one input after the other is moved by two thirds of its 90 % range, everything else and
// all seeds held, and what the metric does is averaged. Large means tell which inputs
// matter; a large spread beside a small mean tells that an input works together with others.
func Morris(ctx context.Context, w *scenarios.World, opt MorrisOptions) ([]result.MorrisRow, error) {
	if opt.Trajectories == 0 {
		opt.Trajectories = morrisTrajectories
	}
	if opt.Workers == 0 {
		opt.Workers = runtime.GOMAXPROCS(0)
	}
	e := &evaluation{w: w}
	bench := w.NewBench()
	s := bench.SampleAt(nil)
	value := func(s *scenarios.Sample) (*point, error) {
		f, err := s.Play(nil)
		if err != nil {
			return nil, err
		}
		return e.see(f, nil, false)
	}
	base, err := value(s)
	if err != nil {
		return nil, err
	}
	key := opt.Metric
	if key == "" {
		key, _ = unitCost(base, w)
	}
	at, ok := base.m.values[key]
	if !ok || at == 0 {
		return nil, fmt.Errorf("planner: the world has no metric %q to screen inputs for", key)
	}
	inputs := s.Inputs()
	n := len(inputs)
	effects := make([][]float64, opt.Trajectories) // by trajectory and input
	errs := make([]error, opt.Trajectories)
	tick := newTicker(func(k int) {
		if opt.Progress != nil {
			opt.Progress(k, opt.Trajectories*(n+1))
		}
	})
	parallel(opt.Workers, opt.Trajectories, func() func(int) {
		bench := w.NewBench()
		return func(t int) {
			effects[t], errs[t] = trajectory(ctx, bench, inputs, sim.NewStream(w.Scenario.Seed, fmt.Sprintf("morris/%d", t)), func(s *scenarios.Sample) (float64, error) {
				p, err := value(s)
				tick()
				if err != nil {
					return 0, err
				}
				return p.m.values[key] / at, nil
			})
		}
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	out := make([]result.MorrisRow, n)
	for i, in := range inputs {
		r := result.MorrisRow{Input: in.Name, Metric: key, Pedigree: in.Value.Kind, Source: in.Value.Source, RelSD: in.Value.RelSD}
		sum, squares := 0.0, 0.0
		for t := range effects {
			r.MeanAbs += math.Abs(effects[t][i]) / float64(opt.Trajectories)
			sum += effects[t][i]
		}
		r.Mean = sum / float64(opt.Trajectories)
		for t := range effects {
			squares += (effects[t][i] - r.Mean) * (effects[t][i] - r.Mean)
		}
		if opt.Trajectories > 1 {
			r.Spread = math.Sqrt(squares / float64(opt.Trajectories-1))
		}
		out[i] = r
	}
	sort.SliceStable(out, func(a, b int) bool { return out[a].MeanAbs > out[b].MeanAbs })
	return out, nil
}

// trajectory is the elementary effects of one walk through the levels: the change of the
// metric, relative to its nominal value, per move of the whole 90 % range.
func trajectory(ctx context.Context, bench *scenarios.Bench, inputs []scenarios.Drawn, stream sim.Stream, value func(*scenarios.Sample) (float64, error)) ([]float64, error) {
	n := len(inputs)
	const step = 2 // levels, of morrisLevels-1
	level, up := make([]int, n), make([]bool, n)
	for i := range level {
		level[i], up[i] = stream.Intn(morrisLevels-step), true // a level from which the step stays inside
		if stream.Intn(2) == 1 {
			level[i], up[i] = morrisLevels-1-level[i], false
		}
	}
	z := make(map[string]float64, n)
	for i, in := range inputs {
		z[in.Name] = levelOf(level[i])
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := stream.Intn(i + 1)
		order[i], order[j] = order[j], order[i]
	}
	before, err := value(bench.SampleAt(z))
	if err != nil {
		return nil, err
	}
	out := make([]float64, n)
	for _, i := range order {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		move := step
		if !up[i] {
			move = -step
		}
		level[i] += move
		z[inputs[i].Name] = levelOf(level[i])
		after, err := value(bench.SampleAt(z))
		if err != nil {
			return nil, err
		}
		out[i] = (after - before) * (morrisLevels - 1) / float64(move)
		before = after
	}
	return out, nil
}
