package training

import "aisim/workloads"

// chunk is a run of layers that one stage works on at once.
type chunk struct {
	layers         [4]int // by kindIndex
	embed, head    bool
	mtp            bool // the depths of multi-token prediction stand behind the head's layers
	first, layersN int  // first layer and number of layers
}

// kindIndex numbers the kinds of layers.
func kindIndex(k workloads.LayerKind) int {
	i := 0
	if k.MoE {
		i = 1
	}
	if k.Local {
		i += 2
	}
	return i
}

func kindAt(i int) workloads.LayerKind { return workloads.LayerKind{MoE: i&1 == 1, Local: i >= 2} }

// chunkSizes deals layers to p·v chunks, chunk c of stage s standing at c·p+s. What
// does not divide evenly is left out first where the head (last) and the embedding
// (first) are, then stage by stage from both ends, as in Llama 3 (arXiv:2407.21783,
// section 3.3.2).
func chunkSizes(layers, p, v int) []int {
	n := p * v
	sizes := make([]int, n)
	q, r := layers/n, layers%n
	for i := range sizes {
		sizes[i] = q
		if r > 0 {
			sizes[i]++
		}
	}
	if r == 0 {
		return sizes
	}
	short := n - r
	taken := make([]bool, n)
	for i := 0; short > 0; i++ {
		c := i / p
		for _, g := range [2]int{(v-1-c)*p + p - 1 - i%p, c*p + i%p} {
			if short > 0 && !taken[g] {
				taken[g] = true
				sizes[g]--
				short--
			}
		}
	}
	return sizes
}

// costSizes deals layers to p stages by their matrix work with the head's counted and
// the embedding free: a stage is full once the work up to it reaches its even share
// (nanotron's rule, which moves on by one stage at a time). Heads are often worth whole
// layers, so that shares are met exactly: rounding must not turn them.
func costSizes(a *workloads.Architecture, p int) []int {
	sizes := make([]int, p)
	costs := make([]float64, a.Layers)
	total := a.HeadParams()
	for i := range costs {
		_, costs[i] = a.LayerParams(a.Layer(i))
		costs[i] -= 2 * float64(a.Hidden) // norms
		total += costs[i]
	}
	stage, sum := 0, 0.0
	for _, cost := range costs {
		sizes[stage]++
		sum += cost
		if stage < p-1 && sum >= (1-1e-9)*total*float64(stage+1)/float64(p) {
			stage++
		}
	}
	return sizes
}

// chunks splits the model over the stages; index as chunkSizes.
func (c *Config) chunks() []chunk {
	a := &c.Arch
	sizes := chunkSizes(a.Layers, c.Parallel.PP, c.Parallel.VP)
	if fw, err := FrameworkByID(c.Framework); err == nil && fw.BalanceByCost && c.Parallel.VP == 1 {
		sizes = costSizes(a, c.Parallel.PP)
	}
	out := make([]chunk, len(sizes))
	at := 0
	for i, n := range sizes {
		out[i].first, out[i].layersN = at, n
		for range n {
			out[i].layers[kindIndex(a.Layer(at))]++
			at++
		}
	}
	out[0].embed = true
	end := &out[len(out)-1]
	end.head = true
	if c.MTP > 0 {
		end.mtp = true
		end.layersN += c.MTP
		end.layers[kindIndex(a.Layer(a.Layers-1))] += c.MTP
	}
	if c.Schedule == ScheduleDualPipe {
		for i := range sizes { // each rank holds its mirror's stage too
			out = append(out, out[len(sizes)-1-i])
		}
	}
	return out
}

// perRank is a number of parameters on one rank: those that all data ranks share,
// and those of experts.
type perRank struct{ dense, expert float64 }

func (n perRank) total() float64 { return n.dense + n.expert }

func (n *perRank) addTimes(k float64, o perRank) {
	n.dense += k * o.dense
	n.expert += k * o.expert
}

// layerParams is the number of parameters of one layer on one rank, after tensor and
// expert splitting. Norms and routers are not split; experts are split over tensor
// ranks by width.
func (c *Config) layerParams(k workloads.LayerKind) perRank {
	a, t := &c.Arch, float64(c.Parallel.TP)
	h := float64(a.Hidden)
	n := perRank{dense: a.AttentionParams()/t + 2*h}
	if !k.MoE {
		n.dense += a.MLPParams() / t
		return n
	}
	n.dense += h*float64(a.Experts) + float64(a.SharedExperts)*a.ExpertParams()/t
	n.expert = float64(a.Experts) / float64(c.Parallel.EP) * a.ExpertParams() / float64(c.Parallel.ET)
	return n
}

// chunkParams is the number of parameters of a chunk on one rank. A tied head is a
// second copy when it lies on another stage; under DualPipe both ends hold both.
func (c *Config) chunkParams(ch *chunk) perRank {
	var n perRank
	for i, count := range ch.layers {
		if count > 0 {
			n.addTimes(float64(count), c.layerParams(kindAt(i)))
		}
	}
	t := float64(c.Parallel.TP)
	if ch.embed {
		n.dense += c.Arch.EmbeddingParams() / t
	}
	if ch.head {
		n.dense += float64(c.Arch.Hidden)
		if !c.Arch.TiedEmbeddings || c.Parallel.PP > 1 && c.Schedule != ScheduleDualPipe {
			n.dense += c.Arch.HeadParams() / t
		}
	}
	if ch.mtp {
		n.dense += c.mtpParams()
	}
	return n
}
