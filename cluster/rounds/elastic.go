package rounds

import (
	"fmt"
	"math"
)

// App is an application whose training ends after so many samples.
type App struct {
	Name  string
	Times *StepTimes
	// Effective is the samples to the end at the initial batch. A larger batch needs more:
	// the gradient's noise, in units of the initial batch, says how much (NoiseScale).
	Effective  float64
	InitBatch  float64
	NoiseScale float64
	MaxLocal   float64 // largest batch per replica; 0 is the largest measured
}

// Samples to the end at a batch: with the noise scale φ and a batch of s initial batches, a
// step of a larger batch is worth s(φ+1)/(φ+s) of an initial one (Qiao et al., Pollux;
// McCandlish et al., arXiv 1812.06162).
func (a *App) Samples(batch float64) float64 {
	s := batch / a.InitBatch
	return a.Effective * (a.NoiseScale + s) / (a.NoiseScale + 1)
}

// Job trains an application with a fixed number of replicas and a fixed batch.
type Job struct {
	Name      string
	SubmitSec float64
	App       *App
	Replicas  int
	Batch     float64
}

// Machine is alike nodes and the rules of the rounds.
type Machine struct {
	Nodes, GPUsPerNode int
	RoundSec           float64 // between two decisions
	RestartSec         float64 // after a change of a job's GPUs
}

// Tiresias is the two-queue least attained service of Gu et al. (NSDI 2019), as ported to
// the simulator of Pollux: new jobs enter the first queue, those that have had more than
// the threshold of GPU time go to the second, and within a queue the order is that of
// entry. The threshold there is 16 GPU-hours.
type Tiresias struct{ ThresholdGPUSec float64 }

// running is the state of a job.
type running struct {
	Job
	queue     int // 0 or 1
	active    bool
	known     bool
	done      bool
	onGPUSec  float64
	placement []int
	nodes     []int // by node number
	restart   float64
	samples   float64 // done
	endSec    float64
}

// Result of a run.
type Result struct {
	JCT      []float64 // by job
	Restarts int
	GPUSec   float64 // allocated
	EndSec   float64
}

// maxRoundsAfterLast bounds a run: after the last submission the jobs are given this many
// rounds, above which the workload is taken never to drain.
const maxRoundsAfterLast = 1_000_000

// Run plays the jobs, in order of their submission, to the end of the last.
func (p Tiresias) Run(jobs []Job, m Machine) (*Result, error) {
	state := make([]running, len(jobs))
	for i, j := range jobs {
		if j.Replicas > m.Nodes*m.GPUsPerNode || j.Replicas < 1 {
			return nil, fmt.Errorf("rounds: job %s asks for %d GPUs of %d: it can never start", j.Name, j.Replicas, m.Nodes*m.GPUsPerNode)
		}
		state[i] = running{Job: j}
	}
	free := make([]int, m.Nodes)
	for n := range free {
		free[n] = m.GPUsPerNode
	}
	var queues [2][]int
	res := &Result{JCT: make([]float64, len(jobs))}
	left := len(jobs)
	for round := 1; left > 0; round++ {
		now := float64(round) * m.RoundSec
		for i := range state {
			if state[i].known && !state[i].done {
				state[i].advance(now-m.RoundSec, m.RoundSec)
			}
		}
		for q := range queues {
			kept := queues[q][:0]
			for _, i := range queues[q] {
				s := &state[i]
				if s.endSec > 0 {
					s.done = true
					left--
					res.JCT[i] = s.endSec - s.SubmitSec
					res.EndSec = max(res.EndSec, s.endSec)
					s.release(free)
					continue
				}
				kept = append(kept, i)
			}
			queues[q] = kept
		}
		for i := range state {
			if s := &state[i]; !s.known && s.SubmitSec <= now {
				s.known = true
				queues[0] = append(queues[0], i)
			}
		}
		p.demote(state, &queues, m.RoundSec)
		res.Restarts += schedule(state, queues, free, m)
		for i := range state {
			if !state[i].done {
				res.GPUSec += float64(len(state[i].nodes)) * m.RoundSec
			}
		}
		if now > jobs[len(jobs)-1].SubmitSec+maxRoundsAfterLast*m.RoundSec {
			return nil, fmt.Errorf("rounds: %d jobs are still there %d rounds after the last submission", left, maxRoundsAfterLast)
		}
	}
	return res, nil
}

// demote counts the last round and moves jobs that have had their share.
func (p Tiresias) demote(state []running, queues *[2][]int, roundSec float64) {
	var down []int
	for i := range state {
		s := &state[i]
		if !s.known || s.done || !s.active {
			continue
		}
		s.onGPUSec += roundSec
		if s.queue == 0 && s.onGPUSec*float64(s.Replicas) >= p.ThresholdGPUSec {
			s.queue = 1
			down = append(down, i)
		}
	}
	for _, i := range down {
		kept := queues[0][:0]
		for _, j := range queues[0] {
			if j != i {
				kept = append(kept, j)
			}
		}
		queues[0] = kept
		queues[1] = append(queues[1], i)
	}
}

// schedule gives the GPUs to the queues in order; a job that does not fit is passed over
// and stopped. It returns how many jobs were stopped.
func schedule(state []running, queues [2][]int, free []int, m Machine) (stopped int) {
	left := m.Nodes * m.GPUsPerNode
	for _, queue := range queues {
		for _, i := range queue {
			s := &state[i]
			if s.Replicas <= left {
				s.active = true
				left -= s.Replicas
				continue
			}
			if s.active && len(s.nodes) > 0 {
				stopped++
			}
			s.active = false
			s.release(free)
		}
	}
	for _, queue := range queues {
		for _, i := range queue {
			if s := &state[i]; s.active && len(s.nodes) == 0 {
				s.take(free)
				s.restart = m.RestartSec
			}
		}
	}
	return stopped
}

func (s *running) release(free []int) {
	for _, n := range s.nodes {
		free[n]++
	}
	s.nodes, s.placement = s.nodes[:0], s.placement[:0]
}

// take fills the emptiest nodes one after another.
func (s *running) take(free []int) {
	for want := s.Replicas; want > 0; {
		best := 0
		for n := range free {
			if free[n] > free[best] {
				best = n
			}
		}
		k := min(free[best], want)
		if k == 0 {
			panic("rounds: invariant: fewer GPUs are free than were counted")
		}
		free[best] -= k
		want -= k
		s.placement = append(s.placement, k)
		for range k {
			s.nodes = append(s.nodes, best)
		}
	}
}

// rate is samples a second on the present GPUs. A batch that is too large per replica is
// accumulated over several passes, of which the last synchronises.
func (s *running) rate() float64 {
	a := s.App
	most := a.MaxLocal
	if most == 0 {
		most = a.Times.MaxLocal
	}
	const eps = 1e-8
	local := math.Ceil(s.Batch/float64(s.Replicas) - eps)
	passes := math.Ceil(local/most - eps)
	if s.Replicas == 1 && s.Batch > a.InitBatch {
		passes = max(passes, 2) // the gradient's noise is measured between passes
	}
	atomic := math.Ceil(local/passes - eps)
	step, sync := a.Times.At(s.placement, atomic)
	return float64(s.Replicas) * atomic * passes / (step + (passes-1)*(step-sync))
}

// advance runs the job for a round that begins at from.
func (s *running) advance(from, sec float64) {
	if !s.active || len(s.nodes) == 0 {
		return
	}
	delay := min(s.restart, sec)
	s.restart -= delay
	from, sec = from+delay, sec-delay
	rate := s.rate()
	need := s.App.Samples(s.Batch) - s.samples
	if rate*sec < need {
		s.samples += rate * sec
		return
	}
	s.endSec = from + need/rate
}
