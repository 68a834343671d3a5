package serving

import (
	"aisim/sim"
)

// gaps are the times between the deliveries of tokens to clients (inter-token latencies):
// from one step that brings tokens to a sequence to the next that does. What a step that
// verifies brings at once is one delivery.
type gaps struct {
	h    *sim.Histogram // nil: nobody asks
	last []delivery     // to the decoding sequences
}

// delivery is n sequences whose last token came at the time at.
type delivery struct {
	at float64
	n  int
}

// decode counts a delivery to b sequences at time t.
func (g *gaps) decode(t float64, b int) {
	if g.h == nil {
		return
	}
	for _, d := range g.last { // the newest gave way, if there are more
		n := min(d.n, b)
		if n > 0 {
			g.h.RecordN(t-d.at, int64(n))
		}
		b -= n
	}
	g.last = g.last[:0]
}

// joined notes that n sequences had a token at time t.
func (g *gaps) joined(t float64, n int) {
	if g.h != nil && n > 0 {
		g.last = append(g.last, delivery{t, n})
	}
}

// gapWidth is how far apart steps of a run may lie that are counted as equal; cells of the
// histogram are wider.
const gapWidth = 0.0005

// run counts the deliveries of a run of steps to b of its sequences.
func (g *gaps) run(m *StepModel, e *entry, b int) {
	if g.h == nil {
		return
	}
	if b == 0 { // those of whom it knows gave way
		g.last = g.last[:0]
		return
	}
	k := e.steps
	until := func(n int64) float64 { return float64(n)*e.first + e.growth*m.gained(e.decoded, n) }
	g.decode(e.start+until(1), b)
	longest := e.first + e.growth*float64(m.gain(e.decoded, k-1))
	parts := min(k-1, 1+int64((longest/e.first-1)/gapWidth))
	for i := range parts {
		from, to := 1+i*(k-1)/parts, 1+(i+1)*(k-1)/parts
		mean := (until(to) - until(from)) / float64(to-from)
		g.h.RecordN(mean, int64(b)*(to-from))
	}
}
