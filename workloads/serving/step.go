package serving

// The time of one step.

// step is the time of one step: t new prompt tokens with attention work pairs,
// b decoding sequences that read kv cached tokens, s rows sampled, p sequences
// in prefill.
func (s *StepModel) step(t int, pairs float64, b int, kv float64, rows, p int) float64 {
	return max(s.unpaced(t, pairs, b, kv, rows, p), s.pace*float64(b))
}

// unpaced is step where tokens leave as fast as they come.
func (s *StepModel) unpaced(t int, pairs float64, b int, kv float64, rows, p int) float64 {
	more, sec := 0, 0.0
	if s.width > 1 {
		more = (s.width - 1) * b
		sec = s.passes[b].sec
	}
	sec += s.linear[t+b+more].sec + s.head[rows+more].sec + s.cached(b, kv).sec + s.seq.sec*float64(b+p)
	if t > 0 {
		sec += s.prefill.sec*s.pairs(t, pairs) + s.mixed.sec + s.mixedExtra(t, p, b, kv).sec
	}
	return sec
}

// DecodeStepSec is the time of one decode step of batch sequences that hold kv
// cached tokens together.
func (s *StepModel) DecodeStepSec(batch int, kv float64) float64 {
	batch = min(max(batch, 0), (len(s.head)-1)/max(s.width, 1))
	return s.step(0, 0, batch, kv, batch, 0)
}

// PrefillSec is the time of one step with a chunk of tokens after past ones,
// beside nothing else, its last row sampled. Longer chunks than the token
// budget are cut to it.
func (s *StepModel) PrefillSec(tokens, past int) float64 {
	tokens = min(max(tokens, 1), len(s.linear)-1)
	pairs := float64(tokens) * (float64(past) + float64(tokens)/2)
	return s.step(tokens, pairs, 0, 0, 1, 1)
}

// BatchPrefillSec is the time of one step with the whole prompts of batch sequences.
// Their tokens must lie within the token budget.
func (s *StepModel) BatchPrefillSec(batch, prompt int) float64 {
	tokens := min(max(batch*prompt, 1), len(s.linear)-1)
	return s.step(tokens, float64(batch)*float64(prompt)*float64(prompt)/2, 0, 0, min(batch, len(s.head)-1), batch)
}
