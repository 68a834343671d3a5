package sweep

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"aisim/internal/result"
	"aisim/planner"
	"aisim/scenarios"
)

// RunOptions say which points are played, and how.
type RunOptions struct {
	Workers     int
	First, Last int // indices First ≤ i < Last; Last 0 for all
	Progress    func(done, total int)
}

// Run plays the points that have no result yet. Results that are there stay. An error of
// one point ends the run after the points that are being played; a point that cannot be
// (a design that does not fit) is a result.
func (f *Folder) Run(ctx context.Context, opt RunOptions) error {
	sc, world, err := f.load()
	if err != nil {
		return err
	}
	if err := f.foreign(); err != nil {
		return err
	}
	if opt.Last == 0 {
		opt.Last = len(f.Points)
	}
	var missing []Point
	for i := opt.First; i < min(opt.Last, len(f.Points)); i++ {
		switch _, err := f.read(f.Points[i]); {
		case os.IsNotExist(err):
			missing = append(missing, f.Points[i])
		case err != nil:
			return err
		}
	}
	var next, done atomic.Int64
	var mu sync.Mutex
	var first error
	var wg sync.WaitGroup
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	for range max(1, min(opt.Workers, len(missing))) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := int(next.Add(1)) - 1; i < len(missing) && stop.Err() == nil; i = int(next.Add(1)) - 1 {
				r, err := f.play(stop, sc, world, missing[i])
				if err == nil && r != nil {
					err = f.store(r)
				}
				if err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
					cancel()
					return
				}
				if opt.Progress != nil {
					opt.Progress(int(done.Add(1)), len(missing))
				}
			}
		}()
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	return first
}

// play makes the record of one point.
func (f *Folder) play(ctx context.Context, sc *scenarios.Scenario, opt scenarios.Options, p Point) (*Record, error) {
	r := &Record{Schema: RecordSchema, Index: p.Index, Hash: p.Hash, Status: "ok"}
	played, err := f.point(ctx, sc, opt, p)
	var invalid *scenarios.Invalid
	switch {
	case errors.As(err, &invalid):
		first := invalid.Problems[0]
		r.Status, r.Reason = "refused", first.Key+": "+first.Message // without the file, whose path is not the same everywhere
		return r, nil
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("point %d: %w", p.Index, err)
	}
	r.Values = map[string]result.Number{}
	for _, key := range played.Keys {
		if n, ok := played.Number(key); ok {
			r.Keys = append(r.Keys, key)
			r.Values[key] = n
		}
	}
	return r, nil
}

func (f *Folder) point(ctx context.Context, sc *scenarios.Scenario, opt scenarios.Options, p Point) (*planner.Played, error) {
	design, err := sc.With(p.Set...)
	if err != nil {
		return nil, err
	}
	w, err := scenarios.Assemble(design, opt)
	if err != nil {
		return nil, err
	}
	capacities := 0
	if f.Manifest.Capacity {
		capacities = 1
	}
	return planner.Play(ctx, w, planner.PlayOptions{Replicas: f.Manifest.Replicas, Workers: 1, Capacities: capacities})
}
