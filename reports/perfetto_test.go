package reports

import (
	"encoding/json"
	"math"
	"testing"

	"aisim/internal/result"
)

// The timeline is JSON, has all spans of all stages, in microseconds; services have none.
func TestPerfetto(t *testing.T) {
	run := &result.Run{Workloads: []result.Workload{{ID: "serve"}, {ID: "train", Stages: []result.Stage{
		{Name: "stage 1", Twins: 8, Spans: []result.Span{{Start: 0, End: 0.5, What: "forward", Micro: 3, Chunk: 1}, {Start: 0.5, End: 0.75, What: "exchange"}}}}}}}
	text, err := Perfetto(run)
	if err != nil {
		t.Fatal(err)
	}
	var events []perfettoEvent
	if err := json.Unmarshal(text, &events); err != nil {
		t.Fatal(err)
	}
	var us float64
	for _, e := range events {
		us += e.Dur
		if e.Pid != 1 {
			t.Errorf("an event of workload %d, which has no timeline", e.Pid)
		}
	}
	if len(events) != 4 || math.Abs(us-750e3) > 1e-6 || events[2].Args["micro_batch"] != 3.0 {
		t.Errorf("%d events of %g us: %s", len(events), us, text)
	}
	run.Workloads = run.Workloads[:1]
	if text, err := Perfetto(run); text != nil || err != nil {
		t.Errorf("a timeline of a service: %s, %v", text, err)
	}
}
