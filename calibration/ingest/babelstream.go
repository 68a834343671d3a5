package ingest

import (
	"bytes"
	"strings"
)

// babelStream reads BabelStream: MB is 1e6 bytes (or MB as MiB where the header says so), rates are the
// best of all runs.
type babelStream struct {
	*feed
	device string
	dtype  string
	array  Num
	unit   float64
}

func startsBabelStream(line []byte) bool { return bytes.HasPrefix(line, []byte("BabelStream")) }

func openBabelStream(f *feed) lineReader { return &babelStream{feed: f} }

func (s *babelStream) end() {}

var babelOps = map[string]string{"Copy": "copy", "Mul": "scale", "Add": "add", "Triad": "triad", "Dot": "dot", "Nstream": "nstream", "Init": "init", "Read": "read"}

func (s *babelStream) take(line []byte) bool {
	text := strings.TrimSpace(string(line))
	if w := strings.Fields(text); len(w) >= 5 && babelOps[w[0]] != "" && s.unit > 0 {
		m := &Memory{Op: babelOps[w[0]], Device: s.device, DType: s.dtype, ArrayBytes: s.array}
		m.BytesPerSec = s.num([]byte(w[1]), w[0]).Times(s.unit)
		m.MinSec, m.MaxSec, m.AvgSec = s.num([]byte(w[2]), "Min"), s.num([]byte(w[3]), "Max"), s.num([]byte(w[4]), "Average")
		s.emit(m)
		return true
	}
	key, value, _ := strings.Cut(text, ":")
	value = strings.TrimSpace(value)
	switch {
	case text == "" || text == "BabelStream":
	case key == "Version":
		s.version = value
	case key == "Precision":
		s.dtype = value
	case key == "Array size":
		n, unit, ok := strings.Cut(value, " ")
		if k := map[string]float64{"KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}[strings.SplitN(unit, " ", 2)[0]]; ok && k > 0 {
			s.array = s.num([]byte(n), key).Times(k)
		}
	case strings.HasPrefix(text, "Using ") && strings.Contains(text, " device "):
		_, s.device, _ = strings.Cut(text, " device ")
	case strings.HasPrefix(text, "Function"):
		s.unit = 0
		switch w := strings.Fields(text); {
		case len(w) > 1 && (w[1] == "MBytes/sec" || w[1] == "MB/s"):
			s.unit = 1e6
		case len(w) > 1 && (w[1] == "MiBytes/sec" || w[1] == "MiB/s"):
			s.unit = 1 << 20
		default:
			s.wrong("unknown unit in the header, expected MBytes/sec")
		}
	case key == "Implementation" || key == "Driver" || key == "Total size" || strings.HasPrefix(text, "Running ") || strings.HasPrefix(text, "Number of") || strings.HasPrefix(text, "Memory:") ||
		strings.HasPrefix(text, "Reduction"):
	case strings.HasPrefix(text, "Validation failed"):
		s.wrong("BabelStream says that its results are wrong: %s", clip(line))
	default:
		return false
	}
	return true
}
