package validate

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"aisim/hardware"
	"aisim/workloads"
)

// modelNames finds the catalogue's card of a model by the name that a table gives it.
type modelNames struct {
	catalogue *hardware.Catalogue
	ids       []string          // in the catalogue's order
	plain     map[string]string // normalised id to id
}

func newModelNames(c *hardware.Catalogue) *modelNames {
	n := &modelNames{catalogue: c, plain: map[string]string{}}
	for _, e := range c.Entries("model") {
		n.ids = append(n.ids, e.ID)
		n.plain[normal(e.ID)] = e.ID
	}
	return n
}

// spoken are names of benchmarks for cards of another name.
var spoken = map[string]string{
	"3dunet": "unet3d-kits19", "unet3d": "unet3d-kits19", "ssdresnext50retinanet": "retinanet-resnext50", "retinanet": "retinanet-resnext50",
	"rnnt": "rnn-t-mlperf", "dlrm": "dlrm-dcnv2", "resnet50v1.5": "resnet-50", "bert": "bert-large", "gpt3": "gpt3-175b",
}

// supportedTotals are the kinds of models known by totals per sample whose steps
// measurements support: ResNet-50 of MLPerf, median error 7 %, p90 18 %.
var supportedTotals = map[string]bool{"cnn": true}

var cutLayers = regexp.MustCompile(`\s+cut to .*$`)

func normal(name string) string {
	name = cutLayers.ReplaceAllString(strings.ToLower(name), "")
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' {
			return r
		}
		return -1
	}, name)
}

// id is the catalogue id of a model's name; "" where none fits or several do.
func (n *modelNames) id(name string) string {
	p := normal(name)
	if p == "" {
		return ""
	}
	if id := spoken[p]; id != "" {
		return id
	}
	if id := n.plain[p]; id != "" {
		return id
	}
	// "…-instruct" behind an id, or a name without its size where one card begins so.
	var begins, longer []string
	for _, id := range n.ids {
		q := normal(id)
		if rest, ok := strings.CutPrefix(p, q); ok && strings.IndexAny(rest[:1], "0123456789.bx") < 0 {
			begins = append(begins, id)
		}
		if rest, ok := strings.CutPrefix(q, p); ok && (p[len(p)-1] < '0' || p[len(p)-1] > '9' || strings.IndexAny(rest[:1], "0123456789.bm") < 0 || len(p) > 8) {
			longer = append(longer, id)
		}
	}
	if len(begins) > 0 {
		slices.SortFunc(begins, func(a, b string) int { return len(b) - len(a) })
		return begins[0]
	}
	if len(longer) == 1 {
		return longer[0]
	}
	return modelID(name)
}

var (
	firstNumber = regexp.MustCompile(`\d+(?:\.\d+)?`)
	tiedNote    = regexp.MustCompile(`tied embeddings (true|false|yes|no)`)
	headDimNote = regexp.MustCompile(`head_dim (\d+)`)
)

// architecture makes the model of a row: its columns, and what they leave open from the
// catalogue's card of that name.
func (k *trainings) architecture(r *run) (workloads.Architecture, error) {
	row := r.row
	name := row.Text("model")
	var card workloads.Architecture
	id := k.models.id(name)
	var cardErr error
	if id != "" {
		m, err := k.catalogue.Model(id)
		if err == nil {
			card, err = workloads.FromCard(m)
		}
		if err != nil {
			card, cardErr, id = workloads.Architecture{}, err, ""
		}
	}
	if id != "" && card.Generic != nil {
		if m, err := k.catalogue.Model(id); err == nil && !supportedTotals[m.Kind] {
			return card, refuse("model %q: no measured step supports predictions of models of kind %q known by totals alone; of those only convolutional classifiers are supported", name, m.Kind)
		}
		r.assume("model %s of the catalogue", id)
		return card, nil
	}
	n, err := whole(row, "layers", "hidden", "heads", "kv_heads", "vocab")
	if err != nil {
		return card, err
	}
	ffn := row.Text("ffn")
	experts := strings.Contains(ffn, "expert")
	if n["hidden"] == 0 || n["heads"] == 0 {
		if id == "" {
			if cardErr != nil {
				return card, refuse("model %q: %v", name, cardErr)
			}
			return card, refuse("model %q is not in the catalogue, and the row lacks hidden or heads", name)
		}
		r.assume("model %s of the catalogue", id)
		return card, nil
	}
	special := id != "" && (card.Experts > 0 || card.MLA != nil)
	if special && card.Hidden == n["hidden"] {
		r.assume("experts, dense layers and head widths of %s", id)
		if n["layers"] > 0 && n["layers"] != card.Layers {
			card.Layers = n["layers"]
		}
		if n["vocab"] > 0 {
			card.Vocab = n["vocab"]
		}
		return card, nil
	}
	if experts {
		if cardErr != nil {
			return card, refuse("model %q: %v", name, cardErr)
		}
		return card, refuse("model %q is a mixture of experts and not in the catalogue: how many experts it has and how many a token visits is not in the row", name)
	}
	a := workloads.Architecture{ID: normal(name), Name: name, Causal: true, Layers: n["layers"], Hidden: n["hidden"], Heads: n["heads"], KVHeads: n["kv_heads"], Vocab: n["vocab"]}
	if id != "" && card.Hidden == a.Hidden {
		a = card
		a.Heads, a.KVHeads = n["heads"], cmpOr(n["kv_heads"], card.KVHeads)
		a.Layers, a.Vocab = cmpOr(n["layers"], card.Layers), cmpOr(n["vocab"], card.Vocab)
		a.PublishedParams = 0
		if n["layers"] == 0 {
			r.assume("%d layers as %s has", a.Layers, id)
		}
	}
	if f := firstNumber.FindString(ffn); f != "" {
		a.FFN, err = strconv.Atoi(f)
		if err != nil {
			return a, fmt.Errorf("line %d: ffn is %q", row.Line, ffn)
		}
	}
	if a.KVHeads == 0 {
		a.KVHeads = a.Heads
		r.assume("kv_heads %d: as heads", a.Heads)
	}
	if a.Vocab == 0 {
		return a, refuse("model %q: the row has no vocab", name)
	}
	if a.FFN == 0 {
		a.FFN = 4 * a.Hidden
		r.assume("ffn %d: 4 x hidden", a.FFN)
	}
	if a.Layers < 1 && !(number0(row, "params_b") > 0) {
		return a, refuse("model %q: the row has neither layers nor params_b", name)
	}
	if id != "" && a.ID == card.ID && a.HeadDim > 0 {
		return a, nil
	}
	return k.shape(r, a), nil
}

func cmpOr(a, b int) int {
	if a != 0 {
		return a
	}
	return b
}

// shape settles what a table's columns leave open (head width, gated MLP, tied
// embeddings) by the parameter count: of all shapes that lie within the tolerance of
// params_b the least unusual.
func (k *trainings) shape(r *run, a workloads.Architecture) workloads.Architecture {
	natural := a.Hidden / a.Heads
	dims := []int{natural, 128, 256, 64}
	ties := []bool{true, false}
	if m := tiedNote.FindStringSubmatch(strings.ToLower(r.row.Text("notes"))); m != nil {
		ties = []bool{m[1] == "true" || m[1] == "yes"}
	}
	if m := headDimNote.FindStringSubmatch(r.row.Text("notes")); m != nil {
		d, _ := strconv.Atoi(m[1])
		dims = []int{d}
	}
	// A plain MLP is four times as wide as the model; gated ones are not, except in
	// nanotron, which trains Llama's layers only.
	plainMLP := a.FFN == 4*a.Hidden && !strings.Contains(strings.ToLower(r.row.Text("framework")), "nanotron")
	want := number0(r.row, "params_b") * 1e9
	best, bestCost := a, math.Inf(1)
	derive := a.Layers < 1
	for i, d := range dims {
		for _, gated := range []bool{!plainMLP, plainMLP} {
			for _, tied := range ties {
				c := a
				c.HeadDim, c.GatedMLP, c.TiedEmbeddings = d, gated, tied
				if derive {
					perLayer, _ := c.LayerParams(workloads.LayerKind{})
					c.Layers = int(math.Round((want - float64(c.Vocab)*float64(c.Hidden)) / perLayer))
				}
				if c.Layers < 1 {
					continue
				}
				cost := 0.02 * float64(i)
				if gated == plainMLP {
					cost += 0.02
				}
				if !tied {
					cost += 0.001
				}
				if want > 0 {
					cost += math.Abs(math.Log(c.Params() / want))
				}
				if cost < bestCost {
					best, bestCost = c, cost
				}
			}
		}
	}
	var said []string
	said = append(said, fmt.Sprintf("head_dim %d", best.HeadDim))
	said = append(said, map[bool]string{true: "gated MLP", false: "plain MLP"}[best.GatedMLP])
	said = append(said, map[bool]string{true: "tied embeddings", false: "separate head"}[best.TiedEmbeddings])
	if derive {
		said = append(said, fmt.Sprintf("%d layers", best.Layers))
	}
	why := "usual"
	if want > 0 {
		why = "from params_b"
		if off := best.Params()/want - 1; math.Abs(off) > workloads.SizeTolerance {
			why = fmt.Sprintf("from params_b, which they miss by %+.0f %%", 100*off)
		}
	}
	r.assume("%s (%s)", strings.Join(said, ", "), why)
	return best
}

// whole reads columns of whole numbers; absent ones are 0.
func whole(row Row, columns ...string) (map[string]int, error) {
	out := map[string]int{}
	for _, c := range columns {
		v, ok, err := row.Number(c)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if v != math.Trunc(v) || v < 0 || v > 1<<30 {
			return nil, fmt.Errorf("line %d: %s is %g, want a whole number of 0 or more", row.Line, c, v)
		}
		out[c] = int(v)
	}
	return out, nil
}

// number0 is a cell as a number, 0 where it is none.
func number0(row Row, column string) float64 {
	v, _, _ := row.Number(column)
	return v
}
