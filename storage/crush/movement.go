package crush

import (
	"fmt"
	"slices"
)

// Movement is what changes when one map takes the place of another.
type Movement struct {
	Inputs  int64
	Changed int64   // inputs whose result differs in any way, order included
	Places  int64   // OSDs in the results of the first map
	Moved   int64   // places of the second map on OSDs that did not hold the input: bytes that must be copied
	Filled  int64   // of these, places that had no OSD before
	In, Out []int64 // by OSD: inputs gained and lost
}

// Compare maps the same inputs by two maps, each with its own rule and reweights.
func Compare(before, after *Map, from, to Inputs, workers int) (*Movement, error) {
	for _, in := range []*Inputs{&from, &to} {
		if err := in.check(); err != nil {
			return nil, err
		}
	}
	if from.MinX != to.MinX || from.MaxX != to.MaxX {
		return nil, fmt.Errorf("crush: movement compares the same inputs, not %d..%d with %d..%d", from.MinX, from.MaxX, to.MinX, to.MaxX)
	}
	type worker struct {
		p, q *Mapper
		a, b []int32
		v    *Movement
	}
	devices := max(before.devices, after.devices)
	states := spread(from.count(), workers, func() *worker {
		return &worker{p: from.mapper(before), q: to.mapper(after), a: make([]int32, 0, from.Size), b: make([]int32, 0, to.Size),
			v: &Movement{In: make([]int64, devices), Out: make([]int64, devices)}}
	}, func(w *worker, _, first, last int) {
		for x := from.MinX + first; x < from.MinX+last; x++ {
			w.a = w.p.Do(from.Rule, from.input(x), from.Size, from.Reweight, w.a)
			w.b = w.q.Do(to.Rule, to.input(x), to.Size, to.Reweight, w.b)
			w.v.add(w.a, w.b)
		}
	})
	for _, w := range states[1:] {
		states[0].v.merge(w.v)
	}
	return states[0].v, nil
}

func (v *Movement) add(a, b []int32) {
	v.Inputs++
	if !slices.Equal(a, b) {
		v.Changed++
	}
	lost := int64(0)
	for _, o := range a {
		if o >= 0 && o != None {
			v.Places++
			if !slices.Contains(b, o) {
				v.Out[o]++
				lost++
			}
		}
	}
	for _, o := range b {
		if o >= 0 && o != None && !slices.Contains(a, o) {
			v.In[o]++
			v.Moved++
			if lost == 0 {
				v.Filled++
			} else {
				lost--
			}
		}
	}
}

func (v *Movement) merge(w *Movement) {
	v.Inputs += w.Inputs
	v.Changed += w.Changed
	v.Places += w.Places
	v.Moved += w.Moved
	v.Filled += w.Filled
	for i := range v.In {
		v.In[i] += w.In[i]
		v.Out[i] += w.Out[i]
	}
}
