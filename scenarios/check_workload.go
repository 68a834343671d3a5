package scenarios

import (
	"fmt"
	"os"
	"path/filepath"

	"aisim/workloads"
	"aisim/workloads/serving"
)

func (c *checker) workloads() {
	var problems []*Problem
	c.placed, problems = c.sc.place()
	c.problems = append(c.problems, problems...)
	for i := range c.sc.Workloads {
		w := &c.sc.Workloads[i]
		if !c.id("workload", w.ID) {
			continue
		}
		at := "workload." + w.ID
		if w.Model == "" && w.Architecture == nil && w.Generic == nil {
			c.lacks(at, "model", "what is computed; model, architecture or generic")
			continue
		}
		chips := c.placed[i].Count * c.chips
		shape := c.shape(w, at)
		if w.Kind == "training" {
			c.training(w, at, chips, shape)
		} else {
			c.serving(w, at, chips, shape)
		}
	}
	c.companions()
}

// shape is the transformer that the workload computes; nil for generic models
// and where a problem with the model was reported.
func (c *checker) shape(w *Workload, at string) *workloads.Architecture {
	if a := w.Architecture; a != nil {
		if a.Heads%a.KVHeads != 0 {
			c.bad(at+".architecture.kv_heads", fmt.Sprintf("a divisor of %d", a.Heads), "", "%d heads do not share %d key and value heads evenly", a.Heads, a.KVHeads)
		}
		if a.ExpertsActive > a.Experts {
			c.bad(at+".architecture.experts_active", fmt.Sprintf("0 to %d", a.Experts), "", "more experts are active than there are")
		}
		if a.Experts > 0 && a.ExpertsActive == 0 {
			c.lacks(at+".architecture", "experts_active", "the experts that each token visits")
		}
		return &workloads.Architecture{Layers: a.Layers, Hidden: a.Hidden, Heads: a.Heads, KVHeads: a.KVHeads, Experts: a.Experts}
	}
	if w.Model == "" {
		return nil
	}
	m, err := c.refs.Model(w.Model)
	if err != nil {
		return nil
	}
	a, err := workloads.FromCard(m)
	if err != nil {
		c.bad(at+".model", "", "describe it with architecture or generic", "%s", err)
		return nil
	}
	if a.Generic != nil {
		return nil
	}
	return &a
}

func (c *checker) training(w *Workload, at string, chips int, shape *workloads.Architecture) {
	if w.DurationSec == nil && w.Tokens == nil && w.Steps == nil {
		c.lacks(at, "duration", "how long to train; duration, tokens or steps")
	}
	if w.Checkpoint != nil {
		c.store(at+".checkpoint.to", w.Checkpoint.To)
	}
	if w.Dataset != nil {
		c.store(at+".dataset.from", w.Dataset.From)
	}
	if w.Checkpoint != nil && w.Checkpoint.Every.Auto && c.sc.Faults == nil {
		c.bad(at+".checkpoint.every", "", `give [faults] a failure rate, or write every = "1 h"`, `"auto" is the optimum for a failure rate, and nothing fails in this scenario`)
	}
	c.batch(w, at, chips, shape)
	c.cuts(w, at, shape)
}

// batch checks that the cuts multiply out to the accelerators and that they
// divide the batch.
func (c *checker) batch(w *Workload, at string, chips int, shape *workloads.Architecture) {
	p, b := &w.Parallelism, &w.Batch
	model := finite(p.Tensor, p.Pipeline, p.Context)
	product := fmt.Sprintf("tensor %d × pipeline %d × context %d", p.Tensor, p.Pipeline, p.Context)
	if b.Sequence == 0 && speaksTokens(w) {
		c.lacks(at+".batch", "sequence", "the tokens of a sequence")
	}
	if chips == 0 {
		return
	}
	switch {
	case model > float64(chips):
		c.bad(at+".parallelism", fmt.Sprintf("a product of up to %d", chips), "", "%s = %.0f ranks, and the workload has %d accelerators", product, model, chips)
		return
	case chips%int(model) != 0:
		c.bad(at+".parallelism", fmt.Sprintf("a product that divides %d", chips), "", "%s = %.0f does not divide the workload's %d accelerators", product, model, chips)
		return
	}
	data := chips / int(model)
	if p.Data != nil && *p.Data != data {
		c.bad(at+".parallelism.data", fmt.Sprint(data), "leave data out: it follows from the nodes", "%s × data %d = %.0f, and the workload has %d accelerators", product, *p.Data, model*float64(*p.Data), chips)
		return
	}
	per := finite(data, b.Micro)
	if float64(b.Global) < per || b.Global%int(per) != 0 {
		c.bad(at+".batch.global", fmt.Sprintf("multiples of %.0f", per), "", "does not divide by data %d × micro %d", data, b.Micro)
		return
	}
	micros := b.Global / int(per)
	if p.Virtual > 1 && micros%p.Pipeline != 0 {
		c.bad(at+".parallelism.virtual", "", "make the micro-batches per rank a multiple of pipeline", "the interleaved schedule wants micro-batches (%d) in multiples of pipeline %d", micros, p.Pipeline)
	}
	if p.Expert > 1 && (data*p.Context)%p.Expert != 0 {
		c.bad(at+".parallelism.expert", fmt.Sprintf("a divisor of %d", data*p.Context), "", "does not divide data %d × context %d", data, p.Context)
	}
}

// cuts checks that the model can be cut as asked.
func (c *checker) cuts(w *Workload, at string, shape *workloads.Architecture) {
	p := &w.Parallelism
	if shape == nil {
		if !speaksTokens(w) && finite(p.Tensor, p.Pipeline, p.Context, p.Expert, p.Virtual) > 1 {
			c.bad(at+".parallelism", "1 for all but data", "", "a model known by totals per sample can only be split over data")
		}
		return
	}
	if shape.Heads%p.Tensor != 0 {
		c.bad(at+".parallelism.tensor", fmt.Sprintf("a divisor of %d", shape.Heads), "", "does not divide the model's %d attention heads", shape.Heads)
	}
	if chunks := finite(p.Pipeline, p.Virtual); chunks > float64(shape.Layers) {
		c.bad(at+".parallelism.pipeline", fmt.Sprintf("pipeline × virtual up to %d", shape.Layers), "", "%.0f chunks for the model's %d layers", chunks, shape.Layers)
	}
	if p.Virtual > 1 && p.Pipeline == 1 {
		c.bad(at+".parallelism.virtual", "", "", "chunks per stage need more than one pipeline stage")
	}
	if w.Batch.Sequence > 0 && w.Batch.Sequence%p.Context != 0 {
		c.bad(at+".parallelism.context", fmt.Sprintf("a divisor of %d", w.Batch.Sequence), "", "does not divide the sequence")
	}
	switch {
	case p.Expert > 1 && shape.Experts == 0:
		c.bad(at+".parallelism.expert", "1", "", "the model has no experts")
	case p.Expert > 1 && shape.Experts%p.Expert != 0:
		c.bad(at+".parallelism.expert", fmt.Sprintf("a divisor of %d", shape.Experts), "", "does not divide the model's %d experts", shape.Experts)
	}
}

func (c *checker) serving(w *Workload, at string, chips int, shape *workloads.Architecture) {
	switch {
	case w.Arrivals == nil && w.Trace == "":
		c.lacks(at, "arrivals", "the requests; arrivals or trace")
	case w.Arrivals != nil:
		if w.DurationSec == nil {
			c.lacks(at, "duration", "how long requests arrive")
		}
		c.arrivals(w, at)
	default:
		c.trace(w, at)
	}
	if w.Trace == "" {
		for _, key := range []string{"trace_format", "rescale"} {
			if c.sc.IsSet(at + "." + key) {
				c.bad(at+"."+key, "", "name a trace, or remove it", "changes nothing without a trace")
			}
		}
	}
	if w.LoadFrom != "" {
		c.store(at+".load_from", w.LoadFrom)
	} else if !w.Warm {
		c.bad(at+".warm", "", "name a store in load_from", "is false, and there is nothing to load from")
	}
	c.lora(w, at)
	language := speaksTokens(w)
	if w.Batcher != nil && language {
		c.bad(at+".batcher", "", "the engine batches; see max_batch and token_budget", "is for generic models only")
	}
	if !language {
		for _, k := range []struct {
			name string
			set  *int
		}{{"max_batch", w.MaxBatch}, {"token_budget", w.TokenBudget}, {"stream_interval", w.StreamInterval}, {"cache_blocks", w.CacheBlocks}} {
			if k.set != nil {
				c.bad(at+"."+k.name, "", "samples are batched by batcher.max and batcher.window", "is for language models only")
			}
		}
	}
	p := &w.Parallelism
	ranks := finite(p.Tensor, p.Pipeline, p.Attention)
	replicas := 1
	if w.Replicas != nil {
		replicas = *w.Replicas
	}
	if w.MIG != "" { // instances are counted when the chip is known
		chips = 0
	}
	if chips > 0 && ranks*float64(replicas) > float64(chips) {
		cut := cutOf(&serving.Config{TP: p.Tensor, PP: p.Pipeline, AttentionDP: p.Attention})
		key, text := at+".parallelism", fmt.Sprintf("%s = %.0f", cut, ranks)
		if replicas > 1 {
			key, text = at+".replicas", fmt.Sprintf("%d replicas × %s = %.0f", replicas, cut, ranks*float64(replicas))
		}
		c.bad(key, fmt.Sprintf("a product of up to %d", chips), "", "%s, and the workload has %d accelerators", text, chips)
	}
	if shape != nil && shape.Heads%p.Tensor != 0 {
		c.bad(at+".parallelism.tensor", fmt.Sprintf("a divisor of %d", shape.Heads), "", "does not divide the model's %d attention heads", shape.Heads)
	}
	if shape != nil {
		c.experts(p, at, shape)
	}
	if shape != nil && p.Pipeline > shape.Layers {
		c.bad(at+".parallelism.pipeline", fmt.Sprintf("1 to %d", shape.Layers), "", "the model has %d layers", shape.Layers)
	}
	if shape == nil && !language && ranks > 1 {
		c.bad(at+".parallelism", "1", "", "a model known by totals per sample cannot be split")
	}
}

// experts checks how a replica spreads a mixture.
func (c *checker) experts(p *Parallelism, at string, shape *workloads.Architecture) {
	chips := int(finite(p.Tensor, p.Attention))
	switch {
	case p.Attention > 1 && shape.Experts == 0:
		c.bad(at+".parallelism.attention", "1", "as many replicas do the same", "the model has no experts that attention groups could share")
	case p.Expert > 1 && shape.Experts == 0:
		c.bad(at+".parallelism.expert", "1", "", "the model has no experts")
	case chips%max(p.Expert, 1) != 0:
		c.bad(at+".parallelism.expert", fmt.Sprintf("a divisor of %d", chips), "", "does not divide tensor %d × attention %d", p.Tensor, p.Attention)
	case p.Expert > 1 && shape.Experts%p.Expert != 0:
		c.bad(at+".parallelism.expert", fmt.Sprintf("a divisor of %d", shape.Experts), "", "does not divide the model's %d experts", shape.Experts)
	}
}

// arrivals checks that the generator is told all that it needs.
func (c *checker) arrivals(w *Workload, at string) {
	a := w.Arrivals
	at += ".arrivals"
	language := speaksTokens(w)
	recorded := a.Process == "azure-conv" || a.Process == "servegen"
	if !recorded && a.RequestsPerSec == nil {
		c.lacks(at, "rate", a.Process+" has no rate of its own")
	}
	for _, l := range []struct {
		name string
		l    *Lengths
	}{{"prompt", a.Prompt}, {"output", a.Output}} {
		if l.l == nil {
			if !recorded && language {
				c.lacks(at, l.name, a.Process+" has no lengths of its own")
			}
			continue
		}
		key := at + "." + l.name
		if !language {
			c.bad(key, "", "a request of a generic model is one sample", "is for language models only")
			continue
		}
		mean, cv, p50, p95 := l.l.Mean != nil, l.l.CV != nil, l.l.P50 != nil, l.l.P95 != nil
		switch {
		case !(mean && cv && !p50 && !p95) && !(p50 && p95 && !mean && !cv):
			c.bad(key, "mean and cv, or p50 and p95", "", "the lengths need two figures")
		case p50 && *l.l.P95 < *l.l.P50:
			c.bad(key+".p95", fmt.Sprintf("%g or more", *l.l.P50), "", "is below p50")
		}
	}
	if a.Process == "servegen" {
		if a.Clients == "" {
			c.lacks(at, "clients", "the folder of the clients' files")
		} else if o, ok := c.sc.source.origins[at+".clients"]; ok && !filepath.IsAbs(a.Clients) {
			a.Clients = filepath.Join(o.dir, filepath.FromSlash(a.Clients))
		}
		if !language {
			c.bad(at+".process", "poisson | gamma", "", "records of language models, and the model does not speak")
		}
	}
	if a.Process == "azure-conv" && !language {
		c.bad(at+".process", "poisson | gamma", "", "is fitted to conversations, and the model does not speak")
	}
}

// trace resolves the path of a trace and looks whether it is there.
func (c *checker) trace(w *Workload, at string) {
	if o, ok := c.sc.source.origins[at+".trace"]; ok && !filepath.IsAbs(w.Trace) {
		w.Trace = filepath.Join(o.dir, filepath.FromSlash(w.Trace))
	}
	info, err := os.Stat(w.Trace)
	switch {
	case err != nil:
		c.bad(at+".trace", "", "the path is relative to the scenario file, in --set to the working folder", "there is no such file")
	case !info.Mode().IsRegular():
		c.bad(at+".trace", "", "", "is not a file")
	}
}
