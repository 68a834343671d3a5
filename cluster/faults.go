package cluster

import (
	"math"

	"aisim/sim"
)

// Policy is how a campaign goes on after a failure of hardware.
type Policy uint8

// The policies.
const (
	Restart  Policy = iota // on a spare or after a repair, from the last checkpoint
	HotSpare               // spares run and wait: a restart onto them takes HotSec
	Shrink                 // without a spare, on fewer data-parallel replicas until a node comes back
)

// Domain is nodes that fail together, because they share a leaf switch, a rack or a
// supply: those from k·Nodes to (k+1)·Nodes.
type Domain struct {
	Nodes     int
	PerSec    float64 // failures of one domain
	RepairSec float64 // of a domain; all of its nodes come back at once
}

// Faults is what breaks and how long it takes to go on.
type Faults struct {
	PerNodeSec [NumFaultCauses]float64 // failures per node and second, by cause
	Domains    []Domain
	DetectSec  float64
	RestartSec float64 // new processes and communicators, without reading the checkpoint
	RepairSec  float64 // of a node
	Spares     int     // nodes that can replace failed ones at once
	Crews      int     // repairs at a time; 0 is as many as there are broken nodes
	Policy     Policy
	HotSec     float64 // restart onto hot spares
	NoticeSec  float64 // before an instance is taken away
	AnotherSec float64 // until another one is there in its place
	Foreseen   float64 // share of the hardware failures of nodes that are seen coming: the node is drained
}

// Rate is failures per second of a job on n nodes from the given one, those that are
// foreseen among them.
func (f Faults) Rate(first, n int) float64 {
	sum := 0.0
	for _, r := range f.PerNodeSec {
		sum += r
	}
	sum *= float64(n)
	for _, d := range f.Domains {
		sum += d.PerSec * float64(d.under(first, n))
	}
	return sum
}

// interrupts is the rate without what is foreseen.
func (f *Faults) interrupts(first, n int) float64 {
	rate := f.Rate(first, n)
	for cause, r := range f.PerNodeSec {
		if c := FaultCause(cause); c.hardware() && c != FaultTaken {
			rate -= f.Foreseen * r * float64(n)
		}
	}
	return math.Max(0, rate)
}

// under is the number of domains that n nodes from the given one lie in.
func (d Domain) under(first, n int) int { return (first+n-1)/d.Nodes - first/d.Nodes + 1 }

// hit is one failure.
type hit struct {
	cause     FaultCause
	from, n   int     // nodes of the job, from its first
	repairSec float64 // of a domain, 0: of nodes
}

// draw picks what fails next on n nodes from the given one.
func (f *Faults) draw(rng *sim.Stream, first, n int) hit {
	u := rng.Float64() * f.Rate(first, n)
	for i, v := range f.PerNodeSec {
		if u -= v * float64(n); u <= 0 && v > 0 {
			return hit{cause: FaultCause(i), from: -1, n: 1}
		}
	}
	for _, d := range f.Domains {
		k := d.under(first, n)
		if u -= d.PerSec * float64(k); u <= 0 && d.PerSec > 0 {
			at := (first/d.Nodes + rng.Intn(k)) * d.Nodes
			from, to := max(first, at), min(first+n, at+d.Nodes)
			return hit{cause: FaultDomain, from: from - first, n: to - from, repairSec: d.RepairSec}
		}
	}
	return hit{cause: FaultSoftware, from: -1, n: 1}
}

// depot is the spare nodes of a campaign and its broken ones.
type depot struct {
	spares int
	back   []float64 // when broken nodes are spares again, in order
	crews  []float64 // when each is free; nil: a crew for each repair
}

func newDepot(f *Faults) depot {
	d := depot{spares: f.Spares}
	if f.Crews > 0 {
		d.crews = make([]float64, f.Crews)
	}
	return d
}

// broken books n nodes that one repair of so long brings back, from the given time; what
// needs no crew waits for none.
func (d *depot) broken(sec, repairSec float64, n int, crew bool) {
	if d.crews != nil && crew {
		first := 0
		for i, free := range d.crews {
			if free < d.crews[first] {
				first = i
			}
		}
		sec = math.Max(sec, d.crews[first])
		d.crews[first] = sec + repairSec
	}
	sec += repairSec
	at := len(d.back)
	for at > 0 && d.back[at-1] > sec {
		at--
	}
	for range n {
		d.back = append(d.back, 0)
		copy(d.back[at+1:], d.back[at:])
		d.back[at] = sec
	}
}

// collect makes repaired nodes spares, those too that come back within the rounding of the
// clock.
func (d *depot) collect(now float64) {
	for len(d.back) > 0 && d.back[0] <= now+1e-6 {
		d.back = d.back[1:]
		d.spares++
	}
}

// take hands out up to n spares.
func (d *depot) take(n int) int {
	n = min(n, d.spares)
	d.spares -= n
	return n
}
