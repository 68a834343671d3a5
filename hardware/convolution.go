package hardware

import "math"

// Convolution is a forward convolution over Batch pictures.
type Convolution struct {
	Batch, Channels, Height, Width     float64
	Filters, FilterHeight, FilterWidth float64
	Stride, Pad                        float64
	DType                              DType
}

// matrix is the multiplication that libraries make of it (implicit GEMM; Chetlur et al., "cuDNN:
// Efficient Primitives for Deep Learning", 2014): a row per output pixel, a column per filter,
// summed over the filter's window.
func (c Convolution) matrix() (m, n, k float64) {
	stride := math.Max(1, c.Stride)
	high := math.Floor((c.Height+2*c.Pad-c.FilterHeight)/stride) + 1
	wide := math.Floor((c.Width+2*c.Pad-c.FilterWidth)/stride) + 1
	if high < 1 || wide < 1 {
		return 0, 0, 0
	}
	return c.Batch * high * wide, c.Filters, c.Channels * c.FilterHeight * c.FilterWidth
}

// Work is the FLOP of the convolution and the bytes of input, filters and output, each once.
func (c Convolution) Work() (flops, bytes float64) {
	m, n, k := c.matrix()
	if m == 0 {
		return 0, 0
	}
	return 2 * m * n * k, c.DType.Bytes() * (c.Batch*c.Channels*c.Height*c.Width + n*k + m*n)
}

// Convolution is the time of a convolution: the tiles and the efficiency of its implicit GEMM, over the
// bytes that it moves, which are fewer than the operands of that GEMM: windows overlap in the cache.
func (d *Device) Convolution(c Convolution) Cost {
	m, n, k := c.matrix()
	if m == 0 {
		return Cost{}
	}
	_, bytes := c.Work()
	gemm := d.gemmCost(m, n, k, c.DType, c.DType.Bytes(), c.DType.Bytes(), 1)
	return d.join(gemm.ComputeSec, bytes/(d.MemBytesPerSec*d.memory), d.gemmNorm)
}
