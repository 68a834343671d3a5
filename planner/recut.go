package planner

import (
	"fmt"
	"math"
	"strings"

	"aisim/scenarios"
	"aisim/workloads/training"
)

const (
	cutsTimed = 64   // of the legal cuts, the ones with the least arithmetic, recomputation and bubble
	cutRoom   = 0.90 // of the device memory that it may take: allocators have peaks
	// cutSD is the error of one cut's step against another's of the same model, machine and
	// batch: 0.038 each in 85 measured rows of 20 groups (docs/models/planner.md).
	cutSD = 0.038 * math.Sqrt2
	// cutGain is the least saving of a step that is worth a word: it is one in four cases of five.
	cutGain = 0.84 * cutSD
)

// faster is the lever that costs nothing but another start: a faster cut of the first
// workload's model on the same machine, where that is a training and the search finds one
// with room to spare.
func faster(w *scenarios.World, workers int) ([]lever, error) {
	if len(w.Placed) == 0 || w.Placed[0].Training == nil || w.Placed[0].Arch.Generic != nil {
		return nil, nil
	}
	p := &w.Placed[0]
	c, now, err := w.FasterCut(0, cutRoom, cutsTimed, workers)
	if err != nil || c == nil || c.Seconds > now*(1-cutGain) {
		return nil, err
	}
	was, is := cutWords(p.Training), cutWords(&c.Config)
	var anew []string
	for k := range is {
		if is[k] != was[k] {
			anew = append(anew, is[k])
		}
	}
	return []lever{{
		action:    "Cut anew: " + strings.Join(anew, ", "),
		detail:    strings.Join(is, ", ") + ", instead of " + strings.Join(was, ", "),
		condition: fmt.Sprintf("gains over another cut are known to %.0f %%: try some steps", 100*cutSD),
		capital:   func(*account) float64 { return 0 },
		world:     w.Recut(0, c.Config),
		doubt:     cutSD,
	}}, nil
}

// cutWords are a cut in the field's words, one of each kind.
func cutWords(c *training.Config) []string {
	var out []string
	for _, x := range []struct {
		name  string
		width int
	}{{"TP", c.Parallel.TP}, {"PP", c.Parallel.PP}, {"VP", c.Parallel.VP}, {"CP", c.Parallel.CP}, {"EP", c.Parallel.EP}, {"micro-batch", c.Batch.Micro}} {
		out = append(out, fmt.Sprintf("%s %d", x.name, max(1, x.width)))
	}
	recompute := string(c.Recompute)
	if c.Recompute == training.RecomputeNone {
		recompute = "no"
	}
	return append(out, recompute+" recomputation")
}
