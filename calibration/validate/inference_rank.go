package validate

import (
	"fmt"
	"slices"
)

// Ranking says how well predictions order configurations that a buyer chooses between:
// layouts and precisions of one model on one chip and engine with equal lengths.
type Ranking struct {
	What   string `json:"what"`
	Groups int    `json:"groups"` // of at least three configurations
	Cases  int    `json:"cases"`
	// Spearman is the median over groups of the rank correlation of tokens per second and chip.
	Spearman *float64 `json:"median_rank_correlation"`
	// Chosen is the median over groups of what the configuration predicted best reaches, of the best measured.
	Chosen *float64 `json:"median_chosen_over_best"`
}

// ranker is a kind whose rows are choices.
type ranker interface {
	ranked(*Table, *Report) []Ranking
}

// choice is a configuration with its tokens per second and chip.
type choice struct{ measured, predicted float64 }

func (k *inference) ranked(t *Table, r *Report) []Ranking {
	type latency struct{ measured, predicted [2]float64 }
	of := map[string]*latency{}
	for i := range r.Cases {
		c := &r.Cases[i]
		if c.Use != UseGate || c.Predicted == nil || c.Measured == nil {
			continue
		}
		at := slices.Index([]string{"ttft_ms", "tpot_ms"}, c.Metric)
		if at < 0 {
			continue
		}
		l := of[c.ID]
		if l == nil {
			l = &latency{}
			of[c.ID] = l
		}
		l.measured[at], l.predicted[at] = *c.Measured, *c.Predicted
	}
	// Equal concurrency, and every concurrency.
	groups := [2]map[string][]choice{{}, {}}
	var order [2][]string
	for _, row := range t.Rows {
		l := of[row.Text("id")]
		if l == nil || l.measured[0] == 0 || l.measured[1] == 0 {
			continue
		}
		s, err := k.readService(row)
		if err != nil || s.load.shape != closedLoop {
			continue
		}
		chips := 0
		for _, p := range s.pools {
			chips += p.workers * p.chips()
		}
		chips *= max(s.replicas, 1)
		rate := func(v [2]float64) float64 {
			return s.load.inFlight * s.load.osl / (v[0] + (s.load.osl-1)*v[1]) / float64(chips)
		}
		one := choice{rate(l.measured), rate(l.predicted)}
		key := fmt.Sprint(s.chip, s.arch.ID, s.engine.ID, s.load.isl, s.load.osl, len(s.pools))
		for i, key := range []string{fmt.Sprint(key, s.load.inFlight), key} {
			if groups[i][key] == nil {
				order[i] = append(order[i], key)
			}
			groups[i][key] = append(groups[i][key], one)
		}
	}
	var out []Ranking
	for i, what := range []string{"layouts at equal concurrency", "layouts and concurrencies"} {
		x := Ranking{What: what}
		var rank, best []float64
		for _, key := range order[i] {
			if g := groups[i][key]; len(g) >= 3 {
				x.Groups++
				x.Cases += len(g)
				rho, share := rankChoices(g)
				rank, best = append(rank, rho), append(best, share)
			}
		}
		x.Spearman, x.Chosen = quantile(rank, 0.5), quantile(best, 0.5)
		out = append(out, x)
	}
	return out
}

// rankChoices is the rank correlation of a group, and what the choice predicted best
// reaches of the best measured.
func rankChoices(g []choice) (spearmans, share float64) {
	var predicted, measured []float64
	chosen, best := 0, 0
	for i, c := range g {
		predicted, measured = append(predicted, c.predicted), append(measured, c.measured)
		if c.predicted > g[chosen].predicted {
			chosen = i
		}
		if c.measured > g[best].measured {
			best = i
		}
	}
	return *spearman(predicted, measured), g[chosen].measured / g[best].measured
}
