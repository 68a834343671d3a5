package sim

import (
	"math"
	"math/bits"
)

// The ring keeps the events of later windows in two wheels of 1,024 buckets.
// The inner wheel has one bucket per window of the present epoch (1,024 windows), the
// outer one bucket per epoch; what lies beyond the outer wheel waits in a
// heap. Buckets are unsorted; one is sorted when its window opens. A bit per
// bucket finds the next window, however far away, in a few instructions.
const (
	wheelBits  = 10
	wheelSize  = 1 << wheelBits
	wheelMask  = wheelSize - 1
	chunkSize  = 32 // events of one chunk of a bucket (1 KiB)
	noWindow   = int64(math.MaxInt64)
	firstChunk = 16 // chunks of the first allocation
)

type bucket struct{ head, count int32 }

type wheel struct {
	occupied [wheelSize / 64]uint64
	buckets  [wheelSize]bucket
}

type ring struct {
	epoch int64 // the epoch that the inner wheel covers
	at    int64 // the window last opened, within its epoch
	inner wheel
	outer wheel
	first [wheelSize]Time // earliest time in each bucket of the outer wheel
	far   eventHeap       // epochs beyond the outer wheel

	slab []Event // chunks, chunkSize events each
	next []int32 // per chunk: the next one of its bucket or of the free list
	free int32   // first free chunk, -1 if none

	starts []int32 // scratch of the sort
}

func newRing() *ring { return &ring{free: -1} }

// put adds an event to bucket i of a wheel. A bucket is a list of chunks of
// which only the first is not full.
func (r *ring) put(w *wheel, i int64, e *Event) {
	b := &w.buckets[i&wheelMask]
	slot := b.count % chunkSize
	if slot == 0 {
		r.open(w, i&wheelMask, b)
	}
	r.slab[b.head*chunkSize+slot] = *e
	b.count++
}

// open puts an empty chunk at the head of a bucket.
func (r *ring) open(w *wheel, i int64, b *bucket) {
	if r.free < 0 {
		r.grow()
	}
	c := r.free
	r.free = r.next[c]
	r.next[c] = b.head
	b.head = c
	w.occupied[i/64] |= 1 << (i % 64)
}

func (r *ring) grow() {
	have := len(r.next)
	want := max(firstChunk, have+have/2)
	slab := make([]Event, want*chunkSize)
	copy(slab, r.slab)
	next := make([]int32, want)
	copy(next, r.next)
	for c := have; c < want; c++ {
		next[c] = int32(c + 1)
	}
	next[want-1] = r.free
	r.slab, r.next, r.free = slab, next, int32(have)
}

// push adds an event of window w, which must lie after the window last opened.
func (r *ring) push(w int64, e *Event) {
	switch epoch := w >> wheelBits; {
	case epoch == r.epoch:
		r.put(&r.inner, w, e)
	case epoch-r.epoch < wheelSize:
		i := epoch & wheelMask
		if r.outer.buckets[i].count == 0 || e.Time < r.first[i] {
			r.first[i] = e.Time
		}
		r.put(&r.outer, epoch, e)
	default:
		r.far.push(e)
	}
}

// scan returns the first occupied bucket at or after from, or -1.
func (w *wheel) scan(from int64) int64 {
	if from >= wheelSize {
		return -1
	}
	i := from / 64
	word := w.occupied[i] &^ (1<<(from%64) - 1)
	for word == 0 {
		if i++; i == wheelSize/64 {
			return -1
		}
		word = w.occupied[i]
	}
	return i*64 + int64(bits.TrailingZeros64(word))
}

// nextWindow returns the first window that holds an event, or noWindow.
func (r *ring) nextWindow(width *divisor) int64 {
	if i := r.inner.scan(r.at); i >= 0 {
		return r.epoch<<wheelBits | i
	}
	i := r.outer.scan((r.epoch + 1) & wheelMask)
	if i < 0 {
		i = r.outer.scan(0)
	}
	if i >= 0 {
		return width.window(r.first[i])
	}
	if len(r.far) > 0 {
		return width.window(r.far[0].Time)
	}
	return noWindow
}

// turn moves the wheels forward to window w. All events of
// earlier epochs have been taken, so the inner wheel is empty.
func (r *ring) turn(w int64, width *divisor) {
	epoch := w >> wheelBits
	r.at = w & wheelMask
	if epoch == r.epoch {
		return
	}
	r.epoch = epoch
	i := epoch & wheelMask
	b := r.outer.buckets[i]
	r.outer.buckets[i] = bucket{}
	r.outer.occupied[i/64] &^= 1 << (i % 64)
	for n := b.count; n > 0; {
		in := (n-1)%chunkSize + 1
		for k := b.head * chunkSize; k < b.head*chunkSize+in; k++ {
			e := r.slab[k] // a copy: put may move the slab
			r.put(&r.inner, width.window(e.Time), &e)
		}
		n -= in
		b.head = r.release(b.head)
	}
	for len(r.far) > 0 && width.window(r.far[0].Time)>>wheelBits-epoch < wheelSize {
		e := r.far[0]
		r.far.pop()
		r.push(width.window(e.Time), &e)
	}
}

// release returns a chunk to the free list and returns the chunk after it.
func (r *ring) release(c int32) int32 {
	after := r.next[c]
	r.next[c] = r.free
	r.free = c
	return after
}

// held counts the events in the ring by its buckets.
func (r *ring) held() int {
	n := len(r.far)
	for i := range r.inner.buckets {
		n += int(r.inner.buckets[i].count) + int(r.outer.buckets[i].count)
	}
	return n
}
