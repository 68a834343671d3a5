package validate

import "math/rand"

// goRand draws as a published program drew: from Go's seeded generator.
type goRand struct{ *rand.Rand }

// fgdDraws are those of one run of the published placement experiments, which draw one
// number for their log before anything else.
func fgdDraws(seed int64) goRand {
	g := goRand{rand.New(rand.NewSource(seed))}
	g.Int()
	return g
}
