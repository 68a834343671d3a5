package loader

import (
	"fmt"
	"math"
)

// Framework is the way in which a loader shares the work of a batch among its workers.
type Framework string

// The frameworks.
const (
	PyTorch Framework = "pytorch" // a worker builds whole batches, which are handed on in order
	TFData  Framework = "tf.data" // workers take samples of the batch in turn; order is kept
	DALI    Framework = "dali"    // as tf.data, decoded on the accelerator
	FFCV    Framework = "ffcv"    // as tf.data, from a file that needs little decoding
)

// Pipeline is the loader of one accelerator.
type Pipeline struct {
	Framework Framework
	Workers   int     // processes or threads
	Prefetch  int     // batches ahead: in all, or for each worker of PyTorch
	Cores     float64 // of the host for this accelerator; 0: as many as workers
	DecodeSec float64 // core time of a sample on average, exponential shares apart
	// DecodeSpread is the coefficient of variation of decoding, gamma distributed.
	DecodeSpread float64
}

// Defaults of the frameworks: PyTorch's prefetch_factor is 2 per worker; tf.data, DALI and FFCV keep two batches.
const defaultPrefetch = 2

func (l *Pipeline) check() error {
	switch l.Framework {
	case PyTorch, TFData, DALI, FFCV:
	default:
		return fmt.Errorf("loader: framework %q: want pytorch, tf.data, dali or ffcv", l.Framework)
	}
	switch {
	case l.Workers < 1 || l.Workers > 1024:
		return fmt.Errorf("loader: %d workers: want 1 to 1024", l.Workers)
	case l.Prefetch < 0 || l.Prefetch > 1024:
		return fmt.Errorf("loader: prefetch of %d batches: want 0 (the default) to 1024", l.Prefetch)
	case !(l.DecodeSec >= 0) || !(l.DecodeSpread >= 0) || !(l.Cores >= 0):
		return fmt.Errorf("loader: decoding %g s with a spread of %g on %g cores: want 0 or more", l.DecodeSec, l.DecodeSpread, l.Cores)
	}
	return nil
}

// ahead is the number of batches that may wait or be built.
func (l *Pipeline) ahead() int {
	n := l.Prefetch
	if n == 0 {
		n = defaultPrefetch
	}
	if l.Framework == PyTorch {
		n *= l.Workers
	}
	return n
}

// stretch is how much longer decoding takes when more workers than cores run.
func (l *Pipeline) stretch() float64 {
	if l.Cores == 0 {
		return 1
	}
	return math.Max(1, float64(l.Workers)/l.Cores)
}

// Store is what a dataset is read from, as its clients see it together.
type Store struct {
	BytesPerSec float64 // of all clients together
	LatencySec  float64 // mean of the exponential time to the first byte
	StreamBytes float64 // per second, of one read; 0: not limited
}

func (s *Store) check() error {
	if !(s.BytesPerSec > 0) || math.IsInf(s.BytesPerSec, 0) || !(s.LatencySec >= 0) || !(s.StreamBytes >= 0) {
		return fmt.Errorf("loader: a store of %g B/s with %g s to the first byte, %g B/s per read: want above 0, 0 or more", s.BytesPerSec, s.LatencySec, s.StreamBytes)
	}
	return nil
}

// SamplesPerSec is the rate that one accelerator's loader cannot exceed with the store to itself: the least of
// decoding on its cores, of its reads in flight, and of the store.
func (l *Pipeline) SamplesPerSec(w *Workload, s *Store) float64 {
	read := s.LatencySec
	if s.StreamBytes > 0 {
		read += w.RecordBytes / s.StreamBytes
	}
	each := read + l.DecodeSec*l.stretch()
	rate := s.BytesPerSec / w.RecordBytes
	if each > 0 {
		rate = math.Min(rate, float64(l.Workers)/each)
	}
	return rate
}
