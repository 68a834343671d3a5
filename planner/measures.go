package planner

import (
	"math"

	"aisim/cluster"
	"aisim/internal/result"
	"aisim/scenarios"
	"aisim/workloads/serving"
)

// measures are the numbers of one future, by metric key. Keys of a workload carry its id.
type measures struct {
	keys   []string
	values map[string]float64
	units  map[string]string
}

func (m *measures) put(key, unit string, v float64) {
	if _, ok := m.values[key]; !ok {
		m.keys = append(m.keys, key)
	}
	m.values[key], m.units[key] = v, unit
}

// measure reads all metrics off a future and its ledger.
func measure(f *scenarios.Future, acc *account) *measures {
	m := &measures{values: map[string]float64{}, units: map[string]string{}}
	w := f.World
	for i := range w.Placed {
		p := &w.Placed[i]
		put := func(key, unit string, v float64) { m.put(p.ID+"."+key, unit, v) }
		if p.Training != nil {
			measureCampaign(f, i, put)
		} else {
			measureService(f, i, put)
		}
		put(result.MetricPower, "W", acc.meterWatts(i))
	}
	acc.measure(f, m)
	return m
}

func measureCampaign(f *scenarios.Future, i int, put func(key, unit string, v float64)) {
	p, s, o := &f.World.Placed[i], f.Steps[i], f.Campaign[i]
	chips := float64(len(p.Chips))
	put(result.MetricStepTime, "s", s.Seconds)
	put(result.MetricSteps, "steps", o.Steps)
	perStep := s.TokensPerStep
	if p.Arch.Generic == nil {
		put(result.MetricTokens, "tokens", o.Steps*perStep)
	} else {
		perStep = s.SamplesPerStep
		put(result.MetricSamples, "samples", o.Steps*perStep)
	}
	rate := o.Steps * perStep / o.EndSec
	if o.Finished {
		rate = o.Steps * perStep / o.FinishSec
		put("finish", "s", o.FinishSec)
	}
	put(result.MetricTokensPerSec, "tokens/s", rate)
	put(result.MetricPerAccelerator, "tokens/s", rate/chips)
	put(result.MetricDuration, "s", o.EndSec)
	put(result.MetricGoodput, "ratio", o.Losses.Goodput())
	put(result.MetricMFU, "ratio", s.MFU)
	put(result.MetricModelFlopsPerGPU, "FLOP/s", s.ModelFlops/s.Seconds/chips)
	put(result.MetricFailures, "failures", float64(o.FailureCount()))
	if o.Drained > 0 {
		put("drained", "nodes", float64(o.Drained))
	}
	put(result.MetricGPUHours, "h", chips*o.EndSec/3600)
	if o.MTBFSec > 0 && !math.IsInf(o.MTBFSec, 1) {
		put("mtbf", "s", o.MTBFSec)
	}
	if o.IntervalSec > 0 && !math.IsInf(o.IntervalSec, 1) {
		put(result.MetricCheckpointEvery, "s", o.IntervalSec)
		put("checkpoint_write", "s", o.WriteSec)
		put("checkpoint_bytes", "B", s.CheckpointBytes)
		if o.RestoreSec > 0 {
			put("checkpoint_restore", "s", o.RestoreSec)
		}
	}
}

func measureService(f *scenarios.Future, i int, put func(key, unit string, v float64)) {
	p, o := &f.World.Placed[i], f.Served[i]
	put(result.MetricOffered, "requests/s", o.OfferedPerSec)
	put(result.MetricSimulated, "s", workloadSec(f, i))
	put("completed", "requests", float64(o.Completed)/f.Covered(i))
	put(result.MetricTTFTP95, "s", o.TTFT.P95)
	put("ttft_p50", "s", o.TTFT.P50)
	put("ttft_p90", "s", o.TTFT.P90)
	put("ttft_p99", "s", o.TTFT.P99)
	put("ttft_p999", "s", o.TTFT.P999)
	put("latency_p50", "s", o.E2E.P50)
	put("latency_p90", "s", o.E2E.P90)
	put("latency_p99", "s", o.E2E.P99)
	put("latency_p999", "s", o.E2E.P999)
	put(result.MetricLatencyP95, "s", o.E2E.P95)
	if o.TPOT.Count > 0 {
		put(result.MetricTPOTP95, "s", o.TPOT.P95)
		put("tpot_p50", "s", o.TPOT.P50)
		put("tpot_p90", "s", o.TPOT.P90)
		put("tpot_p99", "s", o.TPOT.P99)
		put("tpot_p999", "s", o.TPOT.P999)
		put(result.MetricOutputTokens, "tokens", float64(o.OutputTokens)/f.Covered(i))
		put(result.MetricOutputTokenPerSec, "tokens/s", o.OutputPerSec)
		put(result.MetricPerAccelerator, "tokens/s", o.OutputPerSec/float64(p.Accelerators()))
		put(result.MetricPerUser, "tokens/s", 1/math.Max(o.TPOT.P50, 1e-9))
		put("cache_peak", "ratio", o.CachePeak)
		put("cache_mean", "ratio", o.CacheMean)
		put("cache_blocks", "blocks", float64(o.Memory.Blocks)) // of a replica, as engines print them
		put("cache_tokens", "tokens", float64(o.Memory.Tokens))
	}
	if l := o.ITL; l.Count > 0 {
		for _, x := range []struct {
			key string
			sec float64
		}{{"itl_p50", l.P50}, {"itl_p90", l.P90}, {"itl_p95", l.P95}, {"itl_p99", l.P99}, {"itl_p999", l.P999}} {
			put(x.key, "s", x.sec)
		}
		put("prefill_share", "ratio", o.PrefillShare)
	}
	if s := f.Secured[i]; s != nil {
		put("security_time", "s", s.MeanSec())
		put("key_calls", "calls/s", s.Keys.CallsPerSec)
		put("key_quota_used", "ratio", s.Keys.Load)
		put("identity_calls", "calls/s", s.Token.CallsPerSec)
		put("identity_quota_used", "ratio", s.Token.Load)
	}
	if o.PrefixTokens != nil {
		put("prefix_hit_rate", "ratio", o.PrefixHitRate())
	}
	if u := o.Adapters; u != nil {
		put("adapter_hit_rate", "ratio", u.HitRate())
		put("adapter_loads", "loads", float64(u.Loads)/f.Covered(i))
		put("adapter_fetches", "loads", float64(u.Fetched)/f.Covered(i))
		put("adapter_wait", "s", u.WaitSec)
	}
	if u := o.Prefill; u != nil {
		put("cache_move", "s", o.MoveSec)
		put("prefill_utilisation", "ratio", u.Utilisation)
		put("prefill_cache_peak", "ratio", u.CachePeak)
	}
	scaling := func(of string, s *serving.Scaling) {
		if s == nil {
			return
		}
		put(of+"_mean", "replicas", s.ReplicaSeconds/math.Max(o.EndSec-o.StartSec, 1e-9))
		put(of+"_peak", "replicas", float64(s.Peak))
		put(of+"_started", "replicas", float64(s.Starts))
		put(of+"_failed", "replicas", float64(s.Replaced))
	}
	scaling("replicas", o.Scaling)
	if o.Prefill != nil {
		scaling("prefill_replicas", o.Prefill.Scaling)
	}
	if a := p.Arrivals; a != nil && a.Talk != nil {
		put("unsent", "requests", float64(o.Unsent))
	}
	if l := p.Admission; l != nil {
		put("shed", "requests", float64(o.Shed))
		put("timed_out", "requests", float64(o.TimedOut))
	}
	if p.SLO != nil {
		put(result.MetricAttainment, "ratio", o.Attainment*availability(f.World.Scenario))
		put(result.MetricGoodRequests, "requests/s", o.GoodPerSec)
		if o.TPOT.Count > 0 {
			put(result.MetricGoodTokens, "tokens/s", o.GoodOutputPerSec)
		}
	}
	for k := range o.Classes {
		class := &o.Classes[k]
		measureClass(class, func(key, unit string, v float64) { put(class.ID+"."+key, unit, v) }, availability(f.World.Scenario))
	}
	put(result.MetricUtilisation, "ratio", o.Utilisation)
	if l := f.Fleet[i].LoadSec; l > 0 {
		put("load_time", "s", l)
	}
	failures := f.Fleet[i].Failures
	if prompts := f.Prompts[i]; prompts != nil {
		failures += prompts.Failures
	}
	put("failures", "failures", float64(failures))
}

// measureClass puts what a service did for one class.
func measureClass(c *serving.ClassOutcome, put func(key, unit string, v float64), up float64) {
	put("requests", "requests", float64(c.Requests))
	for _, l := range []struct {
		name string
		d    *serving.Distribution
	}{{"ttft", &c.TTFT}, {"tpot", &c.TPOT}, {"itl", &c.ITL}, {"latency", &c.E2E}} {
		if l.d.Count == 0 {
			continue
		}
		put(l.name+"_p50", "s", l.d.P50)
		put(l.name+"_p90", "s", l.d.P90)
		put(l.name+"_p95", "s", l.d.P95)
		put(l.name+"_p99", "s", l.d.P99)
		put(l.name+"_p999", "s", l.d.P999)
	}
	if c.SLO.TTFTSec > 0 || c.SLO.TPOTSec > 0 {
		put(result.MetricAttainment, "ratio", c.Attainment*up)
	}
}

// availability is the share of the time that the sites' links are up: a request that
// finds its link down is not answered in time.
func availability(sc *scenarios.Scenario) float64 {
	if sc.Edge != nil && sc.Edge.Requests == "wan" {
		return sc.Edge.WAN.Availability
	}
	return 1
}

// objective is the number that elasticities speak of: what a campaign gets done per
// second, what a service can carry.
func objective(f *scenarios.Future, i int) float64 {
	if s := f.Steps[i]; s != nil {
		o := f.Campaign[i]
		per := s.TokensPerStep
		if f.World.Placed[i].Arch.Generic != nil {
			per = s.SamplesPerStep
		}
		if o.Finished {
			return o.Steps * per / o.FinishSec
		}
		return o.Steps * per / o.EndSec
	}
	return math.NaN()
}

// losses are the shares of a campaign's time by cause.
func losses(o *cluster.TrainingOutcome) cluster.Losses {
	l := o.Losses
	for c := range l {
		l[c] /= o.EndSec
	}
	return l
}
