package jobs

import (
	"fmt"
	"math"

	"aisim/sim"
)

// Generator draws jobs with Poisson arrivals.
type Generator struct {
	Kind       string // one of GeneratorKinds
	PerHour    float64
	Jobs       int
	MeanRunSec float64 // of "exponential"
	GPUs       int32   // of every job of "exponential"; 0 is 1
	Tenants    int     // dealt out in proportion to 1/rank; 0 is 1
	WallFactor float64 // requested limit over run time, drawn from 1 to this; 0 gives no limit
	Scale      int32   // multiplies sizes: a trace of small machines on a large one; 0 is 1
	MaxGPUs    int32   // larger draws are cut to this; 0 is no cut
}

// GeneratorKinds are the kinds.
func GeneratorKinds() []string {
	return []string{"philly", "gavel", "gavel-multi", "parallel", "exponential"}
}

// size of jobs of the Philly trace: its share, and run times as a body and a tail, both
// lognormal. Fitted on the 82,247 jobs of the flattened trace (medians, 90 % quantiles and
// means by size).
type size struct {
	gpus                     int32
	share                    float64
	median, sigma            float64
	tail, tailMed, tailSigma float64
}

const phillyLongestSec = 4_628_226 // the longest job of the trace

var philly = []size{
	{1, 0.9317, 1050, 1.35, 0.05, 77600, 0.9},
	{2, 0.0221, 12, 1.0, 0.4, 38000, 1.2},
	{4, 0.0227, 17431, 1.73, 0, 1, 0},
	{8, 0.0200, 23683, 1.84, 0, 1, 0},
	{16, 0.0025, 52548, 1.33, 0, 1, 0},
	{32, 0.0008, 14262, 1.22, 0, 1, 0},
	{64, 0.0002, 3071, 1.3, 0, 1, 0},
}

// gavelSizes are the GPUs of Gavel's multi-GPU jobs (scheduler/utils.py).
var gavelSizes = []struct {
	gpus  int32
	share float64
}{{1, 0.7}, {2, 0.1}, {4, 0.15}, {8, 0.05}}

// Check says what is wrong.
func (g Generator) Check() error {
	switch {
	case !(g.PerHour > 0) || math.IsInf(g.PerHour, 0):
		return fmt.Errorf("jobs: %v jobs an hour: want more than 0", g.PerHour)
	case g.Jobs < 1 || g.Jobs > 20_000_000:
		return fmt.Errorf("jobs: %d jobs: want 1 to 20 million", g.Jobs)
	case g.Kind == "exponential" && !(g.MeanRunSec > 0):
		return fmt.Errorf("jobs: a mean run time of %v s: want more than 0", g.MeanRunSec)
	case g.WallFactor != 0 && !(g.WallFactor >= 1) || g.Tenants < 0 || g.Scale < 0 || g.GPUs < 0 || g.MaxGPUs < 0:
		return fmt.Errorf("jobs: want a wall factor of at least 1 and no negative counts")
	}
	for _, k := range GeneratorKinds() {
		if k == g.Kind {
			return nil
		}
	}
	return fmt.Errorf("jobs: no generator %q (want one of %v)", g.Kind, GeneratorKinds())
}

// Generate draws the jobs.
func (g Generator) Generate(seed uint64) (*Trace, error) {
	if err := g.Check(); err != nil {
		return nil, err
	}
	root := sim.NewStream(seed, "jobs "+g.Kind)
	arrive, shape, run, wall, tenant := root.Child("arrivals"), root.Child("sizes"), root.Child("runs"), root.Child("limits"), root.Child("tenants")
	t := &Trace{Name: g.Kind, Unit: "gpu", Jobs: make([]Job, g.Jobs), Queues: []string{""}}
	n := max(1, g.Tenants)
	var weights []float64
	sum := 0.0
	for i := range n {
		t.Tenants = append(t.Tenants, fmt.Sprintf("tenant-%d", i+1))
		sum += 1 / float64(i+1)
		weights = append(weights, sum)
	}
	at := 0.0
	for i := range t.Jobs {
		if i > 0 {
			at += arrive.Exp(3600 / g.PerHour)
		}
		j := Job{SubmitSec: at}
		j.GPUs, j.RunSec = g.draw(&shape, &run)
		j.GPUs *= max(1, g.Scale)
		if g.MaxGPUs > 0 {
			j.GPUs = min(j.GPUs, g.MaxGPUs)
		}
		if g.WallFactor > 0 {
			j.WallSec = j.RunSec * wall.Uniform(1, math.Nextafter(g.WallFactor, math.Inf(1)))
		}
		if n > 1 {
			u := tenant.Float64() * sum
			for int(j.Tenant) < n-1 && u > weights[j.Tenant] {
				j.Tenant++
			}
		}
		t.Jobs[i] = j
	}
	return t, nil
}

func (g Generator) draw(shape, run *sim.Stream) (gpus int32, sec float64) {
	switch g.Kind {
	case "exponential":
		return max(1, g.GPUs), run.Exp(g.MeanRunSec)
	case "parallel":
		// Sizes are log-uniform, as on the machines of the Parallel Workloads Archive (Lublin
		// and Feitelson, 2003), up to 1,024; run times lognormal about ten minutes, at most two
		// days.
		return int32(math.Pow(2, shape.Uniform(0, 10))), math.Min(2*86400, math.Max(1, run.LogNormal(math.Log(600), 1.8)))
	case "philly":
		u := shape.Float64()
		for _, s := range philly {
			if u -= s.share; u > 0 && s.gpus < 64 {
				continue
			}
			median, sigma := s.median, s.sigma
			if s.tail > 0 && shape.Bernoulli(s.tail) {
				median, sigma = s.tailMed, s.tailSigma
			}
			return s.gpus, math.Min(phillyLongestSec, math.Max(1, run.LogNormal(math.Log(median), sigma)))
		}
	}
	gpus = 1
	if g.Kind == "gavel-multi" {
		u := shape.Float64()
		for _, s := range gavelSizes {
			gpus = s.gpus
			if u -= s.share; u <= 0 {
				break
			}
		}
	}
	return gpus, gavelRunSec(run)
}

// gavelRunSec draws a duration as Gavel's generator does: 60·10^x seconds with x uniform
// from 1.5 to 3, or in one case of five from 3 to 4.
func gavelRunSec(s *sim.Stream) float64 {
	if s.Float64() <= 0.8 {
		return 60 * math.Pow(10, s.Uniform(1.5, 3))
	}
	return 60 * math.Pow(10, s.Uniform(3, 4))
}

// MeanGPUSec of one job, by drawing.
func (g Generator) MeanGPUSec(seed uint64) (float64, error) {
	h := g
	h.Jobs = 200_000
	t, err := h.Generate(seed)
	if err != nil {
		return 0, err
	}
	return t.Summarise().GPUSeconds / float64(h.Jobs), nil
}
