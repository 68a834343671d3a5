package crush

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// Inputs is a range of CRUSH inputs to map by one rule.
type Inputs struct {
	Rule       *Rule
	Size       int      // OSDs wanted per input
	MinX, MaxX int      // both inclusive; 32-bit
	Reweight   []uint32 // as for Mapper.Do
	ChooseArgs int64    // index of the weight-set to use where the map has it or a default one
	Pool       int64    // hash inputs with this pool's id, unless negative
}

// maxSize bounds the OSDs per input.
const maxSize = 1 << 15

// chunk is how many inputs a worker takes at a time.
const chunk = 2048

func (in *Inputs) check() error {
	switch {
	case in.Size < 0 || in.Size > maxSize:
		return fmt.Errorf("crush: %d OSDs per input, allowed are 0 to %d", in.Size, maxSize)
	case in.MinX < -1<<31 || in.MaxX > 1<<31-1:
		return fmt.Errorf("crush: inputs %d..%d, allowed are 32-bit numbers", in.MinX, in.MaxX)
	}
	return nil
}

// count is the number of inputs.
func (in *Inputs) count() int { return max(0, in.MaxX-in.MinX+1) }

func (in *Inputs) input(x int) uint32 {
	if in.Pool >= 0 {
		return Hash2(uint32(x), uint32(in.Pool))
	}
	return uint32(x)
}

// mapper is a Mapper with the weight-set of the inputs.
func (in *Inputs) mapper(m *Map) *Mapper {
	p := m.NewMapper()
	p.UseChooseArgs(in.ChooseArgs)
	return p
}

// spread calls work for every chunk of n inputs, first … last−1, on so many workers.
// start makes a worker's own state.
func spread[W any](n, workers int, start func() W, work func(w W, number, first, last int)) []W {
	workers = max(1, min(workers, (n+chunk-1)/chunk))
	states := make([]W, workers)
	var next atomic.Int64
	var all sync.WaitGroup
	for i := range states {
		states[i] = start()
		loop := func() {
			for {
				number := int(next.Add(1)) - 1
				if number*chunk >= n {
					return
				}
				work(states[i], number, number*chunk, min(n, (number+1)*chunk))
			}
		}
		if i == workers-1 {
			loop()
		} else {
			all.Go(loop)
		}
	}
	all.Wait()
	return states
}

// Placement holds the OSDs of every input, Size places each, None where empty.
type Placement struct {
	Size int
	OSDs []int32
}

// Of is the places of input i (counted from MinX).
func (p *Placement) Of(i int) []int32 { return p.OSDs[i*p.Size : (i+1)*p.Size] }

// Place maps all inputs into memory: 4 bytes per place. The result does not depend on workers.
func (m *Map) Place(in Inputs, workers int) (*Placement, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	out := &Placement{Size: in.Size, OSDs: make([]int32, in.count()*in.Size)}
	spread(in.count(), workers, func() *Mapper { return in.mapper(m) }, func(p *Mapper, _, first, last int) {
		buf := make([]int32, 0, in.Size)
		for i := first; i < last; i++ {
			places := out.Of(i)
			buf = p.Do(in.Rule, in.input(in.MinX+i), in.Size, in.Reweight, buf)
			for k := copy(places, buf); k < len(places); k++ {
				places[k] = None
			}
		}
	})
	return out, nil
}

// Tally counts placements.
type Tally struct {
	Stored []int64 // by OSD
	Sizes  []int64 // results by their length, holes of indep counted as filled
	Bad    int64   // results that are short or have holes
}

// Tally maps all inputs and counts.
func (m *Map) Tally(in Inputs, workers int) (*Tally, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	type worker struct {
		p   *Mapper
		t   *Tally
		buf []int32
	}
	states := spread(in.count(), workers, func() *worker {
		return &worker{in.mapper(m), newTally(m, in.Size), make([]int32, 0, in.Size)}
	}, func(w *worker, _, first, last int) {
		for i := first; i < last; i++ {
			w.buf = w.p.Do(in.Rule, in.input(in.MinX+i), in.Size, in.Reweight, w.buf)
			w.t.add(w.buf, in.Size)
		}
	})
	for _, w := range states[1:] {
		states[0].t.merge(w.t)
	}
	return states[0].t, nil
}

func newTally(m *Map, size int) *Tally {
	return &Tally{Stored: make([]int64, m.devices), Sizes: make([]int64, size+1)}
}

// add counts one result and says whether it is bad.
func (t *Tally) add(osds []int32, size int) bool {
	bad := len(osds) != size
	for _, o := range osds {
		if o == None {
			bad = true
		} else if o >= 0 {
			t.Stored[o]++
		}
	}
	t.Sizes[len(osds)]++
	if bad {
		t.Bad++
	}
	return bad
}

func (t *Tally) merge(other *Tally) {
	for i, n := range other.Stored {
		t.Stored[i] += n
	}
	for i, n := range other.Sizes {
		t.Sizes[i] += n
	}
	t.Bad += other.Bad
}
