package serving

import (
	"fmt"
	"math"
	"slices"
)

// Class is a kind of requests or a tenant: a share of the load with a priority and a goal of its own.
type Class struct {
	ID       string
	Share    float64 // of the requests, over the sum of all
	Priority int     // the higher goes first
	SLO      SLO     // without limits: the service's
}

// maxClasses bounds the classes of a service.
const maxClasses = 64

func validateClasses(c *Config) error {
	for i, k := range c.Classes {
		switch {
		case k.ID == "":
			return fmt.Errorf("serving: class %d has no id", i)
		case !(k.Share > 0 && k.Share <= 1e6):
			return fmt.Errorf("serving: class %s has a share of %v: expected more than 0 and at most 1e6", k.ID, k.Share)
		case !(k.SLO.TTFTSec >= 0 && k.SLO.TPOTSec >= 0) || !(k.SLO.attainment() > 0 && k.SLO.attainment() <= 1):
			return fmt.Errorf("serving: class %s has an impossible slo: %+v", k.ID, k.SLO)
		case c.Arch.Generic != nil && k.Priority != c.Classes[0].Priority:
			return fmt.Errorf("serving: classes %s and %s differ in priority: the batcher of a generic model takes samples in order", c.Classes[0].ID, k.ID)
		}
		for _, other := range c.Classes[:i] {
			if other.ID == k.ID {
				return fmt.Errorf("serving: two classes have the id %s", k.ID)
			}
		}
	}
	if len(c.Classes) > maxClasses {
		return fmt.Errorf("serving: %d classes: at most %d", len(c.Classes), maxClasses)
	}
	return nil
}

// sharedOut is the classes with shares that add up to 1.
func sharedOut(classes []Class) []Class {
	sum := 0.0
	for i := range classes {
		sum += classes[i].Share
	}
	out := slices.Clone(classes)
	for i := range out {
		out[i].Share /= sum
	}
	return out
}

// classOf is the class of request i: drawn by its number alone, so that a request keeps its
// class whatever serves it. The numbers are those of SplitMix64 (Steele, Lea and Flood 2014).
func classOf(classes []Class, i int) int {
	z := uint64(i+1) * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	u := float64((z^z>>31)>>11) / (1 << 53)
	for k := range classes[:len(classes)-1] {
		if u -= classes[k].Share; u < 0 {
			return k
		}
	}
	return len(classes) - 1
}

// slo is the goal of a request of a class.
func (c *Config) slo(class int) *SLO {
	if len(c.Classes) > 0 {
		if s := &c.Classes[class].SLO; s.TTFTSec > 0 || s.TPOTSec > 0 {
			return s
		}
	}
	return &c.SLO
}

// ClassOutcome is what happened to the requests of one class.
type ClassOutcome struct {
	ID                            string
	SLO                           SLO
	Requests, Completed, Attained int
	TTFT, TPOT, E2E, Queue        Distribution
	ITL                           Distribution // between deliveries to a client
	Attainment                    float64
}

// meets says whether every class reaches its goal.
func (o *Outcome) meets(goal float64) bool {
	for i := range o.Classes {
		if k := &o.Classes[i]; k.Requests > 0 && k.Attainment < k.SLO.attainment() {
			return false
		}
	}
	return len(o.Classes) > 0 || o.Attainment >= goal
}

// classTally counts one class.
type classTally struct {
	requests, completed, attained int
	ttft, tpot, e2e, queue        latency
}

func (t *classTally) ended(l *latencies, good bool) {
	t.completed++
	if good {
		t.attained++
	}
	t.ttft.add(l.ttft)
	t.e2e.add(l.e2e)
	t.queue.add(l.queue)
	if !math.IsNaN(l.tpot) {
		t.tpot.add(l.tpot)
	}
}

func (t *tally) classOutcomes() (out []ClassOutcome) {
	c := &t.p.Config
	for k := range t.classes {
		n := &t.classes[k]
		o := ClassOutcome{ID: c.Classes[k].ID, SLO: *c.slo(k), Requests: n.requests, Completed: n.completed, Attained: n.attained,
			TTFT: n.ttft.distribution(), TPOT: n.tpot.distribution(), E2E: n.e2e.distribution(), Queue: n.queue.distribution()}
		if n.requests > 0 {
			o.Attainment = float64(n.attained) / float64(n.requests)
		}
		out = append(out, o)
	}
	return out
}
