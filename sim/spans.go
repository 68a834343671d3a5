package sim

import (
	"cmp"
	"slices"
)

// Span is one bar of a timeline.
type Span struct {
	Start, End Time
	Track      uint32 // the row it is drawn in
	Kind       Kind   // the model's name for what happened
	Arg        uint64
}

// Spans records bars in bounded memory. When it is full it forgets the shortest
// half and from then on takes only bars longer than those; Dropped tells how
// many were forgotten and how much time they held. What is kept depends on the
// order of the records, so each recorder belongs to one partition or entity.
type Spans struct {
	kept      []Span
	limit     int
	shortest  Duration // bars up to this length are no longer taken
	dropped   int64
	droppedBy Tally
}

// NewSpans returns a recorder of at most limit bars (at least 2).
func NewSpans(limit int) *Spans {
	return &Spans{limit: max(limit, 2), shortest: -1}
}

// Record takes one bar. A bar that ends before it starts is dropped.
func (s *Spans) Record(span Span) {
	if span.End < span.Start || span.End-span.Start <= s.shortest {
		s.drop(span)
		return
	}
	if len(s.kept) == s.limit {
		s.thin()
		if span.End-span.Start <= s.shortest {
			s.drop(span)
			return
		}
	}
	s.kept = append(s.kept, span)
}

func (s *Spans) drop(span Span) {
	s.dropped++
	s.droppedBy.Add(max(span.End-span.Start, 0).Seconds())
}

// thin forgets every bar that is no longer than the median of those kept.
func (s *Spans) thin() {
	lengths := make([]Duration, len(s.kept))
	for i, k := range s.kept {
		lengths[i] = k.End - k.Start
	}
	slices.Sort(lengths)
	s.shortest = lengths[(len(lengths)-1)/2]
	left := s.kept[:0]
	for _, k := range s.kept {
		if k.End-k.Start > s.shortest {
			left = append(left, k)
		} else {
			s.drop(k)
		}
	}
	s.kept = left
}

// Merge takes all bars of from, in its order.
func (s *Spans) Merge(from *Spans) {
	for _, k := range from.kept {
		s.Record(k)
	}
	s.dropped += from.dropped
	s.droppedBy.Merge(from.droppedBy)
}

// Dropped returns how many bars were forgotten and their length in seconds all
// together.
func (s *Spans) Dropped() (count int64, sec float64) { return s.dropped, s.droppedBy.Sum() }

// All returns the bars ordered by start, track, end, kind and argument.
func (s *Spans) All() []Span {
	all := slices.Clone(s.kept)
	slices.SortFunc(all, func(a, b Span) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Track, b.Track),
			cmp.Compare(a.End, b.End), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Arg, b.Arg))
	})
	return all
}
