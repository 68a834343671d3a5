package planner

import (
	"math"

	"aisim/cluster/queue"
	"aisim/internal/result"
	"aisim/scenarios"
)

// queueDraws is how many draws of its jobs a queue's intervals rest on.
const queueDraws = 5

// queues plays the queues of batch jobs on the nominal future, under several draws of their
// jobs and failures. Tenants without a price are charged the bill's share of a GPU-hour.
func (e *evaluation) queues(run *result.Run) error {
	sc := e.w.Scenario
	if len(sc.Queues) == 0 {
		return nil
	}
	draws := make([][]scenarios.PlayedQueue, queueDraws)
	errs := make([]error, queueDraws)
	parallel(e.opt.Workers, queueDraws, func() func(i int) {
		return func(i int) { draws[i], errs[i] = e.nominal.Queues(sc.Seed + uint64(i)) }
	})
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	a := e.base[0].account
	perNodeSec := 0.0
	if a.reason == "" {
		perNodeSec = a.ledger.TotalUSD / (a.bill.PeriodSec * float64(sc.Cluster.Nodes))
	}
	for i := range draws[0] {
		first := draws[0][i]
		gpuHour := perNodeSec * 3600 / float64(first.PerNode)
		out := result.Queue{ID: first.ID, Name: first.Name, Nodes: first.PoolNodes, GPUs: first.PoolGPUs, Order: first.Order, Backfill: first.Backfill,
			Jobs: first.Jobs, Load: first.Load, Busy: first.Busy, SpanSec: first.EndSec, Stops: first.Stops, Killed: first.Killed, Resizes: first.Resizes, Speed: first.Spread, Failures: first.Failures, MeanQueue: first.MeanQueue, MaxQueue: first.MaxQueue,
			All: queueClass(&first.Outcome.Stats, nil, gpuHour)}
		u := first.Use
		for _, x := range []struct {
			name string
			v    float64
		}{{"useful work", u.Useful}, {"work done again", u.Lost}, {"checkpoints", u.Checkpoint}, {"restarts", u.Restart}, {"fragments", u.Fragmented}, {"idle", u.Idle}, {"kept free", u.Reserved}, {"under repair", u.Down}} {
			out.Use = append(out.Use, result.QueueUse{What: x.name, Share: x.v / u.Capacity})
		}
		if u.Off > 0 || u.Booting > 0 {
			out.Use = append(out.Use, result.QueueUse{What: "coming up", Share: u.Booting / u.Capacity}, result.QueueUse{What: "not rented", Share: u.Off / u.Capacity})
			var starts, rented []float64
			for d := range draws {
				x := &draws[d][i]
				starts, rented = append(starts, float64(x.NodeStarts)), append(rented, (x.Use.Capacity-x.Use.Off)/3600)
			}
			run.Metrics[first.ID+".node_starts"] = drawnNumber(starts, "nodes")
			run.Metrics[first.ID+".rented_gpu_hours"] = drawnNumber(rented, "h")
		}
		for k := range first.Classes {
			if first.Classes[k].Jobs > 0 {
				out.Classes = append(out.Classes, queueClass(&first.Classes[k], nil, gpuHour))
			}
		}
		for k := range first.Outcome.Tenants {
			if first.Outcome.Tenants[k].Jobs > 0 {
				out.Tenants = append(out.Tenants, queueClass(&first.Outcome.Tenants[k], priceOf(first.Queue, first.Outcome.Tenants[k].Name), gpuHour))
			}
		}
		run.Queues = append(run.Queues, out)
		for _, m := range []struct {
			key, unit string
			of        func(*scenarios.PlayedQueue) float64
		}{
			{result.MetricUtilisation, "ratio", func(q *scenarios.PlayedQueue) float64 { return q.Busy }},
			{result.MetricGoodput, "ratio", func(q *scenarios.PlayedQueue) float64 { return q.Goodput }},
			{result.MetricWaitMean, "s", func(q *scenarios.PlayedQueue) float64 { return q.WaitMeanSec }},
			{result.MetricWaitP95, "s", func(q *scenarios.PlayedQueue) float64 { return q.WaitP95Sec }},
			{result.MetricJCT, "s", func(q *scenarios.PlayedQueue) float64 { return q.JCTMeanSec }},
			{result.MetricFragmented, "ratio", func(q *scenarios.PlayedQueue) float64 { return q.Use.Fragmented / q.Use.Capacity }},
			{result.MetricWithinSLO, "ratio", func(q *scenarios.PlayedQueue) float64 { return q.WithinSLO }},
		} {
			if m.key == result.MetricWithinSLO && first.WaitSLOSec == nil {
				continue
			}
			var values []float64
			for d := range draws {
				values = append(values, m.of(&draws[d][i]))
			}
			run.Metrics[first.ID+"."+m.key] = drawnNumber(values, m.unit)
		}
	}
	return nil
}

// drawnNumber is the mean over draws with the 90 % interval of one draw.
func drawnNumber(values []float64, unit string) result.Number {
	n := float64(len(values))
	var sum, sq float64
	for _, v := range values {
		sum += v
	}
	mean := sum / n
	for _, v := range values {
		sq += (v - mean) * (v - mean)
	}
	// 2.132 is Student's quantile of 95 % at four degrees of freedom.
	half := 2.132 * math.Sqrt(sq/(n-1)*(1+1/n))
	return result.Number{Value: mean, Low: max(0, mean-half), High: mean + half, Unit: unit, Pedigree: result.Derived}
}

func priceOf(q *scenarios.Queue, tenant string) *float64 {
	for i := range q.Tenants {
		if q.Tenants[i].ID == tenant {
			return q.Tenants[i].PriceUSD
		}
	}
	return nil
}

func queueClass(s *queue.Stats, price *float64, gpuHour float64) result.QueueClass {
	if price != nil {
		gpuHour = *price
	}
	return result.QueueClass{Name: s.Name, Jobs: s.Jobs, GPUHours: s.GPUSec / 3600, WaitMeanSec: s.WaitMeanSec, WaitP50Sec: s.WaitP50Sec, WaitP95Sec: s.WaitP95Sec,
		JCTMeanSec: s.JCTMeanSec, Slowdown: s.SlowdownMean, WithinSLO: s.WithinSLO, CostUSD: s.GPUSec / 3600 * gpuHour}
}
