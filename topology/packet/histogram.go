package packet

import "math/bits"

// Percentiles describes how a quantity was spread over packets.
type Percentiles struct {
	Count                     uint64
	Mean, P50, P90, P99, P999 float64
	Max                       float64
}

// histogram counts non-negative integers in 32 cells per octave (3 %), exactly below
// 64.
type histogram struct {
	cells [64 * 32]uint64
	sum   uint64
	max   uint64
}

const cellBits = 5

func (h *histogram) add(v uint64) {
	h.sum += v
	h.max = max(h.max, v)
	if v < 1<<(cellBits+1) {
		h.cells[v]++
		return
	}
	s := uint(bits.Len64(v)) - cellBits - 1
	h.cells[uint64(s)<<cellBits+v>>s&(len64-1)]++
}

const len64 = 64 * 32

func (h *histogram) merge(o *histogram) {
	for i, n := range o.cells {
		h.cells[i] += n
	}
	h.sum += o.sum
	h.max = max(h.max, o.max)
}

// percentiles reports the values times unit, each the upper end of its cell.
func (h *histogram) percentiles(unit float64) Percentiles {
	var p Percentiles
	for _, n := range h.cells {
		p.Count += n
	}
	if p.Count == 0 {
		return p
	}
	p.Mean, p.Max = float64(h.sum)/float64(p.Count)*unit, float64(h.max)*unit
	at := func(q float64) float64 {
		rank, seen := uint64(q*float64(p.Count-1))+1, uint64(0)
		for i, n := range h.cells {
			if seen += n; seen >= rank {
				v := uint64(i)
				if s := v >> cellBits; s > 1 {
					s--
					v = (v-s<<cellBits+1)<<s - 1
				}
				return float64(min(v, h.max)) * unit
			}
		}
		return p.Max
	}
	p.P50, p.P90, p.P99, p.P999 = at(0.5), at(0.9), at(0.99), at(0.999)
	return p
}
