package training

// Multi-token prediction (DeepSeek-V3, arXiv:2412.19437, section 2.2): each depth predicts one
// token further ahead. On the last stage it joins the state before it with the embedding of
// the next token (two norms and a product of 2h×h), passes them through one more layer of
// the last one's kind, and through the head, which it shares.

// maxMTP bounds the depths; DeepSeek-V3 trains one.
const maxMTP = 8

// mtpNorms are the norms of a depth beside its layer's: of both inputs and before the head.
const mtpNorms = 3

// mtpTraffic is the values per unit of hidden width that a depth moves forward beside its
// layer: both norms read and write, the joint input is written and read.
const mtpTraffic = 8

// mtpParams are the parameters of the depths on one rank beside their layers.
func (c *Config) mtpParams() float64 {
	h, t := float64(c.Arch.Hidden), float64(c.Parallel.TP)
	n := float64(c.MTP) * (2*h*h/t + mtpNorms*h)
	if c.Parallel.PP > 1 && c.Schedule != ScheduleDualPipe && !c.Arch.TiedEmbeddings {
		n += c.Arch.EmbeddingParams() / t // a copy of the first stage's
	}
	return n
}

// mtpTotal are the parameters that the depths add to a checkpoint.
func (c *Config) mtpTotal() float64 {
	h := float64(c.Arch.Hidden)
	layer, _ := c.Arch.LayerParams(c.Arch.Layer(c.Arch.Layers - 1))
	return float64(c.MTP) * (layer + 2*h*h + mtpNorms*h)
}

// mtpFlops are forward operations per token of the depths.
func (c *Config) mtpFlops(scores float64) float64 {
	h := float64(c.Arch.Hidden)
	_, active := c.Arch.LayerParams(c.Arch.Layer(c.Arch.Layers - 1))
	return float64(c.MTP) * (2*active + scores/float64(c.Arch.Layers) + 4*h*h + 2*c.Arch.HeadParams())
}

// mtp is the work of one depth beside its layer and its head.
func (j *Job) mtp(back bool) work {
	c, s := &j.cfg, &j.shape
	w := j.edge(false, back) // looks its tokens up
	g := gemm{m: s.tokens, n: s.h / s.t, k: 2 * s.h}
	t := j.chip.gemm(g, s.linear, back, c.Adapter > 0)
	moved := mtpTraffic * j.framework.Elementwise * s.tokens * s.h * s.actBytes / s.split
	if back {
		w.do(partBackwardMatrix, t)
		moved *= elementwiseBackward
		if c.Schedule.splits() {
			w.weights = j.chip.weightGEMM(g, s.linear)
		}
	} else {
		w.do(partForwardMatrix, t)
	}
	w.do(partElementwise, j.chip.elementwise(moved))
	return w
}
