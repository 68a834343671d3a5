package loader

import (
	"fmt"
	"math"
)

// Policy is what a cache between loader and store keeps.
type Policy string

// The policies.
const (
	Pinned Policy = "pinned" // what came first stays: the same part hits in every epoch
	LRU    Policy = "lru"    // the least recently used goes, as in a page cache
)

// Order is how an epoch walks through the dataset.
type Order string

// The orders.
const (
	Shuffled   Order = "shuffled"   // a new permutation every epoch
	Sequential Order = "sequential" // the same order every epoch
)

// HitRatio is the share of samples that a cache serves in the given epoch (the first is 0, and
// misses all). With c the cache over the dataset, below 1:
//
//	pinned                c
//	LRU, sequential       0: every sample has gone before it comes again
//	LRU, shuffled         c + (1−c)·ln(1−c)
//
// The last: a sample at u of one epoch and v of the next has seen 1 − u(1−v) of the dataset in
// between; it hits if that is below c.
func HitRatio(p Policy, o Order, cacheBytes, datasetBytes float64, epoch int) (float64, error) {
	if !(cacheBytes >= 0) || !(datasetBytes > 0) {
		return 0, fmt.Errorf("loader: a cache of %g B before a dataset of %g B: want 0 or more, above 0", cacheBytes, datasetBytes)
	}
	c := cacheBytes / datasetBytes
	switch {
	case p != Pinned && p != LRU:
		return 0, fmt.Errorf("loader: cache policy %q: want %s or %s", p, Pinned, LRU)
	case o != Shuffled && o != Sequential:
		return 0, fmt.Errorf("loader: order %q: want %s or %s", o, Shuffled, Sequential)
	case epoch < 1:
		return 0, nil
	case c >= 1:
		return 1, nil
	case p == Pinned:
		return c, nil
	case o == Sequential:
		return 0, nil
	}
	return c + (1-c)*math.Log1p(-c), nil
}
