package arrivals

import (
	"math"

	"aisim/sim"
)

// The arrivals of the conversation trace are a Poisson process whose rate
// wanders: counts are hardly over-dispersed at 0.1 s (index of dispersion 1.06)
// and strongly at minutes (16 at 60 s). The rate is exp of the sum of two
// Ornstein–Uhlenbeck processes. Their variances and time constants are chosen
// so that the index of dispersion at 0.1, 1, 5, 10, 60 and 300 s and the
// coefficient of variation of the gaps follow the trace; a test measures how well.
const (
	ConvRatePerSec = 5.5302 // 19,365 gaps in 3,501.7 s

	slowSD  = 0.249 // of the logarithm of the rate
	slowSec = 400.0 // time constant
	fastSD  = 0.242
	fastSec = 0.2

	cellSec         = 0.1 // the rate is constant within a cell
	maxModulatedSec = 1e7 // 10⁸ cells
)

// modulation is the wandering factor of the rate, of mean 1, cell by cell.
type modulation struct {
	s          sim.Stream
	slow, fast float64
	started    bool
}

func newModulation(s sim.Stream) modulation { return modulation{s: s} }

var (
	slowKeep = math.Exp(-cellSec / slowSec)
	slowStep = slowSD * math.Sqrt(-math.Expm1(-2*cellSec/slowSec))
	fastKeep = math.Exp(-cellSec / fastSec)
	fastStep = fastSD * math.Sqrt(-math.Expm1(-2*cellSec/fastSec))
)

func (m *modulation) next() float64 {
	if !m.started {
		m.started = true
		m.slow, m.fast = m.s.Normal(0, slowSD), m.s.Normal(0, fastSD)
	} else {
		m.slow = m.slow*slowKeep + m.s.Normal(0, slowStep)
		m.fast = m.fast*fastKeep + m.s.Normal(0, fastStep)
	}
	return math.Exp(m.slow + m.fast - (slowSD*slowSD+fastSD*fastSD)/2)
}

// ConvLengths draws prompt and output tokens of one request of the
// conversation trace: the prompt from its quantiles, the output from those of
// requests with about as long a prompt.
func ConvLengths(s *sim.Stream) (prompt, output int32) {
	u := s.Float64()
	row := min(int(u*float64(len(convOutput))), len(convOutput)-1)
	p := interpolate(convPromptAt, convPrompt, u)
	o := interpolate(convOutputAt, convOutput[row], s.Float64())
	return int32(math.Round(max(p, 1))), int32(math.Round(max(o, 1)))
}
