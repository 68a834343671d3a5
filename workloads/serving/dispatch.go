package serving

import "math"

// send takes request i, which arrived at t, through its site's link to the router.
func (f *fleet) send(i int32, t float64) {
	rec, q := f.book.record(i), f.book.req(i)
	rec.arrive, rec.replica = math.Max(0, t-f.c.Front.sec(i)), -1
	net := &f.c.Network
	site := siteOf(int(i), net.Sites)
	ready := t
	if net.BytesPerSec > 0 {
		f.link[site] = math.Max(f.link[site], t) + f.requestBytes(q)/net.BytesPerSec
		ready = f.link[site]
	}
	rec.ready = ready + net.LatencySec
	if f.maxLen > 0 && int64(q.Prompt)+int64(q.Output) > int64(f.maxLen) {
		rec.lost = true
		f.tooLong++
		f.longest = max(f.longest, int64(q.Prompt)+int64(q.Output))
		f.gone = append(f.gone, i)
		return
	}
	f.route(i, rec.ready)
}

func (f *fleet) requestBytes(q *Request) float64 {
	if g := f.c.Arch.Generic; g != nil {
		return g.SampleBytes
	}
	return float64(q.Prompt) * f.c.Network.TokenBytes
}

// route gives a request to a replica of its site, or holds it until one is up.
func (f *fleet) route(i int32, ready float64) {
	sites := len(f.sites)
	site := siteOf(int(i), sites)
	l := &f.sites[site]
	k := -1
	switch f.c.Router {
	case RoundRobin:
		k = l.inTurn()
	case LeastOutstanding:
		k = l.leastLoaded()
	case PrefixAware:
		k = f.prefixAware(i, l)
	case KVAware:
		k = f.kvAware(i, l)
	case AdapterAware:
		k = f.adapterAware(i, l)
	case SLOAware:
		k = f.sloAware(i, l, ready)
	}
	if k < 0 {
		f.held = append(f.held, i)
		if f.scale != nil {
			f.scale.held(ready)
		}
		return
	}
	if most := f.c.Limits.MaxQueue; most > 0 && l.at(k) >= int32(most) {
		rec := f.book.record(i)
		rec.lost, rec.shed = true, true
		f.gone = append(f.gone, i)
		return
	}
	at := f.front + k*sites + site
	if f.seen != nil {
		salt := f.salt(i)
		for _, h := range f.chain(i) {
			f.seen.set(h^salt, int32(at))
		}
	}
	if a := f.book.req(i).Adapter; f.sent != nil && a > 0 {
		f.sent.sent(int32(at), a)
	}
	rec := f.book.record(i)
	rec.replica = int32(at)
	if f.asks {
		l.set(k, l.at(k)+1)
		f.tokens[at] += tokensOf(f.book.req(i))
	}
	if f.letters && ready == rec.ready {
		f.put(at, i, rec)
	} else {
		f.deliver(at)
		r := &f.reps[at]
		r.enqueue(i, ready, 0)
		f.next[at] = r.nextTime()
		if f.ordered || r.batcher != nil || r.timeout > 0 { // who gives up ends a request at any step
			f.due.set(at, f.next[at])
			return
		}
	}
	if end := ready + float64(f.book.req(i).Output)*f.low.any; end < f.due.at[at] {
		f.due.set(at, end)
	}
}

// box holds the requests that were sent to a replica and that it has not seen: nothing that
// they do shows before it is looked at. They are found by their numbers and one.
type box struct{ first, last int32 }

// put leaves request i in the box of replica at.
func (f *fleet) put(at int, i int32, rec *record) {
	b := &f.boxes[at]
	if b.first == 0 {
		b.first = i + 1
	} else {
		f.book.record(b.last - 1).next = i + 1
	}
	b.last = i + 1
	f.next[at] = math.Min(f.next[at], rec.ready)
}

// deliver hands a replica what is in its box.
func (f *fleet) deliver(at int) {
	b := &f.boxes[at]
	for k := b.first; k > 0; {
		rec := f.book.record(k - 1)
		f.reps[at].enqueue(k-1, rec.ready, 0)
		k = rec.next
	}
	b.first = 0
}
