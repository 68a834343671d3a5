package serving

import "slices"

// someMore is by how many requests in flight a replica may exceed the least loaded and still be sent
// a request for its adapter (assumed: a load costs a few steps, and popular adapters should
// spread to more replicas).
const someMore = 8

// sentAdapters is what a router knows of adapters: those it sent to each replica last, as many as
// a replica has slots.
type sentAdapters struct {
	slots   int
	last    [][]int32 // adapters by replica, the last used last
	holders [][]int32 // replicas by adapter
}

func newSentAdapters(a *Adapters, replicas int) *sentAdapters {
	return &sentAdapters{slots: a.Slots, last: make([][]int32, replicas), holders: make([][]int32, a.Count+1)}
}

// sent notes that a request with an adapter went to a replica.
func (s *sentAdapters) sent(replica, adapter int32) {
	list := s.last[replica]
	switch k := slices.Index(list, adapter); {
	case k >= 0:
		copy(list[k:], list[k+1:])
		list[len(list)-1] = adapter
		return
	case len(list) == s.slots:
		out := list[0]
		h := s.holders[out]
		at := slices.Index(h, replica)
		h[at] = h[len(h)-1]
		s.holders[out] = h[:len(h)-1]
		copy(list, list[1:])
		list[len(list)-1] = adapter
	default:
		s.last[replica] = append(list, adapter)
	}
	s.holders[adapter] = append(s.holders[adapter], replica)
}

// adapterAware chooses among the replicas that should hold the request's adapter the least loaded, or
// the least loaded of all.
func (f *fleet) adapterAware(i int32, l *loads) int {
	adapter := f.book.req(i).Adapter
	if adapter == 0 || l.up == 0 {
		return l.leastLoaded()
	}
	sites := len(f.sites)
	best := int32(-1)
	for _, at := range f.sent.holders[adapter] {
		if int(at)%sites != siteOf(int(i), sites) {
			continue
		}
		load, least := l.at(int(at)/sites), int32(away)
		if best >= 0 {
			least = l.at(int(best) / sites)
		}
		if load < least || load == least && load != away && at < best {
			best = at
		}
	}
	if best >= 0 && l.at(int(best)/sites) <= l.least+someMore {
		return int(best) / sites
	}
	return l.leastLoaded()
}
