package serving

import "math"

// promises is what a router that knows the limits of requests keeps of its replicas: when the
// prompts that it sent to each will be computed, by the step model and what it sent alone.
type promises struct {
	clear    []float64 // by replica: when its prompts are computed
	tokenSec float64   // of a prompt
	model    *StepModel
}

// typicalPrompt is the length at which the rate of prompts is read off the step model.
const typicalPrompt = 1024

func newPromises(replicas int, m *StepModel) *promises {
	return &promises{clear: make([]float64, replicas), tokenSec: m.BatchPrefillSec(1, typicalPrompt) / typicalPrompt, model: m}
}

// sloAware chooses the replica where the request is expected to stay furthest within the limits of
// its class: the larger of first token and time per token over their limits is least, ties in turn. A
// first token comes when the prompts before it are computed and its own, less what of it is known there;
// tokens come as far apart as a decode step lasts with all that are in flight and this one.
func (f *fleet) sloAware(i int32, l *loads, t float64) int {
	p, q, sites := f.promised, f.book.req(i), len(f.sites)
	class := 0
	if len(f.c.Classes) > 0 {
		class = classOf(f.c.Classes, int(i))
	}
	goal := f.c.slo(class)
	k, known := f.known(i)
	best, least, took := -1, math.MaxFloat64, 0.0
	for n := range l.n {
		j := l.turn + n
		if j >= l.n {
			j -= l.n
		}
		if l.at(j) == away {
			continue
		}
		at := f.front + j*sites + siteOf(int(i), sites)
		prompt := int64(q.Prompt)
		if j == k {
			prompt = max(1, prompt-known)
		}
		own := float64(prompt) * p.tokenSec
		worst := 0.0
		if goal.TTFTSec > 0 {
			worst = (math.Max(p.clear[at]-t, 0) + own) / goal.TTFTSec
		}
		if goal.TPOTSec > 0 && f.pools == nil {
			worst = math.Max(worst, p.model.DecodeStepSec(int(l.at(j))+1, float64(f.tokens[at]+tokensOf(q)))/goal.TPOTSec)
		}
		if worst < least {
			best, least, took = j, worst, own
		}
	}
	if best < 0 {
		return -1
	}
	at := f.front + best*sites + siteOf(int(i), sites)
	p.clear[at] = math.Max(p.clear[at], t) + took
	return l.took(best)
}
