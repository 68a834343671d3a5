package probe

import (
	"fmt"
	"sync"

	"aisim/calibration/ingest"
)

// Sizes of each array: of memory, and of the caches that a small program's data stays in.
const (
	arrayBytes  = 16 << 20
	cachedBytes = 2 << 20
)

// Parallel splits n items over threads and waits for them.
func Parallel(threads, n int, f func(from, to int)) {
	if threads <= 1 || n < 1<<12 {
		f(0, n)
		return
	}
	var wg sync.WaitGroup
	for t := range threads {
		wg.Go(func() { f(t*n/threads, (t+1)*n/threads) })
	}
	wg.Wait()
}

// memoryTasks are STREAM's four operations (McCalpin, 1995) on all threads.
func memoryTasks(threads, arrayBytes int) []*Task {
	n := arrayBytes / 8
	var a, b, c []float64
	ready := func() {
		if a == nil {
			a, b, c = numbers64(n), numbers64(n), numbers64(n)
		}
	}
	ops := []struct {
		name   string
		arrays float64
		run    func(a, b, c []float64)
	}{
		{"copy", 2, func(a, _, c []float64) { copy(c, a) }},
		{"scale", 2, func(_, b, c []float64) {
			for i := range c {
				b[i] = 3 * c[i]
			}
		}},
		{"add", 3, func(a, b, c []float64) {
			for i := range a {
				c[i] = a[i] + b[i]
			}
		}},
		{"triad", 3, func(a, b, c []float64) {
			for i := range a {
				a[i] = b[i] + 3*c[i]
			}
		}},
	}
	var out []*Task
	for _, op := range ops {
		out = append(out, &Task{Name: fmt.Sprintf("memory %s, arrays of %d MiB", op.name, arrayBytes>>20),
			Run: func() error {
				ready()
				Parallel(threads, n, func(from, to int) { op.run(a[from:to:to], b[from:to:to], c[from:to:to]) })
				return nil
			},
			Body: func(t Timing) ingest.Body {
				return &ingest.Memory{Op: op.name, DType: "double", ArrayBytes: ingest.Is(float64(arrayBytes)), Threads: ingest.Is(float64(threads)),
					BytesPerSec: ingest.Is(op.arrays * float64(arrayBytes) / t.Sec), AvgSec: ingest.Is(t.Sec), MinSec: ingest.Is(t.MinSec), MaxSec: ingest.Is(t.MaxSec)}
			}})
	}
	return out
}
