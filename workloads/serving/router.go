package serving

import (
	"math"
	"math/bits"
)

// away is the load of a replica that takes no requests.
const away = math.MaxInt32

// loads finds the least loaded of some replicas, ties in turn: a set of bits for each
// load that some replica has. Loads change by one at a time for the most part, so that
// the least of them is found without a search.
type loads struct {
	n, words int
	load     []int32
	row      []int32 // by load: number of its set, −1 when no replica has it
	sets     [][]uint64
	count    []int32 // members, by set
	free     []int32 // sets that are empty
	least    int32   // no replica that is up has less
	up       int     // replicas that are not away
	turn     int     // the first to be asked
}

func newLoads(n int) loads {
	l := loads{n: n, words: (n + 63) / 64, load: make([]int32, n)}
	for i := range l.load {
		l.load[i] = away
	}
	return l
}

func (l *loads) at(i int) int32 { return l.load[i] }

// set says that replica i has the load.
func (l *loads) set(i int, load int32) {
	was := l.load[i]
	if was == load {
		return
	}
	l.load[i] = load
	if load != away {
		l.put(i, load)
	}
	if was != away {
		l.drop(i, was)
	}
}

func (l *loads) put(i int, load int32) {
	for int(load) >= len(l.row) {
		l.row = append(l.row, -1)
	}
	s := l.row[load]
	if s < 0 {
		if k := len(l.free); k > 0 {
			s = l.free[k-1]
			l.free = l.free[:k-1]
		} else {
			s = int32(len(l.sets))
			l.sets = append(l.sets, make([]uint64, l.words))
			l.count = append(l.count, 0)
		}
		l.row[load] = s
	}
	l.sets[s][i>>6] |= 1 << (i & 63)
	l.count[s]++
	if l.up == 0 || load < l.least {
		l.least = load
	}
	l.up++
}

func (l *loads) drop(i int, load int32) {
	s := l.row[load]
	l.sets[s][i>>6] &^= 1 << (i & 63)
	l.up--
	if l.count[s]--; l.count[s] > 0 {
		return
	}
	l.row[load] = -1
	l.free = append(l.free, s)
	if load == l.least && l.up > 0 {
		for l.row[l.least] < 0 {
			l.least++
		}
	}
}

// leastLoaded returns the first of the least loaded from the turn on, and −1 when all
// are away. The turn goes to the one after it.
func (l *loads) leastLoaded() int {
	if l.up == 0 {
		return -1
	}
	set := l.sets[l.row[l.least]]
	w := l.turn >> 6
	m := set[w] >> (l.turn & 63) << (l.turn & 63)
	for m == 0 { // ends: the set has a member
		if w++; w == l.words {
			w = 0
		}
		m = set[w]
	}
	return l.took(w<<6 + bits.TrailingZeros64(m))
}

// inTurn returns the first that is not away from the turn on, −1 when all are.
func (l *loads) inTurn() int {
	if l.up == 0 {
		return -1
	}
	i := l.turn
	for l.load[i] == away {
		if i++; i == l.n {
			i = 0
		}
	}
	return l.took(i)
}

func (l *loads) took(i int) int {
	if l.turn = i + 1; l.turn == l.n {
		l.turn = 0
	}
	return i
}
