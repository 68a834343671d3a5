package validate

import (
	"fmt"
	"regexp"
	"strings"

	"aisim/hardware"
	"aisim/workloads"
)

// modelWords turn what tables call a model into catalogue ids: the first rule whose
// words all occur in the lower-case name, separators taken out, wins. Words of a size
// come before those of a family.
var modelWords = []struct {
	words []string
	id    string
}{
	{[]string{"distill", "llama", "70b"}, "llama3.3-70b"}, {[]string{"distill", "llama", "8b"}, "llama3.1-8b"}, {[]string{"distill", "qwen", "32b"}, "qwen2.5-32b"}, {[]string{"distill", "qwen", "14b"}, "qwen2.5-14b"}, {[]string{"distill", "qwen", "7b"}, "qwen2.5-7b"}, {[]string{"distill"}, ""},
	{[]string{"llama", "405b"}, "llama3.1-405b"},
	{[]string{"llama2", "70b"}, "llama2-70b"}, {[]string{"llama2", "13b"}, "llama2-13b"}, {[]string{"llama2", "7b"}, "llama2-7b"},
	{[]string{"llama3.3", "70b"}, "llama3.3-70b"}, {[]string{"llamav3.3", "70b"}, "llama3.3-70b"},
	{[]string{"llama3.2", "1b"}, "llama3.2-1b"}, {[]string{"llama3.2", "3b"}, "llama3.2-3b"},
	{[]string{"llama3", "70b"}, "llama3.1-70b"}, {[]string{"llama3", "8b"}, "llama3.1-8b"}, {[]string{"llamav3", "70b"}, "llama3.1-70b"}, {[]string{"llamav3", "8b"}, "llama3.1-8b"},
	{[]string{"super", "49b"}, ""}, {[]string{"nemotron", "70b"}, "llama3.1-70b"}, {[]string{"nemotron"}, ""},
	{[]string{"maverick"}, "llama4-maverick-17b-128e"}, {[]string{"scout"}, "llama4-scout-17b-16e"},
	{[]string{"llama7b"}, "llama-7b"}, {[]string{"llama13b"}, "llama-13b"}, {[]string{"llama33b"}, "llama-33b"}, {[]string{"llama65b"}, "llama-65b"},
	{[]string{"mixtral", "8x22b"}, "mixtral-8x22b"}, {[]string{"mixtral", "8x7b"}, "mixtral-8x7b"}, {[]string{"mixtral"}, "mixtral-8x7b"},
	{[]string{"nemo", "2407"}, "mistral-nemo-12b"}, {[]string{"mistralnemo"}, "mistral-nemo-12b"}, {[]string{"mistralsmall", "24b"}, "mistral-small-24b"},
	{[]string{"codellama", "34b"}, "codellama-34b"}, {[]string{"vicuna", "7b"}, "llama2-7b"}, {[]string{"vicuna", "13b"}, "llama2-13b"}, {[]string{"yi", "34b"}, "yi-34b"},
	{[]string{"mistrallarge"}, "mistral-large-2-123b"}, {[]string{"mistral", "7b"}, "mistral-7b"},
	{[]string{"qwen3.5", "397b"}, "qwen3.5-397b-a17b"}, {[]string{"qwen3next"}, "qwen3-next-80b-a3b"}, {[]string{"qwen3coder", "480b"}, "qwen3-coder-480b-a35b"},
	{[]string{"qwen3", "235b"}, "qwen3-235b-a22b"}, {[]string{"qwen3", "30b"}, "qwen3-30b-a3b"}, {[]string{"qwen3", "32b"}, "qwen3-32b"}, {[]string{"qwen3", "14b"}, "qwen3-14b"},
	{[]string{"qwen3", "1.7b"}, "qwen3-1.7b"}, {[]string{"qwen3", "0.6b"}, "qwen3-0.6b"}, {[]string{"qwen3", "8b"}, "qwen3-8b"}, {[]string{"qwen3", "4b"}, "qwen3-4b"},
	{[]string{"qwen2.5", "72b"}, "qwen2.5-72b"}, {[]string{"qwen2.5", "32b"}, "qwen2.5-32b"}, {[]string{"qwen2.5", "14b"}, "qwen2.5-14b"}, {[]string{"qwen2.5", "1.5b"}, "qwen2.5-1.5b"},
	{[]string{"qwen2.5", "0.5b"}, "qwen2.5-0.5b"}, {[]string{"qwen2.5", "3b"}, "qwen2.5-3b"}, {[]string{"qwen2.5", "7b"}, "qwen2.5-7b"},
	{[]string{"gptoss", "120b"}, "gpt-oss-120b"}, {[]string{"gptoss", "20b"}, "gpt-oss-20b"},
	{[]string{"deepseekv2lite"}, "deepseek-v2-lite-16b"}, {[]string{"deepseekv2"}, "deepseek-v2-236b"}, {[]string{"deepseekv3.2"}, "deepseek-v3.2-671b"}, {[]string{"deepseekv4"}, ""},
	{[]string{"deepseekr1"}, "deepseek-v3-671b"}, {[]string{"deepseekv3"}, "deepseek-v3-671b"}, {[]string{"kimik2"}, "kimi-k2-1t"},
	{[]string{"minimaxm2"}, "minimax-m2"}, {[]string{"glm5"}, "glm-5"}, {[]string{"glm4.5air"}, "glm-4.5-air"}, {[]string{"glm4.5"}, "glm-4.5"}, {[]string{"glm4.6"}, "glm-4.5"}, {[]string{"glm4.7"}, "glm-4.5"},
	{[]string{"qwq", "32b"}, "qwen2.5-32b"},
	{[]string{"gemma3", "27b"}, "gemma3-27b"}, {[]string{"gemma3", "12b"}, "gemma3-12b"}, {[]string{"gemma3", "4b"}, "gemma3-4b"},
	{[]string{"gemma2", "27b"}, "gemma2-27b"}, {[]string{"gemma2", "9b"}, "gemma2-9b"}, {[]string{"gemma2", "2b"}, "gemma2-2b"}, {[]string{"gemma", "7b"}, "gemma-7b"}, {[]string{"gemma", "2b"}, "gemma-2b"},
	{[]string{"phi3", "mini"}, "phi-3-mini-3.8b"}, {[]string{"phi3", "medium"}, "phi-3-medium-14b"}, {[]string{"phi3.5", "moe"}, "phi-3.5-moe-42b"}, {[]string{"phi4"}, "phi-4-14b"}, {[]string{"phi2"}, "phi-2-2.7b"},
	{[]string{"opt", "66b"}, "opt-66b"}, {[]string{"opt", "30b"}, "opt-30b"}, {[]string{"opt", "13b"}, "opt-13b"}, {[]string{"opt", "6.7b"}, "opt-6.7b"}, {[]string{"gptj"}, "gptj-6b"}, {[]string{"gpt3", "175b"}, "gpt3-175b"},
	{[]string{"bloom"}, "bloom-176b"}, {[]string{"falcon", "180b"}, "falcon-180b"}, {[]string{"falcon", "40b"}, "falcon-40b"}, {[]string{"falcon", "7b"}, "falcon-7b"},
}

var modelSeparators = strings.NewReplacer("-", "", "_", "", " ", "", "/", "")

// versionDot keeps the dot of versions that tables write with another sign (llama3_1).
var versionDot = regexp.MustCompile(`(llama-?\d|qwen-?\d|deepseek-?v\d)[_-](\d)(\b|[-_])`)

// modelID is the catalogue id of a model's name; "" where no rule fits.
func modelID(name string) string {
	n := versionDot.ReplaceAllString(strings.ToLower(name), "$1.$2$3")
	n = modelSeparators.Replace(n)
	for _, rule := range modelWords {
		all := true
		for _, w := range rule.words {
			all = all && strings.Contains(n, w)
		}
		if all {
			return rule.id
		}
	}
	return ""
}

// moreModels are shapes that the catalogue does not have: published configurations.
var moreModels = map[string]workloads.Architecture{
	"minimax-m2": {ID: "minimax-m2", Name: "MiniMax-M2 and M2.5", Causal: true, Layers: 62, Hidden: 3072, Heads: 48, KVHeads: 8, HeadDim: 128, GatedMLP: true,
		Vocab: 200064, MaxSeq: 196608, Experts: 256, ExpertsActive: 8, ExpertFFN: 1536, PublishedParams: 230e9, Source: "MiniMaxM2Config of transformers, and the published 230e9 parameters"},
	"glm-5": {ID: "glm-5", Name: "GLM-5", Causal: true, Layers: 78, Hidden: 6144, Heads: 64, KVHeads: 64, HeadDim: 256, FFN: 12288, GatedMLP: true,
		Vocab: 154880, MaxSeq: 202752, Experts: 256, ExpertsActive: 8, SharedExperts: 1, ExpertFFN: 2048, FirstDense: 3,
		MLA:             &hardware.MLA{QLora: 2048, KVLora: 512, QKNope: 192, QKRope: 64, VHead: 256},
		PublishedParams: 744e9, Source: "GlmMoeDsaConfig of NeMo AutoModel, and the published 744e9 parameters; the indexer of its sparse attention is left out"},
}

// shapes of dense models by their config.json.
func init() {
	dense := func(id, name string, layers, hidden, heads, kv, ffn, vocab, context int, params float64) {
		moreModels[id] = workloads.Architecture{ID: id, Name: name, Causal: true, Layers: layers, Hidden: hidden, Heads: heads, KVHeads: kv, HeadDim: 128, FFN: ffn,
			GatedMLP: true, Vocab: vocab, MaxSeq: context, PublishedParams: params, Source: "its config.json, and the published number of parameters"}
	}
	dense("mistral-nemo-12b", "Mistral-Nemo", 40, 5120, 32, 8, 14336, 131072, 128000, 12.2e9)
	dense("mistral-small-24b", "Mistral-Small 24B", 40, 5120, 32, 8, 32768, 131072, 32768, 23.6e9)
	dense("codellama-34b", "CodeLlama-34B", 48, 8192, 64, 8, 22016, 32000, 16384, 33.7e9)
	dense("yi-34b", "Yi-34B", 60, 7168, 56, 8, 20480, 64000, 4096, 34.4e9)
	moreModels["glm-4.5"] = workloads.Architecture{ID: "glm-4.5", Name: "GLM-4.5, 4.6 and 4.7", Causal: true, Layers: 92, Hidden: 5120, Heads: 96, KVHeads: 8, HeadDim: 128, FFN: 12288,
		GatedMLP: true, Vocab: 151552, MaxSeq: 202752, Experts: 160, ExpertsActive: 8, SharedExperts: 1, ExpertFFN: 1536, FirstDense: 3, PublishedParams: 355e9, Source: "zai-org/GLM-4.7 config.json"}
	moreModels["glm-4.5-air"] = workloads.Architecture{ID: "glm-4.5-air", Name: "GLM-4.5-Air", Causal: true, Layers: 46, Hidden: 4096, Heads: 96, KVHeads: 8, HeadDim: 128, FFN: 10944,
		GatedMLP: true, Vocab: 151552, MaxSeq: 131072, Experts: 128, ExpertsActive: 8, SharedExperts: 1, ExpertFFN: 1408, FirstDense: 1, PublishedParams: 106e9, Source: "config.json of INTELLECT-3, a fine-tune of GLM-4.5-Air"}
}

// hybridWindow is the cache of how many tokens a layer of linear attention reads and
// writes beside: its state of 64 heads of 128 × 128 values in 16 bits, once each way,
// over the keys and values of one token (Qwen3-Next and Qwen3.5 configurations).
const hybridWindow = 2048

// architecture finds a model by the name that a table gives it; assumed says what was
// taken for granted.
func (k *inference) architecture(name string) (a workloads.Architecture, assumed string, err error) {
	id := modelID(name)
	if id == "" {
		return a, "", fmt.Errorf("model %q is not in the catalogue", name)
	}
	if a, ok := moreModels[id]; ok {
		return a, "shape of " + a.Name + ": " + a.Source, nil
	}
	m, err := k.catalogue.Model(id)
	if err != nil {
		return a, "", err
	}
	if m.Attention != "GQA+linear" {
		a, err = workloads.FromCard(m)
		return a, "", err
	}
	// Three of four layers keep a state instead of a cache; their matrices are nearly
	// as large as those of the others.
	card := *m
	card.Attention = "GQA"
	card.Params.V = 0
	a, err = workloads.FromCard(&card)
	if err != nil {
		return a, "", err
	}
	a.GatedMLP, a.Window, a.GlobalEvery = true, hybridWindow, 4
	return a, fmt.Sprintf("layers of linear attention as a window of %d tokens with projections of the other layers", hybridWindow), nil
}
