package serving

// pump carries chunks of requests from a source into the book, and those whose requests
// are all done from the book into the tally, in order of arrival. With more than one
// worker a goroutine of its own makes and counts chunks beside the simulation; the
// order, and so the result, is the same.
type pump struct {
	book *book
	feed feed
	t    *tally
	late bool // what is counted depends on the end of the run: chunks wait for it

	filled chan filled
	done   chan *chunk
	exit   chan struct{} // closed by the helper when it ends
	quit   chan struct{} // closed to end the helper early
}

type filled struct {
	c   *chunk
	err error
}

// chunksAhead are made before they are asked for.
const chunksAhead = 4

func newPump(src Source, b *book, t *tally, opt *Options) pump {
	p := pump{book: b, feed: feed{src: src, closed: opt.Concurrency > 0, hashes: len(opt.Hashes)}, t: t, late: t.late}
	if s, ok := src.(*recorded); opt.Workers < 2 || ok && len(s.reqs) <= chunkSize {
		return p
	}
	p.filled, p.done = make(chan filled, chunksAhead), make(chan *chunk, chunksAhead)
	p.exit, p.quit = make(chan struct{}), make(chan struct{})
	feed, filledTo, doneFrom, exit, quit := p.feed, p.filled, p.done, p.exit, p.quit
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
			case c, more := <-doneFrom:
				if !more {
					return
				}
				t.chunk(c)
				feed.recycle(c)
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
	return next.c, p.book.add(next.c), nil
}

// count hands on the oldest chunks whose requests are all done.
func (p *pump) count() {
	for c := p.book.oldest(); c != nil && c.done(); c = p.book.oldest() {
		p.book.drop()
		if p.done != nil {
			p.done <- c
		} else {
			p.t.chunk(c)
			p.feed.recycle(c)
		}
	}
}

// finish counts what is left once the simulation has ended.
func (p *pump) finish() {
	for c := p.book.oldest(); c != nil; c = p.book.oldest() {
		p.book.drop()
		if p.done != nil {
			p.done <- c
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
