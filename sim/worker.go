package sim

import (
	"cmp"
	"slices"
	"sync"
)

// The workers run the windows of a grid that is fixed by the lookahead:
// window k is [k·W, (k+1)·W). An event that crosses partitions lands in a later
// window, so once a window opens its events are complete, and partitions need
// not know of each other until it closes (Nicol: The cost of conservative
// synchronization in parallel discrete event simulations, JACM 40(2), 1993).
//
// There is one barrier per window. Before it each worker publishes the first
// window in which it has work, with what it posted to others; after it all
// compute the same minimum, fetch their mail and run that window. Mail and
// publications have two sides that take turns, so that the next window may
// be written while the last one is read.
//
// Windows with too little work for a barrier are run by worker 0 alone while
// the others wait; it then also spreads the partitions anew.
const (
	thinWindow    = 192  // events of a window below which one worker is faster
	thinStreak    = 4    // windows in a row that decide a change
	balancePeriod = 1024 // windows between looks at the balance
	balanceSlack  = 1.10 // busiest worker over the mean that is tolerated
)

type worker struct {
	_     [64]byte
	index int
	mine  []uint16     // partitions, ascending
	out   [2][][]Event // mail by side and receiving worker
	side  int
	first int64 // first window of the mail on this side
	news  [2]news
	_     [64]byte
}

// news is what a worker publishes before a barrier.
type news struct {
	next    int64  // first window with work, in hand or in its mail
	handled uint64 // events handled in the last window
	halt    bool   // a partition stopped or failed
}

func newWorkers(n int) []worker {
	ws := make([]worker, n)
	for i := range ws {
		ws[i].index = i
		ws[i].out[0] = make([][]Event, n)
		ws[i].out[1] = make([][]Event, n)
	}
	return ws
}

// post puts an event into the outbox for another worker.
func (w *worker) post(to int, window int64, e *Event) {
	w.first = min(w.first, window)
	box := &w.out[w.side][to]
	*box = append(*box, *e)
}

// assign gives the partitions to the workers: the heaviest first, each to the
// worker with the least so far. Results do not depend on it.
func (e *Engine) assign() {
	order := make([]uint16, len(e.parts))
	for i := range order {
		order[i] = uint16(i)
	}
	slices.SortStableFunc(order, func(a, b uint16) int {
		return cmp.Compare(e.parts[b].load, e.parts[a].load)
	})
	total := make([]uint64, len(e.workers))
	for i := range e.workers {
		e.workers[i].mine = e.workers[i].mine[:0]
	}
	for _, p := range order {
		least := 0
		for i := range total {
			if total[i] < total[least] {
				least = i
			}
		}
		total[least] += e.parts[p].load + 1
		e.workers[least].mine = append(e.workers[least].mine, p)
		e.parts[p].worker = &e.workers[least]
		e.owner[p] = uint16(least)
		e.parts[p].load = 0
	}
	for i := range e.workers {
		slices.Sort(e.workers[i].mine)
	}
}

// window runs one window in the given partitions and returns the events
// handled, the first window after it with work in them, and whether one
// of them stopped.
func (w *worker) window(e *Engine, parts []uint16, win int64) (handled uint64, next int64, halt bool) {
	next = noWindow
	for _, i := range parts {
		p := &e.parts[i]
		if p.next == win {
			before := p.handled
			p.openWindow(win)
			e.handle(p)
			p.next = p.nextWindow()
			p.load += p.handled - before
			handled += p.handled - before
			halt = halt || p.stopped
		}
	}
	// A second pass: a partition may have sent to one that came before it.
	for _, i := range parts {
		next = min(next, e.parts[i].next)
	}
	return handled, next, halt
}

// past reports whether a window lies beyond the end of the run.
func (e *Engine) past(win int64, until Time) bool {
	return win == noWindow || Time(win)*e.parts[0].width.d >= until
}

// serial runs every partition on one worker.
func (w *worker) serial(e *Engine, until Time) {
	win := noWindow
	for i := range e.parts {
		win = min(win, e.parts[i].next)
	}
	for halt := false; !halt && !e.past(win, until) && !e.interrupted.Load(); {
		_, win, halt = w.window(e, e.all, win)
		e.stats.Windows++
		if invariants {
			e.conserve()
		}
	}
}

// runParallel runs the windows on all workers; the caller is worker 0.
func (e *Engine) runParallel(until Time) {
	b := newBarrier(len(e.workers))
	var wait sync.WaitGroup
	for i := 1; i < len(e.workers); i++ {
		wait.Go(func() { e.workers[i].parallel(e, b, until) })
	}
	e.workers[0].parallel(e, b, until)
	wait.Wait()
	e.deliver()
}

func (w *worker) parallel(e *Engine, b *barrier, until Time) {
	n := uint64(len(e.workers))
	var (
		mine         = news{next: noWindow}
		thin         int
		period       uint64
		worst, total uint64 // sums over a period
	)
	w.side, w.first = 0, noWindow
	for _, p := range w.mine {
		mine.next = min(mine.next, e.parts[p].next)
	}
	mine.handled = thinWindow // unknown yet: begin in parallel
	for {
		mine.next = min(mine.next, w.first)
		if w.index == 0 && e.interrupted.Load() {
			mine.halt = true
		}
		side := w.side
		w.news[side] = mine
		b.wait()

		// All workers read the same news and decide alike.
		win, halt := noWindow, false
		var sum, most uint64
		for i := range e.workers {
			x := &e.workers[i].news[side]
			win = min(win, x.next)
			halt = halt || x.halt
			sum += x.handled
			most = max(most, x.handled)
		}
		if halt || e.past(win, until) {
			return
		}
		if thin++; sum >= thinWindow {
			thin = 0
		}
		worst += most
		total += sum
		period++
		uneven := false
		if period == balancePeriod {
			uneven = float64(worst*n) > balanceSlack*float64(total)
			period, worst, total = 0, 0, 0
		}

		if thin >= thinStreak || uneven {
			if w.index == 0 {
				e.alone(win, until)
			}
			b.wait()
			thin = 0
			w.side, w.first = 0, noWindow
			mine = news{next: noWindow, handled: thinWindow, halt: e.halted()}
			for _, p := range w.mine {
				mine.next = min(mine.next, e.parts[p].next)
			}
			// The news of the other side may still be read by none: all have
			// passed the barrier above.
			continue
		}

		w.side, w.first = 1-side, noWindow
		for i := range e.workers {
			e.fetch(&e.workers[i].out[side][w.index])
		}
		mine.handled, mine.next, mine.halt = w.window(e, w.mine, win)
		if w.index == 0 {
			e.stats.Windows++
		}
	}
}

// fetch moves the mail of one box to the partitions of its receiver.
func (e *Engine) fetch(box *[]Event) {
	mail := *box
	for i := range mail {
		e.parts[e.home[mail[i].Dst]].push(&mail[i])
	}
	*box = mail[:0]
}

// deliver moves all mail while no other worker runs.
func (e *Engine) deliver() {
	for i := range e.workers {
		for _, side := range e.workers[i].out {
			for to := range side {
				e.fetch(&side[to])
			}
		}
	}
}

// alone lets worker 0 run windows by itself until they are worth sharing
// again, and then spreads the partitions anew by the events that they handled.
func (e *Engine) alone(win int64, until Time) {
	w := &e.workers[0]
	e.deliver()
	for i := range e.parts {
		e.parts[i].worker = w
		e.owner[i] = 0
	}
	for busy := 0; busy < thinStreak && !e.past(win, until) && !e.interrupted.Load(); {
		handled, next, halt := w.window(e, e.all, win)
		win = next
		e.stats.Windows++
		e.stats.Thin++
		if invariants {
			e.conserve()
		}
		if halt {
			break
		}
		if busy++; handled < 2*thinWindow {
			busy = 0
		}
	}
	e.stats.Rebalance++
	e.assign()
}

// halted reports whether a partition stopped or failed.
func (e *Engine) halted() bool {
	for i := range e.parts {
		if e.parts[i].stopped {
			return true
		}
	}
	return false
}
