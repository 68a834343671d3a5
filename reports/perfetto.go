package reports

import (
	"bytes"
	"encoding/json"
	"fmt"

	"aisim/internal/result"
)

// PerfettoFile is a step's timeline, which ui.perfetto.dev and chrome://tracing open.
const PerfettoFile = "trace.perfetto.json"

// perfettoEvent is an event of Chrome's trace format; times are microseconds.
type perfettoEvent struct {
	Name string         `json:"name"`
	Ph   string         `json:"ph"`
	Cat  string         `json:"cat,omitempty"`
	Ts   float64        `json:"ts"`
	Dur  float64        `json:"dur,omitempty"`
	Pid  int            `json:"pid"`
	Tid  int            `json:"tid"`
	Args map[string]any `json:"args,omitempty"`
}

// Perfetto draws one step of every campaign: a process for each, a line for each class of
// alike ranks. It is nil where no campaign has a timeline.
func Perfetto(run *result.Run) ([]byte, error) {
	var events []perfettoEvent
	for pid := range run.Workloads {
		w := &run.Workloads[pid]
		if len(w.Stages) == 0 {
			continue
		}
		events = append(events, perfettoEvent{Name: "process_name", Ph: "M", Pid: pid, Args: map[string]any{"name": w.ID + ", one step"}})
		for tid, s := range w.Stages {
			events = append(events, perfettoEvent{Name: "thread_name", Ph: "M", Pid: pid, Tid: tid, Args: map[string]any{"name": fmt.Sprintf("%s (%d ranks)", s.Name, s.Twins)}})
			for _, x := range s.Spans {
				e := perfettoEvent{Name: x.What, Ph: "X", Cat: x.What, Ts: x.Start * 1e6, Dur: (x.End - x.Start) * 1e6, Pid: pid, Tid: tid}
				if x.What == "forward" || x.What == "backward" {
					e.Args = map[string]any{"micro_batch": x.Micro, "chunk": x.Chunk}
				}
				events = append(events, e)
			}
		}
	}
	if events == nil {
		return nil, nil
	}
	var b bytes.Buffer
	b.WriteString("[\n")
	for i := range events {
		line, err := json.Marshal(&events[i])
		if err != nil {
			return nil, fmt.Errorf("reports: %s: %w", PerfettoFile, err)
		}
		if i > 0 {
			b.WriteString(",\n")
		}
		b.Write(line)
	}
	b.WriteString("\n]\n")
	return b.Bytes(), nil
}
