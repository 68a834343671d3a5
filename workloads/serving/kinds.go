package serving

// kindCounts are the decoding sequences of a replica by class, from which the gaps between
// the tokens of each class are known. nil where nobody asks.
type kindCounts struct {
	classes []Class
	running []int32
}

// of is the class of request i.
func (k *kindCounts) of(i int32) int {
	if k == nil {
		return 0
	}
	return classOf(k.classes, int(i))
}

func (k *kindCounts) add(i, n int32) {
	if k != nil {
		k.running[k.of(i)] += n
	}
}

// noteKinds writes down the decoding sequences by class; nothing of a step in which none decodes.
func (r *replica) noteKinds(decoding bool) {
	if r.kinds == nil || r.log == nil {
		return
	}
	if decoding {
		r.log.kinds = append(r.log.kinds, r.kinds.running...)
		return
	}
	for range r.kinds.running {
		r.log.kinds = append(r.log.kinds, 0)
	}
}

// postKinds counts the gaps of an entry by class and returns the counts of the entries after it:
// those who had a token in the step, who of them go on, and in a mixed step all who go on.
func (a *account) postKinds(e *entry, counts []int32) []int32 {
	n := len(a.kinds)
	if n == 0 {
		return counts
	}
	switch e.kind {
	case ranSteps:
		for k := range a.kinds {
			g := &a.kinds[k]
			g.run(a.model, e, int(counts[k]))
			g.joined(e.end, int(counts[n+k]))
		}
		return counts[2*n:]
	case mixedStep:
		for k := range a.kinds {
			g, stay := &a.kinds[k], counts[n+k]
			if e.batch > 0 {
				g.decode(e.end, int(counts[k]))
				g.joined(e.end, int(stay))
			}
			g.joined(e.end, int(counts[2*n+k]-stay))
		}
		return counts[3*n:]
	case lostWork:
		for k := range a.kinds {
			a.kinds[k].last = a.kinds[k].last[:0]
		}
	case tookOver:
		a.kinds[e.batch].joined(e.start, 1)
	case wentOn:
		a.kinds[e.batch].h.Record(e.end - e.start)
	case batchStep, adapterWork:
	}
	return counts
}
