package validate

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"aisim/cluster/faas"
)

const (
	// reapSec: idle instances of AWS Lambda outlive the keep-alive by half of this on
	// average (docs/models/faas.md).
	reapSec = 60
	// Residual spread of the twenty measured experiments: most of it is theirs, whose cold
	// starts are counted with standard errors of 4 to 21 %.
	coldRelSD, instanceRelSD = 0.14, 0.035
	serverlessRequests       = 1_000_000
)

// callKey is an experiment that rows of several metrics share.
type callKey struct{ trace, policy string }

type callRun struct {
	cfg faas.Config
	out *faas.Outcome
	err error
}

// studyServerless simulates "Poisson 0.9 /s; warm 2016 ms; cold 2163 ms" under "keep-alive
// 10 min", each once.
func (k *clusters) studyServerless(t *Table) {
	var runs []*callRun
	for _, row := range t.Rows {
		key := callKey{row.Text("trace"), row.Text("policy")}
		if strings.ToLower(row.Text("kind")) != "serverless" || k.calls[key] != nil {
			continue
		}
		run := &callRun{}
		run.cfg, run.err = functionOf(key)
		k.calls[key] = run
		runs = append(runs, run)
	}
	parallel(len(runs), func(i int) {
		if r := runs[i]; r.err == nil {
			r.out, r.err = faas.Simulate(r.cfg, 1)
		}
	})
}

func functionOf(key callKey) (faas.Config, error) {
	cfg := faas.Config{ServiceCV: 1, ReapSec: reapSec, Requests: serverlessRequests}
	words, err := phrases(key.trace)
	if err != nil {
		return cfg, err
	}
	keep, err := phrases(key.policy)
	if err != nil {
		return cfg, err
	}
	for _, w := range []struct {
		name string
		in   map[string]float64
		to   *float64
	}{{"poisson", words, &cfg.RatePerSec}, {"warm", words, &cfg.WarmSec}, {"cold", words, &cfg.ColdSec}, {"keep-alive", keep, &cfg.KeepAliveSec}} {
		v, ok := w.in[w.name]
		if !ok {
			return cfg, fmt.Errorf("%s is not given: want \"Poisson R /s; warm W ms; cold C ms\" as the trace and \"keep-alive K min\" as the policy", w.name)
		}
		*w.to = v
	}
	return cfg, nil
}

func (k *clusters) serverless(row Row, c *Case) (Prediction, error) {
	run := k.calls[callKey{row.Text("trace"), row.Text("policy")}]
	if run.err != nil {
		return Prediction{}, run.err
	}
	cfg, out := run.cfg, run.out
	c.Assumed = append(c.Assumed, "exponential service times", fmt.Sprintf("idle instances are looked at once in %d s", reapSec))
	sd := instanceRelSD
	var v, naive float64
	switch m := row.Text("metric"); m {
	case "cold_start_probability":
		v, naive, sd = out.ColdProb, math.Exp(-cfg.RatePerSec*cfg.KeepAliveSec), coldRelSD
	case "mean_instances":
		v, naive = out.MeanInstances, cfg.RatePerSec*cfg.WarmSec+1
	case "mean_idle_instances":
		v, naive = out.MeanIdle, 1
	case "mean_running_instances":
		v, naive = out.MeanBusy, cfg.RatePerSec*cfg.WarmSec
	case "wasted_capacity", "wasted_capacity_fraction":
		v, naive, sd = out.MeanIdle/out.MeanInstances, 1/(cfg.RatePerSec*cfg.WarmSec+1), 0.005
	case "utilization", "utilisation":
		v, naive = out.MeanBusy/out.MeanInstances, cfg.RatePerSec*cfg.WarmSec/(cfg.RatePerSec*cfg.WarmSec+1)
	default:
		return Prediction{}, fmt.Errorf("metric %q of a serverless function: want cold_start_probability, mean_instances, mean_idle_instances, mean_running_instances, wasted_capacity or utilization", m)
	}
	return Prediction{Value: v, Low: v * math.Exp(-z90*sd), High: v * math.Exp(z90*sd), Roofline: naive, Rung: "simulated instances"}, nil
}

// phrases reads "Poisson 0.9 /s; warm 2016 ms" into numbers of seconds or per second.
func phrases(s string) (map[string]float64, error) {
	out := map[string]float64{}
	for _, part := range strings.Split(s, ";") {
		f := strings.Fields(part)
		if len(f) == 0 {
			continue
		}
		if len(f) != 3 {
			return nil, fmt.Errorf("%q: want a word, a number and a unit", strings.TrimSpace(part))
		}
		v, err := strconv.ParseFloat(f[1], 64)
		if err != nil {
			return nil, fmt.Errorf("%q: %q is no number", strings.TrimSpace(part), f[1])
		}
		unit, ok := map[string]float64{"/s": 1, "/min": 1.0 / 60, "/h": 1.0 / 3600, "us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600}[f[2]]
		if !ok {
			return nil, fmt.Errorf("%q: unit %q is not known", strings.TrimSpace(part), f[2])
		}
		out[strings.ToLower(f[0])] = v * unit
	}
	return out, nil
}
