package planner

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"aisim/internal/result"
	"aisim/scenarios"
)

// PlayOptions say how the base futures of a design are played.
type PlayOptions struct {
	Replicas   int
	Workers    int // 0: as many as the Go runtime uses
	Capacities int // futures in which the load that services can carry is searched for, which costs many simulations
	Progress   func()
}

// Played are the base futures of a world, without the changes around them that Evaluate
// plays. Replica 0 is nominal.
type Played struct {
	World   *scenarios.World
	Keys    []string
	Units   map[string]string
	points  []*point
	nominal *scenarios.Future
}

// Play plays replicas of a world. The result does not depend on the number of workers.
func Play(ctx context.Context, w *scenarios.World, opt PlayOptions) (*Played, error) {
	if opt.Replicas < 1 {
		return nil, fmt.Errorf("planner: %d replicas, need at least 1", opt.Replicas)
	}
	if opt.Workers == 0 {
		opt.Workers = runtime.GOMAXPROCS(0)
	}
	e := &evaluation{w: w}
	p := &Played{World: w, Units: map[string]string{}, points: make([]*point, opt.Replicas)}
	errs := make([]error, opt.Replicas)
	parallel(opt.Workers, opt.Replicas, func() func(i int) {
		bench := w.NewBench()
		return func(i int) {
			if ctx.Err() != nil {
				return
			}
			f, err := bench.Sample(i).Play(nil)
			if err == nil {
				p.points[i], err = e.see(f, nil, i < opt.Capacities)
			}
			if i == 0 {
				p.nominal = f
			}
			if errs[i] = err; opt.Progress != nil {
				opt.Progress()
			}
		}
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	for _, key := range p.points[0].m.keys {
		p.Keys, p.Units[key] = append(p.Keys, key), p.points[0].m.units[key]
	}
	return p, nil
}

// parallel calls do for 0 … n-1 on several goroutines, each with a do of its own. A
// panic of one is passed on to the caller.
func parallel(workers, n int, start func() func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	var mu sync.Mutex
	fault := ""
	for range max(1, min(workers, n)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer func() {
				if v := recover(); v != nil {
					mu.Lock()
					fault = fmt.Sprintf("%v\n%s", v, debug.Stack())
					mu.Unlock()
				}
			}()
			do := start()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		}()
	}
	wg.Wait()
	if fault != "" {
		panic(fault)
	}
}

// Values are a metric by replica; NaN where a replica has none.
func (p *Played) Values(key string) []float64 {
	out := make([]float64, len(p.points))
	for i, pt := range p.points {
		v, ok := pt.m.values[key]
		if !ok || math.IsInf(v, 0) {
			v = math.NaN()
		}
		out[i] = v
	}
	return out
}

// Number is a metric with its interval; ok is false where the nominal future has none.
func (p *Played) Number(key string) (n result.Number, ok bool) {
	v := p.Values(key)
	if math.IsNaN(v[0]) {
		return n, false
	}
	return number(v, p.Units[key], "", ""), true
}

// Decisive is the metric that the design is judged by when nothing else was said: the
// cost of a unit of what it delivers, or the cost as a whole. It is empty without prices.
func (p *Played) Decisive() string {
	key, _ := unitCost(p.points[0], p.World)
	return key
}

// newTicker counts calls, from any goroutine, and passes the count on.
func newTicker(tell func(n int)) func() {
	var n atomic.Int64
	return func() { tell(int(n.Add(1))) }
}
