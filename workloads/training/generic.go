package training

import (
	"strconv"

	"aisim/hardware"
	"aisim/internal/result"
)

// Models known by totals per sample: operations, memory traffic, parameters. Each
// micro-batch is one operator; gradients of what every sample touches are reduced
// over all ranks. Where a sample touches a small share of the parameters (embedding
// tables), the tables are spread over the ranks and rows travel by all-to-all, as
// recommendation systems do.

// tables is true when the parameters are spread over the ranks.
func (c *Config) tables() bool {
	g := c.Arch.Generic
	return g.TouchedParams > 0 && g.TouchedParams < g.Params/2
}

// denseParams is what every rank holds whole: all, or beside tables what the
// operations need, two per weight and sample.
func (c *Config) denseParams() float64 {
	g := c.Arch.Generic
	if c.tables() {
		return min(g.FlopsPerSample/2, g.Params)
	}
	return g.Params
}

func (j *Job) prepareGeneric() {
	c := &j.cfg
	j.shape = shape{t: 1, cp: 1, ep: 1, et: 1, data: float64(c.Parallel.DP), shards: float64(c.Parallel.Shards), micro: float64(c.Batch.Micro), actBytes: max(2, c.Precision.Bytes()), linear: c.Precision, exact: c.Precision}
	data := j.layout.data()
	if c.ZeRO == 0 {
		j.groups[planDataReduce] = data
	} else {
		j.groups[planDataScatter], j.groups[planDataGather] = data, data
	}
	if c.tables() {
		j.groups[planExpert] = data
	}
}

// rememberGeneric is remember for models known by totals: it looks for a smaller
// micro-batch or more sharding that fits.
func (j *Job) rememberGeneric(usable float64) error {
	c := &j.cfg
	f := c.genericMemory(j.profile)
	need := f.total()
	if need <= usable {
		j.memory = []result.MemoryClass{{Name: "all ranks", Ranks: c.chips(), Parts: f.parts(), UsableGiB: usable / gib, TotalGiB: need / gib}}
		return nil
	}
	e := &MemoryError{Stage: "all ranks", NeedBytes: need, UsableBytes: usable, Parts: f.parts()}
	for micro := c.Batch.Micro; micro >= 1; micro /= 2 {
		for zero := c.ZeRO; zero <= 2; zero++ {
			cand := *c
			cand.Batch.Micro, cand.ZeRO = micro, zero
			got, err := cand.resolve(c.chips())
			if err != nil {
				continue
			}
			if f := got.genericMemory(j.profile); f.total() > usable {
				continue
			}
			e.Nearest = &got
			if micro != c.Batch.Micro {
				e.Changes = append(e.Changes, Change{"batch.micro", strconv.Itoa(c.Batch.Micro), strconv.Itoa(micro)})
			}
			if zero != c.ZeRO {
				e.Changes = append(e.Changes, Change{"zero", strconv.Itoa(c.ZeRO), strconv.Itoa(zero)})
			}
			return e
		}
	}
	return e
}

func (c *Config) genericMemory(fw *Framework) footprint {
	g := c.Arch.Generic
	wb, gb, ob := stateBytes(c.Precision, fw)
	data := float64(c.Parallel.DP)
	shard := func(stage int) float64 {
		if c.ZeRO < stage {
			return 1
		}
		return 1 / data
	}
	n := c.denseParams()
	var f footprint
	f[memWeights] = wb * n
	f[memGradients] = gb * n * shard(2)
	f[memOptimizer] = ob * n * shard(1)
	if c.tables() {
		// Table rows are kept and updated in 32 bits with one accumulator per row.
		f[memWeights] += 4 * (g.Params - n) / data
	}
	f[memActivations] = g.ActivationBytes * float64(c.Batch.Micro)
	f[memBuffers] = fw.ContextBytes
	f[memFragmentation] = fw.Fragmentation * (f.total() - fw.ContextBytes)
	return f
}

func (j *Job) genericStep() (*Step, error) {
	c, g := &j.cfg, j.cfg.Arch.Generic
	micro, m := j.shape.micro, float64(c.microBatches())
	ratio := g.TrainingRatio()
	pass := func(k float64) took {
		// Weights are read once per micro-batch and pass, activations per sample.
		bytes := k * (g.BytesPerSample*micro + c.denseParams()*j.shape.actBytes)
		return j.chip.op(1, func(d *hardware.Device) hardware.Cost { return d.Generic(k*g.FlopsPerSample*micro, bytes, c.Precision) })
	}
	fwd, bwd := pass(1), pass(ratio-1)
	var w work
	w.do(partForwardMatrix, times(m, fwd))
	w.do(partBackwardMatrix, times(m, bwd))
	if c.tables() {
		rows, b := j.collective(planExpert, micro*g.TouchedParams*j.shape.actBytes)
		w.bytes.addTimes(2*m, &b)
		j.expose(&w, partExpert, times(2*m, rows), j.framework.EPExposed)
	}
	n := c.denseParams()
	red, scatter, gather := planDataReduce, planDataScatter, planDataGather
	if c.ZeRO > 0 {
		red = scatter
	}
	reduce, b := j.collective(red, n*j.framework.ReduceBytes)
	w.bytes.addTimes(1, &b)
	hidden := excess(times(j.dpHidden, reduce), bwd)
	seen := plus(hidden, times(1-j.dpHidden, reduce))
	w.do(partReduce, seen)
	w.hidden[partReduce] = reduce.sec - seen.sec
	local := n
	if c.ZeRO > 0 {
		local = n / float64(c.Parallel.DP)
	}
	w.do(partOptimizer, j.chip.op(1, func(d *hardware.Device) hardware.Cost {
		return d.Optimizer(optimizerShardedBytes*local + optimizerUnshardedBytes*n)
	}))
	if c.ZeRO > 0 {
		t, b := j.collective(gather, n*j.shape.actBytes)
		w.bytes.addTimes(1, &b)
		seen := plus(excess(times(j.dpHidden, t), fwd), times(1-j.dpHidden, t))
		w.do(partParameters, seen)
		w.hidden[partParameters] = t.sec - seen.sec
	}
	st := &Step{MicroBatches: c.microBatches(), Memory: j.memory, LevelBytes: w.bytes}
	total := w.took
	j.finish(st, &w, total, 0)
	stretch := st.Seconds / total.sec
	stage := result.Stage{Name: "all ranks", Twins: c.chips()}
	at := 0.0
	draw := func(sec float64, what string, i int) {
		if sec > 0 {
			stage.BusySec += sec * stretch
			if len(stage.Spans) < maxSpans {
				stage.Spans = append(stage.Spans, result.Span{Start: at * stretch, End: (at + sec) * stretch, What: what, Micro: i})
				stage.OmittedFrom = (at + sec) * stretch
			} else {
				stage.OmittedTo = (at + sec) * stretch
			}
		}
		at += sec
	}
	for i := range c.microBatches() {
		draw(fwd.sec, "forward", i)
		draw(w.part[partExpert]/m, "exchange", i)
		draw(bwd.sec, "backward", i)
	}
	draw(seen.sec, "exchange", 0)
	draw(w.part[partOptimizer], "optimizer", 0)
	draw(w.part[partParameters], "exchange", 0)
	if stage.OmittedTo == 0 {
		stage.OmittedFrom = 0
	}
	st.Stages = []result.Stage{stage}
	st.SamplesPerStep = float64(c.Batch.Global)
	st.TokensPerStep = st.SamplesPerStep
	st.ModelFlops = st.SamplesPerStep * c.Arch.TrainingFlopsPerToken(0)
	st.FullFlops, st.HardwareFlops = st.ModelFlops, st.ModelFlops
	st.MFU = j.utilisation(st.ModelFlops, st.Seconds)
	st.InputBytes = st.SamplesPerStep * g.SampleBytes
	st.CheckpointBytes = checkpointBytesPerParam(c.Precision)*n + 4*max(0, g.Params-n)
	return st, nil
}

func gigabytes(b float64) string { return strconv.FormatFloat(b/1e9, 'g', 4, 64) + " GB" }
