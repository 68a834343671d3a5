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
	// average. lifetimeSec: it ends instances that are in use, too, every two hours
	// (docs/models/faas.md).
	reapSec, lifetimeSec = 120, 7200
	// Residual spread of the twenty measured experiments: most of it is theirs, whose cold
	// starts are counted with standard errors of 4 to 21 %.
	coldRelSD, instanceRelSD = 0.11, 0.03
	serverlessRequests       = 2_000_000
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
	cfg := faas.Config{ReapSec: reapSec, LifetimeSec: lifetimeSec, Requests: serverlessRequests}
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
	if v, ok := keep["lifetime"]; ok {
		cfg.LifetimeSec = v
	}
	return cfg, nil
}

func (k *clusters) serverless(row Row, c *Case) (Prediction, error) {
	run := k.calls[callKey{row.Text("trace"), row.Text("policy")}]
	if run.err != nil {
		return Prediction{}, run.err
	}
	cfg, out := run.cfg, run.out
	c.Assumed = append(c.Assumed, "fixed service times", fmt.Sprintf("idle instances are looked at once in %d s", reapSec))
	if cfg.LifetimeSec == lifetimeSec {
		c.Assumed = append(c.Assumed, "an instance ends after 2 h, as on AWS Lambda")
	}
	sd := instanceRelSD
	var v, naive float64
	switch m := row.Text("metric"); m {
	case "cold_start_probability":
		v, naive, sd = out.ColdProb, math.Exp(-cfg.RatePerSec*cfg.KeepAliveSec), coldRelSD
	case "mean_instances":
		v, naive = out.MeanSeen, cfg.RatePerSec*cfg.WarmSec+1
	case "mean_idle_instances":
		v, naive = out.MeanSeen-out.MeanBusy, 1
	case "mean_running_instances":
		v, naive = out.MeanBusy, cfg.RatePerSec*cfg.WarmSec
	case "wasted_capacity", "wasted_capacity_fraction":
		v, naive, sd = 1-out.MeanBusy/out.MeanSeen, 1/(cfg.RatePerSec*cfg.WarmSec+1), 0.005
	case "utilization", "utilisation":
		v, naive = out.MeanBusy/out.MeanSeen, cfg.RatePerSec*cfg.WarmSec/(cfg.RatePerSec*cfg.WarmSec+1)
	default:
		return Prediction{}, fmt.Errorf("metric %q of a serverless function: want cold_start_probability, mean_instances, mean_idle_instances, mean_running_instances, wasted_capacity or utilization", m)
	}
	return Prediction{Value: v, Low: v * math.Exp(-z90*sd), High: v * math.Exp(z90*sd), Roofline: naive, Rung: "simulated instances"}, nil
}

// phrases reads "Poisson 0.9 /s; warm 2016 ms" into numbers of seconds or per second.
func phrases(s string) (map[string]float64, error) {
	out := map[string]float64{}
	for _, part := range strings.Split(s, ";") {
		word, rest, _ := strings.Cut(strings.TrimSpace(part), " ")
		if word == "" {
			continue
		}
		rest = strings.TrimSpace(rest)
		end := strings.LastIndexAny(rest, "0123456789.") + 1
		name := strings.TrimSpace(rest[end:])
		v, err := strconv.ParseFloat(rest[:end], 64)
		if err != nil || name == "" {
			return nil, fmt.Errorf("%q: want a word, a number and a unit", strings.TrimSpace(part))
		}
		unit, ok := map[string]float64{"/s": 1, "/min": 1.0 / 60, "/h": 1.0 / 3600, "us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600}[name]
		if !ok {
			return nil, fmt.Errorf("%q: unit %q is not known", strings.TrimSpace(part), name)
		}
		out[strings.ToLower(word)] = v * unit
	}
	return out, nil
}
