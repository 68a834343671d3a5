package ingest

import (
	"bytes"
	"strings"
)

const radosMB = 1 << 20 // rados bench calls 2^20 bytes MB

// rados reads the text of `rados bench`. There are no percentiles.
type rados struct {
	*feed
	s       *Storage
	seen    bool
	line0   int
	table   bool
	samples int
}

func startsRados(line []byte) bool {
	t := bytes.TrimSpace(line)
	return bytes.HasPrefix(t, []byte("Maintaining ")) && bytes.Contains(t, []byte(" concurrent ")) || bytes.HasPrefix(t, []byte("sec Cur ops")) || bytes.HasPrefix(t, []byte("Total time run:"))
}

func openRados(f *feed) lineReader {
	return &rados{feed: f, s: &Storage{Engine: "rados"}, line0: f.line}
}

func (r *rados) end() {
	if r.seen {
		r.emitAt(r.line0, r.s)
	}
}

func (r *rados) take(line []byte) bool {
	t := strings.TrimSpace(string(line))
	if t == "" {
		return true
	}
	if strings.HasPrefix(t, "Maintaining ") {
		r.end()
		r.s, r.seen, r.line0 = &Storage{Engine: "rados"}, false, r.line
		w := strings.Fields(t)
		for i, x := range w {
			switch {
			case x == "concurrent" && i > 0:
				r.s.QueueDepth = r.num([]byte(w[i-1]), "concurrent")
				if i+1 < len(w) {
					r.s.Op = strings.TrimSuffix(w[i+1], "s")
				}
			case x == "bytes" && i > 0:
				r.s.BlockBytes = r.num([]byte(w[i-1]), "bytes")
			}
		}
		return true
	}
	if strings.HasPrefix(t, "sec Cur ops") {
		if r.seen {
			r.end()
			r.s, r.seen, r.line0 = &Storage{Engine: "rados"}, false, r.line
		}
		r.table = true
		return true
	}
	if strings.Contains(t, "min lat:") { // every 20 s
		return true
	}
	if r.table && (t[0] >= '0' && t[0] <= '9') {
		if n := len(strings.Fields(t)); n != 8 {
			r.wrong("expected 8 columns (sec, Cur ops … avg lat), found %d: the line is cut", n)
		}
		return true
	}
	key, value, ok := strings.Cut(t, ":")
	if !ok {
		return strings.HasPrefix(t, "hints =")
	}
	key = strings.ToLower(strings.Join(strings.Fields(key), " "))
	if key == "total time run" && r.seen { // reads do not say that they begin
		r.end()
		r.s, r.seen, r.line0 = &Storage{Engine: "rados"}, false, r.line
	}
	value, _, _ = strings.Cut(value, "#") // an annotated copy
	v, err := number([]byte(value))
	if !radosSet(r.s, key, v) {
		return strings.HasPrefix(key, "object prefix") || strings.Contains(key, "clean")
	}
	if err != nil {
		r.wrong("%s: expected a number, %v", key, err)
	}
	r.seen = true
	return true
}

// radosSet takes the keys of the text (lower case) and of the JSON (with blanks).
func radosSet(s *Storage, key string, v Num) bool {
	key = strings.TrimSuffix(strings.ReplaceAll(key, "_", " "), ":")
	if i := strings.IndexByte(key, '('); i > 0 {
		key = strings.TrimSpace(key[:i])
	}
	switch key {
	case "total time run":
		s.RuntimeSec = v
	case "total writes made", "total reads made":
		s.Ops = v
		if s.Op == "" {
			s.Op = strings.TrimSuffix(strings.Fields(key)[1], "s")
		}
	case "write size", "read size":
		s.BlockBytes = v
		if s.Op == "" {
			s.Op = strings.Fields(key)[0]
		}
	case "bandwidth":
		s.BytesPerSec = v.Times(radosMB)
	case "stddev bandwidth":
		s.BytesPerSecDist.SD = v.Times(radosMB)
	case "max bandwidth":
		s.BytesPerSecDist.Max = v.Times(radosMB)
	case "min bandwidth":
		s.BytesPerSecDist.Min = v.Times(radosMB)
	case "average iops":
		s.OpsPerSec = v
	case "stddev iops":
		s.OpsPerSecDist.SD = v
	case "max iops":
		s.OpsPerSecDist.Max = v
	case "min iops":
		s.OpsPerSecDist.Min = v
	case "average latency", "average lat":
		s.LatencySec.Mean = v
	case "stddev latency", "stddev lat":
		s.LatencySec.SD = v
	case "max latency", "max lat":
		s.LatencySec.Max = v
	case "min latency", "min lat":
		s.LatencySec.Min = v
	case "object size", "op size":
		if !s.BlockBytes.Known {
			s.BlockBytes = v
		}
	default:
		return false
	}
	return true
}

// readRadosJSON reads `rados bench -f json`. Every value is a string; some versions
// spell a key with a colon ("max_latency:").
func readRadosJSON(f *feed, j *jsonReader) error {
	var t tree
	s := &Storage{Engine: "rados"}
	f.line = j.in.line
	err := j.object(func(key string) error {
		if key == "datas" {
			return j.skip()
		}
		v, err := j.value(&t)
		if err != nil || v.isObject() || v.isArray() {
			return err
		}
		n, bad := v.numStrict()
		switch {
		case key == "concurrent_ios":
			s.QueueDepth = n
		case radosSet(s, key, n):
		default:
			return nil
		}
		if bad != nil {
			f.wrongAt(v.line(), "%s: expected a number, %v", strings.TrimSuffix(key, ":"), bad)
		}
		return nil
	})
	if s.Ops.Known && s.BlockBytes.Known {
		s.Bytes = Is(s.Ops.V * s.BlockBytes.V)
	}
	if err == nil || s.BytesPerSec.Known {
		f.emit(s)
	}
	return err
}
