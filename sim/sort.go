package sim

import (
	"cmp"
	"math/bits"
	"slices"
)

const (
	thinBatch  = 24 // batches up to this size are sorted by insertion alone
	crowdedBin = 24 // bins above this size are sorted by comparison
)

// take empties the bucket of window w into batch[1:], in total order, and
// returns the batch; batch[0] belongs to the context. The ring must have
// been turned to w.
//
// One pass counts the events per bin of time (about as many bins as events), a second
// one scatters them, and one pass of insertion settles the neighbours:
// linear work for the usual spread of times. Bursts of equal times crowd a bin
// and go through a comparison sort.
func (r *ring) take(w int64, width *divisor, batch []Event) []Event {
	i := w & wheelMask
	b := r.inner.buckets[i]
	n := int(b.count)
	if cap(batch) < n+1 {
		wider := make([]Event, n+n/2+64)
		wider[0] = batch[0]
		batch = wider
	}
	batch = batch[:n+1]
	if n == 0 {
		return batch
	}
	r.inner.buckets[i] = bucket{}
	r.inner.occupied[i/64] &^= 1 << (i % 64)
	out := batch[1:]
	if n <= thinBatch {
		filled := 0
		for c := b.head; filled < n; c = r.release(c) {
			in := (n-filled-1)%chunkSize + 1
			filled += copy(out[filled:], r.slab[int(c)*chunkSize:][:in])
		}
		insertionSort(out)
		return batch
	}

	bins := 1 << bits.Len(uint(n-1))
	if cap(r.starts) < bins+1 {
		r.starts = make([]int32, 2*bins+1)
	}
	starts := r.starts[:bins+1]
	clear(starts)
	base := Time(w) * width.d
	// bin(t) = ⌊(t-base)·bins/width⌋, through the high half of a product.
	var scale uint64
	if Duration(bins) < width.d {
		scale, _ = bits.Div64(uint64(bins), 0, uint64(width.d))
	} else {
		scale = 1<<64 - 1 // more bins than ticks: (t-base)-1 or 0 is in range
	}
	left := n
	for c := b.head; left > 0; c = r.next[c] {
		in := (left-1)%chunkSize + 1
		chunk := r.slab[int(c)*chunkSize:][:in]
		for k := range chunk {
			bin, _ := bits.Mul64(uint64(chunk[k].Time-base), scale)
			starts[bin+1]++
		}
		left -= in
	}
	sum, crowded := int32(0), int32(0)
	for k, count := range starts {
		crowded = max(crowded, count)
		sum += count
		starts[k] = sum
	}
	left = n
	for c := b.head; left > 0; c = r.release(c) {
		in := (left-1)%chunkSize + 1
		chunk := r.slab[int(c)*chunkSize:][:in]
		for k := range chunk {
			bin, _ := bits.Mul64(uint64(chunk[k].Time-base), scale)
			out[starts[bin]] = chunk[k]
			starts[bin]++
		}
		left -= in
	}
	if crowded > crowdedBin {
		from := int32(0)
		for _, to := range starts[:bins] { // the scatter left each bin's end here
			if to-from > crowdedBin {
				quickSort(out[from:to], 2*bits.Len(uint(to-from)))
			}
			from = to
		}
	}
	insertionSort(out)
	return batch
}

func insertionSort(a []Event) {
	for i := 1; i < len(a); i++ {
		if !a[i].Before(&a[i-1]) {
			continue
		}
		e := a[i]
		j := i
		for j > 0 && e.Before(&a[j-1]) {
			a[j] = a[j-1]
			j--
		}
		a[j] = e
	}
}

// quickSort leaves runs of at most thinBatch events to insertionSort: events lie at most
// a run away from their place. After depth unlucky cuts it gives up on speed.
func quickSort(a []Event, depth int) {
	for len(a) > thinBatch {
		if depth == 0 {
			slices.SortFunc(a, compareEvents)
			return
		}
		depth--
		// The median of three as the pivot; keys differ, so no event equals another.
		lo, mid, hi := 0, len(a)/2, len(a)-1
		if a[mid].Before(&a[lo]) {
			a[mid], a[lo] = a[lo], a[mid]
		}
		if a[hi].Before(&a[mid]) {
			a[hi], a[mid] = a[mid], a[hi]
			if a[mid].Before(&a[lo]) {
				a[mid], a[lo] = a[lo], a[mid]
			}
		}
		pivot := a[mid]
		i, j := lo, hi
		for {
			for i++; a[i].Before(&pivot); i++ {
			}
			for j--; pivot.Before(&a[j]); j-- {
			}
			if i >= j {
				break
			}
			a[i], a[j] = a[j], a[i]
		}
		if i < len(a)-i {
			quickSort(a[:i], depth)
			a = a[i:]
		} else {
			quickSort(a[i:], depth)
			a = a[:i]
		}
	}
}

func compareEvents(a, b Event) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.key, b.key))
}
