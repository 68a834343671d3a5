package scenarios

import "aisim/workloads/training"

// FasterCut searches for the fastest cut of the model of placed workload i, a training, on
// its nominal machine: of the kinds that the scenario uses already (a framework that runs
// one pipeline runs another), with any micro-batch and recomputation, in the share room of
// the device memory. At most limit cuts are timed, on so many workers. It returns nil where
// none fits, beside the step time of the cut that the scenario has.
func (w *World) FasterCut(i int, room float64, limit, workers int) (best *training.Candidate, nowSec float64, err error) {
	s := w.NewBench().Sample(0)
	m, err := s.machineFor(nil)
	if err != nil {
		return nil, 0, err
	}
	c := *w.Placed[i].Training
	used := c.Parallel
	c.Parallel = training.Parallel{TP: open(used.TP), PP: open(used.PP), CP: open(used.CP), EP: open(used.EP), VP: open(used.VP)}
	c.Batch.Micro, c.Recompute = 0, ""
	tm := s.trainingMachine(i, m, nil)
	tm.Draw = nil // nominal, and draws are not for several workers
	found, err := training.Search(c, tm, training.Space{Limit: limit, Workers: workers})
	if err != nil {
		return nil, 0, err
	}
	for k := range found.Ranked {
		if found.Ranked[k].NeedBytes <= room*m.device.MemBytes {
			return &found.Ranked[k], m.steps[i].Seconds, nil
		}
	}
	return nil, m.steps[i].Seconds, nil
}

// open leaves a width that is in use to a search, 0, and one that is not at 1.
func open(width int) int {
	if width > 1 {
		return 0
	}
	return 1
}

// Recut is the world with another cut of placed workload i: the same machine and chips.
func (w *World) Recut(i int, c training.Config) *World {
	out := *w
	out.Placed = append([]Placed(nil), w.Placed...)
	out.Placed[i].Training = &c
	return &out
}
