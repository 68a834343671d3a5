package rounds

import (
	"fmt"
	"math"

	"aisim/workloads/jobs"
)

// recorded are the jobs of one of Gavel's traces, whose work is given in steps.
type recorded struct {
	list []*mixedJob
	next int
}

func (r *recorded) arrival() float64 {
	if r.next == len(r.list) {
		return math.Inf(1)
	}
	return r.list[r.next].submit
}

func (r *recorded) draw() *mixedJob {
	r.next++
	return r.list[r.next-1]
}

// GavelTrace plays a trace of Gavel to its end; all jobs are measured.
func (t *Throughputs) GavelTrace(path, reference string, m Mixed, policy GavelPolicy, seed uint32) (*MixedResult, error) {
	trace, err := jobs.ReadFile(path, jobs.Limits{})
	if err != nil {
		return nil, err
	}
	if trace.Unit != "step" {
		return nil, fmt.Errorf("rounds: %s gives no steps: want a trace of Gavel", path)
	}
	kinds, err := t.alphabetical(m.Kinds, reference)
	if err != nil {
		return nil, err
	}
	r := &recorded{}
	for i, x := range trace.Jobs {
		key := typeKey{trace.Queues[x.Queue], int(x.GPUs)}
		if t.rate[reference][key] <= 0 {
			return nil, fmt.Errorf("rounds: %s: job %d: %q on %d GPUs was not measured", path, i+1, key.name, key.gpus)
		}
		j := t.job(key, reference, kinds)
		j.id, j.submit, j.left = i, x.SubmitSec, x.RunSec
		r.list = append(r.list, j)
	}
	return t.play(r, kinds, m, policy, seed, 0, len(r.list))
}
