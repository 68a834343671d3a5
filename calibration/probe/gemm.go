package probe

import (
	"fmt"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"

	"aisim/calibration/ingest"
)

// workingSet is how many bytes of operands a task cycles through: as the weights, activations and
// gradients of a small training step, more than a core's own caches hold.
const workingSet = 4 << 20

// gemmShapes are what GEMMs are measured at: a star, along whose arms one size changes alone, so
// that a grid of them can tell which sizes matter, and the cubes, flat and deep shapes that
// forward and backward passes are made of.
var gemmShapes = append(star(64, 128, 128), [][3]int{
	{256, 256, 256}, {384, 384, 384}, {32, 512, 512}, {512, 32, 512}, {512, 512, 32}, {256, 1024, 96}, {1024, 64, 192}, {16, 1024, 128},
}...)

func star(m, n, k int) [][3]int {
	out := [][3]int{{m, n, k}}
	for _, v := range []int{8, 16, 32, 64, 128, 512} {
		for _, s := range [][3]int{{v, n, k}, {m, v, k}, {m, n, v}} {
			if s != out[0] {
				out = append(out, s)
			}
		}
	}
	return out
}

// Rectified is the share of the operand X that is zero in the tasks named for it: what a
// rectifier leaves of pre-activations that are as often below as above zero. A library may pass
// over zeros (gonum does).
const Rectified = 0.5

// multiplications are how a layer multiplies: X·W forward, dY·Wᵀ and Xᵀ·dY backward, behind a
// rectifier too.
var multiplications = []struct {
	name   string
	ta, tb blas.Transpose
	zeros  bool
}{
	{"nn", blas.NoTrans, blas.NoTrans, false}, {"nt", blas.NoTrans, blas.Trans, false}, {"tn", blas.Trans, blas.NoTrans, false},
	{"nn rectified", blas.NoTrans, blas.NoTrans, true}, {"tn rectified", blas.Trans, blas.NoTrans, true},
}

func gemmTasks() []*Task {
	var out []*Task
	for _, s := range gemmShapes {
		for _, how := range multiplications {
			out = append(out, gemm64(s[0], s[1], s[2], how.name, how.ta, how.tb, how.zeros))
		}
	}
	for _, s := range [][3]int{{160, 160, 160}, {256, 256, 256}, {384, 384, 384}} {
		out = append(out, gemm32(s[0], s[1], s[2]))
	}
	return out
}

// rows and columns of an operand as it lies in memory.
func laid(t blas.Transpose, r, c int) (int, int) {
	if t == blas.Trans {
		return c, r
	}
	return r, c
}

func gemm64(m, n, k int, name string, ta, tb blas.Transpose, zeros bool) *Task {
	count := max(1, workingSet/(8*(m*k+k*n+m*n)))
	ar, ac := laid(ta, m, k)
	br, bc := laid(tb, k, n)
	var a, b, c []float64
	at := 0
	return &Task{Name: fmt.Sprintf("gemm %s fp64 m=%d n=%d k=%d", name, m, n, k),
		Run: func() error {
			if a == nil {
				a, b, c = numbers64(count*m*k), numbers64(count*k*n), make([]float64, count*m*n)
				for i, v := range a { // of values around 0
					if zeros && v < Rectified-0.5 {
						a[i] = 0
					}
				}
			}
			i := at % count
			at++
			blas64.Gemm(ta, tb, 1, blas64.General{Rows: ar, Cols: ac, Stride: ac, Data: a[i*m*k : (i+1)*m*k]},
				blas64.General{Rows: br, Cols: bc, Stride: bc, Data: b[i*k*n : (i+1)*k*n]}, 0,
				blas64.General{Rows: m, Cols: n, Stride: n, Data: c[i*m*n : (i+1)*m*n]})
			return nil
		},
		Body: func(t Timing) ingest.Body { return gemmRecord("gemm "+name, "fp64", m, n, k, t) }}
}

func gemm32(m, n, k int) *Task {
	count := max(1, workingSet/(4*(m*k+k*n+m*n)))
	var a, b, c []float32
	at := 0
	return &Task{Name: fmt.Sprintf("gemm nn fp32 m=%d n=%d k=%d", m, n, k),
		Run: func() error {
			if a == nil {
				a, b, c = numbers32(count*m*k), numbers32(count*k*n), make([]float32, count*m*n)
			}
			i := at % count
			at++
			blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, blas32.General{Rows: m, Cols: k, Stride: k, Data: a[i*m*k : (i+1)*m*k]},
				blas32.General{Rows: k, Cols: n, Stride: n, Data: b[i*k*n : (i+1)*k*n]}, 0,
				blas32.General{Rows: m, Cols: n, Stride: n, Data: c[i*m*n : (i+1)*m*n]})
			return nil
		},
		Body: func(t Timing) ingest.Body { return gemmRecord("gemm nn", "fp32", m, n, k, t) }}
}

func gemmRecord(name, dtype string, m, n, k int, t Timing) ingest.Body {
	return &ingest.Kernel{Name: name, Class: "gemm", DType: dtype, M: ingest.Is(float64(m)), N: ingest.Is(float64(n)), K: ingest.Is(float64(k)),
		DurationSec: ingest.Is(t.Sec), FlopPerSec: ingest.Is(2 * float64(m) * float64(n) * float64(k) / t.Sec), More: t.more()}
}

// numbers64 are values without denormals and zeros, which some units take longer or shorter for.
func numbers64(n int) []float64 {
	out := make([]float64, n)
	x := uint64(1)
	for i := range out {
		x = x*6364136223846793005 + 1442695040888963407 // Knuth's MMIX constants
		out[i] = float64(x>>40)/(1<<24) - 0.5
	}
	return out
}

func numbers32(n int) []float32 {
	out := make([]float32, n)
	for i, v := range numbers64(n) {
		out[i] = float32(v)
	}
	return out
}
