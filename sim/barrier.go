package sim

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// barrier lets n workers meet. A worker that waits spins first, because a
// window takes microseconds and waking a thread as long; then it yields; and
// after a while it sleeps, so that a long serial phase burns no other core.
type barrier struct {
	workers int32
	spins   int
	_       [48]byte
	arrived atomic.Int32
	_       [60]byte
	round   atomic.Uint32
	_       [60]byte
	asleep  atomic.Int32
	mutex   sync.Mutex
	wake    sync.Cond
}

const (
	barrierSpins  = 20_000 // about 10 µs
	barrierYields = 1000
)

func newBarrier(workers int) *barrier {
	b := &barrier{workers: int32(workers)}
	if workers <= runtime.GOMAXPROCS(0) {
		b.spins = barrierSpins
	}
	b.wake.L = &b.mutex
	return b
}

func (b *barrier) wait() {
	round := b.round.Load()
	if b.arrived.Add(1) == b.workers {
		b.arrived.Store(0)
		b.round.Add(1)
		// A sleeper counts itself before it looks at the round a last time, so
		// either it is seen here or it sees the new round.
		if b.asleep.Load() > 0 {
			b.mutex.Lock()
			b.wake.Broadcast()
			b.mutex.Unlock()
		}
		return
	}
	for i := 0; i < b.spins; i++ {
		if b.round.Load() != round {
			return
		}
	}
	for i := 0; i < barrierYields; i++ {
		if b.round.Load() != round {
			return
		}
		runtime.Gosched()
	}
	b.mutex.Lock()
	b.asleep.Add(1)
	for b.round.Load() == round {
		b.wake.Wait()
	}
	b.asleep.Add(-1)
	b.mutex.Unlock()
}
