package validate

import "math/bits"

// sweep is the rows of one service under different loads.
type sweep struct {
	loads map[float64]bool
	top   float64
}

// sweepColumns are those in which the rows of a sweep agree.
var sweepColumns = []string{"hardware", "model", "engine", "engine_version", "precision", "parallelism", "mode", "isl", "osl"}

func sweepOf(row Row) (key string) {
	for _, c := range sweepColumns {
		key += row.Text(c) + "\n"
	}
	return key
}

// study implements studier: it looks where sweeps of pools end.
func (k *inference) study(t *Table) {
	k.sweeps = map[string]*sweep{}
	for _, row := range t.Rows {
		v, ok, err := row.Number("load_value")
		if err != nil || !ok || !poolRE.MatchString(row.Text("parallelism")) {
			continue
		}
		key := sweepOf(row)
		s := k.sweeps[key]
		if s == nil {
			s = &sweep{loads: map[float64]bool{}}
			k.sweeps[key] = s
		}
		s.loads[v], s.top = true, max(s.top, v)
	}
}

// sweepLoads is how many loads make a sweep whose end says something.
const sweepLoads = 3

// seats is what a decode worker of a disaggregated row has, where the row does not say. Engines
// that promise the whole output at admission (TensorRT-LLM) are given a largest batch, up to which
// they capture graphs, in powers of two; sweeps go on until it is full and some requests wait. A
// sweep that ends at 11 sequences for each worker was of workers of 8. Those of workers with attention
// groups end at whole multiples of the groups' batches, 768 among them: they say nothing.
func (k *inference) seats(s *service, row Row) {
	w := k.sweeps[sweepOf(row)]
	if len(s.pools) != 2 || s.pools[1].adp > 1 || s.limits.maxSeqs > 0 || s.engine.ReserveOutput < 1 || w == nil || len(w.loads) < sweepLoads {
		return
	}
	each := int(w.top) / s.pools[1].workers
	if each < 1 {
		return
	}
	s.limits.maxSeqs = 1 << (bits.Len(uint(each)) - 1)
	s.assume("%d sequences for each worker that decodes: the sweep ends at %g over %d", s.limits.maxSeqs, w.top, s.pools[1].workers)
}
