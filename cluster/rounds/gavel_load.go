package rounds

import (
	"fmt"
	"math"
)

// Kind is so many GPUs of one kind.
type Kind struct {
	Name string // as in the throughputs: "v100"
	GPUs int
}

// GavelLoad is Gavel's synthetic workload: Poisson arrivals, types drawn alike, durations on
// the reference GPU of 60·10^x seconds, x uniform from 1.5 to 3 and in one case of five from
// 3 to 4; 1, 2, 4 or 8 GPUs with 70, 10, 15 and 5 %.
type GavelLoad struct {
	PerHour   float64
	MultiGPU  bool
	Reference string // kind on which durations are drawn: "v100"
	// The jobs from First to Last-1 are measured; arrivals go on until they have ended.
	First, Last int
}

func (l GavelLoad) check() error {
	if !(l.PerHour > 0) || l.Last <= l.First || l.First < 0 {
		return fmt.Errorf("rounds: %v jobs an hour, jobs %d to %d measured: want a rate above 0 and a range", l.PerHour, l.First, l.Last)
	}
	return nil
}

// mixedJob is a job that runs on any of several kinds of GPU.
type mixedJob struct {
	id     int
	key    typeKey
	submit float64
	gpus   int
	rate   []float64 // steps a second by kind
	ref    float64   // on the reference kind
	left   float64   // steps

	known   bool // an allocation was computed since it came
	share   []float64
	had     []float64 // seconds on each kind since the last allocation, half a round for a start
	behind  []float64 // seconds that it was owed on each kind and did not get
	kind    int       // where it runs, -1 where it waits
	promise int       // kind that FIFO gave it, -1 for none
	done    bool
	now     []float64 // priorities

	isolatedSec, isolatedRate, leftThen float64 // of finish-time fairness
}

// gavelDraws are those of one run of the published experiments: seeds 2 and 3 above that of
// the run feed the jobs and the times between them.
type gavelDraws struct {
	t          *Throughputs
	l          GavelLoad
	kinds      []Kind
	jobs, gaps *mersenne
	next       float64 // arrival
	count      int
}

func newGavelDraws(t *Throughputs, l GavelLoad, kinds []Kind, seed uint32) *gavelDraws {
	return &gavelDraws{t: t, l: l, kinds: kinds, jobs: newMersenne(seed + 2), gaps: newMersenne(seed + 3)}
}

func (d *gavelDraws) arrival() float64 { return d.next }

func (d *gavelDraws) draw() *mixedJob {
	gpus := 1
	switch u := d.jobs.float(); {
	case !d.l.MultiGPU || u < 0.7:
	case u <= 0.8:
		gpus = 2
	case u <= 0.95:
		gpus = 4
	default:
		gpus = 8
	}
	var sec float64
	if d.jobs.float() >= 0.8 {
		sec = 60 * math.Pow(10, d.jobs.uniform(3, 4))
	} else {
		sec = 60 * math.Pow(10, d.jobs.uniform(1.5, 3))
	}
	// Types that were not measured on several GPUs are drawn again for jobs of several.
	name := ""
	for name == "" || gpus > 1 && !d.t.distributed(d.l.Reference, name) {
		name = d.t.Types[d.jobs.below(len(d.t.Types))]
	}
	j := d.t.job(typeKey{name, gpus}, d.l.Reference, d.kinds)
	j.id, j.submit, j.left = d.count, d.next, sec*j.ref
	d.count++
	d.next += -math.Log(1-d.gaps.float()) * 3600 / d.l.PerHour
	return j
}

// job of a type, without steps.
func (t *Throughputs) job(key typeKey, reference string, kinds []Kind) *mixedJob {
	n := len(kinds)
	cells := make([]float64, 5*n)
	j := &mixedJob{key: key, gpus: key.gpus, ref: t.rate[reference][key], kind: -1,
		rate: cells[:n:n], share: cells[n : 2*n : 2*n], had: cells[2*n : 3*n : 3*n], behind: cells[3*n : 4*n : 4*n], now: cells[4*n:]}
	for k := range kinds {
		j.rate[k] = t.rate[kinds[k].Name][key]
	}
	return j
}
