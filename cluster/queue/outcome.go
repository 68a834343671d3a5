package queue

import (
	"math"
	"sort"

	"aisim/sim"
)

// Use of the GPUs, in GPU-seconds; the parts add up to Capacity.
type Use struct {
	Capacity   float64
	Useful     float64 // work that was kept
	Lost       float64 // work done again after a stop or a failure
	Checkpoint float64
	Restart    float64 // starting again, and being bound to nodes
	Fragmented float64 // free, while a job that asks for no more does not fit
	Idle       float64
	Reserved   float64 // kept free by windows
	Down       float64
	Booting    float64 // rented, not up yet
	Off        float64 // not rented
}

// Stats of a set of jobs.
type Stats struct {
	Name         string
	Jobs         int
	GPUSec       float64 // held
	WaitMeanSec  float64
	WaitP50Sec   float64
	WaitP95Sec   float64
	JCTMeanSec   float64
	SlowdownMean float64 // bounded: (wait + run)/max(run, 10 s)
	WithinSLO    float64 // share that waited no longer than the limit
	USD          float64

	wait, jct *sim.Histogram
	slow      float64
	within    int
}

// Outcome of a run.
type Outcome struct {
	Stats               // of all jobs
	Classes     []Stats // by size
	Tenants     []Stats
	Queues      []Stats
	Use         Use
	EndSec      float64
	Utilisation float64 // GPUs held over those there are, from the first submission to the last end
	Busy        float64 // the same, while jobs are submitted
	Goodput     float64 // useful GPU-seconds over capacity
	NodeStarts  int     // nodes that were rented
	Stops       int     // of running jobs, for others
	Resizes     int     // of elastic jobs
	Failures    int     // that hit a running job
	Killed      int     // at their limit
	MeanQueue   float64 // jobs
	MaxQueue    int
	Events      int
	Load        float64 // offered, while jobs are submitted
	Hash        uint64  // of every start and end, in order

	StartSec, EndsSec []float64 // by job, where asked for
}

var sizeNames = []string{"1 GPU", "2 to 8 GPUs", "9 to 64 GPUs", "65 to 512 GPUs", "more than 512 GPUs"}

func sizeClass(gpus int32) int {
	return sort.SearchInts([]int{1, 8, 64, 512}, int(gpus))
}

func newStats(name string) Stats {
	return Stats{Name: name, wait: sim.NewHistogram(), jct: sim.NewHistogram()}
}

func (s *Stats) add(waitSec, jctSec, runSec, gpuSec, sloSec float64) {
	s.Jobs++
	s.GPUSec += gpuSec
	s.wait.Record(waitSec)
	s.jct.Record(jctSec)
	s.slow += math.Max(1, jctSec/math.Max(runSec, 10))
	if sloSec <= 0 || waitSec <= sloSec {
		s.within++
	}
}

func (s *Stats) close() {
	if s.Jobs == 0 {
		return
	}
	n := float64(s.Jobs)
	s.WaitMeanSec, s.JCTMeanSec = s.wait.Mean(), s.jct.Mean()
	s.WaitP50Sec, s.WaitP95Sec = s.wait.Percentile(50), s.wait.Percentile(95)
	s.SlowdownMean, s.WithinSLO = s.slow/n, float64(s.within)/n
}
