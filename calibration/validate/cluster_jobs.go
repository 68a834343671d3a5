package validate

import (
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	jobrounds "aisim/cluster/rounds"
)

// Rules of the published Pollux simulator: rounds of 60 s, 30 s to restart, demotion after
// 16 GPU-hours.
const (
	polluxRoundSec   = 60
	polluxRestartSec = 30
	tiresiasGPUSec   = 16 * 3600
	// jctRelSD of mean completion times; 0.6 % on the five workloads at hand, wider for
	// workloads on which no constant was fitted.
	jctRelSD = 0.04
)

// completion simulates the job trace that the row names.
func (k *clusters) completion(row Row, c *Case) (Prediction, error) {
	if isGavel(row) {
		return k.gavel(row, c)
	}
	metric := flatWord(row.Text("metric"))
	makespan := strings.Contains(metric, "makespan")
	if !makespan && (!strings.Contains(metric, "jct") && !strings.Contains(metric, "completion") || !strings.Contains(metric, "mean") && !strings.Contains(metric, "avg") && !strings.Contains(metric, "average")) {
		return Prediction{}, fmt.Errorf("metric %q of job completion: want mean_jct_s, or makespan_s", row.Text("metric"))
	}
	unit, err := unitOfTime(row.Text("unit"), metric)
	if err != nil {
		return Prediction{}, err
	}
	if p := flatWord(row.Text("policy")); !strings.HasPrefix(p, "tiresias") || strings.Contains(p, "gittins") || strings.HasSuffix(p, "g") {
		return Prediction{}, fmt.Errorf("policy %q is not modelled (tiresias is): Pollux and Optimus rest on the gradient's noise and the loss over the course of training, which are not among the measured tables", row.Text("policy"))
	}
	path, _ := k.path(row.Text("trace"))
	m, err := machineOf(row.Text("nodes"))
	if err != nil {
		return Prediction{}, err
	}
	apps, err := jobrounds.PolluxApps(filepath.Join(filepath.Dir(filepath.Dir(path)), "traces"))
	if err != nil {
		return Prediction{}, fmt.Errorf("%w; they are looked for in ../traces beside the workload's folder", err)
	}
	jobs, err := jobrounds.ReadPolluxWorkload(path, apps)
	if err != nil {
		return Prediction{}, err
	}
	c.Assumed = append(c.Assumed, fmt.Sprintf("rounds of %d s, %d s to restart, demotion after %d GPU-s", polluxRoundSec, polluxRestartSec, tiresiasGPUSec))
	r, err := jobrounds.Tiresias{ThresholdGPUSec: tiresiasGPUSec}.Run(jobs, m)
	if err != nil {
		return Prediction{}, err
	}
	// The roofline: every job alone on the machine.
	var mean, alone float64
	for i, j := range jobs {
		mean += r.JCT[i]
		one := j
		one.SubmitSec = 0
		r, err := jobrounds.Tiresias{ThresholdGPUSec: math.Inf(1)}.Run([]jobrounds.Job{one}, m)
		if err != nil {
			return Prediction{}, err
		}
		alone += r.JCT[0]
	}
	n := float64(len(jobs))
	v, least := mean/n/unit, alone/n/unit
	if makespan {
		v, least = r.EndSec/unit, 0
	}
	return Prediction{Value: v, Low: v * math.Exp(-z90*jctRelSD), High: v * math.Exp(z90*jctRelSD), Roofline: least, Rung: "simulated rounds"}, nil
}

var machineText = regexp.MustCompile(`(?i)^(\d+)\s*(?:nodes?|servers?|machines?)?\s*(?:x|×|\*|of|with)\s*(\d+)\s*(?:nvidia\s*)?(?:t4s?)?\s*(?:gpus?)?$`)

// machineOf reads "16 nodes x 4 T4".
func machineOf(s string) (jobrounds.Machine, error) {
	f := machineText.FindStringSubmatch(strings.TrimSpace(s))
	if f == nil {
		return jobrounds.Machine{}, fmt.Errorf("nodes %q: want \"N nodes x G T4\" (the step times were measured on T4)", s)
	}
	n, err1 := strconv.Atoi(f[1])
	g, err2 := strconv.Atoi(f[2])
	if err1 != nil || err2 != nil || n < 1 || g < 1 || n > 1<<16 || g > 9 {
		return jobrounds.Machine{}, fmt.Errorf("nodes %q: want 1 to 65536 nodes of 1 to 9 GPUs", s)
	}
	return jobrounds.Machine{Nodes: n, GPUsPerNode: g, RoundSec: polluxRoundSec, RestartSec: polluxRestartSec}, nil
}
