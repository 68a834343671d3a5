package collective

import "math/bits"

// halvingDoubling names recursive halving and doubling (Thakur, Rabenseifner & Gropp
// 2005), for any number of ranks.
const halvingDoubling = "halving-doubling"

// move is one message of a round: fraction of S from one rank of the group to another.
type move struct {
	from, to int
	fraction float64
}

// halvingRounds are the rounds over n ranks: 2^k of them exchange halves with partners
// at distance 1, 2, 4, …; the n−2^k others hand their data to a partner first and
// get theirs back last.
func halvingRounds(n int, reduce, gather bool) [][]move {
	k := bits.Len(uint(n)) - 1
	core := 1 << k
	extra := n - core
	var out [][]move
	if extra > 0 {
		size := 1.0
		if !reduce {
			size = 1 / float64(n)
		}
		out = append(out, fold(core, extra, size, false))
	}
	exchange := func(step int) {
		var round []move
		for i := range core {
			round = append(round, move{i, i ^ 1<<step, 1 / float64(int(2)<<step)})
		}
		out = append(out, round)
	}
	if reduce {
		for step := range k {
			exchange(step)
		}
	}
	if gather {
		for step := k - 1; step >= 0; step-- {
			exchange(step)
		}
	}
	if extra > 0 {
		size := 1.0
		if !gather {
			size = 1 / float64(n)
		}
		out = append(out, fold(core, extra, size, true))
	}
	return out
}

func fold(core, extra int, size float64, back bool) []move {
	var round []move
	for i := range extra {
		m := move{core + i, i, size}
		if back {
			m.from, m.to = m.to, m.from
		}
		round = append(round, m)
	}
	return round
}

// halvingPhases are a phase per round of the largest group; a smaller group has its own
// rounds in the first of them.
func halvingPhases(big int, reduce, gather bool) []phase {
	rounds := 2 // fold and unfold
	for _, half := range []bool{reduce, gather} {
		if half {
			rounds += bits.Len(uint(big)) - 1
		}
	}
	var out []phase
	for r := range rounds {
		out = append(out, phase{traffic: ringTraffic, lay: func(b *builder, g *placed) error {
			all := halvingRounds(len(g.ranks), reduce, gather)
			if r >= len(all) {
				return nil
			}
			for _, m := range all[r] {
				if err := b.edge(g.ranks[m.from], g.ranks[m.to], m.fraction, true); err != nil {
					return err
				}
			}
			b.longest()
			return nil
		}})
	}
	return out
}
