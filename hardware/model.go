package hardware

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Model returns the model card with the id. Widths that the table keeps in
// notes (latent attention, leading dense layers, sliding windows) are read into
// fields; GatedFFN is derived from the parameter count.
func (c *Catalogue) Model(id string) (*Model, error) {
	r, err := c.record(KindModel, id)
	if err != nil {
		return nil, err
	}
	m := &Model{
		ID: r.id, Family: r.text["family"], Kind: r.text["class"],
		Params: r.value("params_b"), ActiveParams: r.value("active_params_b"),
		Layers: r.count("layers"), Hidden: r.count("hidden"), Heads: r.count("heads"), KVHeads: r.count("kv_heads"),
		HeadDim: r.count("head_dim"), FFN: r.count("ffn"), Vocab: r.count("vocab"), MaxSeq: r.count("max_seq"),
		Experts: r.count("experts"), ExpertsActive: r.count("experts_active"), SharedExperts: r.count("shared_experts"),
		Attention: r.text["attention"], TiedEmbeddings: r.text["tied_embeddings"] == "yes",
		FlopsPerSample: r.value("flops_per_sample"), Notes: r.note, Source: r.source,
	}
	if m.Attention == "MLA" {
		m.MLA = &MLA{
			QLora: noted(r.note, "q_lora"), KVLora: noted(r.note, "kv_lora"),
			QKNope: noted(r.note, "qk_nope"), QKRope: noted(r.note, "qk_rope"), VHead: noted(r.note, "v_head"),
		}
	}
	if r.count("vision_layers") > 0 {
		m.Vision = &Vision{Layers: r.count("vision_layers"), Hidden: r.count("vision_hidden"), FFN: r.count("vision_ffn"),
			Gated: r.count("vision_matrices") == 3, Patches: r.count("vision_patches"), Tokens: r.count("vision_tokens"), Params: r.value("vision_params_b")}
	}
	if g := firstDense.FindStringSubmatch(r.note); g != nil {
		m.FirstDenseLayers, _ = strconv.Atoi(g[1])
		m.DenseFFN, _ = strconv.Atoi(g[2])
	}
	if g := moeEvery.FindStringSubmatch(r.note); g != nil {
		m.MoEEvery, _ = strconv.Atoi(g[1])
		m.DenseFFN, _ = strconv.Atoi(g[2])
	}
	if g := window.FindStringSubmatch(r.note); g != nil {
		m.Window, _ = strconv.Atoi(g[1] + g[2])
	}
	m.GatedFFN = m.gated()
	return m, nil
}

var (
	firstDense = regexp.MustCompile(`first (\d+) layers dense ffn=(\d+)`)
	moeEvery   = regexp.MustCompile(`MoE every (\d+) layers \(else dense ffn=(\d+)\)`)
	window     = regexp.MustCompile(`\((\d+) window\)|sliding window (\d+)`)
)

// noted reads "key=number" from a note; 0 when it is not there.
func noted(note, key string) int {
	i := strings.Index(note, key+"=")
	if i < 0 || (i > 0 && note[i-1] != ' ' && note[i-1] != ';') {
		if i = strings.Index(note, " "+key+"="); i < 0 {
			return 0
		}
		i++
	}
	rest := note[i+len(key)+1:]
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	n, _ := strconv.Atoi(rest[:end])
	return n
}

// gated says whether three FFN matrices per layer explain the parameter count
// better than two.
func (m *Model) gated() bool {
	if m.FFN == 0 || m.Hidden == 0 || !m.Params.Known() || m.Vocab == 0 {
		return false
	}
	two, three := m.count(2), m.count(3)
	return math.Abs(three-m.Params.V) < math.Abs(two-m.Params.V)
}

// count is the number of parameters in matrices with the given number of FFN
// matrices per expert or dense layer.
func (m *Model) count(ffnMatrices float64) float64 {
	h, l := float64(m.Hidden), float64(m.Layers)
	q, kv := float64(m.Heads*m.HeadDim), float64(m.KVHeads*m.HeadDim)
	attention := h*(q+2*kv) + q*h
	if a := m.MLA; a != nil {
		heads := float64(m.Heads)
		qk := float64(a.QKNope + a.QKRope)
		attention = h*float64(a.KVLora+a.QKRope) + float64(a.KVLora)*heads*float64(a.QKNope+a.VHead) + heads*float64(a.VHead)*h
		if a.QLora > 0 {
			attention += h*float64(a.QLora) + float64(a.QLora)*heads*qk
		} else {
			attention += h * heads * qk
		}
	}
	experts := math.Max(1, float64(m.Experts)) + float64(m.SharedExperts)
	dense := float64(m.FirstDenseLayers)
	if m.MoEEvery > 1 {
		dense = l - math.Floor(l/float64(m.MoEEvery))
	}
	ffn := ffnMatrices * h * ((l-dense)*experts*float64(m.FFN) + dense*float64(m.DenseFFN))
	embeddings := 2.0
	if m.TiedEmbeddings {
		embeddings = 1
	}
	return l*attention + ffn + embeddings*float64(m.Vocab)*h
}
