package scenarios

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// place is where one key stands in a TOML text: the key itself, its value, and
// the value as written. Tables opened by a header have the header's name as key
// and no value.
type place struct {
	key, value position
	text       string
}

// index maps every key path of a text to its place. Paths are those of the
// decoded tree: dotted keys and headers joined by points, list and table array
// elements numbered from 0, "workload[1].batch.global".
type index map[string]place

// newIndex scans a text that the TOML decoder has accepted. On anything that it
// does not understand it stops and keeps what it has: positions get coarser,
// nothing breaks.
func newIndex(text string) index {
	s := &indexer{src: text, line: 1, places: index{}, arrays: map[string]int{}}
	s.document()
	return s.places
}

type indexer struct {
	src       string
	i         int // next byte
	line      int
	lineStart int
	seen      int // bytes of this line whose characters are counted
	chars     int // characters in them
	places    index
	arrays    map[string]int // elements seen of each array of tables
	depth     int
}

func (s *indexer) document() {
	prefix := ""
	for {
		s.blank(true)
		if s.i >= len(s.src) {
			return
		}
		if s.src[s.i] == '[' {
			var ok bool
			if prefix, ok = s.header(); !ok {
				return
			}
			continue
		}
		if !s.keyValue(prefix) {
			return
		}
	}
}

// header reads "[a.b]" or "[[a.b]]" and returns the path of the table it opens.
func (s *indexer) header() (string, bool) {
	array := strings.HasPrefix(s.src[s.i:], "[[")
	s.i++
	if array {
		s.i++
	}
	s.blank(false)
	at := s.here()
	parts, ok := s.keyParts()
	if !ok || s.i >= len(s.src) || s.src[s.i] != ']' {
		return "", false
	}
	s.i++
	if array {
		if s.i >= len(s.src) || s.src[s.i] != ']' {
			return "", false
		}
		s.i++
	}
	path := ""
	for n, part := range parts {
		path = joinKey(path, part)
		last := n == len(parts)-1
		switch count := s.arrays[path]; {
		case last && array:
			if count == 0 {
				s.note(path, place{key: at, value: at})
			}
			s.arrays[path] = count + 1
			path += "[" + strconv.Itoa(count) + "]"
		case count > 0:
			path += "[" + strconv.Itoa(count-1) + "]"
		}
		s.note(path, place{key: at, value: at})
	}
	return path, true
}

// keyValue reads "a.b = value" under the table prefix.
func (s *indexer) keyValue(prefix string) bool {
	at := s.here()
	parts, ok := s.keyParts()
	if !ok || s.i >= len(s.src) || s.src[s.i] != '=' {
		return false
	}
	s.i++
	s.blank(false)
	path := prefix
	for n, part := range parts {
		path = joinKey(path, part)
		if n < len(parts)-1 {
			s.note(path, place{key: at, value: at})
		}
	}
	return s.value(path, at)
}

// value reads any value and notes it under path.
func (s *indexer) value(path string, key position) bool {
	if s.i >= len(s.src) || s.depth > maxNesting+1 {
		return false
	}
	s.depth++
	defer func() { s.depth-- }()
	at, start := s.here(), s.i
	ok := true
	switch s.src[s.i] {
	case '"', '\'':
		ok = s.str()
	case '[':
		ok = s.list(path)
	case '{':
		ok = s.inline(path)
	default:
		for s.i < len(s.src) && !strings.ContainsRune(",]}#\n\r", rune(s.src[s.i])) {
			s.i++
		}
	}
	s.note(path, place{key: key, value: at, text: strings.TrimSpace(s.src[start:s.i])})
	return ok && s.i > start
}

func (s *indexer) list(path string) bool {
	s.i++
	for n := 0; ; n++ {
		s.blank(true)
		if s.i >= len(s.src) {
			return false
		}
		if s.src[s.i] == ']' {
			s.i++
			return true
		}
		if !s.value(path+"["+strconv.Itoa(n)+"]", s.here()) {
			return false
		}
		s.blank(true)
		if s.i < len(s.src) && s.src[s.i] == ',' {
			s.i++
		}
	}
}

func (s *indexer) inline(path string) bool {
	s.i++
	for {
		s.blank(true)
		if s.i >= len(s.src) {
			return false
		}
		if s.src[s.i] == '}' {
			s.i++
			return true
		}
		if !s.keyValue(path) {
			return false
		}
		s.blank(true)
		if s.i < len(s.src) && s.src[s.i] == ',' {
			s.i++
		}
	}
}

// keyParts reads a dotted key and the blanks after it.
func (s *indexer) keyParts() ([]string, bool) {
	var parts []string
	for {
		s.blank(false)
		if s.i >= len(s.src) {
			return nil, false
		}
		start := s.i
		switch s.src[s.i] {
		case '"', '\'':
			if !s.str() {
				return nil, false
			}
			parts = append(parts, unquote(s.src[start:s.i]))
		default:
			for s.i < len(s.src) && isBare(s.src[s.i]) {
				s.i++
			}
			if s.i == start {
				return nil, false
			}
			parts = append(parts, s.src[start:s.i])
		}
		s.blank(false)
		if s.i >= len(s.src) || s.src[s.i] != '.' {
			return parts, true
		}
		s.i++
	}
}

// str skips a string of any of the four kinds.
func (s *indexer) str() bool {
	quote := s.src[s.i]
	long := strings.Repeat(string(quote), 3)
	if strings.HasPrefix(s.src[s.i:], long) {
		s.i += 3
		for s.i < len(s.src) {
			switch {
			case s.src[s.i] == '\\' && quote == '"' && s.i+1 < len(s.src):
				s.i++
				s.step()
			case strings.HasPrefix(s.src[s.i:], long):
				s.i += 3
				for n := 0; n < 2 && s.i < len(s.src) && s.src[s.i] == quote; n++ {
					s.i++ // up to two quotes may stand right before the closing ones
				}
				return true
			default:
				s.step()
			}
		}
		return false
	}
	s.i++
	for s.i < len(s.src) && s.src[s.i] != '\n' {
		switch {
		case s.src[s.i] == '\\' && quote == '"' && s.i+1 < len(s.src):
			s.i += 2
		case s.src[s.i] == quote:
			s.i++
			return true
		default:
			s.i++
		}
	}
	return false
}

// blank skips spaces and, when asked, newlines and comments.
func (s *indexer) blank(lines bool) {
	for s.i < len(s.src) {
		switch c := s.src[s.i]; {
		case c == ' ' || c == '\t':
			s.i++
		case lines && (c == '\n' || c == '\r'):
			s.step()
		case lines && c == '#':
			for s.i < len(s.src) && s.src[s.i] != '\n' {
				s.i++
			}
		default:
			return
		}
	}
}

// step moves over one byte and counts lines.
func (s *indexer) step() {
	if s.src[s.i] == '\n' {
		s.line++
		s.lineStart, s.seen, s.chars = s.i+1, 0, 0
	}
	s.i++
}

// here is the position of the next byte. Characters are counted from where the
// last call left off, so that a long line costs its length once.
func (s *indexer) here() position {
	at := s.i - s.lineStart
	s.chars += utf8.RuneCountInString(s.src[s.lineStart+s.seen : s.i])
	s.seen = at
	return position{s.line, s.chars + 1}
}

// note keeps the first place of a path.
func (s *indexer) note(path string, p place) {
	if _, ok := s.places[path]; !ok {
		s.places[path] = p
	}
}

func isBare(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// unquote reads a quoted key. TOML's escapes in basic strings are a subset of
// Go's, but for \e and \xHH below, which Go reads too or which no key uses.
func unquote(s string) string {
	if s[0] == '\'' {
		return s[1 : len(s)-1]
	}
	if u, err := strconv.Unquote(s); err == nil {
		return u
	}
	return s[1 : len(s)-1]
}

// joinKey adds one key to a path, quoted when it is not bare.
func joinKey(path, key string) string {
	for i := 0; i < len(key); i++ {
		if !isBare(key[i]) {
			key = strconv.Quote(key)
			break
		}
	}
	if key == "" {
		key = `""`
	}
	if path == "" {
		return key
	}
	return path + "." + key
}
