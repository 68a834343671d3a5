package validate

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// layout is how one worker is spread over chips.
type layout struct{ workers, tp, pp, adp, ep int }

func (l layout) chips() int { return l.tp * l.pp * l.adp }

var (
	poolRE = regexp.MustCompile(`(?i)^\s*(?:P|prefill|ctx)\s*:\s*(\w*?)\s*x\s*\(?([^()]*?)\)?[\s,;]*(?:D|decode|gen)\s*:\s*(\w*?)\s*x\s*\(?([^()]*?)\)?\s*$`)
	// counted is a number before or behind a layout, of replicas: "2xTP4", "TP4 x2".
	counted = regexp.MustCompile(`^(\d+)\s*[x×]\s*(\D.*)$|^(.*\D\d+)\s+[x×]\s*(\d+)$`)
	remark  = regexp.MustCompile(`\([^()]*\)`)
	bigText = regexp.MustCompile(`^(?:(\d+)\s*DP\s*)?(\d+)\s*TP(?:_(\d+))?$`)
	oneChip = regexp.MustCompile(`^(none|-|no|single|(1|single|one)[- ](gpu|chip|card|device))$`)
	manyWay = regexp.MustCompile(`(\d+)-way\s+([a-z]+)`)
	cut     = regexp.MustCompile(`^(tp|pp|adp|dp|dep|tep|moetp|ep|cp)[\s=:_-]*(\d*)`)
	cutGap  = regexp.MustCompile(`^([\s,;+/_.×&-]|x\b|x[tpdem]|and\b)`)
	cutWord = strings.NewReplacer("tensor-parallel-size", "tp", "tensor_parallel_size", "tp", "tensor_parallel", "tp", "tensor-parallel", "tp", "tensor parallel", "tp", "tensor", "tp",
		"pipeline-parallel-size", "pp", "pipeline_parallel_size", "pp", "pipeline_parallel", "pp", "pipeline", "pp",
		"enable-dp-attention", "", "dp-attention", "adp", "dp_attention", "adp", "attention_dp", "adp", "attention-dp", "adp", "attn_dp", "adp", "attn-dp", "adp", "dpattn", "adp", "dpa", "adp",
		"data-parallel-size", "dp", "data_parallel_size", "dp", "data_parallel", "dp", "expert_parallel", "ep", "expert-parallel", "ep", "moe_tp", "moetp", "moe-tp", "moetp", "moe_ep", "ep", "moe-ep", "ep", "attn_tp", "tp", "attn-tp", "tp",
		"context_parallel", "cp", "context-parallel", "cp", "--", " ")
)

// layouts reads the parallelism column.
func (s *service) layouts(text, mode string, gpus int) error {
	if m := poolRE.FindStringSubmatch(text); m != nil {
		for i := range 2 {
			n, err := strconv.Atoi(m[1+2*i])
			if err != nil || n < 1 {
				return fmt.Errorf("the numbers of workers of the pools are not recorded (%s)", text)
			}
			l, err := s.degrees(m[2+2*i], 0)
			if err != nil {
				return err
			}
			if l.workers = n; s.arch.Experts == 0 && l.adp > 1 {
				l.workers, l.adp, l.ep = n*l.adp, 1, 1
			}
			s.pools = append(s.pools, l)
		}
		s.replicas = 1
		return nil
	}
	if strings.HasPrefix(strings.ToLower(mode), "disagg") {
		return fmt.Errorf(`the pools of the disaggregated run are not described (parallelism %q): expected "P:2x(tp4) D:1x(tp8)"`, text)
	}
	if m := bigText.FindStringSubmatch(text); m != nil {
		tp, _ := strconv.Atoi(m[2])
		dp, _ := strconv.Atoi(m[1])
		s.pools, s.replicas = []layout{{1, tp, 1, 1, 1}}, max(dp, 1)
		return nil
	}
	bare := strings.ToLower(strings.TrimSpace(remark.ReplaceAllString(text, " ")))
	if oneChip.MatchString(bare) || bare == "" && gpus == 1 {
		bare = "tp1"
	}
	replicas := 0
	if m := counted.FindStringSubmatch(bare); m != nil {
		replicas, _ = strconv.Atoi(m[1] + m[4])
		bare = m[2] + m[3]
	}
	l, err := s.degrees(bare, gpus)
	if err != nil {
		return err
	}
	s.pools, s.replicas = []layout{l}, max(replicas, 1)
	if gpus > 0 {
		if gpus%l.chips() != 0 {
			return fmt.Errorf("%d chips do not hold whole replicas of %d (parallelism %q)", gpus, l.chips(), text)
		}
		if s.replicas = gpus / l.chips(); replicas > 0 && replicas != s.replicas {
			return fmt.Errorf("%d chips hold %d replicas of %d, and parallelism %q has %d", gpus, s.replicas, l.chips(), text, replicas)
		}
	}
	if s.arch.Experts == 0 && l.adp > 1 {
		s.replicas *= l.adp
		s.pools[0].adp, s.pools[0].ep = 1, 1
	}
	return nil
}

// cuts splits "tp4 pp2", "TP8EP8", "--tp 8 --ep 8" or "DEP8,PP2" into degrees by name; a name
// without a number counts for nothing.
func cuts(text string) (map[string]int, error) {
	rest := strings.TrimLeft(cutWord.Replace(manyWay.ReplaceAllString(strings.ToLower(text), "$2=$1")), " -")
	v := map[string]int{}
	for rest != "" {
		if m := cut.FindStringSubmatch(rest); m != nil {
			rest = rest[len(m[0]):]
			if m[2] == "" {
				continue
			}
			n, err := strconv.Atoi(m[2])
			if err != nil || n > 4096 {
				return nil, fmt.Errorf("parallelism %q: %q is out of range", text, m[0])
			}
			if _, twice := v[m[1]]; twice {
				return nil, fmt.Errorf("parallelism %q: %s is given twice", text, m[1])
			}
			v[m[1]] = n
			continue
		}
		if cutGap.FindString(rest) == "" {
			return nil, fmt.Errorf("parallelism %q: %q is not understood, expected degrees like tp8, tp4 pp2, dep8 or tp8 ep8", text, strings.Fields(rest + " ")[0])
		}
		rest = rest[1:]
	}
	if len(v) == 0 {
		return nil, fmt.Errorf("the layout is not described (parallelism %q)", text)
	}
	return v, nil
}

// degrees reads the layout of a replica on gpus chips, 0 where they are not known. Where experts
// take more chips than attention says, tables of InferenceX multiplied degrees: tp k·k with
// moetp k and ep k are k chips, and adp k with ep k·k as well (inference notes, section 6).
func (s *service) degrees(text string, gpus int) (layout, error) {
	l := layout{workers: 1, tp: 1, pp: 1, adp: 1, ep: 1}
	v, err := cuts(text)
	if err != nil {
		return l, err
	}
	if v["cp"] > 1 {
		return l, fmt.Errorf("parallelism %q: context parallelism is not modelled", text)
	}
	if n := v["dep"]; n > 0 { // attention groups of one chip, whole experts
		v["adp"], v["ep"] = n, n
	}
	if n := v["tep"]; n > 0 {
		v["tp"], v["ep"] = n, n
	}
	tp, adp, moetp, ep := max(v["tp"], 1), max(v["adp"], v["dp"], 1), v["moetp"], v["ep"]
	if v["adp"] > 0 && v["dp"] > 0 && v["adp"] != v["dp"] {
		return l, fmt.Errorf("parallelism %q: %d attention groups and data parallelism %d", text, v["adp"], v["dp"])
	}
	l.pp = max(v["pp"], 1)
	switch {
	case moetp > 1 && ep == moetp && tp == ep*ep && adp == 1:
		tp = ep
		s.assume("tp%d moetp%d ep%d is %d chips", ep*ep, moetp, ep, ep)
	case moetp > 1 && ep == moetp && adp == ep*ep && tp == 1:
		adp = ep
		s.assume("adp%d moetp%d ep%d is %d chips", ep*ep, moetp, ep, ep)
	case tp == adp && adp > 1 && ep == tp*adp:
		tp = 1
		s.assume("tp%d adp%d ep%d is %d chips with attention in %d groups", adp, adp, ep, adp, adp)
	case gpus > 0 && adp > 1 && s.arch.Experts > 0 && gpus == tp*l.pp && tp%adp == 0:
		// SGLang counts all chips as tp, and its attention groups divide them.
		s.assume("tp%d dp%d on %d chips is attention in %d groups of %d", tp, adp, gpus, adp, tp/adp)
		tp /= adp
	case v["tp"] == 0 && adp == 1 && ep > 1:
		tp = ep
		s.assume("ep%d is attention over all %d chips", ep, ep)
	case s.arch.Experts > 0 && moetp > 0 && ep > 0 && moetp*ep > tp*adp && tp*adp > 1 || s.arch.Experts > 0 && moetp > 1 && ep == 1 && moetp > tp*adp:
		return l, fmt.Errorf("parallelism %q: experts over %d chips, attention over %d", text, moetp*ep, tp*adp)
	}
	l.tp, l.adp = tp, adp
	if l.ep = min(max(ep, 1), tp*adp); ep == 0 && adp > 1 || tp*adp%l.ep != 0 {
		l.ep = tp * adp // not stated, or counted in another way
	}
	return l, nil
}
