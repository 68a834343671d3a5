package ingest

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
)

// mlLog reads lines of MLPerf logging, `:::MLLOG {json}`, of training and of
// inference's detail log. A rank or other text may stand before the marker.
type mlLog struct {
	*feed
	in    input
	t     tree
	start Num // of the run
}

var mlMarker = []byte(":::MLLOG")

func startsMLLog(line []byte) bool { return bytes.Contains(line, mlMarker) }

func openMLLog(f *feed) lineReader { return &mlLog{feed: f} }

func (m *mlLog) end() {}

func (m *mlLog) take(line []byte) bool {
	i := bytes.Index(line, mlMarker)
	if i < 0 {
		return len(line) == 0
	}
	body := bytes.TrimSpace(line[i+len(mlMarker):])
	m.in = input{buf: body, n: len(body), line: m.line, err: io.EOF}
	v, err := (&jsonReader{in: &m.in}).value(&m.t)
	if err != nil || !v.isObject() {
		var bad *jsonError
		if errors.As(err, &bad) {
			m.wrong("%s", bad.what)
		} else {
			m.wrong("expected a JSON object after :::MLLOG, found %q", clip(body))
		}
		return true
	}
	e := &Event{TimeSec: m.of(v.get("time_ms"), "time_ms").Times(1e-3), Type: mlType(v.get("event_type").raw()), Namespace: v.get("namespace").str(), Key: v.get("key").str()}
	if e.Key == "" {
		m.wrong("expected a key in the event, found %q", clip(body))
		return true
	}
	val := v.get("value")
	if val.isObject() || val.isArray() {
		e.More = mlFields(e.More, "", val)
	} else if n := val.num(); n.Known {
		e.Value = n
	} else {
		e.Text = val.str()
	}
	v.get("metadata").each(func(c ref) {
		switch string(c.key()) {
		case "file", "lineno":
		default:
			e.More = mlFields(e.More, "metadata."+string(c.key()), c)
		}
	})
	switch e.Key {
	case "run_start":
		m.start = e.TimeSec
	case "run_stop":
		if m.start.Known && e.TimeSec.Known {
			e.More = append(e.More, Field{Name: "time_to_train", Value: Is(e.TimeSec.V - m.start.V), Unit: "s"})
		} else {
			m.wrong("run_stop without run_start: time to train is unknown")
		}
	}
	m.emit(e)
	return true
}

func mlType(b []byte) string {
	switch string(b) {
	case "POINT_IN_TIME":
		return "POINT_IN_TIME"
	case "INTERVAL_START":
		return "INTERVAL_START"
	case "INTERVAL_END":
		return "INTERVAL_END"
	}
	return string(b)
}

// mlFields flattens a value to named fields.
func mlFields(dst []Field, name string, v ref) []Field {
	if v.isObject() {
		v.each(func(c ref) {
			n := string(c.key())
			if name != "" {
				n = name + "." + n
			}
			dst = mlFields(dst, n, c)
		})
		return dst
	}
	if v.isArray() {
		return append(dst, Field{Name: name, Text: string(v.compact(nil))})
	}
	if n := v.num(); n.Known {
		return append(dst, Field{Name: name, Value: n})
	}
	if s := v.str(); s != "" {
		dst = append(dst, Field{Name: name, Text: s})
	}
	return dst
}

// mlSummary reads mlperf_log_summary.txt of inference: "key : value", times in ns.
type mlSummary struct {
	*feed
	s     *Serving
	line0 int
	valid bool
}

func startsMLPerfSummary(line []byte) bool {
	return bytes.HasPrefix(line, []byte("MLPerf Results Summary"))
}

func openMLPerfSummary(f *feed) lineReader { return &mlSummary{feed: f, line0: f.line} }

func (m *mlSummary) end() {
	if m.s != nil {
		m.emitAt(m.line0, m.s)
	}
}

func (m *mlSummary) take(line []byte) bool {
	if startsMLPerfSummary(line) {
		m.end()
		m.s, m.line0 = &Serving{}, m.line
		return true
	}
	text := strings.TrimSpace(string(line))
	if text == "" || text[0] == '=' {
		return true
	}
	key, value, ok := strings.Cut(text, ":")
	if !ok {
		return true // prose: "Additional Stats", "No warnings encountered during test."
	}
	key, value = strings.ToLower(strings.Join(strings.Fields(key), " ")), strings.TrimSpace(value)
	s := m.s
	n, err := number([]byte(value))
	numeric := err == nil && n.Known
	name, unit := key, ""
	factor := 1.0
	if k, ok := strings.CutSuffix(key, " (ns)"); ok {
		name, unit, factor = k, "s", 1e-9
	}
	n = n.Times(factor)
	dist := &s.E2ESec
	metric := name
	for _, d := range []struct {
		word string
		to   *Dist
	}{{"first token latency", &s.TTFTSec}, {"time per output token", &s.TPOTSec}, {"time to output token", &s.TPOTSec}} {
		if strings.Contains(metric, d.word) {
			dist = d.to
			metric = strings.Replace(metric, d.word, "latency", 1)
		}
	}
	switch {
	case strings.HasPrefix(key, "sut name"):
		s.Engine = value
	case key == "scenario":
		s.Scenario = value
	case key == "result is":
		s.Status = value
	case !numeric:
		if value != "" {
			s.More = append(s.More, Field{Name: key, Text: value})
		}
	case key == "samples per second" || key == "completed samples per second" || strings.HasPrefix(key, "queries per second") || key == "scheduled samples per second":
		if key == "scheduled samples per second" {
			s.OfferedPerSec = n
		} else {
			s.RequestsPerSec = n
		}
	case key == "tokens per second" || key == "completed tokens per second":
		s.OutputTokensPerSec = n
	case metric == "min latency":
		dist.Min = n
	case metric == "max latency":
		dist.Max = n
	case metric == "mean latency":
		dist.Mean = n
	case strings.HasSuffix(metric, "percentile latency"):
		if p, err := parseFloat([]byte(strings.TrimSuffix(strings.Fields(metric)[0], "th"))); err == nil {
			dist.add(p, n)
		}
	case key == "target_qps":
		s.OfferedPerSec = n
	default:
		s.More = append(s.More, Field{Name: name, Value: n, Unit: unit})
	}
	return true
}

// readMLPerfStorage reads summary.json of MLPerf Storage.
func readMLPerfStorage(f *feed, j *jsonReader) error {
	var t tree
	v, err := j.value(&t)
	if err != nil {
		return err
	}
	f.line = v.line()
	m := v.get("metric")
	s := &Storage{Engine: "mlperf-storage", Op: "train", Workers: f.of(v.get("num_accelerators"), "num_accelerators"), Hosts: f.of(v.get("num_hosts"), "num_hosts"),
		Target: v.get("hostname").str(), OpsPerSec: f.of(m.get("train_throughput_mean_samples_per_second"), "throughput"),
		BytesPerSec: f.of(m.get("train_io_mean_MB_per_second"), "train_io_mean").Times(1e6)}
	s.OpsPerSecDist = Dist{Mean: s.OpsPerSec, SD: m.get("train_throughput_stdev_samples_per_second").num()}
	s.BytesPerSecDist = Dist{Mean: s.BytesPerSec, SD: m.get("train_io_stdev_MB_per_second").num().Times(1e6)}
	m.each(func(c ref) {
		name := string(c.key())
		if c.isArray() {
			i := 0
			c.each(func(e ref) {
				if n := f.of(e, name); n.Known {
					s.More = append(s.More, Field{Name: name + " epoch " + strconv.Itoa(i), Value: n})
				}
				i++
			})
		} else {
			s.More = mlFields(s.More, name, c)
		}
	})
	for _, k := range []string{"num_files_train", "num_files_eval", "num_samples_per_file", "data_size_per_host_GB", "epochs", "start", "end"} {
		s.More = mlFields(s.More, k, v.get(k))
	}
	f.emit(s)
	return nil
}
