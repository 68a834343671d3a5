package ingest

import (
	"bytes"
	"strings"
)

// sacctTable reads what sacct prints without --parsable: columns of fixed widths under a line of dashes.
// What is wider is cut and ends in +.
type sacctTable struct {
	sacct
	header []byte
	spans  [][2]int
}

func startsSacctTable(line []byte) bool {
	t := bytes.TrimSpace(line)
	return bytes.HasPrefix(t, []byte("JobID")) && bytes.Contains(t, []byte(" State")) && bytes.IndexByte(t, '|') < 0 && bytes.IndexByte(t, '=') < 0
}

func openSacctTable(f *feed) lineReader { return &sacctTable{sacct: sacct{feed: f}} }

func (s *sacctTable) take(line []byte) bool {
	t := bytes.TrimSpace(line)
	if startsSacctTable(line) {
		s.header, s.col, s.spans = append(s.header[:0], line...), nil, nil
		return true
	}
	if len(t) == 0 {
		return true
	}
	if s.spans == nil {
		if len(bytes.Trim(t, "- ")) > 0 {
			return false
		}
		s.columns(line)
		return true
	}
	if t[0] < '0' || t[0] > '9' {
		return false
	}
	row := make([]string, len(s.spans))
	for i, p := range s.spans {
		row[i] = strings.TrimSpace(string(line[min(p[0], len(line)):min(p[1], len(line))]))
	}
	if s.spans[len(s.spans)-1][0] > len(line)+1 {
		s.wrong("expected %d columns under the line of dashes, the line ends before the last: it is cut", len(s.spans))
	}
	if i, ok := s.col["jobid"]; ok && strings.HasSuffix(row[i], "+") { // 1234.batch+, 1234.exte+
		id, step, _ := strings.Cut(strings.TrimSuffix(row[i], "+"), ".")
		for _, whole := range []string{"batch", "extern", "interactive"} {
			if step != "" && strings.HasPrefix(whole, step) {
				step = whole
			}
		}
		if row[i] = id; step != "" {
			row[i] += "." + step
		}
	}
	s.job(row)
	return true
}

// columns finds the spans of the dashes and the names above them.
func (s *sacctTable) columns(dashes []byte) {
	s.col, s.more = map[string]int{}, nil
	for i := 0; i < len(dashes); {
		if dashes[i] != '-' {
			i++
			continue
		}
		from := i
		for i < len(dashes) && dashes[i] == '-' {
			i++
		}
		name := strings.ToLower(strings.TrimSpace(string(s.header[min(from, len(s.header)):min(i, len(s.header))])))
		s.col[name] = len(s.spans)
		s.spans = append(s.spans, [2]int{from, i})
	}
	s.n = len(s.spans)
}
