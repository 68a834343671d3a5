// Package engines finds the constants of engine profiles (workloads/serving/engines) from
// measured serving runs, and what they are worth on runs that they were not fitted on: models,
// chips and whole engines left out. Predictions are those of `aisim validate inference`
// itself; `make engines` writes the profiles, `make validation` prints the figures.
//
// Constants are drawn towards priors that the engines share. What a fit gains by leaving
// them it has to gain on many rows: rows of one sweep count as a fraction of a row each.
package engines

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"aisim/calibration/validate"
	"aisim/workloads/serving"
)

// EngineConstant is one fitted constant of an engine profile: where the search begins
// and what it is drawn to, how far (in logarithms), and what is physically possible.
type EngineConstant struct {
	Name      string
	Prior, SD float64
	Low, High float64
}

// Engines fits constants of engine profiles on serving runs.
type Engines struct {
	Runs *validate.ServingRuns
}

// EngineResult is a fit of one profile.
type EngineResult struct {
	Profile serving.EngineProfile
	Runs    []int     // of the profile
	Errors  []float64 // ln(predicted/measured) of their cases, in order

	x        []float64   // logarithms of the constants
	jacobian [][]float64 // of Errors, by constant, at x
	sigma    []float64   // of the cases
	owner    []int       // run of each case
	spec     []EngineConstant
}

// Scales of the robust loss by metric: what repeats of equal rows differ by in the
// middle half, so that rows beyond it pull with constant force.
func scaleOf(metric string) float64 {
	if metric == "ttft_ms" {
		return 0.20
	}
	return 0.08
}

// designEffect is the number of rows that tell as much as one independent row: rows of
// one sweep share model, chip, build and client, and miss together.
const designEffect = 8

const (
	engineStep   = 0.05 // in logarithms, of differences: simulated times are not smooth below it
	engineRounds = 6
)

// At evaluates the profile as it stands, with the derivatives of its errors.
func (f *Engines) At(id string) (*EngineResult, error) {
	r, err := f.start(id)
	if err != nil {
		return nil, err
	}
	f.differentiate(r)
	return r, nil
}

// start is the profile's present constants, within what is possible.
func (f *Engines) start(id string) (*EngineResult, error) {
	profile, err := serving.Engine(id)
	if err != nil {
		return nil, err
	}
	r := &EngineResult{spec: EngineSpec(id)}
	for i := range f.Runs.Runs {
		run := &f.Runs.Runs[i]
		if run.Engine != id {
			continue
		}
		r.Runs = append(r.Runs, i)
		for _, c := range run.Cases {
			r.sigma = append(r.sigma, scaleOf(c.Metric))
			r.owner = append(r.owner, i)
		}
	}
	if len(r.Runs) == 0 {
		return nil, fmt.Errorf("no runs of engine %s", id)
	}
	now := map[string]float64{}
	for _, c := range profile.Constants() {
		now[c.Name] = c.Value
	}
	for _, c := range r.spec {
		r.x = append(r.x, math.Log(math.Max(c.Low, math.Min(c.High, now[id+"."+c.Name]))))
	}
	if r.Profile, err = profileAt(profile, r.spec, r.x); err != nil {
		return nil, err
	}
	r.Errors = f.errors(r, r.x)
	return r, nil
}

// Fit minimises Σ ρ(e/σ)/designEffect + Σ ((x − x₀)/SD)² over the logarithms of the constants,
// by damped Gauss–Newton steps from the present ones. e is predicted over measured less one, the error
// that is judged: what a row has and no column tells (tokens sent together, cold starts, a full
// front end) makes it slower, so that measured times have a long tail upwards. ρ(u) = 2 ln(1 + u²/2)
// lets go of rows that nothing in the model explains.
func (f *Engines) Fit(id string) (*EngineResult, error) {
	r, err := f.start(id)
	if err != nil {
		return nil, err
	}
	loss := r.loss(r.x, r.Errors)
	for range engineRounds {
		f.differentiate(r)
		best, bestX, bestE := loss, r.x, r.Errors
		step := r.step(r.x, nil)
		for _, share := range []float64{1, 0.5, 0.2} {
			x := r.move(r.x, step, share)
			e := f.errors(r, x)
			if l := r.loss(x, e); l < best {
				best, bestX, bestE = l, x, e
				break
			}
		}
		done := best > loss*(1-2e-3)
		loss, r.x, r.Errors = best, bestX, bestE
		if done {
			break
		}
	}
	r.Profile, err = profileAt(r.Profile, r.spec, r.x)
	return r, err
}

// Without is the profile that the fit gives when some runs are left out: one step on
// the derivatives of the whole fit, with the loss of the remaining cases.
func (f *Engines) Without(r *EngineResult, out func(run *validate.ServingRun) bool) (serving.EngineProfile, error) {
	skip := make([]bool, len(r.owner))
	for i, run := range r.owner {
		skip[i] = out(&f.Runs.Runs[run])
	}
	x := r.x
	// Weights follow the linearised errors.
	for range 4 {
		x = r.move(r.x, r.step(x, skip), 1)
	}
	return profileAt(r.Profile, r.spec, x)
}

// step is the Gauss–Newton step from r.x, with the weights and the prior's pull that
// hold at x.
func (r *EngineResult) step(x []float64, skip []bool) []float64 {
	n := len(r.spec)
	a := mat.NewSymDense(n, nil)
	b := mat.NewVecDense(n, nil)
	for j, c := range r.spec {
		a.SetSym(j, j, 1/(c.SD*c.SD))
		b.SetVec(j, (math.Log(c.Prior)-r.x[j])/(c.SD*c.SD))
	}
	for i, e := range r.Errors {
		if math.IsNaN(e) || skip != nil && skip[i] {
			continue
		}
		e, slope := math.Expm1(e), math.Exp(e)
		at := e
		for j := range n {
			at += slope * r.jacobian[j][i] * (x[j] - r.x[j])
		}
		u := at / r.sigma[i]
		w := 1 / (1 + u*u/2) / (r.sigma[i] * r.sigma[i]) / designEffect
		for j := range n {
			dj := slope * r.jacobian[j][i]
			if dj == 0 {
				continue
			}
			b.SetVec(j, b.AtVec(j)-w*dj*e)
			for k := j; k < n; k++ {
				if dk := slope * r.jacobian[k][i]; dk != 0 {
					a.SetSym(j, k, a.At(j, k)+w*dj*dk)
				}
			}
		}
	}
	var chol mat.Cholesky
	step := mat.NewVecDense(n, nil)
	if !chol.Factorize(a) || chol.SolveVecTo(step, b) != nil {
		return make([]float64, n)
	}
	return step.RawVector().Data
}

// longest is the largest change of a constant in one step.
const longest = 0.7

func (r *EngineResult) move(from, step []float64, share float64) []float64 {
	x := make([]float64, len(from))
	for j, c := range r.spec {
		d := math.Max(-longest, math.Min(longest, share*step[j]))
		x[j] = math.Max(math.Log(c.Low), math.Min(math.Log(c.High), from[j]+d))
	}
	return x
}

func (f *Engines) differentiate(r *EngineResult) {
	r.jacobian = make([][]float64, len(r.spec))
	for j := range r.spec {
		x := append([]float64(nil), r.x...)
		x[j] += engineStep
		e := f.errors(r, x)
		for i := range e {
			if e[i] = (e[i] - r.Errors[i]) / engineStep; math.IsNaN(e[i]) {
				e[i] = 0
			}
		}
		r.jacobian[j] = e
	}
}

func (f *Engines) errors(r *EngineResult, x []float64) []float64 {
	p, err := profileAt(r.Profile, r.spec, x)
	if err != nil {
		panic("engines: invariant: " + err.Error())
	}
	return f.Runs.Errors(p, r.Runs)
}

func (r *EngineResult) loss(x, errors []float64) float64 {
	sum := 0.0
	for j, c := range r.spec {
		u := (x[j] - math.Log(c.Prior)) / c.SD
		sum += u * u
	}
	for i, e := range errors {
		if !math.IsNaN(e) {
			u := math.Expm1(e) / r.sigma[i]
			sum += 2 * math.Log1p(u*u/2) / designEffect
		}
	}
	return sum
}

// Unseen is the profile of an engine without a fit of its own: its scheduler's rules
// with the geometric mean of what the other engines' fits have for each constant that it shares.
func Unseen(r *EngineResult, others []*EngineResult) (serving.EngineProfile, error) {
	x := append([]float64(nil), r.x...)
	for j, c := range r.spec {
		sum, n := 0.0, 0
		for _, o := range others {
			for k, oc := range o.spec {
				if o != r && oc.Name == c.Name {
					sum, n = sum+o.x[k], n+1
				}
			}
		}
		x[j] = math.Log(c.Prior)
		if n > 0 {
			x[j] = sum / float64(n)
		}
	}
	return profileAt(r.Profile, r.spec, x)
}

// profileAt is a profile with other constants.
func profileAt(p serving.EngineProfile, spec []EngineConstant, x []float64) (serving.EngineProfile, error) {
	at := map[string]float64{}
	for j, c := range spec {
		at[p.ID+"."+c.Name] = math.Exp(x[j])
	}
	found := 0
	q := p.Draw(func(name string, value, _ float64) float64 {
		if v, ok := at[name]; ok {
			found++
			return v
		}
		return value
	})
	if found != len(spec) {
		return p, fmt.Errorf("engine %s lacks %d of the %d fitted constants", p.ID, len(spec)-found, len(spec))
	}
	return q, nil
}
