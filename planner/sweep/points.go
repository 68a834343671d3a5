package sweep

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"aisim/internal/result"
	"aisim/scenarios"
	"aisim/sim"
)

// Point is one line of points.jsonl.
type Point struct {
	Index  int      `json:"index"`
	Hash   string   `json:"hash"`
	Labels []string `json:"labels"` // by variable
	Set    []string `json:"set"`
}

// MaxPoints bounds a sweep.
const MaxPoints = 1_000_000

// hashOf names a point by everything that its result rests on.
func hashOf(ground string, sets []string) string {
	sum := sha256.Sum256([]byte(ground + "\x00" + strings.Join(sets, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// expand lists the points of a space in a fixed order: of a grid the last variable moves
// fastest; a latin hypercube takes each place of each variable equally often.
func expand(sc *scenarios.Scenario, ground string) ([]Point, []result.SweepVariable, error) {
	s := sc.Sweep
	settings := make([][]scenarios.Setting, len(s.Variables))
	vars := make([]result.SweepVariable, len(s.Variables))
	n := 1
	for i := range s.Variables {
		var err error
		if settings[i], err = s.Variables[i].Settings(); err != nil {
			return nil, nil, err
		}
		vars[i].Title = s.Variables[i].Title()
		for _, p := range settings[i] {
			vars[i].Places = append(vars[i].Places, p.Label)
		}
		if n *= len(settings[i]); s.Sampling == "grid" && n > MaxPoints {
			return nil, nil, fmt.Errorf("the grid has more than %d points: take a latin hypercube", MaxPoints)
		}
	}
	at := func(i, k int) int { return k } // set below
	switch s.Sampling {
	case "latin":
		n = *s.Points
		order := make([][]int, len(settings))
		for i := range settings {
			order[i] = permutation(n, sim.NewStream(sc.Seed, "sweep/latin/"+vars[i].Title))
		}
		at = func(i, k int) int { return order[i][k] * len(settings[i]) / n }
	default:
		stride := make([]int, len(settings))
		step := 1
		for i := len(settings) - 1; i >= 0; i-- {
			stride[i] = step
			step *= len(settings[i])
		}
		at = func(i, k int) int { return k / stride[i] % len(settings[i]) }
	}
	points := make([]Point, 0, n)
	seen := map[string]bool{}
	for k := range n {
		p := Point{Labels: make([]string, len(settings))}
		for i := range settings {
			place := settings[i][at(i, k)]
			p.Labels[i] = place.Label
			p.Set = append(p.Set, place.Sets...)
		}
		if p.Hash = hashOf(ground, p.Set); seen[p.Hash] {
			continue // a hypercube can come by the same place twice
		}
		seen[p.Hash] = true
		p.Index = len(points)
		points = append(points, p)
	}
	return points, vars, nil
}

// permutation is a random order of 0 … n-1 (Fisher and Yates).
func permutation(n int, s sim.Stream) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := s.Intn(i + 1)
		out[i], out[j] = out[j], out[i]
	}
	return out
}
