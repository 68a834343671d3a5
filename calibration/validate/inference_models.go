package validate

import (
	"fmt"
	"regexp"
	"strings"

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
	{[]string{"qwen3vl"}, ""}, {[]string{"qwen2.5vl"}, ""}, {[]string{"qwen2vl"}, ""},
	{[]string{"llama", "405b"}, "llama3.1-405b"},
	{[]string{"llama2", "70b"}, "llama2-70b"}, {[]string{"llama2", "13b"}, "llama2-13b"}, {[]string{"llama2", "7b"}, "llama2-7b"},
	{[]string{"llama3.3", "70b"}, "llama3.3-70b"}, {[]string{"llamav3.3", "70b"}, "llama3.3-70b"},
	{[]string{"llama3.2", "1b"}, "llama3.2-1b"}, {[]string{"llama3.2", "3b"}, "llama3.2-3b"},
	{[]string{"llama3", "70b"}, "llama3.1-70b"}, {[]string{"llama3", "8b"}, "llama3.1-8b"}, {[]string{"llamav3", "70b"}, "llama3.1-70b"}, {[]string{"llamav3", "8b"}, "llama3.1-8b"},
	{[]string{"super", "49b"}, ""}, {[]string{"nemotron", "70b"}, "llama3.1-70b"}, {[]string{"nemotron4", "340b"}, "nemotron-4-340b"}, {[]string{"nemotron"}, ""},
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
	{[]string{"opt", "66b"}, "opt-66b"}, {[]string{"opt", "30b"}, "opt-30b"}, {[]string{"opt", "13b"}, "opt-13b"}, {[]string{"opt", "6.7b"}, "opt-6.7b"}, {[]string{"gptj"}, "gptj-6b"}, {[]string{"dbrx"}, "dbrx-132b"}, {[]string{"grok1"}, "grok-1-314b"}, {[]string{"commandr+"}, "command-r-plus-104b"}, {[]string{"commandrplus"}, "command-r-plus-104b"}, {[]string{"internlm2", "20b"}, "internlm2-20b"}, {[]string{"gpt3", "175b"}, "gpt3-175b"},
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

// architecture finds a model by the name that a table gives it; assumed says what was
// taken for granted.
func (k *inference) architecture(name string) (a workloads.Architecture, assumed string, err error) {
	id := modelID(name)
	if id == "" {
		return a, "", fmt.Errorf("model %q is not in the catalogue", name)
	}
	m, err := k.catalogue.Model(id)
	if err != nil {
		return a, "", err
	}
	a, err = workloads.FromCard(m)
	return a, a.Assumed, err
}
