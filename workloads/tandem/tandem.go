// Package tandem models items that pass through stages one after the other: chunks that are
// read, compressed, encrypted and sent; batches that are read and computed on.
//
// Each stage belongs to a thread, which does one thing at a time and takes the oldest item first;
// between two stages at most Buffer items wait. Times are deterministic, so that the completion
// of item i at stage s is the max-plus recursion of a tandem of queues with blocking
// (Altiok & Perros, 1986; Baccelli et al., "Synchronization and Linearity", 1992):
//
//	end(i,s) = max(end(i,s−1), free(thread of s), end(i−Buffer,s+1)) + sec(s)
//
// Left out: stages that share a processor with more threads than it has cores, and service times
// that vary.
package tandem

import (
	"fmt"
	"math"
)

// Stage is one step of the way of an item.
type Stage struct {
	Name   string
	Sec    float64 // of one item
	Thread int     // stages of one thread take turns
}

// Flow is what a pipeline does with a number of items.
type Flow struct {
	Sec  float64   // until the last item has left
	Busy []float64 // seconds that each stage worked
}

// Run passes items through the stages. Buffer is how many finished items may wait in front of a
// stage, at least 1; it matters where threads differ.
func Run(stages []Stage, items, buffer int) (Flow, error) {
	if len(stages) == 0 || items < 0 || buffer < 1 {
		return Flow{}, fmt.Errorf("tandem: %d stages, %d items, buffer %d: want at least 1, 0 and 1", len(stages), items, buffer)
	}
	for _, s := range stages {
		if !(s.Sec >= 0) || math.IsInf(s.Sec, 1) || s.Thread < 0 || s.Thread > len(stages) {
			return Flow{}, fmt.Errorf("tandem: stage %s: %g s on thread %d: want a time and a thread of 0 to %d", s.Name, s.Sec, s.Thread, len(stages))
		}
	}
	n := len(stages)
	free := make([]float64, n+1)
	ring := make([][]float64, buffer+1) // ends of the last items, by stage
	for i := range ring {
		ring[i] = make([]float64, n)
	}
	f := Flow{Busy: make([]float64, n)}
	for i := range items {
		now := ring[i%(buffer+1)]
		end := 0.0
		for s, st := range stages {
			start := math.Max(end, free[st.Thread])
			if s+1 < n && i >= buffer && stages[s+1].Thread != st.Thread { // room behind it
				start = math.Max(start, ring[(i-buffer)%(buffer+1)][s+1]-st.Sec)
			}
			end = start + st.Sec
			free[st.Thread] = end
			now[s] = end
			f.Busy[s] += st.Sec
		}
		f.Sec = math.Max(f.Sec, end)
	}
	return f, nil
}
