package pipeline

import "fmt"

// Stage is one step of a pipeline. A stage with Seconds runs elsewhere (on
// accelerators, in a managed service) and takes no executor.
type Stage struct {
	ID              string
	After           []string // stages that must be done before
	ReadBytes       float64  // from the store
	ShuffleBytes    float64  // from the stages before, all to all
	WriteBytes      float64  // to the store
	PartitionBytes  float64  // of input per task
	BytesPerSecCore float64  // what one core works through
	StartSec        float64  // before the first task: a pod, a managed job
	Seconds         float64
}

// Engine is what the framework adds.
type Engine struct {
	StartSec    float64 // driver and executors, once a run
	TaskSec     float64 // each task
	TasksPerSec float64 // that the driver hands out
	Sigma       float64 // of the log-normal straggler factor
	Speculation bool
}

// Pool is what the tasks run on. Rates are of the whole pool in bytes per second.
type Pool struct {
	Cores                                                 int
	ReadBytesPerSec, WriteBytesPerSec, ShuffleBytesPerSec float64
}

// speculateAfter is the multiple of the median at which Spark starts a copy.
const speculateAfter = 1.5

// tasks is into how many tasks a stage is cut.
func (s *Stage) tasks() int {
	n := 1.0
	if in := s.ReadBytes + s.ShuffleBytes; in > s.PartitionBytes {
		n = in / s.PartitionBytes
	}
	if n > float64(int(n)) {
		return int(n) + 1
	}
	return int(n)
}

// Bound is what the tasks of a stage wait for.
type Bound string

// The bounds. Fixed stages run for a time that was given.
const (
	BoundCPU     Bound = "cpu"
	BoundRead    Bound = "read"
	BoundShuffle Bound = "shuffle"
	BoundWrite   Bound = "write"
	BoundLaunch  Bound = "task launch"
	BoundFixed   Bound = "fixed"
)

// task is the time of one task without straggling, launch apart, and what bounds it.
func (s *Stage) task(e Engine, p Pool) (sec float64, bound Bound) {
	n := float64(s.tasks())
	active := min(n, float64(p.Cores))
	for _, part := range []struct {
		bytes, rate float64
		bound       Bound
	}{
		{s.ReadBytes + s.ShuffleBytes, s.BytesPerSecCore, BoundCPU},
		{s.ReadBytes, p.ReadBytesPerSec / active, BoundRead},
		{s.ShuffleBytes, p.ShuffleBytesPerSec / active, BoundShuffle},
		{s.WriteBytes, p.WriteBytesPerSec / active, BoundWrite},
	} {
		if part.bytes > 0 && part.bytes/n/part.rate > sec {
			sec, bound = part.bytes/n/part.rate, part.bound
		}
	}
	if e.TaskSec > sec {
		bound = BoundLaunch
	}
	return sec, bound
}

// Order lists the stages so that each stands after those before it; a cycle, an
// unknown or a repeated name is an error.
func Order(stages []Stage) ([]int, error) {
	at := map[string]int{}
	for i, s := range stages {
		if _, ok := at[s.ID]; ok {
			return nil, fmt.Errorf("two stages are called %q", s.ID)
		}
		at[s.ID] = i
	}
	const open, closed = 1, 2
	state := make([]int, len(stages))
	var order []int
	var visit func(i int) error
	visit = func(i int) error {
		switch state[i] {
		case open:
			return fmt.Errorf("stage %q comes after itself", stages[i].ID)
		case closed:
			return nil
		}
		state[i] = open
		for _, name := range stages[i].After {
			j, ok := at[name]
			if !ok {
				return fmt.Errorf("stage %q comes after %q, which there is not", stages[i].ID, name)
			}
			if err := visit(j); err != nil {
				return err
			}
		}
		state[i] = closed
		order = append(order, i)
		return nil
	}
	for i := range stages {
		if err := visit(i); err != nil {
			return nil, err
		}
	}
	return order, nil
}
