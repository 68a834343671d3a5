package crush

import (
	"fmt"
	"strings"
)

// SyntaxError is why a text map is refused, with the line at fault.
type SyntaxError struct {
	Line   int
	Reason string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("crush: line %d: %s", e.Line, e.Reason) }

// maxText bounds a map's text; one of 100,000 OSDs has 10 MB.
const maxText = 1 << 28

// token is a word of the text or one of { } [ ].
type token struct {
	text string
	line int
}

// split cuts the text into tokens, comments left out.
func split(text string) ([]token, error) {
	if len(text) > maxText {
		return nil, &SyntaxError{1, fmt.Sprintf("the map has %d bytes, at most %d are read", len(text), maxText)}
	}
	tokens := make([]token, 0, len(text)/6)
	line := 1
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '\n':
			line++
			i++
		case c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f':
			i++
		case c == '#':
			n := strings.IndexByte(text[i:], '\n')
			if n < 0 {
				n = len(text) - i
			}
			i += n
		case c == '{' || c == '}' || c == '[' || c == ']':
			tokens = append(tokens, token{text[i : i+1], line})
			i++
		case inWord(c):
			from := i
			for i < len(text) && inWord(text[i]) {
				i++
			}
			tokens = append(tokens, token{text[from:i], line})
		default:
			return nil, &SyntaxError{line, fmt.Sprintf("character %q has no place in a map", c)}
		}
	}
	return append(tokens, token{"", line}), nil
}

func inWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == '+'
}
