package hardware

import "math"

// cpuBlock is the side of the blocks of a result that CPU libraries deal to cores: one that
// stays in a core's own cache with its operands (Goto & van de Geijn, "Anatomy of
// High-Performance Matrix Multiplication", 2008; 64 in gonum).
const cpuBlock = 64

// blocks is waves for processors: what is left at an edge is a smaller block and nothing is
// padded, so that only the share of the time that goes into loading a block's two
// panels, ct·(bm+bn) for bm·bn products, and blocks that are not enough for all cores slow a
// small GEMM.
func (d *Device) blocks(m, n float64) float64 {
	rows, cols := math.Max(1, m/cpuBlock), math.Max(1, n/cpuBlock)
	bm, bn := math.Min(m, cpuBlock), math.Min(n, cpuBlock)
	rate := func(a, b float64) float64 { return a * b / (a*b + d.gemmTile*(a+b)) }
	w := rows * cols / d.cores
	shown := d.gemmWave*math.Ceil(w) + (1-d.gemmWave)*math.Max(w, 1)
	return math.Max(1, shown/w*rate(cpuBlock, cpuBlock)/rate(bm, bn))
}
