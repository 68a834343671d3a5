package validate

import (
	"fmt"
	"regexp"
	"strings"

	"aisim/hardware"
)

// formatName is a rule that turns what tables call a format into that of the weights. Engines
// with a checkpoint of that kind keep the cache in `cache` unless told otherwise.
type formatName struct {
	pattern *regexp.Regexp
	weights hardware.DType
	cache   hardware.DType
	stored  bool // the weights alone are narrow: they are widened on the way to the units
}

// formatNames: the first rule that fits wins.
var formatNames = []formatName{
	{regexp.MustCompile(`w8a16|gptq[-_ ]?(int)?8|int8[-_ ]?(wo\b|weight)`), hardware.INT8, hardware.BF16, true},
	{regexp.MustCompile(`w4a16|awq|gptq|int4|bnb|nf4|4[-_ ]?bit|u4\b`), hardware.FP4, hardware.BF16, true},
	{regexp.MustCompile(`fp4|w4a`), hardware.FP4, hardware.FP8, false},
	{regexp.MustCompile(`int8|smoothquant|^sq$`), hardware.INT8, hardware.BF16, false},
	{regexp.MustCompile(`fp8.*block|block.*fp8`), hardware.FP8, hardware.BF16, false}, // no scales for a cache in the checkpoint
	{regexp.MustCompile(`fp8|w8a8|float8|e4m3`), hardware.FP8, hardware.FP8, false},
	{regexp.MustCompile(`16|half|^auto$`), hardware.BF16, hardware.BF16, false},
}

var (
	cacheFormat = regexp.MustCompile(`\(?\b(?:kv(?:[-_ ]?cache)?[-_ :=]*(fp8|int8|bf16|fp16|8[- ]?bit|16[- ]?bit)(?:_e\dm\d)?|(fp8|int8|bf16|fp16)[-_ ]?kv(?:[-_ ]?cache)?)\b\)?`)
	noFormat    = strings.NewReplacer(",", " ", "+", " ", ";", " ", "/", " ", "weights", " ")
)

// precisions reads the format of the weights; the cache follows the checkpoint where nothing is said of it.
func (s *service) precisions(text string) error {
	p := strings.ToLower(strings.TrimSpace(text))
	if p == "" {
		s.weights, s.cache = hardware.BF16, hardware.BF16
		s.assume("16-bit weights and cache (precision is blank)")
		return nil
	}
	said := ""
	if m := cacheFormat.FindStringSubmatch(p); m != nil {
		said = m[1] + m[2]
		p = strings.Join(strings.Fields(noFormat.Replace(strings.Replace(p, m[0], " ", 1))), " ")
		if p == "" {
			return fmt.Errorf("precision %q says the format of the cache alone: the weights' is needed", text)
		}
	}
	for _, rule := range formatNames {
		if !rule.pattern.MatchString(p) {
			continue
		}
		s.weights, s.cache, s.stored = rule.weights, rule.cache, rule.stored
		switch {
		case strings.Contains(said, "16"):
			s.cache = hardware.BF16
		case said != "":
			s.cache = hardware.FP8
		case s.cache == hardware.FP8:
			s.assume("8-bit cache beside %s weights", s.weights)
		case s.weights.Bytes() < 2:
			s.assume("16-bit cache beside %s weights", s.weights)
		}
		return nil
	}
	return fmt.Errorf("precision %q is not known: expected bf16, fp16, fp8, int8, fp4 (nvfp4, mxfp4), or weights alone in awq, gptq, w4a16 or w8a16", text)
}
