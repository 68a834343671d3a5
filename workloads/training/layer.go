package training

import (
	"math"

	"aisim/hardware"
	"aisim/topology/collective"
	"aisim/workloads"
)

// The ratios of element-wise backward to forward work, and the share of a forward
// pass that MaxText's minimal remat repeats (training rows; see docs/models/training.md).
const (
	elementwiseBackward = 1.6
	minimalRecompute    = 0.15
	tensorCalls         = 4   // exchanges of a tensor group in one pass of a layer
	dataCalls           = 8   // exchanges of a data group in one step: gradients and weights in four buckets
	ringHiddenShare     = 0.8 // of attention time that a ring exchange can hide behind
)

// layer is the work of one layer and micro-batch on one rank.
func (j *Job) layer(k workloads.LayerKind, back bool) work {
	c, s, fw := &j.cfg, &j.shape, j.framework
	var w work
	matrix, attend := partForwardMatrix, partForwardAttention
	if back {
		matrix, attend = partBackwardMatrix, partBackwardAttention
	}
	for _, g := range c.gemms(s, k) {
		w.do(matrix, j.chip.gemm(g, s.linear, back, c.Adapter > 0))
		if back && c.Schedule.splits() {
			w.weights = plus(w.weights, j.chip.weightGEMM(g, s.linear))
		}
	}
	att := j.attend(k, back)
	w.do(attend, att)
	moved := fw.Elementwise*c.traffic(s, k) + c.castTraffic(s, k)*castFactor(back)
	if back {
		moved += (elementwiseBackward - 1) * fw.Elementwise * c.traffic(s, k)
	}
	if c.Adapter > 0 {
		pass := 1.0
		if back {
			pass = 2 // the adapters' own gradients for inputs and weights
		}
		moved += pass * c.adapterTraffic(s, k)
	}
	if back && c.Adapter == 0 && fw.AccumulateBytes > 0 && (c.ZeRO < 2 || c.Parallel.DP*c.Parallel.CP == 1) {
		n := c.layerParams(k)
		moved += fw.AccumulateBytes * n.total()
	}
	w.do(partElementwise, j.chip.elementwise(moved))
	j.exchangeTensor(&w, back)
	j.exchangeContext(&w, att, back)
	if k.MoE {
		j.exchangeExperts(&w)
	}
	if back {
		j.recompute(&w, k)
	}
	j.waitForHost(&w, k, back)
	j.gather(&w, k, back)
	return w
}

func castFactor(back bool) float64 {
	if back {
		return 2
	}
	return 1
}

func (j *Job) attend(k workloads.LayerKind, back bool) took {
	shape := j.cfg.attention(&j.shape, k, j.framework.FusedAttention, back)
	t := j.chip.op(1, func(d *hardware.Device) hardware.Cost { return d.Attention(shape) })
	if !j.framework.FusedAttention {
		slow := unfusedMisalignment(j.cfg.Arch.HeadDim) - 1
		t.sec += slow * t.by[byCompute]
		t.by[byCompute] += slow * t.by[byCompute]
	}
	rate := j.attentionRate
	if back {
		rate *= j.framework.AttentionBackward
	}
	return times(1/rate, t)
}

// unfusedMisalignment is how much longer the batched products of unfused attention
// take when a head does not fill the matrix units' rows of 16 or 8 values (training
// rows of BigScience with head dimensions 150, 108 and 136).
func unfusedMisalignment(headDim int) float64 {
	switch {
	case headDim%16 == 0:
		return 1
	case headDim%8 == 0:
		return 1.14
	}
	return 6
}

// exchangeTensor adds the exchanges inside a tensor group: an all-reduce (or, with
// sequence parallelism, a gather and a scatter) of the layer's output after attention
// and after the MLP, and as many backward.
func (j *Job) exchangeTensor(w *work, back bool) {
	if j.cfg.Parallel.TP == 1 {
		return
	}
	size := j.shape.tokens * j.shape.h * j.shape.actBytes
	k := 2.0
	if back && j.cfg.SequenceParallel {
		k *= j.framework.SPBackward
	}
	var t took
	if j.cfg.SequenceParallel {
		g, gb := j.collective(planTensorGather, size)
		r, rb := j.collective(planTensorScatter, size)
		t = times(k, plus(g, r))
		w.bytes.addTimes(k, &gb)
		w.bytes.addTimes(k, &rb)
	} else {
		r, rb := j.collective(planTensorReduce, size)
		t = times(k, r)
		w.bytes.addTimes(k, &rb)
	}
	j.expose(w, partTensor, t, j.tpExposed)
}

// expose puts a share of a communication on the rank's time and the rest beside it.
func (j *Job) expose(w *work, p part, t took, share float64) {
	w.do(p, times(share, t))
	w.hidden[p] += (1 - share) * t.sec
}

// exchangeContext adds the ring exchange of keys and values: once forward; keys,
// values and their gradients backward. It hides behind attention.
func (j *Job) exchangeContext(w *work, att took, back bool) {
	if j.cfg.Parallel.CP == 1 {
		return
	}
	values := 2 * j.shape.kv / j.shape.t
	if m := j.cfg.Arch.MLA; m != nil {
		values = float64(j.cfg.Arch.Heads) / j.shape.t * float64(m.QKNope+m.QKRope+m.VHead)
	}
	size := j.shape.micro * j.shape.seq * values * j.shape.actBytes
	t, b := j.collective(planContext, size)
	k := 1.0
	if back {
		k = 2
	}
	t = times(k, t)
	w.bytes.addTimes(k, &b)
	seen := excess(t, times(ringHiddenShare, att))
	w.do(partContext, seen)
	w.hidden[partContext] += t.sec - seen.sec
}

// exchangeExperts adds dispatch and combine of the routed tokens; tensor ranks each
// send their share of them; backward moves as much as forward. Under 8-bit linear layers dispatch is sent in 8 bits.
func (j *Job) exchangeExperts(w *work) {
	if j.cfg.Parallel.EP == 1 {
		return
	}
	perValue := j.shape.actBytes
	if j.shape.linear.Bytes() < 2 {
		perValue = 1.5
	}
	size := j.shape.tokens / j.shape.t * float64(j.cfg.Arch.ExpertsActive) * j.shape.h * perValue
	if j.framework.EPDedupe {
		size *= j.distinct(float64(j.cfg.Arch.ExpertsActive))
	}
	t, b := j.collective(planExpert, size)
	w.bytes.addTimes(2, &b)
	w.expert.addTimes(2, &t)
	j.expose(w, partExpert, times(2, t), j.framework.EPExposed)
}

// distinct is the share of a token's copies that leave when each place that holds
// experts of it gets one: hosts where the expert group spans hosts, else ranks. With
// balanced routing k choices over n places meet n(1-(1-1/n)^k) of them.
func (j *Job) distinct(k float64) float64 {
	places := j.shape.ep
	if per := float64(j.machine.scaleUpChips()); places > per {
		places = math.Ceil(places / per)
	}
	return places * (1 - math.Pow(1-1/places, k)) / k
}

// recompute adds what the backward pass computes again.
func (j *Job) recompute(w *work, k workloads.LayerKind) {
	c, s := &j.cfg, &j.shape
	switch c.Recompute {
	case RecomputeFull:
		for _, g := range c.gemms(s, k) {
			w.do(partRecompute, j.chip.gemm(g, s.linear, false, false))
		}
		att := j.attend(k, false)
		w.do(partRecompute, att)
		w.do(partRecompute, j.chip.elementwise(j.framework.Elementwise*c.traffic(s, k)+c.castTraffic(s, k)))
		j.exchangeTensor(w, false)
		j.exchangeContext(w, att, false)
		if k.MoE {
			j.exchangeExperts(w)
		}
	case RecomputeMinimal:
		for _, g := range c.gemms(s, k) {
			w.do(partRecompute, times(minimalRecompute, j.chip.gemm(g, s.linear, false, false)))
		}
		w.do(partRecompute, times(minimalRecompute, j.attend(k, false)))
		w.do(partRecompute, j.chip.elementwise(j.framework.Elementwise*c.traffic(s, k)))
	case RecomputeMLP:
		for _, g := range c.gemms(s, k)[c.attentionGEMMs():] {
			w.do(partRecompute, j.chip.gemm(g, s.linear, false, false))
		}
		w.do(partRecompute, j.chip.elementwise(j.framework.Elementwise*c.traffic(s, k)+c.castTraffic(s, k)))
	case RecomputeSelective:
		if !j.framework.FusedAttention {
			w.do(partRecompute, j.attend(k, false))
			return
		}
		// Norm outputs are made again from their inputs, the activation from its own:
		// read and write of each.
		w.do(partRecompute, j.chip.elementwise(j.framework.Elementwise*s.actBytes*s.tokens*
			(4*s.h/s.split+2*c.mlpWidth(k)/s.t)))
	}
}

// attentionGEMMs is how many of a layer's matrix products belong to attention.
func (c *Config) attentionGEMMs() int {
	switch m := c.Arch.MLA; {
	case m == nil:
		return 2
	case m.QLora > 0:
		return 5
	}
	return 4
}

// mlpWidth is the width of the MLPs that one token goes through in a layer.
func (c *Config) mlpWidth(k workloads.LayerKind) float64 {
	if k.MoE {
		return float64(c.Arch.ExpertFFN * (c.Arch.ExpertsActive + c.Arch.SharedExperts))
	}
	return float64(c.Arch.FFN)
}

// waitForHost makes the layer at least as long as the host needs to launch it, and
// adds what a framework is known to spend beyond that.
func (j *Job) waitForHost(w *work, k workloads.LayerKind, back bool) {
	fw := j.framework
	floor := fw.HostLayerSec
	if j.cfg.Parallel.TP > 1 && fw.HostLayerTPSec > 0 {
		floor = fw.HostLayerTPSec
	}
	if k.MoE {
		floor = fw.HostMoELayerSec
	}
	passes := 1.0
	if back {
		passes = fw.HostBackward
		if j.cfg.Recompute == RecomputeFull {
			passes++
		}
	}
	floor *= passes / j.hostSpeed
	// A gather and a scatter at both ends of a layer call each peer.
	floor += tensorCalls * j.machine.PeerSec * float64(j.cfg.Parallel.TP-1) / j.hostSpeed
	if floor > w.sec {
		w.part[partHost] += floor - w.sec
		if w.sec > 0 {
			w.weights = fixed(w.weights.sec*floor/w.sec, byHost)
		}
		w.expert = took{} // hiding it gains nothing
		w.took = fixed(floor, byHost)
	}
	if fw.LayerOverhead > 0 {
		share := 1.0 / 3
		if back {
			share = 2.0 / 3
		}
		w.do(partUnexplained, fixed(share*fw.LayerOverhead/j.hostSpeed, byHost))
	}
}

// gather adds what sharding over data costs in every layer and micro-batch: ZeRO-2
// scatters gradients backward; ZeRO-3 also gathers weights, forward and backward.
func (j *Job) gather(w *work, k workloads.LayerKind, back bool) {
	if j.cfg.ZeRO < 2 || j.cfg.Parallel.DP*j.cfg.Parallel.CP == 1 {
		return
	}
	n := j.cfg.layerParams(k)
	var t took
	call := func(dense, expert planID, perParam float64) {
		d, db := j.collective(dense, n.dense*perParam)
		e, eb := j.collective(expert, n.expert*perParam)
		t.add(&d)
		t.add(&e)
		w.bytes.addTimes(1, &db)
		w.bytes.addTimes(1, &eb)
	}
	if j.cfg.ZeRO == 3 {
		call(planDataGather, planExpertDataGather, j.shape.actBytes)
	}
	if back {
		call(planDataScatter, planExpertDataScatter, j.framework.ReduceBytes*j.cfg.trainedShare())
	}
	if t.sec == 0 {
		return
	}
	free := 1.0
	if o := j.cfg.Overlap.DP; o != nil {
		free = *o
	}
	before := w.took
	after := beside(before, times(free, t), j.framework.FSDPContention)
	after = plus(after, times(1-free, t))
	w.part[partGather] += after.sec - before.sec
	w.hidden[partGather] += max(0, t.sec-(after.sec-before.sec))
	w.took = after
}

// edge is the work of the embedding (first chunk) or of the head and loss (last).
func (j *Job) edge(head, back bool) work {
	c, s := &j.cfg, &j.shape
	var w work
	if !head {
		k := 3.0 // look up, write, position or dropout pass
		if back {
			k = 4 // scatter-add reads and writes the table's gradient
		}
		w.do(partHead, j.chip.elementwise(k*s.tokens*s.h*s.actBytes/s.split))
		return w
	}
	g := gemm{m: s.tokens, n: float64(c.Arch.Vocab) / s.t, k: s.h}
	w.do(partHead, j.chip.gemm(g, s.exact, back, c.Adapter > 0))
	perLogit := j.framework.LogitTraffic / 3
	if back {
		perLogit *= 2
	}
	w.do(partHead, j.chip.elementwise(perLogit*s.tokens*float64(c.Arch.Vocab)/s.t))
	return w
}

// planID names the collectives that a job prepares.
type planID int

const (
	planTensorReduce planID = iota
	planTensorGather
	planTensorScatter
	planContext
	planExpert
	planDataReduce
	planDataGather
	planDataScatter
	planExpertDataReduce
	planExpertDataGather
	planExpertDataScatter
	planTied
	planMirror
	planCopies
	numPlans
)

var planOps = [numPlans]collective.Op{
	collective.AllReduce, collective.AllGather, collective.ReduceScatter,
	collective.AllGather, // a ring passes keys and values on n-1 times, as a ring gather does
	collective.AllToAll,
	collective.AllReduce, collective.AllGather, collective.ReduceScatter,
	collective.AllReduce, collective.AllGather, collective.ReduceScatter,
	collective.AllReduce,
	collective.AllReduce,
	collective.AllReduce,
}
