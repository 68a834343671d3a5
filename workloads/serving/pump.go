package serving

// pump carries chunks of requests from a source into the book, and those whose requests
// are all done from the book into the tally, in order of arrival. With more than one
// worker a goroutine of its own makes and counts chunks beside the simulation; the
// order, and so the result, is the same.
type pump struct {
	book *book
	logs []*ledger
	of   []account
	feed feed
	t    *tally
	late bool // what is counted depends on the end of the run: chunks wait for it

	filled chan filled
	done   chan work
	blank  chan *ledger  // posted
	exit   chan struct{} // closed by the helper when it ends
	quit   chan struct{} // closed to end the helper early
}

type filled struct {
	c   *chunk
	err error
}

// work is for the helper: a chunk to count, or a ledger to post.
type work struct {
	c *chunk
	l *ledger
}

// chunksAhead are made before they are asked for.
const (
	chunksAhead  = 4
	ledgersAhead = 16
)

func newPump(src Source, f *fleet, t *tally, opt *Options) pump {
	p := pump{book: f.book, logs: f.logs, of: f.accounts, t: t, late: t.late,
		feed: feed{src: src, closed: opt.Concurrency > 0, hashes: len(opt.Hashes), adapters: f.c.Adapters.Count, billed: !t.goodOnly}}
	if s, ok := src.(*recorded); opt.Workers < 2 || ok && len(s.reqs) <= chunkSize {
		return p
	}
	p.filled, p.done = make(chan filled, chunksAhead), make(chan work, ledgersAhead)
	p.exit, p.quit = make(chan struct{}), make(chan struct{})
	feed, filledTo, doneFrom, exit, quit, of := p.feed, p.filled, p.done, p.exit, p.quit, p.of
	blank := make(chan *ledger, ledgersAhead)
	p.blank = blank
	go func() {
		defer close(exit)
		var ready filled
		have, out := false, filledTo
		for {
			if !have && out != nil {
				ready.c, ready.err = feed.next()
				have = true
			}
			select {
			case out <- ready:
				have = false
				if ready.c == nil {
					out = nil // the end, or an error: nothing more to make
				}
			case w, more := <-doneFrom:
				switch {
				case !more:
					return
				case w.l != nil:
					post(of, w.l)
					select {
					case blank <- w.l:
					default:
					}
				default:
					t.chunk(w.c)
					feed.recycle(w.c)
				}
			case <-quit:
				return
			}
		}
	}()
	return p
}

// take puts the next chunk into the book and returns it with the number of its first
// request; nil at the end of the load.
func (p *pump) take() (*chunk, int32, error) {
	p.post(0)
	if !p.late {
		p.count()
	}
	var next filled
	if p.filled != nil {
		next = <-p.filled
	} else {
		next.c, next.err = p.feed.next()
	}
	if next.c == nil {
		return nil, 0, next.err
	}
	clear(next.c.rec) // here and not by the helper, so that they are in this core's cache
	clear(next.c.ends)
	return next.c, p.book.add(next.c), nil
}

// count hands on the oldest chunks whose requests are all done.
func (p *pump) count() {
	for c := p.book.oldest(); c != nil && c.done(); c = p.book.oldest() {
		p.book.drop()
		if p.done != nil {
			p.done <- work{c: c}
		} else {
			p.t.chunk(c)
			p.feed.recycle(c)
		}
	}
}

// post hands on the ledgers that have more than so many entries.
func (p *pump) post(entries int) {
	for _, l := range p.logs {
		if len(l.entries) <= entries && (entries > 0 || len(l.marks) == 0) {
			continue
		}
		if p.done == nil {
			post(p.of, l)
			continue
		}
		var next *ledger
		select {
		case next = <-p.blank:
		default:
			next = &ledger{}
		}
		*l, *next = *next, *l
		p.done <- work{l: next}
	}
}

// finish counts what is left once the simulation has ended.
func (p *pump) finish() {
	p.post(0)
	for c := p.book.oldest(); c != nil; c = p.book.oldest() {
		p.book.drop()
		if p.done != nil {
			p.done <- work{c: c}
		} else {
			p.t.chunk(c)
		}
	}
	if p.done != nil {
		close(p.done)
		<-p.exit
		p.done = nil
	}
}

// stop ends the helper of a run that failed.
func (p *pump) stop() {
	if p.done != nil {
		close(p.quit)
		<-p.exit
	}
}
