package faas

import (
	"fmt"
	"math"

	"aisim/sim"
)

// Stage is one step of a cold start.
type Stage struct {
	Name string
	Sec  float64 // mean
	CV   float64 // coefficient of variation, lognormal; 0 is fixed
	// Bytes that this stage moves at BytesPerSec, beside Sec.
	Bytes, BytesPerSec float64
}

// MeanSec of the stage.
func (s Stage) MeanSec() float64 {
	if s.Bytes > 0 {
		return s.Sec + s.Bytes/s.BytesPerSec
	}
	return s.Sec
}

// Config is a function and its platform.
type Config struct {
	RatePerSec float64 // Poisson arrivals
	WarmSec    float64 // mean service time on a warm instance
	ServiceCV  float64 // 1 draws exponential times, 0 fixed ones, else lognormal
	// ColdSec is the mean service time of a request that starts an instance, where it was
	// measured as a whole; else Chain goes before a warm service.
	ColdSec      float64
	Chain        []Stage
	KeepAliveSec float64
	ReapSec      float64 // idle instances are looked at once per so long
	LifetimeSec  float64 // an instance takes no request once it is so old; 0 is no limit
	Concurrency  int     // requests at a time in one instance; 0 is 1
	MaxInstances int     // 0 is no limit
	MinInstances int     // kept warm whatever happens
	Requests     int
}

// Outcome of a run, over the time from the end of the warm-up to the last arrival.
type Outcome struct {
	Requests       int
	Cold           int
	ColdProb       float64
	MeanInstances  float64 // alive
	MeanBusy       float64 // serving at least one request
	MeanIdle       float64
	MeanSeen       float64 // serving, or with a reply younger than the keep-alive: what a client can count
	MeanInService  float64 // requests being served
	WaitMeanSec    float64 // for a free slot, where instances are bounded
	RespMeanSec    float64
	RespP50Sec     float64
	RespP99Sec     float64
	InstanceSec    float64
	BusySec        float64 // billed: instances that serve
	SimulatedSec   float64
	PeakInstances  int
	ColdMeanSec    float64 // added by the chain
	ResponseCounts *sim.Histogram
}

// Check says what is wrong.
func (c Config) Check() error {
	switch {
	case !(c.RatePerSec > 0) || math.IsInf(c.RatePerSec, 0):
		return fmt.Errorf("faas: arrival rate %v per second: want more than 0", c.RatePerSec)
	case !(c.WarmSec > 0) || math.IsInf(c.WarmSec, 0):
		return fmt.Errorf("faas: service time %v s: want more than 0", c.WarmSec)
	case !(c.ServiceCV >= 0) || !(c.KeepAliveSec >= 0) || !(c.ReapSec >= 0) || !(c.LifetimeSec >= 0) || !(c.ColdSec >= 0):
		return fmt.Errorf("faas: times and coefficients of variation cannot be negative")
	case c.Concurrency < 0 || c.MaxInstances < 0 || c.MinInstances < 0 || c.Requests < 0:
		return fmt.Errorf("faas: counts cannot be negative")
	case c.MaxInstances > 0 && c.MinInstances > c.MaxInstances:
		return fmt.Errorf("faas: %d instances kept warm, at most %d allowed", c.MinInstances, c.MaxInstances)
	}
	for _, s := range c.Chain {
		if s.Sec < 0 || s.CV < 0 || s.Bytes < 0 || s.Bytes > 0 && !(s.BytesPerSec > 0) {
			return fmt.Errorf("faas: stage %s: want times, bytes and rates above 0", s.Name)
		}
	}
	if load := c.RatePerSec * c.WarmSec; c.MaxInstances > 0 && load >= float64(c.MaxInstances*max(1, c.Concurrency)) {
		return fmt.Errorf("faas: load %.3g: %.3g requests/s of %.3g s need more than the %d instances that are allowed; the queue never drains",
			load/float64(c.MaxInstances*max(1, c.Concurrency)), c.RatePerSec, c.WarmSec, c.MaxInstances)
	}
	return nil
}

// draw of a positive time with the given mean.
func draw(s *sim.Stream, mean, cv float64) float64 {
	switch {
	case cv == 0 || mean == 0:
		return mean
	case cv == 1:
		return s.Exp(mean)
	}
	v := math.Log1p(cv * cv)
	return s.LogNormal(math.Log(mean)-v/2, math.Sqrt(v))
}

// instance of the function.
type instance struct {
	bornSec  float64
	idleSec  float64 // since when; valid while inside is 0
	dieSec   float64 // removal if it stays idle
	endSec   float64 // of its life: no request after that
	busySec  float64 // since when; valid while inside is above 0
	inside   int
	coldDone float64
}

// done is the end of one request, or of a cold start whose instance has more slots.
type done struct {
	sec   float64
	seq   int
	inst  int
	ready bool
}

type world struct {
	Config
	service, cold, reap sim.Stream

	now      float64
	inst     []instance
	alive    []int // in order of birth
	heap     sim.PriorityQueue[done]
	seq      int
	waiting  []float64 // arrival times
	head     int
	out      *Outcome
	startSec float64 // of the measurement
	unseen   float64 // instance-seconds idle for longer than the keep-alive, less those seen after the end
	inflight float64 // integral of requests in service
	waitSec  float64
	respSec  float64
}

// Simulate plays the requests. The first tenth warms up and is not counted.
func Simulate(c Config, seed uint64) (*Outcome, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	c.Concurrency = max(1, c.Concurrency)
	root := sim.NewStream(seed, "faas")
	arrivals := root.Child("arrivals")
	w := &world{Config: c, service: root.Child("service"), cold: root.Child("cold"), reap: root.Child("reap"),
		out: &Outcome{Requests: c.Requests, ResponseCounts: sim.NewHistogram()}}
	for range c.MinInstances {
		w.start(0)
	}
	warm := c.Requests / 10
	for i := range c.Requests + warm {
		w.now += arrivals.Exp(1 / c.RatePerSec)
		w.until(w.now)
		if i == warm {
			w.startSec = w.now
			w.inflight, w.waitSec, w.respSec, w.unseen = 0, 0, 0, 0
			w.out.InstanceSec, w.out.BusySec = 0, 0
			w.out.Cold, w.out.ColdMeanSec, w.out.PeakInstances = 0, 0, len(w.alive)
			w.out.ResponseCounts = sim.NewHistogram()
		}
		w.arrive(w.now)
	}
	w.until(w.now)
	for _, i := range w.alive {
		w.account(&w.inst[i], w.now)
	}
	o := w.out
	o.SimulatedSec = w.now - w.startSec
	n := float64(c.Requests)
	if n > 0 && o.SimulatedSec > 0 {
		o.ColdProb = float64(o.Cold) / n
		o.MeanInstances, o.MeanBusy = o.InstanceSec/o.SimulatedSec, o.BusySec/o.SimulatedSec
		o.MeanIdle = o.MeanInstances - o.MeanBusy
		o.MeanSeen = (o.InstanceSec - w.unseen) / o.SimulatedSec
		o.MeanInService = w.inflight / o.SimulatedSec
		o.WaitMeanSec, o.RespMeanSec = w.waitSec/n, w.respSec/n
		o.RespP50Sec, o.RespP99Sec = o.ResponseCounts.Percentile(50), o.ResponseCounts.Percentile(99)
	}
	if o.Cold > 0 {
		o.ColdMeanSec /= float64(o.Cold)
	}
	return o, nil
}

// start adds an instance that is idle from now on.
func (w *world) start(now float64) int {
	end := math.Inf(1)
	if w.LifetimeSec > 0 {
		end = now + w.LifetimeSec
	}
	w.inst = append(w.inst, instance{bornSec: now, idleSec: now, dieSec: math.Inf(1), endSec: end})
	i := len(w.inst) - 1
	w.alive = append(w.alive, i)
	w.out.PeakInstances = max(w.out.PeakInstances, len(w.alive))
	return i
}

// takes says whether an instance has a slot for one more request.
func (w *world) takes(x *instance, now float64) bool {
	return x.inside < w.Concurrency && x.coldDone <= now && now < x.endSec
}

// arrive serves a request, or lets it wait.
func (w *world) arrive(now float64) {
	for k := len(w.alive) - 1; k >= 0; k-- {
		if i := w.alive[k]; w.takes(&w.inst[i], now) {
			w.serve(i, now, now, w.warm())
			return
		}
	}
	if w.MaxInstances > 0 && len(w.alive) >= w.MaxInstances {
		w.waiting = append(w.waiting, now)
		return
	}
	w.coldStart(now, now)
}

// coldStart serves a request that came at came on a new instance.
func (w *world) coldStart(came, now float64) {
	i := w.start(now)
	chain, sec := 0.0, 0.0
	if w.ColdSec > 0 {
		sec = draw(&w.cold, w.ColdSec, w.ServiceCV)
		chain = sec - w.WarmSec
	} else {
		for _, s := range w.Chain {
			chain += draw(&w.cold, s.MeanSec(), s.CV)
		}
		sec = chain + w.warm()
		w.inst[i].coldDone = now + chain
		if w.Concurrency > 1 {
			w.heap.Push(done{now + chain, w.seq, i, true})
			w.seq++
		}
	}
	w.out.Cold++
	w.out.ColdMeanSec += chain
	w.serve(i, came, now, sec)
}

// next is when the request at the head of the queue came, which leaves it.
func (w *world) next() float64 {
	came := w.waiting[w.head]
	if w.head++; w.head > 1024 && w.head*2 > len(w.waiting) {
		w.waiting = append(w.waiting[:0], w.waiting[w.head:]...)
		w.head = 0
	}
	return came
}

func (w *world) warm() float64 { return draw(&w.service, w.WarmSec, w.ServiceCV) }

func (w *world) serve(i int, came, now, sec float64) {
	x := &w.inst[i]
	if x.inside == 0 {
		x.busySec = now
		w.unseen += math.Max(0, now-x.idleSec-w.KeepAliveSec)
	}
	x.inside++
	w.inflight += sec
	w.waitSec += now - came
	w.respSec += now - came + sec
	w.out.ResponseCounts.Record(now - came + sec)
	w.heap.Push(done{now + sec, w.seq, i, false})
	w.seq++
}

// account closes the counts of an instance that is removed, or at the end.
func (w *world) account(x *instance, now float64) {
	w.out.InstanceSec += now - math.Max(x.bornSec, w.startSec)
	if x.inside > 0 {
		w.out.BusySec += now - math.Max(x.busySec, w.startSec)
	}
}

// until plays the ends of requests and the removal of instances up to now.
func (w *world) until(now float64) {
	for len(w.heap) > 0 && w.heap[0].sec <= now {
		d := w.heap.Pop()
		w.remove(d.sec)
		x := &w.inst[d.inst]
		if !d.ready {
			if x.inside--; x.inside == 0 {
				w.out.BusySec += math.Max(0, d.sec-math.Max(x.busySec, w.startSec))
				x.idleSec = d.sec
				x.dieSec = d.sec + w.KeepAliveSec
				if w.ReapSec > 0 {
					x.dieSec += w.ReapSec * w.reap.Float64()
				}
			}
		}
		for w.head < len(w.waiting) && w.takes(&w.inst[d.inst], d.sec) {
			w.serve(d.inst, w.next(), d.sec, w.warm())
		}
		if w.head < len(w.waiting) && x.endSec <= d.sec {
			// An instance at the end of its life leaves its place to a new one.
			if w.remove(d.sec); len(w.alive) < w.MaxInstances {
				w.coldStart(w.next(), d.sec)
			}
		}
	}
	w.remove(now)
}

// remove takes away what has been idle for too long or is too old, the oldest first. What
// is kept warm is replaced at the end of its life before it is missed.
func (w *world) remove(now float64) {
	kept := w.alive[:0]
	left := len(w.alive)
	for _, i := range w.alive {
		x := &w.inst[i]
		if out := math.Min(x.dieSec, math.Max(x.endSec, x.idleSec)); x.inside == 0 && out <= now {
			if left > w.MinInstances {
				left--
				w.out.InstanceSec += math.Max(0, out-math.Max(x.bornSec, w.startSec))
				w.unseen += out - x.idleSec - w.KeepAliveSec
				continue
			}
			for x.endSec <= now {
				x.endSec += w.LifetimeSec
			}
		}
		kept = append(kept, i)
	}
	w.alive = kept
}

// Before orders the ends of requests by time, then order of start.
func (a done) Before(b done) bool { return a.sec < b.sec || a.sec == b.sec && a.seq < b.seq }
