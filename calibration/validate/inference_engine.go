package validate

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// engineName is a rule that turns what tables call an engine into a profile: a part of the
// name with its separators taken out. Another engine's rules and constants say how it
// works (`as`), or were never fitted to it (`unfitted`).
type engineName struct {
	part, id string
	as       string
	unfitted bool
}

// engineNames: the first rule that fits wins.
var engineNames = []engineName{
	{part: "sglang", id: "sglang"}, {part: "sgl", id: "sglang"},
	{part: "trtllm", id: "trtllm"}, {part: "tensorrtllm", id: "trtllm"}, {part: "nim", id: "trtllm"},
	{part: "tensorrt", id: "trtllm", as: "TensorRT as TensorRT-LLM"}, {part: "trt", id: "trtllm", as: "TensorRT as TensorRT-LLM"},
	{part: "vllm", id: "vllm"}, {part: "llmd", id: "vllm", as: "llm-d with vLLM behind it"},
	{part: "sarathi", id: "vllm-eager", as: "Sarathi-Serve as the vLLM of 2023 that it began as"},
	// Engines with continuous batching and paged caches that no profile was fitted to.
	{part: "lmdeploy", id: "vllm", unfitted: true}, {part: "turbomind", id: "vllm", unfitted: true},
	{part: "tgi", id: "vllm", unfitted: true}, {part: "textgenerationinference", id: "vllm", unfitted: true},
	{part: "deepspeedmii", id: "vllm", unfitted: true}, {part: "fastgen", id: "vllm", unfitted: true},
	{part: "lightllm", id: "vllm", unfitted: true}, {part: "nanoflow", id: "vllm", unfitted: true},
	{part: "mindie", id: "vllm", unfitted: true}, {part: "xllm", id: "vllm", unfitted: true}, {part: "rtpllm", id: "vllm", unfitted: true},
	{part: "jetstream", id: "vllm", unfitted: true},
}

var (
	nameSeparators = strings.NewReplacer("-", "", "_", "", " ", "", "/", "", ".", "")
	versionNumber  = regexp.MustCompile(`(\d+)\.(\d+)`)
	patchNumber    = regexp.MustCompile(`^(\d+)\.(\d+)\.(\d+)`)
	engineVersion  = regexp.MustCompile(`\bv?(\d+\.\d+(?:\.\w+)*)`)
	eraNote        = regexp.MustCompile(`\b(20\d\d)-era`)
)

// engineOf is an engine as a table names it.
type engineOf struct {
	id, version string
	unfitted    string // the engine's name, where no profile was fitted to it
}

// readEngine finds the profile of an engine and its version; assumed says what was taken for granted.
func readEngine(name, version, notes string) (e engineOf, assumed string, err error) {
	n := strings.ToLower(name)
	squeezed := nameSeparators.Replace(n)
	if squeezed == "" {
		return e, "", fmt.Errorf("engine is blank: expected vLLM, SGLang or TensorRT-LLM, with its version in engine_version")
	}
	if m := engineVersion.FindStringSubmatch(strings.ToLower(version)); m != nil {
		e.version = m[1]
	} else if e.version = version; version == "" {
		if m := engineVersion.FindStringSubmatch(n); m != nil {
			e.version = m[1]
		}
	}
	for _, rule := range engineNames {
		if !strings.Contains(squeezed, rule.part) {
			continue
		}
		if e.id = rule.id; rule.unfitted {
			e.unfitted = name
			return e, "rules and constants of vLLM: no profile was fitted to " + name, nil
		}
		if rule.part == "llmd" {
			e.version = "" // its own, not that of the engine behind it
		}
		if e.id == "vllm" {
			e.id, assumed = vllmOf(e.version, notes)
		}
		if rule.as != "" {
			assumed = rule.as
		}
		return e, assumed, nil
	}
	return e, "", fmt.Errorf("engine %q has no profile: expected vLLM, SGLang or TensorRT-LLM", name)
}

// vllmOf is the profile of a version of vLLM.
func vllmOf(version, notes string) (id, assumed string) {
	if era := noted(eraNote, notes); era > 0 && era <= 2023 {
		return "vllm-eager", ""
	}
	m := versionNumber.FindStringSubmatch(version)
	if m == nil {
		return "vllm", "scheduler V1 (the version of vLLM is not given)"
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	switch {
	case major == 0 && minor <= 2:
		return "vllm-eager", ""
	case major == 0 && minor < 8:
		return "vllm-v0", ""
	}
	return "vllm", ""
}

// staysInStep says whether closed loops of equal requests stay together: SGLang before
// 0.5.5 computes all waiting prompts before it decodes on, and measured loops of 0.5.1
// show whole waves, those of 0.5.6 and later none.
func staysInStep(version string) bool {
	m := patchNumber.FindStringSubmatch(version)
	if m == nil || m[1] != "0" {
		return false
	}
	minor, _ := strconv.Atoi(m[2])
	patch, _ := strconv.Atoi(m[3])
	return minor < 5 || minor == 5 && patch < 5
}

// plansAfter says whether a version of vLLM V1 plans a step after the last one has ended:
// asynchronous scheduling is the default from 0.14 on (its release notes). A row without a version
// is taken for one before; builds by night are of later ones.
func plansAfter(version string) bool {
	m := versionNumber.FindStringSubmatch(version)
	if m == nil {
		return version == ""
	}
	minor, _ := strconv.Atoi(m[2])
	return m[1] == "0" && minor < 14
}
