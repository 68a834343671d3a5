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
	// Names that would be taken for another model.
	{[]string{"gemma3n"}, ""}, {[]string{"mistrallarge3"}, ""}, {[]string{"glm4.7flash"}, ""}, {[]string{"vision"}, ""}, {[]string{"qwen3vl"}, ""}, {[]string{"qwen2.5vl"}, ""}, {[]string{"qwen2vl"}, ""}, {[]string{"qwen3omni"}, ""},
	{[]string{"internlm20b"}, ""}, {[]string{"deepseekv4"}, ""}, {[]string{"deepseekvl"}, ""}, {[]string{"minicpm"}, ""}, {[]string{"eagle"}, ""}, {[]string{"maverick", "pruned"}, ""},
	{[]string{"distill", "llama", "70b"}, "llama3.3-70b"}, {[]string{"distill", "llama", "8b"}, "llama3.1-8b"}, {[]string{"distill", "qwen3", "8b"}, "qwen3-8b"}, {[]string{"distill", "qwen", "32b"}, "qwen2.5-32b"}, {[]string{"distill", "qwen", "14b"}, "qwen2.5-14b"}, {[]string{"distill", "qwen", "7b"}, "qwen2.5-7b"}, {[]string{"distill", "qwen", "1.5b"}, "qwen2.5-1.5b"}, {[]string{"distill"}, ""},
	{[]string{"super", "49b"}, ""}, {[]string{"ultra", "253b"}, ""}, {[]string{"nemotron", "70b"}, "llama3.1-70b"}, {[]string{"llama3.1nemotronnano", "8b"}, "llama3.1-8b"}, {[]string{"nemotron4", "340b"}, "nemotron-4-340b"}, {[]string{"nemotron"}, ""},
	{[]string{"codellama", "70b"}, "llama2-70b"}, {[]string{"codellama", "34b"}, "codellama-34b"}, {[]string{"codellama", "13b"}, "llama2-13b"}, {[]string{"codellama", "7b"}, "llama2-7b"}, {[]string{"tinyllama"}, "tinyllama-1.1b"},
	{[]string{"llama", "405b"}, "llama3.1-405b"},
	{[]string{"llama2", "70b"}, "llama2-70b"}, {[]string{"llama2", "13b"}, "llama2-13b"}, {[]string{"llama2", "7b"}, "llama2-7b"},
	{[]string{"llama3.3", "70b"}, "llama3.3-70b"}, {[]string{"llamav3.3", "70b"}, "llama3.3-70b"},
	{[]string{"llama3.2", "1b"}, "llama3.2-1b"}, {[]string{"llama3.2", "3b"}, "llama3.2-3b"},
	{[]string{"llama3", "70b"}, "llama3.1-70b"}, {[]string{"llama3", "8b"}, "llama3.1-8b"}, {[]string{"llamav3", "70b"}, "llama3.1-70b"}, {[]string{"llamav3", "8b"}, "llama3.1-8b"},
	{[]string{"maverick"}, "llama4-maverick-17b-128e"}, {[]string{"scout"}, "llama4-scout-17b-16e"},
	{[]string{"llama", "7b"}, "llama-7b"}, {[]string{"llama", "13b"}, "llama-13b"}, {[]string{"llama", "33b"}, "llama-33b"}, {[]string{"llama", "30b"}, "llama-33b"}, {[]string{"llama", "65b"}, "llama-65b"}, {[]string{"alpaca", "7b"}, "llama-7b"},
	{[]string{"mixtral", "8x22b"}, "mixtral-8x22b"}, {[]string{"mixtral", "8x7b"}, "mixtral-8x7b"}, {[]string{"mixtral"}, "mixtral-8x7b"},
	{[]string{"nemo", "2407"}, "mistral-nemo-12b"}, {[]string{"mistralnemo"}, "mistral-nemo-12b"}, {[]string{"mistralsmall", "24b"}, "mistral-small-24b"}, {[]string{"devstralsmall"}, "mistral-small-24b"}, {[]string{"magistralsmall"}, "mistral-small-24b"},
	{[]string{"ministral", "8b"}, "ministral-8b"}, {[]string{"codestral", "22b"}, "codestral-22b"},
	{[]string{"vicuna", "7b"}, "llama2-7b"}, {[]string{"vicuna", "13b"}, "llama2-13b"}, {[]string{"vicuna", "33b"}, "llama-33b"}, {[]string{"yi", "34b"}, "yi-34b"}, {[]string{"yi", "6b"}, "yi-6b"},
	{[]string{"mistrallarge"}, "mistral-large-2-123b"}, {[]string{"mistral", "7b"}, "mistral-7b"}, {[]string{"zephyr", "7b"}, "mistral-7b"}, {[]string{"openchat3.5"}, "mistral-7b"},
	{[]string{"qwen3.5", "397b"}, "qwen3.5-397b-a17b"}, {[]string{"qwen3.5"}, ""}, {[]string{"qwen3next"}, "qwen3-next-80b-a3b"}, {[]string{"qwen3coder", "480b"}, "qwen3-coder-480b-a35b"},
	{[]string{"qwen3", "235b"}, "qwen3-235b-a22b"}, {[]string{"qwen3", "30b"}, "qwen3-30b-a3b"}, {[]string{"qwen3", "32b"}, "qwen3-32b"}, {[]string{"qwen3", "14b"}, "qwen3-14b"},
	{[]string{"qwen3", "1.7b"}, "qwen3-1.7b"}, {[]string{"qwen3", "0.6b"}, "qwen3-0.6b"}, {[]string{"qwen3", "8b"}, "qwen3-8b"}, {[]string{"qwen3", "4b"}, "qwen3-4b"},
	// Qwen2 has the shapes of Qwen2.5 in these sizes, and Qwen that of Qwen1.5.
	{[]string{"qwen2", "57b"}, "qwen2-57b-a14b"}, {[]string{"qwen2", "72b"}, "qwen2.5-72b"}, {[]string{"qwen2", "32b"}, "qwen2.5-32b"}, {[]string{"qwen2", "14b"}, "qwen2.5-14b"}, {[]string{"qwen2", "1.5b"}, "qwen2.5-1.5b"},
	{[]string{"qwen2", "0.5b"}, "qwen2.5-0.5b"}, {[]string{"qwen2", "3b"}, "qwen2.5-3b"}, {[]string{"qwen2", "7b"}, "qwen2.5-7b"}, {[]string{"qwen3"}, ""},
	{[]string{"qwen1.5", "110b"}, "qwen1.5-110b"}, {[]string{"qwen1.5", "32b"}, "qwen1.5-32b"}, {[]string{"qwen", "72b"}, "qwen1.5-72b"}, {[]string{"qwen", "14b"}, "qwen1.5-14b"}, {[]string{"qwen", "7b"}, "qwen1.5-7b"},
	{[]string{"gptoss", "120b"}, "gpt-oss-120b"}, {[]string{"gptoss", "20b"}, "gpt-oss-20b"},
	{[]string{"deepseekv2lite"}, "deepseek-v2-lite-16b"}, {[]string{"deepseekcoderv2lite"}, "deepseek-v2-lite-16b"}, {[]string{"deepseekv2"}, "deepseek-v2-236b"}, {[]string{"deepseekcoderv2"}, "deepseek-v2-236b"}, {[]string{"deepseekv3.2"}, "deepseek-v3.2-671b"},
	{[]string{"deepseekcoder", "33b"}, "deepseek-coder-33b"}, {[]string{"deepseek", "67b"}, "deepseek-llm-67b"}, {[]string{"deepseek", "7b"}, "deepseek-llm-7b"},
	{[]string{"deepseekr1"}, "deepseek-v3-671b"}, {[]string{"deepseekv3"}, "deepseek-v3-671b"}, {[]string{"kimik2"}, "kimi-k2-1t"}, {[]string{"moonlight", "16b"}, "moonlight-16b-a3b"},
	{[]string{"minimaxm2"}, "minimax-m2"}, {[]string{"glm5"}, "glm-5"}, {[]string{"glm4.5air"}, "glm-4.5-air"}, {[]string{"glm4.5v"}, ""}, {[]string{"glm4.6v"}, ""}, {[]string{"glm4.5"}, "glm-4.5"}, {[]string{"glm4.6"}, "glm-4.5"}, {[]string{"glm4.7"}, "glm-4.5"},
	{[]string{"glm4", "9b"}, "glm-4-9b"}, {[]string{"glm4", "32b"}, "glm-4-32b"}, {[]string{"chatglm2"}, "chatglm3-6b"}, {[]string{"chatglm3"}, "chatglm3-6b"},
	{[]string{"qwq", "32b"}, "qwen2.5-32b"},
	{[]string{"gemma3", "27b"}, "gemma3-27b"}, {[]string{"gemma3", "12b"}, "gemma3-12b"}, {[]string{"gemma3", "4b"}, "gemma3-4b"}, {[]string{"gemma3", "1b"}, "gemma3-1b"},
	{[]string{"gemma2", "27b"}, "gemma2-27b"}, {[]string{"gemma2", "9b"}, "gemma2-9b"}, {[]string{"gemma2", "2b"}, "gemma2-2b"}, {[]string{"gemma4"}, ""}, {[]string{"gemma", "7b"}, "gemma-7b"}, {[]string{"gemma", "2b"}, "gemma-2b"},
	{[]string{"phi4mini"}, "phi-4-mini-3.8b"}, {[]string{"phi4multimodal"}, ""}, {[]string{"phi3.5", "moe"}, "phi-3.5-moe-42b"}, {[]string{"phi3", "mini"}, "phi-3-mini-3.8b"}, {[]string{"phi3.5", "mini"}, "phi-3-mini-3.8b"}, {[]string{"phi3", "medium"}, "phi-3-medium-14b"}, {[]string{"phi4"}, "phi-4-14b"}, {[]string{"phi2"}, "phi-2-2.7b"},
	{[]string{"gptj"}, "gptj-6b"}, {[]string{"gptneox"}, "gpt-neox-20b"}, {[]string{"dbrx"}, "dbrx-132b"}, {[]string{"grok1"}, "grok-1-314b"},
	{[]string{"commandr+"}, "command-r-plus-104b"}, {[]string{"commandrplus"}, "command-r-plus-104b"}, {[]string{"commandr", "35b"}, "command-r-35b"}, {[]string{"commandrv01"}, "command-r-35b"},
	{[]string{"internlm2", "20b"}, "internlm2-20b"}, {[]string{"internlm2", "7b"}, "internlm2-7b"}, {[]string{"gpt3", "175b"}, "gpt3-175b"}, {[]string{"gpt2xl"}, "gpt2-1.5b"},
	{[]string{"bloom", "7b1"}, "bloom-7.1b"}, {[]string{"bloom", "7.1b"}, "bloom-7.1b"}, {[]string{"bloom", "560m"}, "bloom-560m"}, {[]string{"bloom", "1b"}, ""}, {[]string{"bloom", "3b"}, ""}, {[]string{"bloom"}, "bloom-176b"},
	{[]string{"falcon", "180b"}, "falcon-180b"}, {[]string{"falcon", "40b"}, "falcon-40b"}, {[]string{"falcon3"}, ""}, {[]string{"falcon", "7b"}, "falcon-7b"},
	{[]string{"hunyuan", "a13b"}, "hunyuan-80b-a13b"}, {[]string{"ernie4.5", "300b"}, "ernie-4.5-300b-a47b"}, {[]string{"ernie4.5", "21b"}, "ernie-4.5-21b-a3b"}, {[]string{"seedoss", "36b"}, "seed-oss-36b"},
	{[]string{"granite3", "8b"}, "granite-3-8b"}, {[]string{"olmo2", "13b"}, "olmo-2-13b"}, {[]string{"olmo2", "7b"}, "olmo-2-7b"}, {[]string{"olmoe"}, "olmoe-7b-a1b"}, {[]string{"solar", "10.7b"}, "solar-10.7b"}, {[]string{"smollm3"}, "smollm3-3b"}, {[]string{"exaone3", "7.8b"}, "exaone-3.5-7.8b"},
	{[]string{"starcoder2", "15b"}, "starcoder2-15b"}, {[]string{"starcoder2"}, ""}, {[]string{"starcoder"}, "starcoder-15.5b"}, {[]string{"baichuan2", "13b"}, "baichuan2-13b"}, {[]string{"baichuan2", "7b"}, "baichuan2-7b"},
}

var modelSeparators = strings.NewReplacer("-", "", "_", "", " ", "", "/", "")

// versionDot keeps the dot of versions that tables write with another sign (llama3_1).
var versionDot = regexp.MustCompile(`(llama-?\d|qwen-?\d|deepseek-?v\d|phi-?\d|glm-?\d)[_-](\d)(\b|[-_])`)

// modelID is the catalogue id of a model's name; "" where no rule fits and no id has all its words in it.
func modelID(name string) string {
	spaced := versionDot.ReplaceAllString(strings.ToLower(name), "$1.$2$3")
	squeezed := modelSeparators.Replace(spaced)
	for _, rule := range modelWords {
		all := true
		for _, w := range rule.words {
			all = all && hasModelWord(spaced, squeezed, w)
		}
		if all {
			return rule.id
		}
	}
	id := ""
	for _, e := range hardware.Default().Entries(hardware.KindModel) {
		m, err := hardware.Default().Model(e.ID)
		all := err == nil && len(e.ID) > len(id) && strings.HasPrefix(m.Kind, "llm")
		for _, w := range strings.Split(e.ID, "-") {
			all = all && hasModelWord(spaced, squeezed, w)
		}
		if all {
			id = e.ID
		}
	}
	return id
}

// hasModelWord says whether a word occurs in a name; a size (8b) not as the end of a longer
// number (18b, 1.8b).
func hasModelWord(spaced, squeezed, word string) bool {
	if word[0] < '0' || word[0] > '9' {
		return strings.Contains(squeezed, word)
	}
	for at := 0; ; {
		i := strings.Index(spaced[at:], word)
		if i < 0 {
			return false
		}
		at += i
		if at == 0 || spaced[at-1] != '.' && (spaced[at-1] < '0' || spaced[at-1] > '9') {
			return true
		}
		at += len(word)
	}
}

// architecture finds a model by the name that a table gives it; assumed says what was
// taken for granted.
func (k *inference) architecture(name string) (a workloads.Architecture, assumed string, err error) {
	id := modelID(name)
	if id == "" {
		return a, "", fmt.Errorf("model %q is not in the catalogue: its shape is not known (aisim catalog list --kind model has the ids)", name)
	}
	m, err := k.catalogue.Model(id)
	if err != nil {
		return a, "", err
	}
	a, err = workloads.FromCard(m)
	return a, a.Assumed, err
}
