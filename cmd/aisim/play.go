package main

import (
	"context"

	"aisim/internal/result"
	"aisim/planner"
	"aisim/scenarios"
)

// play evaluates a world and shows how far it is.
func (p *program) play(ctx context.Context, w *scenarios.World, f runFlags) (*result.Run, error) {
	if err := ctx.Err(); err != nil { // a signal came while the world was assembled
		return nil, err
	}
	bar := newProgress(p.stderr)
	defer bar.end()
	return p.evaluate(ctx, w, planner.Options{Replicas: f.replicas, Workers: f.workers, Progress: bar.update,
		Version: p.build.Version, Revision: p.build.Revision})
}
