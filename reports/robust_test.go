package reports

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"aisim/internal/result"
)

// drawAll makes everything that a run is drawn as.
func drawAll(t *testing.T, run *result.Run) {
	t.Helper()
	_ = HTML(run, Extra{})
	_ = Text(run)
	_ = CSV(run)
	_ = Tables(run)
	_ = exploreCharts(forDisplay(run))
	for i := range run.Workloads {
		_, _ = Explain(run, run.Workloads[i].ID)
	}
	if len(run.Workloads) < 3 {
		if _, err := Slides(run); err != nil {
			t.Logf("slides: %v", err)
		}
	}
}

// TestOddNumbersAreDrawn: whatever stands in a run, drawing ends and does not panic.
func TestOddNumbersAreDrawn(t *testing.T) {
	for _, v := range []float64{0, -1, 1e300, -1e300, 1e-300, math.NaN(), math.Inf(1), math.Inf(-1)} {
		for _, name := range []string{"levers", "serving"} {
			run := fixtures()[name]
			w := &run.Workloads[0]
			for k, n := range w.Metrics {
				n.Value, n.Low, n.High = v, -v, v
				w.Metrics[k] = n
			}
			for i := range w.Step {
				w.Step[i].Seconds = v
			}
			for i := range w.Losses {
				w.Losses[i].Share = v
			}
			for i := range w.Stages {
				w.Stages[i].Spans[0].End = v
			}
			for i := range run.Elasticities {
				run.Elasticities[i].Gain.Value, run.Elasticities[i].Gain.High = v, v
			}
			for i := range run.Ledger.Lines {
				run.Ledger.Lines[i].USD = v
			}
			for i := range run.Fabric {
				run.Fabric[i].CapacityTBs, run.Fabric[i].Mean = v, v
			}
			for i := range run.Storage {
				run.Storage[i].Reached, run.Storage[i].Stages[0].BytesPerSec = v, v
			}
			for i := range run.Tornado {
				run.Tornado[i].AtLow, run.Tornado[i].Base = v, v
			}
			if w.Serving != nil {
				w.Serving.Load[0].RequestsPerSec = v
				w.Serving.Latency[0].P50 = v
				w.Serving.Hours[3].RequestsPerSec = v
				w.Serving.TTFTParts[0].Parts[0].Seconds = v
			}
			run.Energy.Children[0].MWMean, run.Energy.MWh = v, v
			run.Where = []result.Bar{{Name: "x", Parts: []result.Share{{Name: "y", Share: v}}}}
			drawAll(t, run)
		}
	}
}

// FuzzReadRun: any file is an error or a run that can be drawn.
func FuzzReadRun(f *testing.F) {
	for _, name := range []string{"bare", "serving", "nofit"} {
		run := fixtures()[name]
		for i := range run.Workloads { // small seeds mutate better
			run.Workloads[i].Stages, run.Workloads[i].Timeline = nil, nil
		}
		run.SwitchTiers, run.Assumptions = nil, nil
		data, err := json.Marshal(run)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"schema":"aisim.run/v1","workloads":[{"id":"a","kind":"serving","serving":{"hours":[{},{}],"load":[{},{}],"latency":[{}],"ttft_parts":[{}]}}],"ledger":{"lines":[{}]},"energy":{"children":[{}]},"tornado":[{}],"storage":[{}],"fabric":[{}],"switch_tiers":[{"pods":[[]]}],"where":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), ResultFile)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		run, err := ReadRun(path)
		if err != nil {
			return
		}
		_ = HTML(run, Extra{})
		_ = Text(run)
		_ = Tables(run)
		for i := range run.Workloads {
			_, _ = Explain(run, run.Workloads[i].ID)
		}
	})
}
