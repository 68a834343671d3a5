package serving

import "fmt"

// Requests live in chunks: one is made when its first request arrives, and given back
// once all of its requests are done and counted, so that memory grows with what is in
// flight and not with the load. Requests have running numbers.
const (
	chunkBits = 10
	chunkSize = 1 << chunkBits
)

// Source hands out the requests of a load in order of arrival.
type Source interface {
	// Fill puts up to len(to) requests into to and says how many; 0 ends the load.
	Fill(to []Request) (int, error)
}

// chunk is up to chunkSize requests in order of arrival with what became of them.
type chunk struct {
	reqs    []Request
	rec     []record
	ends    []float64 // when each was answered, 0 before
	bills   []bill    // of whoever does the accounts
	totals  []split   // and the replica's counters at each one's last token
	checked int       // records known to be done
}

// done says whether nothing more can happen to any request of the chunk.
func (c *chunk) done() bool {
	for ; c.checked < len(c.rec); c.checked++ {
		if c.ends[c.checked] == 0 && !c.rec[c.checked].lost {
			return false
		}
	}
	return true
}

// book finds the requests in flight by their numbers.
type book struct {
	ring  []*chunk
	mask  int32
	first int32 // number of the oldest chunk held
	next  int32 // number of the chunk to come
}

func newBook() *book { return &book{ring: make([]*chunk, 8), mask: 7} }

func (b *book) req(i int32) *Request { return &b.ring[(i>>chunkBits)&b.mask].reqs[i&(chunkSize-1)] }

func (b *book) record(i int32) *record {
	return &b.ring[(i>>chunkBits)&b.mask].rec[i&(chunkSize-1)]
}

func (b *book) bill(i int32) *bill { return &b.chunk(i).bills[i&(chunkSize-1)] }

// chunk is where request i is.
func (b *book) chunk(i int32) *chunk { return b.ring[(i>>chunkBits)&b.mask] }

// ends notes that request i was answered at time t.
func (b *book) ends(i int32, t float64) { b.chunk(i).ends[i&(chunkSize-1)] = t }

func (b *book) end(i int32) float64 { return b.chunk(i).ends[i&(chunkSize-1)] }

// add takes the next chunk and returns the number of its first request.
func (b *book) add(c *chunk) int32 {
	if int(b.next-b.first) == len(b.ring) {
		ring := make([]*chunk, 2*len(b.ring))
		for k := b.first; k < b.next; k++ {
			ring[k&int32(len(ring)-1)] = b.ring[k&b.mask]
		}
		b.ring, b.mask = ring, int32(len(ring)-1)
	}
	b.ring[b.next&b.mask] = c
	b.next++
	return (b.next - 1) << chunkBits
}

// oldest returns the oldest chunk held, nil when there is none.
func (b *book) oldest() *chunk {
	if b.first == b.next {
		return nil
	}
	return b.ring[b.first&b.mask]
}

// drop lets the oldest chunk go.
func (b *book) drop() {
	b.ring[b.first&b.mask] = nil
	b.first++
}

// recorded is a load that is in memory. Its chunks share its requests.
type recorded struct {
	reqs []Request
}

func (s *recorded) Fill(to []Request) (int, error) {
	n := copy(to, s.reqs)
	s.reqs = s.reqs[n:]
	return n, nil
}

// feed makes chunks of a source's requests and checks them.
type feed struct {
	src      Source
	closed   bool // a closed loop: arrival times are not used
	hashes   int  // prefix hashes that requests may point at
	adapters int  // that they may bring; 0: those that they name do not count
	billed   bool // costs by request are asked for
	count    int
	last     float64
	free     []*chunk
}

// maxRequests is what running numbers of 32 bits hold.
const maxRequests = 1<<31 - chunkSize

// next returns the next chunk, nil at the end of the load.
func (f *feed) next() (*chunk, error) {
	c := &chunk{}
	if k := len(f.free); k > 0 {
		c = f.free[k-1]
		f.free = f.free[:k-1]
	}
	n := 0
	if s, ok := f.src.(*recorded); ok {
		n = min(chunkSize, len(s.reqs))
		c.reqs = s.reqs[:n:n]
		s.reqs = s.reqs[n:]
	} else {
		if c.reqs == nil {
			c.reqs = make([]Request, chunkSize)
		}
		c.reqs = c.reqs[:chunkSize]
		for n < chunkSize {
			k, err := f.src.Fill(c.reqs[n:])
			if err != nil {
				return nil, err
			}
			if k == 0 {
				break
			}
			n += k
		}
		c.reqs = c.reqs[:n]
	}
	if n == 0 {
		return nil, nil
	}
	if cap(c.rec) < n {
		c.rec, c.ends = make([]record, n), make([]float64, n)
		if f.billed {
			c.bills, c.totals = make([]bill, n), make([]split, n)
		}
	}
	c.rec, c.ends, c.checked = c.rec[:n], c.ends[:n], 0
	if f.billed {
		c.bills, c.totals = c.bills[:n], c.totals[:n]
		clear(c.bills)
	}
	if f.count > maxRequests-n {
		return nil, fmt.Errorf("serving: more than %d requests in one load", maxRequests)
	}
	for i := range c.reqs {
		if err := checkRequest(&c.reqs[i], f.count+i, f.last, f.closed); err != nil {
			return nil, err
		}
		if q := &c.reqs[i]; f.hashes > 0 && (q.HashStart < 0 || q.HashCount < 0 || int64(q.HashStart)+int64(q.HashCount) > int64(f.hashes)) {
			return nil, fmt.Errorf("serving: request %d has prefix hashes %d to %d of %d", f.count+i, q.HashStart, int64(q.HashStart)+int64(q.HashCount), f.hashes)
		}
		if q := &c.reqs[i]; f.adapters > 0 && (q.Adapter < 0 || int(q.Adapter) > f.adapters) {
			return nil, fmt.Errorf("serving: request %d brings adapter %d of %d", f.count+i, q.Adapter, f.adapters)
		}
		f.last = c.reqs[i].ArriveSec
	}
	f.count += n
	return c, nil
}

// recycle takes back a chunk that nobody looks at any more.
func (f *feed) recycle(c *chunk) { f.free = append(f.free, c) }
