package crush

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
)

// Test is what `crushtool --test` is asked: which rules and inputs, and what to show.
type Test struct {
	Rule       int // −1: all
	Size       int // −1: from the rule's min_size to its max_size
	MinX, MaxX int // both inclusive
	Pool       int64
	Reweight   []uint32

	Mappings, BadMappings, Statistics, Utilization, UtilizationAll bool
}

// Write prints the test in crushtool's form. The text does not depend on workers.
func (t *Test) Write(w io.Writer, m *Map, workers int) error {
	out := bufio.NewWriterSize(w, 1<<16)
	statistics := t.Statistics || t.Utilization || t.UtilizationAll
	for i := range m.Rules {
		r := &m.Rules[i]
		if t.Rule >= 0 && r.ID != t.Rule {
			continue
		}
		low, high := t.Size, t.Size
		if t.Size < 0 {
			low, high = r.MinSize, r.MaxSize
		}
		if statistics {
			fmt.Fprintf(out, "rule %d (%s), x = %d..%d, numrep = %d..%d\n", r.ID, r.Name, t.MinX, t.MaxX, low, high)
		}
		for size := low; size <= high; size++ {
			if err := t.writeSize(out, m, r, size, workers); err != nil {
				return err
			}
		}
	}
	return out.Flush()
}

// writeSize prints one rule with one size.
func (t *Test) writeSize(out *bufio.Writer, m *Map, r *Rule, size, workers int) error {
	total := int32(0) // Ceph's type, which overflows beyond 32,767 OSDs that are in
	for _, w := range t.Reweight {
		total += int32(w)
	}
	if total == 0 {
		return nil
	}
	in := Inputs{Rule: r, Size: size, MinX: t.MinX, MaxX: t.MaxX, Reweight: t.Reweight, Pool: t.Pool}
	var tally *Tally
	var err error
	if t.Mappings || t.BadMappings {
		tally, err = t.writeMappings(out, m, &in, workers)
	} else {
		tally, err = m.Tally(in, workers)
	}
	if err != nil || !(t.Statistics || t.Utilization || t.UtilizationAll) {
		return err
	}
	for n, count := range tally.Sizes {
		if count > 0 {
			fmt.Fprintf(out, "rule %d (%s) num_rep %d result size == %d:\t%d/%d\n", r.ID, r.Name, size, n, count, in.count())
		}
	}
	expected := float32(min(size, m.maxAffected(r)) * in.count())
	for osd, stored := range tally.Stored {
		e := float32(t.Reweight[osd]) / float32(total) * expected
		if t.UtilizationAll || t.Utilization && e > 0 && stored > 0 {
			fmt.Fprintf(out, "  device %d:\t\t stored : %d\t expected : %s\n", osd, stored, strconv.FormatFloat(float64(e), 'g', 6, 64))
		}
	}
	return nil
}

// piece is the text of one chunk of inputs.
type piece struct {
	number int
	text   []byte
}

// writeMappings prints a line for every input, and for those that are bad, in order: workers
// write chunks, which are put out as their turn comes.
func (t *Test) writeMappings(out *bufio.Writer, m *Map, in *Inputs, workers int) (*Tally, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	type worker struct {
		p    *Mapper
		t    *Tally
		osds []int32
	}
	pieces := make(chan piece, 4)
	free := make(chan []byte, 2*max(workers, 1)+4) // how far ahead of the writer the workers may be
	for range cap(free) {
		free <- nil
	}
	var states []*worker
	go func() {
		states = spread(in.count(), workers, func() *worker {
			return &worker{in.mapper(m), newTally(m, in.Size), make([]int32, 0, in.Size)}
		}, func(w *worker, number, first, last int) {
			text := (<-free)[:0]
			for x := in.MinX + first; x < in.MinX+last; x++ {
				w.osds = w.p.Do(in.Rule, in.input(x), in.Size, in.Reweight, w.osds)
				bad := w.t.add(w.osds, in.Size)
				if t.Mappings {
					text = append(text, "CRUSH rule "...)
					text = appendMapping(text, in.Rule.ID, x, -1, w.osds)
				}
				if t.BadMappings && bad {
					text = append(text, "bad mapping rule "...)
					text = appendMapping(text, in.Rule.ID, x, in.Size, w.osds)
				}
			}
			pieces <- piece{number, text}
		})
		close(pieces)
	}()
	waiting, next := map[int][]byte{}, 0
	var err error
	for p := range pieces {
		waiting[p.number] = p.text
		for text, ok := waiting[next]; ok; text, ok = waiting[next] {
			delete(waiting, next)
			next++
			if err == nil {
				_, err = out.Write(text)
			}
			free <- text
		}
	}
	for _, w := range states[1:] {
		states[0].t.merge(w.t)
	}
	return states[0].t, err
}

// appendMapping writes "RULE x X [A,B]", with " num_rep N result" before the list for bad ones.
func appendMapping(to []byte, rule, x, size int, osds []int32) []byte {
	to = strconv.AppendInt(to, int64(rule), 10)
	to = append(to, " x "...)
	to = strconv.AppendInt(to, int64(x), 10)
	if size >= 0 {
		to = append(to, " num_rep "...)
		to = strconv.AppendInt(to, int64(size), 10)
		to = append(to, " result"...)
	}
	to = append(to, " ["...)
	for i, o := range osds {
		if i > 0 {
			to = append(to, ',')
		}
		to = strconv.AppendInt(to, int64(o), 10)
	}
	return append(to, "]\n"...)
}

// Reweight is a --weight of crushtool in 16.16: cut off at 0 and 1.
func Reweight(w float32) uint32 {
	return uint32(max(0, min(One, int64(w*One))))
}
