package queue

import (
	"math"
	"sort"
)

// profile is the GPUs that are free from each point of time to the next, as running jobs
// are expected to end and queued ones have been promised to start.
type profile struct {
	sec  []float64
	free []int
}

// at is the index of the step that holds at sec; a step is added there if none begins.
func (p *profile) at(sec float64) int {
	i := sort.SearchFloat64s(p.sec, sec)
	if i < len(p.sec) && p.sec[i] == sec {
		return i
	}
	p.sec = append(p.sec, 0)
	p.free = append(p.free, 0)
	copy(p.sec[i+1:], p.sec[i:])
	copy(p.free[i+1:], p.free[i:])
	p.sec[i] = sec
	if i > 0 {
		p.free[i] = p.free[i-1]
	}
	return i
}

// use takes (or with a negative number gives back) GPUs for a stretch of time.
func (p *profile) use(from, until float64, gpus int) {
	a, b := p.at(from), len(p.sec)
	if !math.IsInf(until, 1) {
		b = p.at(until)
	}
	for i := a; i < b; i++ {
		p.free[i] -= gpus
	}
	// Steps that have become level with the one before are dropped.
	if b < len(p.sec) {
		p.merge(b)
	}
	p.merge(a)
}

func (p *profile) merge(i int) {
	if i > 0 && p.free[i] == p.free[i-1] {
		p.sec = append(p.sec[:i], p.sec[i+1:]...)
		p.free = append(p.free[:i], p.free[i+1:]...)
	}
}

// earliest start of a job of so many GPUs and seconds, not before now.
func (p *profile) earliest(now, sec float64, gpus int) float64 {
	start := now
	i := sort.SearchFloat64s(p.sec, now)
	if i == len(p.sec) || p.sec[i] > now {
		i--
	}
	for ; i < len(p.sec); i++ {
		if i >= 0 && p.free[i] >= gpus {
			// The stretch from start to here is wide enough; is it long enough?
			if i+1 == len(p.sec) || p.sec[i+1] >= start+sec {
				return start
			}
			continue
		}
		if i+1 == len(p.sec) {
			return math.Inf(1)
		}
		start = max(now, p.sec[i+1])
	}
	return start
}

// forget drops the past.
func (p *profile) forget(now float64) {
	i := sort.SearchFloat64s(p.sec, now)
	if i == len(p.sec) || p.sec[i] > now {
		i--
	}
	if i > 0 {
		p.sec = append(p.sec[:0], p.sec[i:]...)
		p.free = append(p.free[:0], p.free[i:]...)
	}
}
