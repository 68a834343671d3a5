package serving

import "slices"

// blockIndex finds what is known of a cached block by its hash: in an array where hashes are
// small numbers, as those of traces are, in a map else.
type blockIndex struct {
	dense []int32 // 0: none, else one more
	other map[int64]int32
}

// mostDense bounds the arrays of all replicas of a service together.
const mostDense = 64 << 20

func newBlockIndex(dense int) blockIndex {
	if dense > 0 {
		return blockIndex{dense: make([]int32, dense)}
	}
	return blockIndex{other: map[int64]int32{}}
}

// denseHashes is the size of arrays that hold all hashes for so many replicas, 0 for maps.
func denseHashes(hashes []int64, replicas int) int {
	if len(hashes) == 0 || slices.Min(hashes) < 0 {
		return 0
	}
	if n := slices.Max(hashes) + 1; n <= mostDense/int64(replicas+1) {
		return int(n)
	}
	return 0
}

func (x *blockIndex) get(h int64) (int32, bool) {
	if x.dense != nil {
		v := x.dense[h]
		return v - 1, v != 0
	}
	v, ok := x.other[h]
	return v, ok
}

func (x *blockIndex) set(h int64, v int32) {
	if x.dense != nil {
		x.dense[h] = v + 1
	} else {
		x.other[h] = v
	}
}

func (x *blockIndex) drop(h int64) {
	if x.dense != nil {
		x.dense[h] = 0
	} else {
		delete(x.other, h)
	}
}

func (x *blockIndex) clear() {
	clear(x.dense)
	clear(x.other)
}
