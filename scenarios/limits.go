package scenarios

import (
	"bytes"
	"fmt"
)

// Limits of what Load reads. They lie far above any scenario that means
// something and keep the work for any input within seconds.
const (
	MaxFileBytes    = 1 << 20 // per file
	MaxIncludeDepth = 8
	MaxFiles        = 64
	maxValues       = 20000 // tables, lists and scalars of one file
	maxNesting      = 32    // of tables and lists
	maxKeyParts     = 64    // points in one line before its "="
	maxBrackets     = 1000  // open at once, counted without regard to strings
	maxHints        = 1000  // problems after which hints are no longer looked for
)

// tooIntricate looks for text that would keep the TOML decoder busy for long:
// its time grows with the square of the depth of keys and brackets.
func tooIntricate(text []byte) (line int, why string) {
	open := 0
	for n := 1; len(text) > 0; n++ {
		row := text
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			row, text = text[:i], text[i+1:]
		} else {
			text = nil
		}
		start := bytes.TrimLeft(row, " \t")
		if bytes.HasPrefix(start, []byte("#")) {
			continue
		}
		key, _, assigns := bytes.Cut(row, []byte("="))
		if (assigns || bytes.HasPrefix(start, []byte("["))) && bytes.Count(key, []byte(".")) > maxKeyParts {
			return n, fmt.Sprintf("a key has more than %d parts", maxKeyParts)
		}
		for _, c := range row {
			switch c {
			case '[', '{':
				open++
			case ']', '}':
				open = max(0, open-1)
			}
		}
		if open > maxBrackets {
			return n, fmt.Sprintf("more than %d brackets are open", maxBrackets)
		}
	}
	return 0, ""
}

// measure counts the values of a decoded text and their nesting, and stops when
// either is beyond its limit.
func measure(value any, depth int, count *int) (deepest int) {
	*count++
	deepest = depth
	if depth > maxNesting || *count > maxValues {
		return deepest
	}
	switch v := value.(type) {
	case map[string]any:
		for _, item := range v {
			deepest = max(deepest, measure(item, depth+1, count))
		}
	case []map[string]any:
		for _, item := range v {
			deepest = max(deepest, measure(item, depth+1, count))
		}
	case []any:
		for _, item := range v {
			deepest = max(deepest, measure(item, depth+1, count))
		}
	}
	return deepest
}
