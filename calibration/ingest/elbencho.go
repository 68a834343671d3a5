package ingest

import (
	"bytes"
	"strings"
	"time"
)

// elbencho prints a table with the state when the first worker was done and when the
// last one was; the last counts, the gap shows stragglers.
type elbencho struct {
	*feed
	s     *Storage
	line0 int
	done  bool // the table has begun
}

func startsElbencho(line []byte) bool {
	return bytes.HasPrefix(line, []byte("OPERATION")) && bytes.Contains(line, []byte("RESULT TYPE"))
}

func openElbencho(f *feed) lineReader { return &elbencho{feed: f} }

func (e *elbencho) end() {
	if e.s != nil {
		e.emitAt(e.line0, e.s)
		e.s = nil
	}
}

func (e *elbencho) take(line []byte) bool {
	text := strings.TrimRight(string(line), " ")
	if startsElbencho(line) {
		e.end()
		e.done = true
		return true
	}
	if text == "" || strings.HasPrefix(text, "===") || strings.HasPrefix(text, "---") {
		return true
	}
	key, value, ok := strings.Cut(text, " :")
	if !ok {
		key, value, ok = strings.Cut(text, ": ")
	}
	if !ok || !e.done {
		return false
	}
	if text[0] != ' ' {
		op, rest, _ := strings.Cut(key, " ")
		if strings.ToUpper(op) != op || strings.TrimSpace(rest) == "" {
			return false
		}
		e.end()
		e.s, e.line0 = &Storage{Engine: "elbencho", Op: strings.ToLower(op)}, e.feed.line
		key = rest
	}
	if e.s == nil {
		return false
	}
	e.value(strings.ToLower(strings.TrimSpace(key)), strings.Fields(value))
	return true
}

func (e *elbencho) value(key string, w []string) {
	if len(w) == 0 {
		return
	}
	last := []byte(w[len(w)-1])
	switch {
	case strings.HasPrefix(key, "elapsed ms"):
		e.s.RuntimeSec = e.num(last, key).Times(1e-3)
		if len(w) > 1 {
			e.s.FirstDoneSec = e.num([]byte(w[0]), key).Times(1e-3)
		}
	case strings.HasPrefix(key, "elapsed"):
		e.s.RuntimeSec = e.duration(string(last))
		if len(w) > 1 {
			e.s.FirstDoneSec = e.duration(w[0])
		}
	case key == "iops" || key == "files/s" || key == "dirs/s" || key == "entries/s" || key == "objects/s":
		if key == "iops" || !e.s.OpsPerSec.Known {
			e.s.OpsPerSec = e.num(last, key)
		}
	case strings.HasPrefix(key, "throughput mib/s"):
		e.s.BytesPerSec = e.num(last, key).Times(1 << 20)
	case strings.HasPrefix(key, "throughput mb/s"):
		e.s.BytesPerSec = e.num(last, key).Times(1e6)
	case strings.HasPrefix(key, "total mib"):
		e.s.Bytes = e.num(last, key).Times(1 << 20)
	case strings.HasPrefix(key, "total mb"):
		e.s.Bytes = e.num(last, key).Times(1e6)
	case strings.HasPrefix(key, "total ") || strings.HasSuffix(key, " total"):
		e.s.Ops = e.num(last, key)
	case strings.Contains(key, "latency") || strings.Contains(key, "lat us"):
		if strings.HasPrefix(key, "io") || e.s.LatencySec.IsZero() {
			e.latency(w)
		}
	}
}

// latency reads "[ min=12us avg=1.3ms max=2s ]".
func (e *elbencho) latency(w []string) {
	for _, x := range w {
		k, v, ok := strings.Cut(x, "=")
		if !ok {
			continue
		}
		n, unit, err := quantity([]byte(v))
		if err != nil || unit != "s" && unit != "" {
			e.wrong("latency: expected a time as in avg=12us, found %q", x)
			return
		}
		if unit == "" {
			n = n.Times(1e-6)
		}
		switch k {
		case "min":
			e.s.LatencySec.Min = n
		case "avg":
			e.s.LatencySec.Mean = n
		case "max":
			e.s.LatencySec.Max = n
		default:
			if p, err := parseFloat([]byte(strings.TrimSuffix(strings.TrimPrefix(k, "p"), "%"))); err == nil {
				e.s.LatencySec.add(p, n)
			}
		}
	}
}

// duration reads 12.3s and 1m2.345s.
func (e *elbencho) duration(s string) Num {
	d, err := time.ParseDuration(s)
	if err != nil {
		e.wrong("elapsed time: expected a time as in 1m2.345s, found %q", s)
		return Num{}
	}
	return Is(d.Seconds())
}

// elbenchoCSV reads --csvfile; the JSON of --jsonfile has the same keys.
type elbenchoCSV struct {
	*feed
	head []string
}

func startsElbenchoCSV(line []byte) bool {
	return bytes.Contains(line, []byte("operation")) && bytes.Contains(line, []byte("MiB/s [last]")) && bytes.IndexByte(line, ',') > 0
}

func openElbenchoCSV(f *feed) lineReader { return &elbenchoCSV{feed: f} }

func (c *elbenchoCSV) end() {}

func (c *elbenchoCSV) take(line []byte) bool {
	if startsElbenchoCSV(line) {
		c.head = splitCSV(line)
		return true
	}
	if len(line) == 0 {
		return true
	}
	row := splitCSV(line)
	if len(row) < 3 {
		return false
	}
	if len(row) < len(c.head)-1 || len(row) > len(c.head)+1 { // the command column may hold commas
		c.wrong("expected %d columns as in the header, found %d: a cut line or decimal commas", len(c.head), len(row))
		return true
	}
	m := map[string]string{}
	for i, h := range c.head {
		if i < len(row) {
			m[strings.ToLower(h)] = row[i]
		}
	}
	elbenchoRow(c.feed, m)
	return true
}

func readElbenchoJSON(f *feed, j *jsonReader) error {
	var t tree
	one := func() error {
		v, err := j.value(&t)
		if err != nil {
			return err
		}
		m := map[string]string{}
		v.each(func(c ref) { m[strings.ToLower(string(c.key()))] = c.str() })
		f.line = v.line()
		elbenchoRow(f, m)
		return nil
	}
	if j.next() == '[' {
		return j.array(one)
	}
	return one()
}

func elbenchoRow(f *feed, m map[string]string) {
	num := func(key string) Num { return f.num([]byte(m[key]), key) }
	s := &Storage{Engine: "elbencho", Op: strings.ToLower(m["operation"]), Job: m["label"], Target: m["paths"], Hosts: num("hosts"), Workers: num("threads"),
		BlockBytes: binarySize(m["block size"]), QueueDepth: num("io depth"), FirstDoneSec: num("time ms [first]").Times(1e-3), RuntimeSec: num("time ms [last]").Times(1e-3),
		OpsPerSec: num("iops [last]").Or(num("entries/s [last]")), BytesPerSec: num("mib/s [last]").Times(1 << 20), Bytes: num("mib [last]").Times(1 << 20),
		Ops: num("entries [last]")}
	if m["version"] != "" {
		f.version = m["version"]
	}
	if m["random"] == "1" || strings.EqualFold(m["random"], "true") || m["random"] == "yes" {
		s.Pattern = "random"
	}
	s.LatencySec = Dist{Min: num("io lat us [min]"), Mean: num("io lat us [avg]"), Max: num("io lat us [max]")}.times(1e-6)
	if s.LatencySec.IsZero() {
		s.LatencySec = Dist{Min: num("ent lat us [min]"), Mean: num("ent lat us [avg]"), Max: num("ent lat us [max]")}.times(1e-6)
	}
	f.emit(s)
}
