package rounds

import (
	"math"
	"testing"

	"aisim/internal/measured"
)

// At a load at which nobody waits, a job under FIFO runs on a random kind and under least
// attained service in turn on all three: the means follow from the table and from the
// durations' distribution without a queue.
func TestGavelAtLowLoad(t *testing.T) {
	th, err := ReadThroughputs(measured.Path(t, "jobs/gavel-philly/simulation_throughputs.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	m := Mixed{Kinds: []Kind{{"v100", 36}, {"p100", 36}, {"k80", 36}}, RoundSec: 360}
	logUniform := func(a, b float64) float64 { return 60 * (math.Pow(10, b) - math.Pow(10, a)) / ((b - a) * math.Ln10) }
	sec := 0.8*logUniform(1.5, 3) + 0.2*logUniform(3, 4)
	var slow, shared float64 // time over that on a V100
	for _, name := range th.Types {
		k := typeKey{name, 1}
		v, p, q := th.rate["v100"][k], th.rate["p100"][k], th.rate["k80"][k]
		slow += (1 + v/p + v/q) / 3 / float64(len(th.Types))
		shared += v / ((v + p + q) / 3) / float64(len(th.Types))
	}
	l := GavelLoad{PerHour: 1, Reference: "v100", First: 1000, Last: 9000}
	fifo, err := th.GavelFIFO(l, m, false, 1)
	if err != nil {
		t.Fatal(err)
	}
	las, err := th.GavelLAS(l, m, 1)
	if err != nil {
		t.Fatal(err)
	}
	// 8,000 jobs with coefficients of variation of about 2: standard errors of 2 to 3 %; half a round
	// is waited for.
	if math.Abs(fifo/(sec*slow)-1) > 0.12 || math.Abs(las/(sec*shared+180)-1) > 0.12 {
		t.Errorf("fifo %.1f h, want %.1f; las %.1f h, want %.1f", fifo/3600, sec*slow/3600, las/3600, (sec*shared+180)/3600)
	}
	t.Logf("fifo %.1f h, las %.1f h", fifo/3600, las/3600)
	l.PerHour, l.First, l.Last = 12, 1000, 3000
	{
		if _, err := th.GavelLAS(l, m, 1); err == nil {
			t.Error("twelve jobs an hour were worked off")
		}
	}
}
