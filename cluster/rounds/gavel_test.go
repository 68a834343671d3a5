package rounds

import (
	"bufio"
	"math"
	"os"
	"strings"
	"testing"

	"aisim/internal/measured"
)

// What random.Random gives in Python 3 for these seeds.
func TestMersenneDrawsAsPython(t *testing.T) {
	m := newMersenne(5)
	for _, want := range []uint32{2675342405, 1097127993, 3185950873} {
		if got := m.next(); got != want {
			t.Errorf("drew %d, want %d", got, want)
		}
	}
	m = newMersenne(2)
	if v := m.float(); v != 0.9560342718892494 {
		t.Errorf("random() %v", v)
	}
	if v := m.below(26); v != 1 {
		t.Errorf("randrange(26) %d", v)
	}
	m.next()
	list := []int{1, 2, 3}
	if m.shuffle(list); list[0] != 3 || list[1] != 2 || list[2] != 1 {
		t.Errorf("shuffle %v", list)
	}
}

func gavelTable(t *testing.T) *Throughputs {
	t.Helper()
	th, err := ReadThroughputs(measured.Path(t, "jobs/gavel-philly/simulation_throughputs.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	return th
}

func thirtySix() Mixed {
	return Mixed{Kinds: []Kind{{"v100", 36}, {"p100", 36}, {"k80", 36}}, RoundSec: 360, ResetSec: 1920}
}

// A published trace was drawn with seed 0 from the same list of types: all of its hundred
// jobs are drawn again.
func TestGavelTypesAreReplayed(t *testing.T) {
	th := gavelTable(t)
	f, err := os.Open(measured.Path(t, "jobs/gavel-philly/physical_minimize_makespan.trace"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m := newMersenne(0)
	n := 0
	for s := bufio.NewScanner(f); s.Scan(); n++ {
		want, _, _ := strings.Cut(s.Text(), "\t")
		if got := th.Types[m.below(len(th.Types))]; got != want {
			t.Fatalf("job %d: %s, want %s", n+1, got, want)
		}
	}
	if n != 100 {
		t.Errorf("%d jobs", n)
	}
}

// The generator's moments: durations of 0.8·60(10³−10^1.5)/(1.5 ln 10) + 0.2·60(10⁴−10³)/ln 10
// = 16.8 hours, sizes of 2.0 GPUs, gaps of 1/rate.
func TestGavelGenerator(t *testing.T) {
	th := gavelTable(t)
	kinds, err := th.alphabetical(thirtySix().Kinds, "v100")
	if err != nil {
		t.Fatal(err)
	}
	const n = 100_000
	d := newGavelDraws(th, GavelLoad{PerHour: 2, MultiGPU: true, Reference: "v100"}, kinds, 0)
	sec, gpus := 0.0, 0.0
	for range n {
		j := d.draw()
		sec += j.left / j.ref / n
		gpus += float64(j.gpus) / n
	}
	want := 0.8*60*(1e3-math.Pow(10, 1.5))/(1.5*math.Ln10) + 0.2*60*(1e4-1e3)/math.Ln10
	near(t, "seconds", sec/want, 1, 0.02)
	near(t, "GPUs", gpus, 0.7+0.2+0.6+0.4, 0.02)
	near(t, "hours", d.next/3600, n/2, n/2*0.01)
}

// Where nobody waits, the mean follows from the table and the durations: FIFO runs jobs on
// V100, random FIFO on a kind each, least attained service in turns on all three; aware FIFO
// runs each on its fastest. Three quarters of a round is waited for, and jobs that come
// within the 1,920 s between allocations wait for the next.
func TestGavelAtLowLoad(t *testing.T) {
	th, m := gavelTable(t), thirtySix()
	l := GavelLoad{PerHour: 0.5, Reference: "v100", First: 1000, Last: 3000}
	kinds, err := th.alphabetical(m.Kinds, "v100")
	if err != nil {
		t.Fatal(err)
	}
	d := newGavelDraws(th, l, kinds, 0)
	var on [4]float64 // k80, p100, v100, and in turns
	for i := range l.Last {
		j := d.draw()
		if i < l.First {
			continue
		}
		sum := 0.0
		for k, r := range j.rate {
			on[k] += j.left / r / 2000
			sum += r / 3
		}
		on[3] += j.left / sum / 2000
	}
	for _, x := range []struct {
		policy GavelPolicy
		want   float64
		within float64
	}{
		{GavelFIFO, on[2], 0.02}, {GavelFIFORandom, (on[0] + on[1] + on[2]) / 3, 0.1}, {GavelLAS, on[3], 0.02}, {GavelFTF, on[3], 0.02}, {GavelLASPerf, on[2], 0.02},
	} {
		r, err := th.Gavel(l, m, x.policy, 0)
		if err != nil {
			t.Fatal(err)
		}
		wait := r.MeanSec - x.want
		if wait < -x.within*x.want || wait > x.within*x.want+1920 {
			t.Errorf("%s: %.2f h, want %.2f h and at most half an hour", x.policy, r.MeanSec/3600, x.want/3600)
		}
		if x.policy == GavelFIFO && (wait < 90 || wait > 1000) {
			t.Errorf("fifo waits %.0f s", wait)
		}
		if r.MeanSec < r.AloneSec {
			t.Errorf("%s: faster than alone", x.policy)
		}
	}
	aware, err := th.Gavel(l, m, GavelFIFOPerf, 0)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "aware fifo over alone", aware.MeanSec/aware.AloneSec, 1, 0.03)
}

// When jobs come faster than they can be run, FIFO works off as many as the kinds can: each
// GPU one in the mean time that jobs take on its kind. After the first that fill the GPUs,
// the n-th job starts when n − 108 are worked off, and runs for 108 over the rate.
func TestGavelCapacity(t *testing.T) {
	th, m := gavelTable(t), thirtySix()
	l := GavelLoad{PerHour: 6, Reference: "v100", First: 1500, Last: 2500}
	kinds, err := th.alphabetical(m.Kinds, "v100")
	if err != nil {
		t.Fatal(err)
	}
	d := newGavelDraws(th, l, kinds, 1)
	var on [3]float64
	for range l.Last {
		j := d.draw()
		for k, r := range j.rate {
			on[k] += j.left / r / float64(l.Last)
		}
	}
	perHour := 0.0
	for k := range on {
		perHour += 36 * 3600 / on[k]
	}
	r, err := th.Gavel(l, m, GavelFIFORandom, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := (2000-108)/perHour - 2000/6.0 + 108/perHour
	if got := r.MeanSec / 3600; math.Abs(got/want-1) > 0.1 {
		t.Errorf("mean %.0f h, at %.2f jobs an hour want %.0f h", got, perHour, want)
	}
}

// More load is never better, awareness never worse, more GPUs help, and gangs wait longer.
func TestGavelOrder(t *testing.T) {
	th := gavelTable(t)
	mean := func(p GavelPolicy, perHour float64, multi bool, gpus int) float64 {
		t.Helper()
		m := Mixed{Kinds: []Kind{{"v100", gpus}, {"p100", gpus}, {"k80", gpus}}, RoundSec: 360, ResetSec: 1920}
		r, err := th.Gavel(GavelLoad{PerHour: perHour, MultiGPU: multi, Reference: "v100", First: 200, Last: 500}, m, p, 0)
		if err != nil {
			t.Fatal(err)
		}
		return r.MeanSec
	}
	for _, pair := range [][2]GavelPolicy{{GavelFIFO, GavelFIFOPerf}, {GavelLAS, GavelLASPerf}, {GavelFTF, GavelFTFPerf}} {
		low, high := mean(pair[0], 1, false, 12), mean(pair[0], 1.6, false, 12)
		if high < low {
			t.Errorf("%s: better under more load", pair[0])
		}
		if aware := mean(pair[1], 1.6, false, 12); aware > high {
			t.Errorf("%s: %.1f h, agnostic %.1f h", pair[1], aware/3600, high/3600)
		}
		if more := mean(pair[0], 1.6, false, 18); more > high {
			t.Errorf("%s: more GPUs are worse", pair[0])
		}
	}
	if multi, single := mean(GavelLAS, 1, true, 16), mean(GavelLAS, 1, false, 16); multi < single {
		t.Error("jobs of several GPUs wait less than jobs of one")
	}
}

// Philly's virtual clusters and the physical traces play to their end.
func TestGavelTraces(t *testing.T) {
	th := gavelTable(t)
	m := Mixed{Kinds: []Kind{{"v100", 8}, {"p100", 16}, {"k80", 24}}, RoundSec: 360, ResetSec: 1920}
	for _, p := range []GavelPolicy{GavelFIFO, GavelFIFOPerf, GavelLAS, GavelLASPerf, GavelFTFPerf} {
		r, err := th.GavelTrace(measured.Path(t, "jobs/gavel-philly/physical_artifact_evaluation.trace"), "v100", m, p, 0)
		if err != nil {
			t.Fatal(err)
		}
		if !(r.MeanSec >= r.AloneSec) || r.EndSec < r.MeanSec {
			t.Errorf("%s: mean %v, alone %v, end %v", p, r.MeanSec, r.AloneSec, r.EndSec)
		}
	}
	if _, err := th.GavelTrace(measured.Path(t, "jobs/tiresias/60_job.csv"), "v100", m, GavelFIFO, 0); err == nil {
		t.Error("a trace without steps was played")
	}
}

func TestParseGavelPolicy(t *testing.T) {
	for name, want := range map[string]GavelPolicy{
		"FIFO": GavelFIFO, "fifo": GavelFIFO, "fifo_perf": GavelFIFOPerf, "FIFO (heterogeneity-aware)": GavelFIFOPerf, "Gavel FIFO": GavelFIFOPerf,
		"FIFO (heterogeneity-agnostic)": GavelFIFO, "fifo random": GavelFIFORandom, "LAS": GavelLAS, "las": GavelLAS, "least attained service": GavelLAS,
		"max_min_fairness": GavelLAS, "max_min_fairness_perf": GavelLASPerf, "Gavel": GavelLASPerf, "LAS w/ Gavel": GavelLASPerf, "Het.-aware LAS": GavelLASPerf,
		"heterogeneity-agnostic LAS": GavelLAS, "finish_time_fairness": GavelFTF, "finish_time_fairness_perf": GavelFTFPerf, "Themis": GavelFTF,
	} {
		got, err := ParseGavelPolicy(name)
		if name == "Het.-aware LAS" && err == nil && got == GavelLASPerf {
			continue
		}
		if err != nil || got != want {
			t.Errorf("%q is %v (%v), want %v", name, got, err, want)
		}
	}
	for _, name := range []string{"allox", "gandiva", "max_min_fairness_packed", "fifo_packed", "LAS w/ Gavel+SS", "max_min_fairness_water_filling", "min_total_duration", "max_sum_throughput_perf", "pollux", ""} {
		if p, err := ParseGavelPolicy(name); err == nil {
			t.Errorf("%q is taken for %v", name, p)
		}
	}
}
