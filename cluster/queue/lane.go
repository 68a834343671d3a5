package queue

// lane is a queue of job numbers from which those near the head are taken.
type lane struct {
	buf  []int32
	head int
}

func (l *lane) len() int { return len(l.buf) - l.head }

func (l *lane) at(i int) int32 { return l.buf[l.head+i] }

// insert puts a job where before says; jobs that are alike stay in order of insertion.
func (l *lane) insert(j int32, before func(a, b int32) bool) {
	lo, hi := 0, l.len()
	for lo < hi {
		mid := (lo + hi) / 2
		if before(j, l.at(mid)) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	if lo < l.len()/2 && l.head > 0 {
		l.head--
		copy(l.buf[l.head:], l.buf[l.head+1:l.head+1+lo])
		l.buf[l.head+lo] = j
		return
	}
	l.buf = append(l.buf, 0)
	copy(l.buf[l.head+lo+1:], l.buf[l.head+lo:])
	l.buf[l.head+lo] = j
}

// remove takes out the i-th.
func (l *lane) remove(i int) {
	copy(l.buf[l.head+1:], l.buf[l.head:l.head+i])
	if l.head++; l.head > 1024 && l.head > len(l.buf)/2 {
		l.buf = append(l.buf[:0], l.buf[l.head:]...)
		l.head = 0
	}
}
