package rounds

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"

	"aisim/internal/measured"
)

// steady is one second a step whatever the batch, on any placement.
func steady() *App {
	c := &curve{local: []float64{1}, step: []float64{1}, sync: []float64{0}}
	t := &StepTimes{byPlacement: map[string]*curve{}, byShape: map[shape]*curve{}, replicas: map[int][]int{}, MaxLocal: 1}
	for _, p := range []string{"1", "2", "4", "44"} {
		t.byPlacement[p] = c
	}
	return &App{Name: "steady", Times: t, Effective: 600, InitBatch: 1, NoiseScale: math.Inf(1)}
}

// Two jobs of four GPUs share one node of four. Each is worth 600 steps of 4 samples, 150
// steps; the first is demoted when it has had 240 GPU-seconds.
func TestTiresiasByHand(t *testing.T) {
	a := steady()
	a.NoiseScale = 1e18
	jobs := []Job{{"first", 0, a, 4, 4}, {"second", 61, a, 4, 4}}
	r, err := Tiresias{240}.Run(jobs, Machine{Nodes: 1, GPUsPerNode: 4, RoundSec: 60, RestartSec: 30})
	if err != nil {
		t.Fatal(err)
	}
	// The first starts at 60 and is demoted at 120, when the second takes over: it runs
	// from 150, is demoted at 180 and waits behind the first, which was demoted before.
	// The first restarts at 180, has 30 of its 150 steps, and ends at 210+120 = 330; the
	// second restarts at 360 with 30 done and ends at 390+120 = 510.
	if r.JCT[0] != 330 || r.JCT[1] != 510-61 || r.Restarts != 2 {
		t.Errorf("completion %v, %d restarts; want 330, 449 and 2", r.JCT, r.Restarts)
	}
	if _, err := (Tiresias{240}).Run([]Job{{"huge", 0, a, 8, 8}}, Machine{1, 4, 60, 30}); err == nil {
		t.Error("a job larger than the machine was taken")
	}
}

// The published completion times under Tiresias: means within 10 %, the target,
// and most jobs one by one within 5 %.
func TestPolluxWorkloads(t *testing.T) {
	dir := measured.Path(t, "jobs/pollux")
	apps, err := PolluxApps(dir + "/traces")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(dir + "/expected_tiresias_jct_dev.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	truth := map[string]float64{}
	for _, r := range rows[1:] {
		truth[r[0]+" "+r[1]], _ = strconv.ParseFloat(r[2], 64)
	}
	near, all := 0, 0
	for w := 1; w <= 5; w++ {
		jobs, err := ReadPolluxWorkload(fmt.Sprintf("%s/workloads/workload-%d.csv", dir, w), apps)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Tiresias{57600}.Run(jobs, Machine{16, 4, 60, 30})
		if err != nil {
			t.Fatal(err)
		}
		var got, want float64
		for i, j := range jobs {
			m := truth[fmt.Sprintf("workload-%d %s", w, j.Name)]
			got, want = got+r.JCT[i], want+m
			if all++; math.Abs(r.JCT[i]/m-1) < 0.05 {
				near++
			}
		}
		t.Logf("workload %d: mean %.1f s, published %.1f s", w, got/float64(len(jobs)), want/float64(len(jobs)))
		if math.Abs(got/want-1) > 0.1 {
			t.Errorf("workload %d: mean %.1f s, published %.1f s", w, got/float64(len(jobs)), want/float64(len(jobs)))
		}
	}
	if float64(near) < 0.7*float64(all) {
		t.Errorf("%d of %d jobs within 5 %%", near, all)
	}
	t.Logf("%d of %d jobs within 5 %%", near, all)
}
