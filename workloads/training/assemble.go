package training

import (
	"fmt"
	"math"
	"slices"

	"aisim/hardware"
	"aisim/internal/result"
	"aisim/topology"
)

// Optimizer traffic (training rows): bytes read and written per parameter that a rank
// updates, and per parameter that it holds.
const (
	optimizerShardedBytes   = 30
	optimizerUnshardedBytes = 6
)

// reduceBucketBytes is the size under which gradient buckets are not split further:
// Megatron-Core's default of 40 M parameters at 4 bytes.
const reduceBucketBytes = 160e6

// stageTail is what a stage does after its last backward pass.
type stageTail struct {
	reduce, exposedReduce took // all of it, and what stands still
	optimizer             took
	gather, exposedGather took
	done                  float64 // end of pipeline and reduction
	// The critical path to done: up to the end of operation from, less a part of that
	// operation, then after.
	from  int32
	less  float64
	after took
}

// path is the time to the end of the stage's reduction with its causes.
func (tail *stageTail) path(t *timing) took {
	p := t.path(tail.from)
	p.addTimes(-tail.less, &t.dur[t.class(&t.ops[tail.from])])
	p.add(&tail.after)
	return p
}

// Step puts numbers on the job.
func (j *Job) Step() (*Step, error) {
	if j.cfg.Arch.Generic != nil {
		return j.genericStep()
	}
	p, v := j.cfg.Parallel.PP, j.sched.v
	m := float64(j.cfg.microBatches())
	works := j.classWorks()
	dur := make([]took, len(works))
	for i := range works {
		dur[i] = works[i].took
		if !dur[i].valid() {
			return nil, fmt.Errorf("training: %s cannot run this model in %s", j.machine.Device.ID, j.cfg.Precision)
		}
	}
	exchange, exchangeBytes := j.exchange()
	t := j.sched.run(dur, exchange, j.ppExposed)

	tails := make([]stageTail, p)
	late := 0
	for s := range tails {
		j.reduceTail(&tails[s], t, s)
		if tails[s].done > tails[late].done {
			late = s
		}
	}
	barrier := tails[late].path(t)
	var total took
	for s := range tails {
		j.updateTail(&tails[s], works, s)
		total = longer(total, plus(barrier, plus(tails[s].optimizer, tails[s].exposedGather)))
	}

	busy := make([]work, p) // of one micro-batch, on average
	pace := 0
	for s := range p {
		for c := range v {
			for ps := range len(works) / (v * p) {
				class := (ps*v+c)*p + s
				if n := j.sched.counts[class]; n > 0 {
					busy[s].addTimes(float64(n)/m, &works[class])
				}
			}
		}
		if busy[s].sec > busy[pace].sec {
			pace = s
		}
	}
	var w work
	w.addTimes(m, &busy[pace])
	var crossed took
	var bytes levelBytes
	for i := range j.sched.ops {
		if op := &j.sched.ops[i]; op.crosses {
			b := j.sched.over(op)
			bytes.addTimes(1, &exchangeBytes[b])
			if int(op.stage) == pace {
				crossed.add(&exchange[b])
			}
		}
	}
	j.expose(&w, partPipeline, crossed, j.ppExposed)
	pipeline := w.sec
	tail := &tails[pace]
	w.do(partReduce, tail.exposedReduce)
	w.hidden[partReduce] += max(0, tail.reduce.sec-tail.exposedReduce.sec)
	w.do(partOptimizer, tail.optimizer)
	w.do(partParameters, tail.exposedGather)
	w.hidden[partParameters] += max(0, tail.gather.sec-tail.exposedGather.sec)

	st := &Step{PacingStage: pace, MicroBatches: j.cfg.microBatches(), Memory: j.memory}
	bubble := max(0, total.sec-w.sec)
	st.Bubble = bubble / pipeline
	for s := range p {
		bytes.addTimes(m/float64(p), &busy[s].bytes)
	}
	j.tailBytes(&bytes)
	st.LevelBytes = bytes
	j.finish(st, &w, total, bubble)
	if !j.undrawn {
		st.Stages = j.spans(t, st.Seconds/total.sec, tails, barrier.sec)
	}
	j.totals(st)
	return st, nil
}

// exchange is one transfer between each stage and the next: each tensor rank sends
// its share of the activation where the framework scatters it.
func (j *Job) exchange() ([]took, []levelBytes) {
	size := j.shape.tokens * j.shape.h * j.shape.actBytes
	if j.framework.ScatterGather || j.cfg.SequenceParallel {
		size /= j.shape.t
	}
	t, b := make([]took, j.cfg.Parallel.PP), make([]levelBytes, j.cfg.Parallel.PP)
	for i, p := range j.boundaries {
		t[i], b[i] = p.time(size)
	}
	return t, b
}

// stageParams is what a stage's rank holds.
func (j *Job) stageParams(s int) perRank {
	p := j.cfg.Parallel.PP
	var n perRank
	for g := s; g < len(j.chunked); g += p {
		n.addTimes(1, j.cfg.chunkParams(&j.chunked[g]))
	}
	return n
}

func (j *Job) reducePlans() (dense, expert planID) {
	switch {
	case j.plans[planCopies] != nil:
		return planCopies, planCopies
	case j.cfg.ZeRO == 0:
		return planDataReduce, planExpertDataReduce
	}
	return planDataScatter, planExpertDataScatter
}

// reduceTail runs a stage's gradient reduction: buckets become ready as the backward
// pass of the last micro-batch goes through the chunks, and go one after the other. A
// share of them (1 - overlap) waits for the end.
func (j *Job) reduceTail(tail *stageTail, t *timing, s int) {
	p, v := j.cfg.Parallel.PP, j.sched.v
	end := t.end[t.last[s]]
	tail.from, tail.done = t.last[s], end
	if j.cfg.ZeRO < 2 || j.plans[planCopies] != nil {
		dense, expert := j.reducePlans()
		order := make([]int, v)
		for c := range order {
			order[c] = c
		}
		slices.SortFunc(order, func(a, b int) int { return int(t.lastB[s*v+a]) - int(t.lastB[s*v+b]) })
		stream := stageTail{from: t.last[s]}
		for _, c := range order {
			ch := &j.chunked[c*p+s]
			n := j.cfg.chunkParams(ch)
			per := j.framework.ReduceBytes * j.cfg.trainedShare()
			if dense == planCopies {
				per /= j.shape.shards
			}
			dBytes, eBytes := n.dense*per, n.expert*per
			buckets := min(max(1, math.Floor((dBytes+eBytes)/reduceBucketBytes)), float64(max(1, ch.layersN)))
			one, _ := j.collective(dense, dBytes/buckets)
			other, _ := j.collective(expert, eBytes/buckets)
			one.add(&other)
			tail.reduce.addTimes(buckets, &one)
			hidden := times(j.dpHidden, one)
			if hidden.sec == 0 {
				continue
			}
			last := t.lastB[s*v+c]
			back := t.dur[t.class(&t.ops[last])].sec
			for b := 1.0; b <= buckets; b++ {
				less := (buckets - b) / buckets
				if ready := t.end[last] - less*back; ready > stream.done {
					stream.from, stream.less, stream.done, stream.after = last, less, ready, took{}
				}
				stream.after.add(&hidden)
				stream.done += hidden.sec
			}
		}
		if stream.done > end {
			tail.from, tail.less, tail.done, tail.after = stream.from, stream.less, stream.done, stream.after
		}
		rest := times(1-j.dpHidden, tail.reduce)
		tail.after.add(&rest)
		tail.done += rest.sec
	}
	if j.machine.PeerSec > 0 && j.cfg.Parallel.DP*j.cfg.Parallel.CP > 1 {
		calls := fixed(dataCalls*j.machine.PeerSec*float64(j.cfg.Parallel.DP*j.cfg.Parallel.CP-1)/j.hostSpeed, byHost)
		tail.reduce.add(&calls)
		tail.after.add(&calls)
		tail.done += calls.sec
	}
	if j.plans[planTied] != nil && (s == 0 || s == p-1) {
		tied, _ := j.collective(planTied, j.cfg.Arch.EmbeddingParams()/j.shape.t*j.framework.ReduceBytes)
		tail.reduce.add(&tied)
		tail.after.add(&tied)
		tail.done += tied.sec
	}
	if j.plans[planMirror] != nil {
		both, _ := j.collective(planMirror, j.mirrorBytes(s))
		tail.reduce.add(&both)
		tail.after.add(&both)
		tail.done += both.sec
	}
	if tail.reduce.sec > 0 {
		tail.exposedReduce = times(max(0, tail.done-end)/tail.reduce.sec, tail.reduce)
	}
}

// mirrorBytes are the gradients that a rank sums with the one that holds the same two stages
// under DualPipe, once they are reduced over data.
func (j *Job) mirrorBytes(s int) float64 {
	n := j.stageParams(s)
	if j.cfg.ZeRO >= 1 {
		n = perRank{n.dense / j.shape.shards, n.expert / j.shape.expertShards()}
	}
	return n.total() * j.framework.ReduceBytes
}

// updateTail is the optimizer and, where its state is sharded, the gathering of the
// new weights, which runs beside the next step's first forward pass.
func (j *Job) updateTail(tail *stageTail, works []work, s int) {
	p, v := j.cfg.Parallel.PP, j.sched.v
	n := j.stageParams(s)
	trained := j.cfg.trainedShare()
	local, held := j.updated(s), n.total()*trained
	if j.cfg.ZeRO == 3 {
		held = local
	}
	tail.optimizer = j.chip.op(1, func(d *hardware.Device) hardware.Cost {
		return d.Optimizer(optimizerShardedBytes*local + optimizerUnshardedBytes*held)
	})
	if j.cfg.OffloadOptimizer {
		tail.optimizer = j.hostUpdate(s)
	}
	if j.cfg.ZeRO != 1 && j.cfg.ZeRO != 2 {
		return
	}
	g, _ := j.collective(planDataGather, n.dense*j.shape.actBytes*trained)
	e, _ := j.collective(planExpertDataGather, n.expert*j.shape.actBytes*trained)
	tail.gather = plus(g, e)
	var window took
	for c := range v {
		window.add(&works[c*p+s].took)
	}
	seen := excess(times(j.dpHidden, tail.gather), window)
	tail.exposedGather = plus(times(1-j.dpHidden, tail.gather), seen)
}

// tailBytes adds the network traffic of reductions and gathers.
func (j *Job) tailBytes(bytes *levelBytes) {
	p := j.cfg.Parallel.PP
	share := 1 / float64(p)
	for s := range p {
		n := j.stageParams(s)
		call := func(dense, expert planID, per float64) {
			_, b := j.collective(dense, n.dense*per)
			_, e := j.collective(expert, n.expert*per)
			bytes.addTimes(share, &b)
			bytes.addTimes(share, &e)
		}
		if j.plans[planMirror] != nil {
			_, b := j.collective(planMirror, j.mirrorBytes(s))
			bytes.addTimes(share, &b)
		}
		trained := j.cfg.trainedShare()
		switch {
		case j.plans[planCopies] != nil:
			call(planCopies, planCopies, j.framework.ReduceBytes*trained/j.shape.shards)
		case j.cfg.ZeRO < 2:
			dense, expert := j.reducePlans()
			call(dense, expert, j.framework.ReduceBytes*trained)
		}
		if j.cfg.ZeRO == 1 || j.cfg.ZeRO == 2 {
			call(planDataGather, planExpertDataGather, j.shape.actBytes*trained)
		}
	}
}

// stretch is the factor of the slowest rank, and that of what the framework's profile
// leaves unexplained.
func (j *Job) stretch() (straggler, unexplained float64) {
	straggler = j.framework.StragglerPerDoubling * math.Log2(float64(max(1, j.machine.nodes())))
	if j.cfg.Straggler != nil {
		straggler = *j.cfg.Straggler
	}
	return straggler, j.framework.Stretch - 1
}

// finish makes parts and shares that sum to the step.
func (j *Job) finish(st *Step, w *work, total took, bubble float64) {
	straggler, unexplained := j.stretch()
	w.part[partBubble] = bubble
	w.part[partUnexplained] += unexplained * total.sec
	slow := straggler * (1 + unexplained) * total.sec
	w.part[partStraggler] = slow
	for p := part(0); p < numParts; p++ {
		if w.part[p] <= 0 && w.hidden[p] <= 0 {
			continue
		}
		kind := partNames[p].kind
		st.Parts = append(st.Parts, result.StepPart{Name: partNames[p].name, Kind: j.partKind(p, kind),
			Seconds: w.part[p], HiddenSeconds: w.hidden[p], Waiting: kind == result.KindWait})
		st.Seconds += w.part[p]
	}
	elastic := times((1+unexplained)*(1+straggler), total)
	w.by[byHost] += unexplained * total.sec
	var tied float64
	for c := cause(0); c < byTied; c++ {
		sec := w.by[c]
		if c >= byLevel {
			sec += w.by[c-byLevel+byTied]
			tied += elastic.by[c-byLevel+byTied]
		}
		if sec != 0 || elastic.by[c] != 0 {
			st.ByResource = append(st.ByResource, ResourceShare{c.key(), c.name(), c.kind(), sec, elastic.by[c]})
		}
	}
	if tied > 0 {
		st.ByResource = append(st.ByResource, ResourceShare{"fabric", "network levels that bind together", result.KindNetwork, 0, tied})
	}
	if bubble > 0 {
		st.ByResource = append(st.ByResource, ResourceShare{"bubble", "pipeline bubble", result.KindWait, bubble, 0})
	}
	if slow > 0 {
		st.ByResource = append(st.ByResource, ResourceShare{"straggler", "slowest rank", result.KindWait, slow, 0})
	}
	j.rungs(st, &elastic)
}

// partPlans names the collectives that a part of the step waits for.
var partPlans = [numParts][]planID{
	partTensor:     {planTensorReduce, planTensorGather},
	partContext:    {planContext},
	partExpert:     {planExpert},
	partGather:     {planDataScatter},
	partReduce:     {planDataReduce, planDataScatter, planTied},
	partParameters: {planDataGather},
}

// partKind colours an exchange by the level that holds it up.
func (j *Job) partKind(p part, kind result.Kind) result.Kind {
	ids := partPlans[p]
	plans := make([]*priced, 0, len(ids)+len(j.boundaries))
	for _, id := range ids {
		plans = append(plans, j.plans[id])
	}
	if p == partPipeline {
		plans = append(plans, j.boundaries...)
	}
	for _, pl := range plans {
		if pl != nil {
			if pl.base.Time(reduceBucketBytes).Level == topology.ScaleUpLevel.Key() {
				return result.KindScaleUp
			}
			return result.KindNetwork
		}
	}
	return kind
}

func (j *Job) rungs(st *Step, elastic *took) {
	var chip, net float64
	for c := cause(0); c < numCauses; c++ {
		switch {
		case c == byCompute || c == byMemory:
			chip += elastic.by[c]
		case c != byHost:
			net += elastic.by[c]
		}
	}
	pedigree := result.Datasheet
	if j.machine.Device.Rung != "datasheet roofline" {
		pedigree = result.Derived
	}
	for _, r := range []result.RungShare{
		{Rung: j.machine.Device.Rung, Pedigree: pedigree, Share: chip / elastic.sec},
		{Rung: "collective model", Pedigree: result.Derived, Share: net / elastic.sec},
		{Rung: "framework profile", Pedigree: result.Derived, Share: elastic.by[byHost] / elastic.sec},
	} {
		if r.Share > 0 {
			st.RungShares = append(st.RungShares, r)
		}
	}
	st.Assumed = j.assumed
}

// totals fills in what follows from the configuration alone.
func (j *Job) totals(st *Step) {
	c := &j.cfg
	seq := float64(c.Batch.Seq)
	st.SamplesPerStep = float64(c.Batch.Global)
	st.TokensPerStep = st.SamplesPerStep * seq
	st.ModelFlops = st.TokensPerStep * c.Arch.TrainingFlopsPerToken(seq)
	matrix := c.Arch.MatrixFlopsPerToken()
	scores := c.Arch.FlopsPerToken(seq) - matrix
	st.FullFlops = st.TokensPerStep * 3 * (matrix + scores)
	if c.Arch.Causal {
		st.FullFlops = st.TokensPerStep * 3 * (matrix + 2*scores)
	}
	head := 2 * c.Arch.HeadParams()
	st.HardwareFlops = st.ModelFlops
	switch c.Recompute {
	case RecomputeFull:
		st.HardwareFlops += st.TokensPerStep * (matrix - head + scores)
	case RecomputeMinimal:
		st.HardwareFlops += st.TokensPerStep * minimalRecompute * (matrix - head + scores)
	case RecomputeMLP:
		var mlp float64
		for i := range c.Arch.Layers {
			_, active := c.Arch.LayerParams(c.Arch.Layer(i))
			mlp += 2 * (active - c.Arch.AttentionParams())
		}
		st.HardwareFlops += st.TokensPerStep * mlp
	case RecomputeSelective:
		if !j.framework.FusedAttention {
			st.HardwareFlops += st.TokensPerStep * scores
		}
	}
	passes := 3.0
	if c.Recompute == RecomputeFull {
		passes++
	}
	st.HardwareFlops += st.TokensPerStep * passes * c.mtpFlops(scores)
	st.MFU = j.utilisation(st.ModelFlops, st.Seconds)
	token := 4.0
	if c.Arch.Vocab < 1<<16 {
		token = 2
	}
	st.InputBytes = st.TokensPerStep * token
	st.CheckpointBytes = checkpointBytesPerParam(c.Precision) * (c.Arch.Params() + c.mtpTotal())
}

// utilisation is work over what all chips could do in that time at their dense
// 16-bit peak (at the precision's own where there is none).
func (j *Job) utilisation(flops, sec float64) float64 {
	peak := j.machine.Device.Peak[hardware.BF16]
	if j.cfg.Precision.Bytes() >= 4 || peak == 0 {
		peak = j.machine.Device.Peak[j.cfg.Precision]
	}
	if clock := j.machine.Device.Clock; clock > 0 {
		peak /= clock // the stated peak, whatever a power cap leaves of it
	}
	return flops / (sec * peak * float64(j.cfg.chips()))
}
