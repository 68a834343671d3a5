package arrivals

import (
	"fmt"
	"math"
	"slices"

	"aisim/sim"
	"aisim/workloads/trace"
)

// Talk makes talks of several turns out of arrivals, as people and agents hold them: the prompt
// of a turn is all that was said before and something new, and it is sent a time after the
// answer to the turn before it.
type Talk struct {
	// Turns is the mean number of turns: after each answer another follows with probability
	// 1 − 1/Turns, so that their number is geometric.
	Turns float64
	// ThinkSec is the mean time from an answer to the next turn, Gamma distributed with
	// the coefficient of variation ThinkCV (1 is exponential, 0 always the mean).
	ThinkSec, ThinkCV float64
	Shared            int // tokens that the prompts of all talks begin with
	BlockTokens       int // of one prefix hash; 0: prompts get no hashes
	Context           int // a talk ends before a turn and its answer would exceed it; 0: never
}

// maxTurns ends talks that geometric chance would not.
const maxTurns = 1000

// Validate says what is impossible about talks.
func (k *Talk) Validate() error {
	switch {
	case !(k.Turns >= 1 && k.Turns <= maxTurns):
		return fmt.Errorf("arrivals: talks of %v turns: expected 1 to %d in the mean", k.Turns, maxTurns)
	case !(k.ThinkSec >= 0) || math.IsInf(k.ThinkSec, 0) || !(k.ThinkCV >= 0 && k.ThinkCV <= 100):
		return fmt.Errorf("arrivals: think time %v s with cv %v: expected a time from 0 upwards and a cv from 0 to 100", k.ThinkSec, k.ThinkCV)
	case k.Shared < 0 || k.Shared > DefaultMax || k.BlockTokens < 0 || k.Context < 0:
		return fmt.Errorf("arrivals: talks with %d shared tokens, blocks of %d, context of %d: must not be negative, and share at most %d", k.Shared, k.BlockTokens, k.Context, DefaultMax)
	}
	return nil
}

// think draws one time to think.
func (k *Talk) think(s *sim.Stream) float64 {
	if k.ThinkCV == 0 || k.ThinkSec == 0 {
		return k.ThinkSec
	}
	shape := 1 / (k.ThinkCV * k.ThinkCV)
	return s.Gamma(shape, k.ThinkSec/shape)
}

// GenerateTalks draws a load of talks whose turns come at the rate of the spec together, in
// order of when they would come if answers took no time.
func GenerateTalks(spec Spec, k Talk, s sim.Stream) (*trace.Trace, error) {
	if err := k.Validate(); err != nil {
		return nil, err
	}
	d := spec.withDefaults()
	d.RatePerSec /= k.Turns
	starts, err := Generate(d, s)
	if err != nil {
		return nil, err
	}
	size := s.Child("turns")
	return k.expand(starts, func() (prompt, output int32) {
		if d.Process == AzureConv {
			prompt, output = ConvLengths(&size)
		}
		if !d.Prompt.empty() {
			prompt = d.Prompt.Draw(&size)
		}
		if !d.Output.empty() {
			output = d.Output.Draw(&size)
		}
		return prompt, output
	}, s, d.MaxRequests)
}

// turn is one turn on its way into the order of arrivals.
type turn struct {
	trace.Request
	talk, before int32 // before: its predecessor, −1 for none, as numbered when drawn
}

// expand gives each start the turns that follow it; next draws what they add.
func (k *Talk) expand(starts []trace.Request, next func() (prompt, output int32), s sim.Stream, most int) (*trace.Trace, error) {
	follows, think := s.Child("follows"), s.Child("think")
	t := &trace.Trace{Name: "talks", BlockTokens: k.BlockTokens}
	var turns []turn
	shared := int64(0) // blocks
	if k.BlockTokens > 0 {
		shared = int64(k.Shared / k.BlockTokens)
	}
	named := shared
	for i, q := range starts {
		at, said := q.ArriveSec, int64(k.Shared)
		hash := int32(len(t.Hashes))
		prompt, output := q.Prompt, q.Output
		before := int32(-1)
		for n := 0; ; n++ {
			length := said + int64(prompt)
			if n > 0 && (length+int64(output) > DefaultMax || k.Context > 0 && length+int64(output) > int64(k.Context)) {
				break
			}
			if len(turns) == most {
				return nil, fmt.Errorf("arrivals: more than %d requests", most)
			}
			x := turn{trace.Request{ArriveSec: at, Prompt: int32(length), Output: output}, int32(i), before}
			if k.BlockTokens > 0 {
				x.HashStart, x.HashCount = hash, int32((length+int64(output))/int64(k.BlockTokens))
			}
			if n > 0 {
				sec := k.think(&think)
				x.ThinkSec = float32(sec)
				at += sec
				x.ArriveSec = at
			}
			before = int32(len(turns))
			turns = append(turns, x)
			said = length + int64(output)
			if n+1 == maxTurns || follows.Float64()*k.Turns < 1 {
				break
			}
			prompt, output = next()
		}
		if k.BlockTokens > 0 {
			// Names are numbers from 0: the blocks that all talks share, then each talk's own.
			for block := range said / int64(k.BlockTokens) {
				if block < shared {
					t.Hashes = append(t.Hashes, block)
				} else {
					t.Hashes = append(t.Hashes, named)
					named++
				}
			}
		}
	}
	order := make([]int32, len(turns))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		switch x, y := turns[a].ArriveSec, turns[b].ArriveSec; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	place := make([]int32, len(turns))
	for at, i := range order {
		place[i] = int32(at)
	}
	t.Requests = make([]trace.Request, len(turns))
	for i, x := range turns {
		if x.before >= 0 {
			x.Back = place[i] - place[x.before]
		}
		t.Requests[place[i]] = x.Request
	}
	return t, nil
}
