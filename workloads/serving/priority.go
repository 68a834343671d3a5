package serving

import "slices"

// levels are the requests that wait in a replica whose classes differ in priority, the
// highest first, each in order of arrival, as vLLM's priority policy has them. A request
// under way is not stopped for one of higher priority; when blocks run out, the newest of
// the lowest priority gives way.
type levels struct {
	classes []Class
	of      []int // level by class, 0 is the highest
	wait    []fifo
	n       int
}

type fifo struct {
	v    []waiting
	head int
}

func (f *fifo) len() int { return len(f.v) - f.head }

func (f *fifo) push(w waiting) {
	if f.head > 64 && 2*f.head > len(f.v) {
		f.v = f.v[:copy(f.v, f.v[f.head:])]
		f.head = 0
	}
	f.v = append(f.v, w)
}

// newLevels returns nil when all classes have one priority: first come, first served.
func newLevels(classes []Class) *levels {
	var ranks []int
	for _, k := range classes {
		ranks = append(ranks, -k.Priority)
	}
	slices.Sort(ranks)
	ranks = slices.Compact(ranks)
	if len(ranks) < 2 {
		return nil
	}
	l := &levels{classes: classes, wait: make([]fifo, len(ranks))}
	for _, k := range classes {
		l.of = append(l.of, slices.Index(ranks, -k.Priority))
	}
	return l
}

func (l *levels) level(req int32) int { return l.of[classOf(l.classes, int(req))] }

// sortIn puts the requests that have arrived into their levels.
func (r *replica) sortIn() {
	for r.qLen > 0 && r.queue[r.qHead].ready <= r.now {
		w := r.pop()
		f := &r.levels.wait[r.levels.level(w.req)]
		f.push(*w)
		r.levels.n++
	}
}

// choose is where the request to admit next waits: an index of those that gave way, or a
// level; those that gave way go first among equals. −1 and −1 when none waits.
func (r *replica) choose() (back, level int) {
	l := r.levels
	back, level = -1, -1
	best := len(l.wait)
	for i := len(r.back) - 1; i >= 0; i-- {
		if k := l.level(r.back[i].req); k < best {
			back, best = i, k
		}
	}
	for k := range best {
		if l.wait[k].len() > 0 {
			return -1, k
		}
	}
	return back, level
}

// nextByPriority is headWaiting among levels.
func (r *replica) nextByPriority() *waiting {
	switch back, level := r.choose(); {
	case back >= 0:
		return &r.back[back]
	case level >= 0:
		f := &r.levels.wait[level]
		return &f.v[f.head]
	}
	return nil
}

// takeByPriority removes what nextByPriority gave.
func (r *replica) takeByPriority() {
	back, level := r.choose()
	if back >= 0 {
		r.back = slices.Delete(r.back, back, back+1)
		return
	}
	r.levels.wait[level].head++
	r.levels.n--
}

// remove takes out a request that waits, if it does.
func (l *levels) remove(req int32) {
	f := &l.wait[l.level(req)]
	for k := f.head; k < len(f.v); k++ {
		if f.v[k].req == req {
			f.v = slices.Delete(f.v, k, k+1)
			l.n--
			return
		}
	}
}

// waits is the requests that wait at the replica, those that gave way apart.
func (r *replica) waits() int {
	if r.adapters != nil {
		return r.qLen + r.adapters.n
	}
	if r.levels == nil {
		return r.qLen
	}
	return r.qLen + r.levels.n
}

// shut says whether no arrival can join before a sequence leaves: where a request waits
// that found no blocks, one of higher priority may still find some; a cache of another pool is asked
// for without a seat.
func (r *replica) shut() bool { return r.levels == nil || r.full() && !r.takes }
