package ingest

import (
	"bytes"
	"encoding/csv"
	"strings"
)

// genaiCSV reads the CSV export of genai-perf and AIPerf: a table of metrics with their statistics, one
// of metrics with a value, and what follows (telemetry) as further fields.
type genaiCSV struct {
	*feed
	s     *Serving
	line0 int
	names []string
}

func startsGenAICSV(line []byte) bool {
	return bytes.HasPrefix(line, []byte("Metric,avg")) || bytes.HasPrefix(line, []byte("Metric,Value")) || bytes.HasPrefix(line, []byte("Metric,min")) && bytes.Contains(line, []byte(",p99"))
}

func openGenAICSV(f *feed) lineReader { return &genaiCSV{feed: f, s: &Serving{}, line0: f.line} }

func (g *genaiCSV) end() {
	if g.names != nil {
		g.emitAt(g.line0, g.s)
	}
}

func (g *genaiCSV) take(line []byte) bool {
	if len(bytes.TrimSpace(line)) == 0 {
		return true
	}
	row, err := csv.NewReader(bytes.NewReader(line)).Read()
	if err != nil {
		g.wrong("expected values between commas, found %q", clip(line))
		return true
	}
	if startsGenAICSV(line) {
		g.names = row
		return true
	}
	if len(row) != len(g.names) {
		if len(row) < 2 {
			return false
		}
		g.wrong("expected %d values as in the header, found %d: a decimal comma (run with LC_ALL=C) or a cut line", len(g.names), len(row))
		return true
	}
	name, unit, _ := strings.Cut(strings.TrimSuffix(row[0], ")"), " (")
	key := strings.ReplaceAll(strings.ToLower(name), " ", "_")
	factor := map[string]float64{"ms": 1e-3, "us": 1e-6, "ns": 1e-9, "s": 1, "sec": 1}[unit]
	d := Dist{}
	var value Num
	for i, cell := range row[1:] {
		n, err := number([]byte(strings.ReplaceAll(strings.TrimSpace(cell), ",", ""))) // thousands
		if err != nil {
			g.wrong("%s: expected a number, %v", row[0], err)
			continue
		}
		switch stat := strings.ToLower(g.names[i+1]); stat {
		case "value":
			value = n
		case "avg":
			d.Mean, value = n, n
		case "min":
			d.Min = n
		case "max":
			d.Max = n
		case "std":
			d.SD = n
		default:
			if p, err := parseFloat([]byte(strings.TrimPrefix(stat, "p"))); err == nil && n.Known {
				d.add(p, n)
			}
		}
	}
	times := func(to *Dist) {
		if factor == 0 {
			g.wrong("%s: unknown unit of a time, expected (ms)", row[0])
			return
		}
		*to = d.times(factor)
	}
	switch key {
	case "time_to_first_token":
		times(&g.s.TTFTSec)
	case "inter_token_latency":
		times(&g.s.ITLSec)
	case "request_latency":
		times(&g.s.E2ESec)
	case "input_sequence_length":
		g.s.PromptTokens = d
	case "output_sequence_length":
		g.s.ReplyTokens = d
	case "request_throughput":
		g.s.RequestsPerSec = value
	case "output_token_throughput":
		g.s.OutputTokensPerSec = value
	case "request_count":
		g.s.Completed = value
	case "request_goodput", "goodput":
		g.s.GoodRequestsPerSec = value
	case "benchmark_duration":
		g.s.DurationSec = value
	default:
		if value.Known {
			g.s.More = append(g.s.More, Field{Name: key, Value: value, Unit: unit})
		}
	}
	return true
}
