package serving

import (
	"fmt"
	"math"

	"aisim/workloads"
)

// Speculation is decoding in which a draft proposes Tokens tokens for each sequence and
// the model verifies them in one step. Zero Tokens means none.
type Speculation struct {
	// Draft is the model that proposes, with the vocabulary of the one that verifies. Without
	// an ID it is a head of one layer of the model's own shape, which shares its embedding
	// and its output matrix (multi-token prediction, EAGLE).
	Draft  workloads.Architecture
	Tokens int
	// Acceptance is the share of proposed tokens that are accepted, each on its own.
	Acceptance float64
}

// MaxSpeculative is the most tokens that a draft may propose at once.
const MaxSpeculative = 16

// width is the rows of one sequence in a decode step.
func (s *Speculation) width() int { return s.Tokens + 1 }

// PerStep is the tokens that a sequence gains by one step in the mean: the accepted ones
// before the first that is not, and one that the model itself gives, (1 − a^(k+1))/(1 − a)
// (Leviathan, Kalman and Matias 2023, equation 1).
func (s *Speculation) PerStep() float64 {
	e := 0.0
	for i := range s.width() {
		e += math.Pow(s.Acceptance, float64(i))
	}
	return e
}

func (s *Speculation) validate(c *Config) error {
	switch {
	case s.Tokens == 0 && s.Acceptance == 0 && s.Draft.ID == "":
		return nil
	case s.Tokens < 1 || s.Tokens > MaxSpeculative:
		return fmt.Errorf("serving: %d speculative tokens: expected 1 to %d", s.Tokens, MaxSpeculative)
	case !(s.Acceptance >= 0 && s.Acceptance <= 1):
		return fmt.Errorf("serving: acceptance %v of speculative tokens: expected a ratio from 0 to 1", s.Acceptance)
	case c.Arch.Generic != nil:
		return fmt.Errorf("serving: %s does not decode: it cannot speculate", c.Arch.ID)
	case c.PP > 1:
		return fmt.Errorf("serving: speculative decoding over %d pipeline stages is not modelled: pipeline must be 1", c.PP)
	case c.TokenBudget < c.MaxBatch*s.width():
		return fmt.Errorf("serving: token_budget %d is below max_batch %d × %d: every running sequence takes %d tokens per step when %d are speculated", c.TokenBudget, c.MaxBatch, s.width(), s.width(), s.Tokens)
	case s.Draft.ID == "":
		return nil
	case s.Draft.Vocab != c.Arch.Vocab:
		return fmt.Errorf("serving: draft %s has a vocabulary of %d, %s of %d: the draft must share the model's tokens", s.Draft.ID, s.Draft.Vocab, c.Arch.ID, c.Arch.Vocab)
	}
	d := s.draftConfig(c)
	if err := d.Validate(); err != nil {
		return fmt.Errorf("draft of %s: %w", c.Arch.ID, err)
	}
	return nil
}

// draft is the shape of what proposes.
func (s *Speculation) draft(target *workloads.Architecture) workloads.Architecture {
	if s.Draft.ID != "" {
		return s.Draft
	}
	a := *target
	a.ID += " head"
	a.Layers, a.Window = 1, 0
	if a.Experts > 0 {
		a.FirstDense, a.MoEEvery = 0, 0
	}
	return a
}

// draftConfig is the draft on the chips of the model. It runs inside the engine's step, so
// what the host spends by step and by sequence is not spent again.
func (s *Speculation) draftConfig(c *Config) Config {
	d := *c
	d.Arch, d.Speculation = s.draft(&c.Arch), Speculation{}
	d.Engine.Step.Value, d.Engine.Sequence.Value, d.Engine.MixedStep.Value, d.Offline = 0, 0, 0, true
	d.Prefix, d.Adapters, d.Router = PrefixCache{}, Adapters{}, ""
	return d
}

// draftMemory is the weights and the cache of one token of the draft on one chip. A head
// adds its layer and the matrix that joins its two inputs.
func (s *Speculation) draftMemory(c *Config, m *Memory, at func(*Config) Memory) {
	if s.Tokens == 0 {
		return
	}
	d := s.draftConfig(c)
	own := at(&d)
	if s.Draft.ID == "" {
		a := &d.Arch
		shared := a.EmbeddingParams()
		if !a.TiedEmbeddings {
			shared += a.HeadParams()
		}
		join := 2 * float64(a.Hidden) * float64(a.Hidden)
		own.Weights += (join*storedBytes(c.Precision) - shared*math.Max(2, c.Precision.Bytes())) / float64(c.TP*c.PP)
	}
	m.Weights += own.Weights
	m.TokenBytes += own.TokenBytes
}

// speculate makes the tables those of steps that verify: the draft's first pass goes over
// the same rows as the model's step (prompts, and what was verified last), the others over
// one row for each sequence, and every pass reads the draft's cache.
func (s *StepModel) speculate(sp *Speculation, draft *StepModel) {
	k := float64(sp.Tokens)
	s.width, s.perStep = sp.width(), sp.PerStep()
	for i := range s.linear {
		s.linear[i] = s.linear[i].plus(draft.linear[i])
	}
	s.passes = make([]split, len(draft.head))
	for b := range s.passes {
		s.passes[b] = draft.linear[b].times(k - 1).plus(draft.head[b].times(k))
	}
	s.prefill = s.prefill.plus(draft.prefill)
	s.mixed = s.mixed.plus(draft.mixed)
	s.kv = s.kv.plus(draft.kv.times(k))
	// Of a draft's local layers whole windows are read.
	s.seq = s.seq.plus(draft.near.times(k * draft.window))
	s.seq = s.seq.plus(draft.seq.times(k))
}

// decode is the time of a decode step of b sequences without their cache.
func (s *StepModel) decode(b int) split {
	if s.width <= 1 {
		return s.linear[b].plus(s.head[b]).plus(s.seq.times(float64(b)))
	}
	return s.linear[b*s.width].plus(s.head[b*s.width]).plus(s.passes[b]).plus(s.seq.times(float64(b)))
}

// gain is the tokens that each sequence gains by the next k decode steps: whole numbers
// whose mean is that of a step, the same for all sequences.
func (s *StepModel) gain(decoded, k int64) int64 {
	if s.width <= 1 {
		return k
	}
	e := s.perStep
	return int64(e*float64(decoded+k)) - int64(e*float64(decoded))
}

func (r *replica) gain(k int64) int64 { return r.model.gain(r.decoded, k) }

// gained is Σ gain(i) over i < k: what the cache of a sequence grew by before each of k steps.
func (s *StepModel) gained(decoded, k int64) float64 {
	if s.width <= 1 {
		f := float64(k)
		return f * (f - 1) / 2
	}
	sum := int64(0)
	for i := range k {
		sum += s.gain(decoded, i)
	}
	return float64(sum)
}

func (r *replica) gained(k int64) float64 { return r.model.gained(r.decoded, k) }

// rows is the tokens that a sequence takes in a decode step.
func (s *StepModel) rows() int { return max(s.width, 1) }

func (r *replica) rows() int { return r.model.rows() }

// stepsFor is the decode steps that bring so many tokens.
func (r *replica) stepsFor(tokens int64) int64 {
	if r.model.width <= 1 {
		return tokens
	}
	k := max(1, int64(float64(tokens)/r.model.perStep)-1)
	for r.gain(k) < tokens {
		k++
	}
	for k > 1 && r.gain(k-1) >= tokens {
		k--
	}
	return k
}

// stepsIn is the number of steps of the run at whose end x seconds have passed.
func (r *replica) stepsIn(x float64) int64 {
	sum, k := int64(0), int64(1)
	for float64(k)*r.first+r.growth*float64(sum) < x {
		sum += r.gain(k)
		k++
	}
	return k
}

// runWithin is the largest number of decode steps up to most whose blocks are free; a step
// that verifies holds blocks for all that it may accept.
func (r *replica) runWithin(most int64, free int) int64 {
	if r.model.width <= 1 {
		return r.stepsWithin(most, free)
	}
	w := int64(r.model.width)
	tokens := r.stepsWithin(r.gain(most-1)+w, free)
	for most > 1 && r.gain(most-1)+w > tokens {
		most--
	}
	return most
}
