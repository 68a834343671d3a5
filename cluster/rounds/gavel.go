package rounds

import (
	"cmp"
	"container/heap"
	"fmt"
	"math"
	"slices"
)

// Mixed is a machine with several kinds of GPU that is shared in rounds.
type Mixed struct {
	Kinds    []Kind
	RoundSec float64 // Gavel's experiments: 360
	ResetSec float64 // least time between two allocations; Gavel's experiments: 1,920
}

// MixedResult of a run.
type MixedResult struct {
	MeanSec  float64 // completion time of the measured jobs
	AloneSec float64 // mean of what they would take alone, each on its fastest kind
	EndSec   float64 // end of the last of them
	Rounds   int
	Most     int // jobs at once
}

// source of jobs in order of arrival.
type source interface {
	arrival() float64 // of the next job; +Inf where none is left
	draw() *mixedJob
}

// gavel is the state of a run: Gavel's round-based mechanism (Narayanan et al., OSDI 2020,
// section 5), with the rules of its published simulator.
type gavel struct {
	kinds    []Kind // in alphabetical order
	order    []int  // in which kinds are offered
	policy   GavelPolicy
	roundSec float64
	jobs     source
	now      float64

	active   []*mixedJob // in order of arrival
	given    []*mixedJob // by FIFO, to run
	promised []*mixedJob // by FIFO, in order of arrival; those that are done as well
	reset    float64     // time of the last allocation
	stale    bool        // jobs came or went since
	used     []float64   // seconds of jobs on each kind since the last allocation
	pick     *mersenne   // kinds that FIFO draws
	mix      *mersenne   // order of kinds
	queue    []*mixedJob
	running  []run
	known    map[string][][]float64 // shares by parties; looked up only
}

type run struct {
	job   *mixedJob
	end   float64
	steps float64
}

// Beyond these the queue grows without end: the jobs that share the machine, and those that
// come before the last measured one has ended, for each that came up to it. A mean is worth
// having if all but one in a hundred have ended by then; the rest count as if they ended.
const (
	maxActive  = 3000
	maxLater   = 2
	unfinished = 0.01
)

// Gavel plays the load under a policy, with the draws of the published simulator for the
// seed.
func (t *Throughputs) Gavel(l GavelLoad, m Mixed, policy GavelPolicy, seed uint32) (*MixedResult, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	kinds, err := t.alphabetical(m.Kinds, l.Reference)
	if err != nil {
		return nil, err
	}
	return t.play(newGavelDraws(t, l, kinds, seed), kinds, m, policy, seed, l.First, l.Last)
}

// alphabetical are the kinds in the order in which the published simulator keeps them.
func (t *Throughputs) alphabetical(kinds []Kind, reference string) ([]Kind, error) {
	sorted := slices.Clone(kinds)
	slices.SortFunc(sorted, func(a, b Kind) int { return cmp.Compare(a.Name, b.Name) })
	for _, k := range append(slices.Clone(sorted), Kind{reference, 1}) {
		if t.rate[k.Name] == nil {
			return nil, fmt.Errorf("rounds: no throughputs of %q", k.Name)
		}
		if k.GPUs < 1 {
			return nil, fmt.Errorf("rounds: %d GPUs of %s: want 1 or more", k.GPUs, k.Name)
		}
	}
	return sorted, nil
}

func (t *Throughputs) play(jobs source, kinds []Kind, m Mixed, policy GavelPolicy, seed uint32, first, last int) (*MixedResult, error) {
	g := &gavel{kinds: kinds, policy: policy, roundSec: m.RoundSec, jobs: jobs, used: make([]float64, len(kinds)), known: map[string][][]float64{},
		pick: newMersenne(seed), mix: newMersenne(seed + 5)}
	for k := range kinds {
		g.order = append(g.order, k)
	}
	// The fastest first, as the published simulator has them: V100, P100, K80.
	slices.SortStableFunc(g.order, func(a, b int) int { return cmp.Compare(t.speed(kinds[b].Name), t.speed(kinds[a].Name)) })
	res := &MixedResult{}
	left, sum, alone := last-first, 0.0, 0.0
	begin, end := 0.0, 0.0 // of the round, as the simulator books time
	for left > 0 {
		if len(g.running) > 0 {
			begin = end
			end = 0
			for _, r := range g.running {
				end = math.Max(end, r.end)
			}
			g.now = end
			for _, r := range g.running {
				j := r.job
				j.left -= r.steps
				j.had[j.kind] += r.end - begin
				g.used[j.kind] += r.end - begin
				if j.left > 0 {
					continue
				}
				j.done, g.stale = true, true
				if j.id >= first && j.id < last {
					left--
					sum += r.end - j.submit
					res.EndSec = math.Max(res.EndSec, r.end)
				}
			}
			g.active = slices.DeleteFunc(g.active, func(j *mixedJob) bool { return j.done })
		} else if next := g.jobs.arrival(); !math.IsInf(next, 1) {
			g.now = next
		} else if g.reset == 0 {
			return nil, fmt.Errorf("rounds: %d of the measured jobs can never run", left)
		} else {
			g.reset = 0 // nothing else will make the last jobs known
		}
		for g.jobs.arrival() <= g.now {
			j := g.jobs.draw()
			j.promise = -1
			if j.id >= first && j.id < last {
				alone += j.left / slices.Max(j.rate)
			}
			for k := range j.had {
				j.had[k] = g.roundSec / 2
			}
			g.active = append(g.active, j)
			g.stale = true
		}
		res.Most = max(res.Most, len(g.active))
		if n := len(g.active); res.Most > maxActive || n > 0 && g.active[n-1].id > maxLater*last {
			if float64(left) <= unfinished*float64(last-first) && left < last-first {
				for _, j := range g.active {
					if j.id >= first && j.id < last {
						sum += g.now - j.submit
					}
				}
				break
			}
			return nil, fmt.Errorf("rounds: %d jobs wait and run and %d of the measured ones have not ended when job %d comes: the queue grows without end", n, left, g.active[n-1].id)
		}
		g.round(m.ResetSec)
		res.Rounds++
	}
	res.MeanSec, res.AloneSec = sum/float64(last-first), alone/float64(last-first)
	return res, nil
}

// speed of a kind, over all types: the reference of "fastest".
func (t *Throughputs) speed(kind string) float64 {
	s := 0.0
	for _, name := range t.Types {
		s += t.rate[kind][typeKey{name, 1}]
	}
	return s
}

// round renews the allocation if it is stale and old enough, and gives each kind to the jobs
// that are furthest behind what they are to have of it.
func (g *gavel) round(resetSec float64) {
	if g.stale && (g.reset == 0 || g.now-g.reset >= resetSec) {
		g.settle()
		g.allocate()
		g.stale = false
	}
	list := g.active
	if g.policy.fifo() {
		list = g.given // nobody else runs
	}
	for _, j := range list {
		j.kind = -1
		for k := range g.kinds {
			j.now[k] = 0
			if !j.known || j.share[k] == 0 || j.rate[k] == 0 {
				continue
			}
			if j.now[k] = j.share[k] * 1e9; g.used[k] > 0 && j.had[k] > 0 {
				j.now[k] = j.share[k] / (j.had[k] / g.used[k])
			}
		}
	}
	if !g.policy.aware() {
		g.shuffleKinds()
	}
	g.running = g.running[:0]
	for _, k := range g.order {
		free, asked := g.kinds[k].GPUs, 0
		q := ranked{kind: k, list: g.queue[:0]}
		for _, j := range list {
			if !j.done && j.kind < 0 && j.rate[k] > 0 && j.gpus <= free && (!g.policy.fifo() || j.now[k] > 0) {
				q.list = append(q.list, j)
				asked += j.gpus
			}
		}
		g.queue = q.list
		if asked > free { // else the order does not matter
			heap.Init(&q)
		}
		for len(q.list) > 0 && free > 0 {
			j := q.list[0]
			if asked > free {
				heap.Pop(&q)
			} else {
				q.list = q.list[1:]
			}
			asked -= j.gpus
			if j.gpus > free {
				continue
			}
			free -= j.gpus
			j.kind = k
			if !j.known {
				continue // it holds its place and starts with the next allocation
			}
			steps := math.Min(math.Floor(j.rate[k]*g.roundSec), j.left)
			g.running = append(g.running, run{j, g.now + steps/j.rate[k], steps})
		}
	}
}

// ranked is a heap of the jobs that may run on a kind, those furthest behind first.
type ranked struct {
	kind int
	list []*mixedJob
}

func (r *ranked) Len() int      { return len(r.list) }
func (r *ranked) Swap(i, k int) { r.list[i], r.list[k] = r.list[k], r.list[i] }
func (r *ranked) Push(x any)    { r.list = append(r.list, x.(*mixedJob)) }
func (r *ranked) Pop() any {
	last := r.list[len(r.list)-1]
	r.list = r.list[:len(r.list)-1]
	return last
}
func (r *ranked) Less(i, k int) bool {
	a, b := r.list[i], r.list[k]
	switch x, y := a.now[r.kind], b.now[r.kind]; {
	case x != y:
		return x > y
	case a.behind[r.kind] != b.behind[r.kind]:
		return a.behind[r.kind] > b.behind[r.kind]
	case a.share[r.kind] != b.share[r.kind]:
		return a.share[r.kind] > b.share[r.kind]
	}
	return a.id < b.id
}

// shuffleKinds draws the order in which the kinds are offered.
func (g *gavel) shuffleKinds() {
	slices.SortFunc(g.order, func(a, b int) int { return cmp.Compare(b, a) })
	g.mix.shuffle(g.order)
}

// settle books what jobs were owed and did not get, and begins anew.
func (g *gavel) settle() {
	for k := range g.kinds {
		g.used[k] = 0
	}
	for _, j := range g.active {
		for k := range g.kinds {
			owed := 0.0
			if j.known {
				owed = j.share[k] * (g.now - g.reset)
			}
			j.behind[k] += owed - (j.had[k] - g.roundSec/2)
			j.had[k] = g.roundSec / 2
			g.used[k] += j.had[k]
		}
	}
	g.reset = g.now
}
