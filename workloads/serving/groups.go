package serving

// groups is how the prompts of a step lie on the attention groups of a worker that computes
// prompts: each chunk on the group that has the least. The others wait for the group that has the
// most. Replicas that decode, too, are taken to spread rows evenly: measured ones are predicted no
// better otherwise, since engines hold prompts back until all groups have some.
type groups struct {
	sum  []most // nil: one group
	most most
}

// most is the prompt tokens of a group in a step, and their pairs.
type most struct {
	tokens int32
	pairs  float64
}

func newGroups(n int) groups {
	if n < 2 {
		return groups{}
	}
	return groups{sum: make([]most, n)}
}

func (g *groups) clear() {
	clear(g.sum)
	g.most = most{}
}

func (g *groups) add(tokens int32, pairs float64) {
	if g.sum == nil {
		return
	}
	k := 0
	for i := range g.sum {
		if g.sum[i].tokens < g.sum[k].tokens {
			k = i
		}
	}
	s := &g.sum[k]
	s.tokens += tokens
	s.pairs += pairs
	if s.tokens > g.most.tokens {
		g.most = *s
	}
}

// uneven is what a step of so many prompt tokens and pairs takes beyond one in which all
// groups have the same: its layers' own work and its attention are those of the group that has most.
func (s *StepModel) uneven(tokens int, pairs float64, m most) split {
	n := float64(s.groups)
	if n < 2 || m.tokens == 0 {
		return split{}
	}
	extra := minus(s.groupAt(n*float64(m.tokens)), s.groupAt(float64(tokens)))
	return extra.plus(s.prefill.times(max(0, n*m.pairs-pairs)))
}

// groupAt is what an attention group does alone in a step of rows rows, beyond the table in
// proportion.
func (s *StepModel) groupAt(rows float64) split {
	last := len(s.group) - 1
	if rows > float64(last) {
		return s.group[last].times(rows / float64(last))
	}
	return s.group[int(rows)]
}
