package training

import "strconv"

// The price of each change in the search for the nearest configuration that fits:
// roughly how much it costs in speed and in trouble. A sum orders the candidates;
// equal sums keep the order of the search.
const (
	costSequence  = 1
	costSchedule  = 1
	costZeRO      = 2 // per stage
	costSelective = 2
	costMicro     = 3 // per halving
	costTensor    = 5 // per doubling
	costFull      = 6
	costPipeline  = 6 // per doubling
)

// nearest searches the configuration closest to c that fits into usable bytes on
// the same number of chips. It changes sequence parallelism, schedule, ZeRO stage,
// recomputation, micro-batch, tensor and pipeline width.
func (c *Config) nearest(fw *Framework, usable float64, domain int) (*Config, []Change) {
	best, bestCost := c.nearestUnder(fw, usable, domain, 1<<30)
	if c.Schedule == ScheduleGPipe || c.Schedule == ScheduleDualPipe {
		frugal := *c
		frugal.Schedule = Schedule1F1B
		if other, _ := frugal.nearestUnder(fw, usable, domain, bestCost-costSchedule); other != nil {
			best = other
		}
	}
	if best == nil {
		return nil, nil
	}
	var ch []Change
	note := func(field, from, to string) {
		if from != to {
			ch = append(ch, Change{field, from, to})
		}
	}
	note("schedule", string(c.Schedule), string(best.Schedule))
	note("recompute", string(c.Recompute), string(best.Recompute))
	note("sequence_parallel", strconv.FormatBool(c.SequenceParallel), strconv.FormatBool(best.SequenceParallel))
	note("zero", strconv.Itoa(c.ZeRO), strconv.Itoa(best.ZeRO))
	note("batch.micro", strconv.Itoa(c.Batch.Micro), strconv.Itoa(best.Batch.Micro))
	note("parallelism.tensor", strconv.Itoa(c.Parallel.TP), strconv.Itoa(best.Parallel.TP))
	note("parallelism.pipeline", strconv.Itoa(c.Parallel.PP), strconv.Itoa(best.Parallel.PP))
	return best, ch
}

// nearestUnder is the nearest under its schedule that costs less than bestCost; nil if none.
func (c *Config) nearestUnder(fw *Framework, usable float64, domain, bestCost int) (*Config, int) {
	chips := c.chips()
	var best *Config
	for tpUp, tp := 0, c.Parallel.TP; tp <= max(domain, c.Parallel.TP) && tpUp < 4; tpUp, tp = tpUp+1, tp*2 {
		for ppUp, pp := 0, c.Parallel.PP; pp <= c.Arch.Layers && ppUp < 4; ppUp, pp = ppUp+1, pp*2 {
			for micDown, mic := 0, c.Batch.Micro; mic >= 1; micDown, mic = micDown+1, mic/2 {
				for zero := c.ZeRO; zero <= 3; zero++ {
					for _, r := range recomputeChoices(c.Recompute) {
						for _, sp := range sequenceChoices(c.SequenceParallel, tp) {
							cost := costTensor*tpUp + costPipeline*ppUp + costMicro*micDown + costZeRO*(zero-c.ZeRO) + r.cost
							if sp != c.SequenceParallel {
								cost += costSequence
							}
							if cost >= bestCost {
								continue
							}
							cand := *c
							cand.Parallel.TP, cand.Parallel.PP, cand.Batch.Micro = tp, pp, mic
							cand.ZeRO, cand.Recompute, cand.SequenceParallel = zero, r.mode, sp
							if tpUp+ppUp > 0 {
								cand.Parallel.DP, cand.Parallel.ET, cand.Parallel.Shards = 0, 0, 0
							}
							got, err := cand.resolve(chips)
							if err != nil {
								continue
							}
							if need, _ := worst(got.memory(fw, got.chunks())); need <= usable {
								best, bestCost = &got, cost
							}
						}
					}
				}
			}
		}
	}
	return best, bestCost
}

type recomputeChoice struct {
	mode Recompute
	cost int
}

func recomputeChoices(now Recompute) []recomputeChoice {
	out := []recomputeChoice{{now, 0}}
	if now == RecomputeNone {
		out = append(out, recomputeChoice{RecomputeSelective, costSelective})
	}
	if now != RecomputeFull {
		out = append(out, recomputeChoice{RecomputeFull, costFull})
	}
	return out
}

func sequenceChoices(now bool, tp int) []bool {
	if now || tp == 1 {
		return []bool{now}
	}
	return []bool{false, true}
}

// worst is the largest footprint and its stage.
func worst(feet []footprint) (bytes float64, stage int) {
	for i := range feet {
		if t := feet[i].total(); t > bytes {
			bytes, stage = t, i
		}
	}
	return bytes, stage
}
