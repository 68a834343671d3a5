package rounds

import (
	"cmp"
	"compress/gzip"
	"container/heap"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"aisim/sim"
)

// Throughputs are measured steps a second of each type of job on each kind of GPU, by the
// number of GPUs.
type Throughputs struct {
	Types []string // in alphabetical order
	rate  map[string]map[typeKey]float64
}

type typeKey struct {
	name string
	gpus int
}

var gavelKey = regexp.MustCompile(`^\('(.*)', (\d+)\)$`)

// ReadThroughputs reads Gavel's table: kind of GPU, then "('job type', GPUs)", then "null"
// for steps a second alone.
func ReadThroughputs(path string) (*Throughputs, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("rounds: the measured throughputs: %w", err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		r = z
	}
	var raw map[string]map[string]map[string]json.RawMessage
	if err := json.NewDecoder(r).Decode(&raw); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t := &Throughputs{rate: map[string]map[typeKey]float64{}}
	for kind, rows := range raw {
		t.rate[kind] = map[typeKey]float64{}
		for key, row := range rows {
			m := gavelKey.FindStringSubmatch(key)
			alone, ok := row["null"]
			if m == nil || !ok {
				return nil, fmt.Errorf("%s: %s: %q is no \"('job type', GPUs)\" with a throughput alone", path, kind, key)
			}
			var v float64
			if err := json.Unmarshal(alone, &v); err != nil || !(v >= 0) {
				return nil, fmt.Errorf("%s: %s: %q: throughput %s", path, kind, key, alone)
			}
			n, err := strconv.Atoi(m[2])
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %q: %w", path, kind, key, err)
			}
			t.rate[kind][typeKey{m[1], n}] = v
			if n == 1 && !slices.Contains(t.Types, m[1]) {
				t.Types = append(t.Types, m[1])
			}
		}
	}
	slices.Sort(t.Types)
	if len(t.Types) == 0 {
		return nil, fmt.Errorf("%s: no type of job", path)
	}
	return t, nil
}

// Kind is so many GPUs of one kind.
type Kind struct {
	Name string // as in the throughputs: "v100"
	GPUs int
}

// Mixed is a machine with several kinds of GPU.
type Mixed struct {
	Kinds    []Kind
	RoundSec float64 // Gavel's experiments: 360
}

// GavelLoad is Gavel's synthetic workload: Poisson arrivals, types drawn alike, durations
// on the reference GPU as jobs.Generator's "gavel".
type GavelLoad struct {
	PerHour   float64
	MultiGPU  bool
	Reference string // kind on which durations are drawn: "v100"
	// The jobs from First to Last-1 are measured; arrivals go on until they have ended.
	First, Last int
}

// gavelJob is a job of the load.
type gavelJob struct {
	submit float64
	gpus   int
	rate   []float64 // steps a second by kind
	left   float64   // steps
	end    float64
	kind   int // where it runs, -1 where it waits
	had    []float64
}

// drawGavel draws jobs until there are twice as many as are measured at the end.
func (t *Throughputs) drawGavel(l GavelLoad, m Mixed, seed uint64) ([]gavelJob, error) {
	root := sim.NewStream(seed, "gavel")
	arrive, shape, run := root.Child("arrivals"), root.Child("types"), root.Child("runs")
	ref := t.rate[l.Reference]
	if ref == nil {
		return nil, fmt.Errorf("rounds: no throughputs of %q", l.Reference)
	}
	for _, k := range m.Kinds {
		if t.rate[k.Name] == nil {
			return nil, fmt.Errorf("rounds: no throughputs of %q", k.Name)
		}
	}
	if !(l.PerHour > 0) || l.Last <= l.First || l.First < 0 {
		return nil, fmt.Errorf("rounds: %v jobs an hour, jobs %d to %d measured: want a rate above 0 and a range", l.PerHour, l.First, l.Last)
	}
	at := 0.0
	n := l.Last + 2*(l.Last-l.First)
	list := make([]gavelJob, n)
	for i := range list {
		if i > 0 {
			at += arrive.Exp(3600 / l.PerHour)
		}
		gpus := 1
		if l.MultiGPU {
			switch u := shape.Float64(); {
			case u < 0.7:
			case u < 0.8:
				gpus = 2
			case u < 0.95:
				gpus = 4
			default:
				gpus = 8
			}
		}
		// Types that were not measured on so many GPUs are drawn again.
		var key typeKey
		for {
			key = typeKey{t.Types[shape.Intn(len(t.Types))], gpus}
			if ref[key] > 0 {
				break
			}
		}
		sec := 0.0
		if run.Float64() <= 0.8 {
			sec = 60 * math.Pow(10, run.Uniform(1.5, 3))
		} else {
			sec = 60 * math.Pow(10, run.Uniform(3, 4))
		}
		j := gavelJob{submit: at, gpus: gpus, left: sec * ref[key], kind: -1, end: math.NaN()}
		for _, k := range m.Kinds {
			j.rate = append(j.rate, t.rate[k.Name][key])
		}
		list[i] = j
	}
	return list, nil
}

// mean completion time of the measured jobs.
func meanCompletion(list []gavelJob, l GavelLoad) (float64, error) {
	sum := 0.0
	for i := l.First; i < l.Last; i++ {
		if math.IsNaN(list[i].end) {
			return 0, fmt.Errorf("rounds: job %d has not ended: at %.3g jobs an hour the queue grows without end", i, l.PerHour)
		}
		sum += list[i].end - list[i].submit
	}
	return sum / float64(l.Last-l.First), nil
}

// GavelFIFO runs jobs in order of arrival, each to its end on one kind of GPU: a random one
// among those that have room, or with aware the fastest. A head that fits nowhere blocks.
func (t *Throughputs) GavelFIFO(l GavelLoad, m Mixed, aware bool, seed uint64) (float64, error) {
	list, err := t.drawGavel(l, m, seed)
	if err != nil {
		return 0, err
	}
	pick := sim.NewStream(seed, "gavel fifo")
	free := make([]int, len(m.Kinds))
	for k := range free {
		free[k] = m.Kinds[k].GPUs
	}
	type running struct {
		end float64
		job int
	}
	var busy []running // by end
	head, next, left := 0, 0, l.Last-l.First
	now := 0.0
	for left > 0 && (head < len(list) || len(busy) > 0) {
		// The next moment: an arrival or an end.
		now = math.Inf(1)
		if next < len(list) {
			now = list[next].submit
		}
		if len(busy) > 0 {
			now = min(now, busy[0].end)
		}
		for len(busy) > 0 && busy[0].end <= now {
			j := busy[0].job
			free[list[j].kind] += list[j].gpus
			list[j].end = busy[0].end
			if j >= l.First && j < l.Last {
				left--
			}
			busy = busy[1:]
		}
		for next < len(list) && list[next].submit <= now {
			next++
		}
		for head < next {
			j := &list[head]
			kind, seen := -1, 0
			for k := range free {
				if free[k] < j.gpus || j.rate[k] <= 0 {
					continue
				}
				seen++
				if aware {
					if kind < 0 || j.rate[k] > j.rate[kind] {
						kind = k
					}
				} else if pick.Intn(seen) == 0 {
					kind = k
				}
			}
			if kind < 0 {
				break
			}
			j.kind = kind
			free[kind] -= j.gpus
			r := running{now + j.left/j.rate[kind], head}
			at, _ := slices.BinarySearchFunc(busy, r, func(a, b running) int {
				return cmp.Or(cmp.Compare(a.end, b.end), cmp.Compare(a.job, b.job))
			})
			busy = slices.Insert(busy, at, r)
			head++
		}
	}
	return meanCompletion(list, l)
}

// maxActive bounds the jobs that share the machine: beyond it no mean is worth having.
const maxActive = 3000

// offer of a kind of GPU to a job; the one furthest behind what it is owed comes first,
// ties go to the earlier job and then round the kinds.
type offer struct {
	priority  float64
	job, kind int
}

type offerHeap struct {
	list  []offer
	kinds int
}

func (h *offerHeap) Len() int      { return len(h.list) }
func (h *offerHeap) Swap(i, k int) { h.list[i], h.list[k] = h.list[k], h.list[i] }
func (h *offerHeap) Push(x any)    { h.list = append(h.list, x.(offer)) }
func (h *offerHeap) Pop() any {
	last := h.list[len(h.list)-1]
	h.list = h.list[:len(h.list)-1]
	return last
}
func (h *offerHeap) Less(i, k int) bool {
	a, b := h.list[i], h.list[k]
	return cmp.Or(cmp.Compare(b.priority, a.priority), cmp.Compare(a.job, b.job), cmp.Compare((a.kind+a.job)%h.kinds, (b.kind+b.job)%h.kinds)) < 0
}

// GavelLAS shares the machine in rounds by least attained service without regard to speed:
// each job is owed the fraction of time that max–min fairness of GPU time gives it, spread
// over the kinds in proportion to their numbers, and in each round the jobs that are
// furthest behind what they are owed on a kind run there.
func (t *Throughputs) GavelLAS(l GavelLoad, m Mixed, seed uint64) (float64, error) {
	list, err := t.drawGavel(l, m, seed)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, k := range m.Kinds {
		total += k.GPUs
	}
	var active []int
	next, left := 0, l.Last-l.First
	var offers []offer
	share := []float64{}
	now := 0.0
	for left > 0 && next+len(active) > 0 || next < len(list) {
		if left == 0 {
			break
		}
		if len(active) == 0 {
			if next == len(list) {
				break
			}
			now = max(now, math.Ceil(list[next].submit/m.RoundSec)*m.RoundSec)
		}
		changed := false
		for next < len(list) && list[next].submit <= now {
			list[next].had = make([]float64, len(m.Kinds))
			active = append(active, next)
			next++
			changed = true
		}
		if changed || len(share) != len(active) {
			share = fairFractions(list, active, total, share)
			for _, i := range active {
				clear(list[i].had)
			}
		}
		offers = offers[:0]
		for a, i := range active {
			j := &list[i]
			for k := range m.Kinds {
				owed := share[a] * float64(m.Kinds[k].GPUs) / float64(total)
				if j.rate[k] <= 0 || owed <= 0 {
					continue
				}
				// A job that has had nothing comes first; ties go to the earlier.
				p := math.Inf(1)
				if j.had[k] > 0 {
					p = owed / j.had[k]
				}
				offers = append(offers, offer{p, i, k})
			}
			j.kind = -1
		}
		if len(active) > maxActive {
			return 0, fmt.Errorf("rounds: %d jobs share %d GPUs: at %.3g jobs an hour the queue grows without end", len(active), total, l.PerHour)
		}
		free, room := make([]int, len(m.Kinds)), total
		for k := range free {
			free[k] = m.Kinds[k].GPUs
		}
		h := offerHeap{offers, len(m.Kinds)}
		heap.Init(&h)
		for room > 0 && h.Len() > 0 {
			o := heap.Pop(&h).(offer)
			if j := &list[o.job]; j.kind < 0 && j.gpus <= free[o.kind] {
				j.kind = o.kind
				free[o.kind] -= j.gpus
				room -= j.gpus
			}
		}
		kept := active[:0]
		for _, i := range active {
			j := &list[i]
			if j.kind >= 0 {
				rate := j.rate[j.kind]
				if rate*m.RoundSec >= j.left {
					j.end = now + j.left/rate
					if i >= l.First && i < l.Last {
						left--
					}
					continue
				}
				j.left -= rate * m.RoundSec
				j.had[j.kind]++
			}
			kept = append(kept, i)
		}
		active = kept
		now += m.RoundSec
	}
	return meanCompletion(list, l)
}

// fairFractions is the fraction of time that each active job is given so that the least
// GPU time is largest, then the next: a job of g GPUs gets min(1, y/g).
func fairFractions(list []gavelJob, active []int, total int, out []float64) []float64 {
	out = out[:0]
	asked := 0
	for _, i := range active {
		asked += list[i].gpus
	}
	y := math.Inf(1)
	if asked > total {
		// Raise the level until the machine is full: jobs of few GPUs reach all their time
		// first.
		sizes := map[int]int{}
		for _, i := range active {
			sizes[list[i].gpus]++
		}
		keys := make([]int, 0, len(sizes))
		for g := range sizes {
			keys = append(keys, g)
		}
		slices.Sort(keys)
		left, jobs := float64(total), len(active)
		for _, g := range keys {
			if left/float64(jobs) < float64(g) {
				break
			}
			left -= float64(g * sizes[g])
			jobs -= sizes[g]
		}
		y = left / float64(jobs)
	}
	for _, i := range active {
		out = append(out, min(1, y/float64(list[i].gpus)))
	}
	return out
}
