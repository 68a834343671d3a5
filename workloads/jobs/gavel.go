package jobs

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// gavel reads tab-separated lines of 7 fields (job type, command, argument, data flag,
// total steps, arrival, GPUs) or 10 (job type, command, folder, argument, data flag,
// total steps, GPUs, weight, SLO, arrival). Steps become seconds only with a table of
// throughputs, so the steps stand in RunSec and the type is the queue.
func (in *input) gavel(r io.Reader) error {
	in.t.Unit = "step"
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 1<<16), in.lim.LineBytes)
	for s.Scan() {
		in.line++
		if strings.TrimSpace(s.Text()) == "" {
			continue
		}
		f := strings.Split(s.Text(), "\t")
		var steps, gpus, at string
		switch len(f) {
		case 7:
			steps, at, gpus = f[4], f[5], f[6]
		case 10:
			steps, gpus, at = f[5], f[6], f[9]
		default:
			return in.errorf("Gavel's traces have 7 or 10 fields between tabs", "%d fields", len(f))
		}
		j := Job{Queue: in.queues.of(strings.TrimSpace(f[0])), Tenant: in.tenants.of("")}
		var err error
		if j.RunSec, err = strconv.ParseFloat(steps, 64); err != nil {
			return in.errorf("a number of steps", "total steps %q", steps)
		}
		if j.SubmitSec, err = strconv.ParseFloat(at, 64); err != nil {
			return in.errorf("seconds", "arrival %q", at)
		}
		n, err := strconv.Atoi(gpus)
		if err != nil || n < 1 {
			return in.errorf("1 or more", "%q GPUs", gpus)
		}
		j.GPUs = int32(n)
		if err := in.add(j); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		in.line++
		return &Error{File: in.name, Line: in.line, Msg: "the line cannot be read", Err: err}
	}
	return nil
}
