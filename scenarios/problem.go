package scenarios

import (
	"fmt"
	"sort"
	"strings"
)

// MaxProblems is how many problems one error lists; the rest are counted.
const MaxProblems = 20

// Problem is one fault of a scenario: where it stands, what it says, what would
// be right. Line and Col count from 1; they are 0 where there is no text, as for
// a --set override.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Col     int    `json:"col,omitempty"`
	Key     string `json:"key,omitempty"`     // "workload.pretrain.batch.global"
	Value   string `json:"value,omitempty"`   // as written
	Allowed string `json:"allowed,omitempty"` // range or list
	Hint    string `json:"hint,omitempty"`
	Message string `json:"message"`
}

// Error is `file:line:col: key: message (got value; allowed …; hint: …)`.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Col)
	}
	b.WriteString(": ")
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Message)
	var more []string
	if p.Value != "" {
		more = append(more, "got "+p.Value)
	}
	if p.Allowed != "" {
		more = append(more, "allowed "+p.Allowed)
	}
	if p.Hint != "" {
		more = append(more, "hint: "+p.Hint)
	}
	if len(more) > 0 {
		b.WriteString(" (" + strings.Join(more, "; ") + ")")
	}
	return b.String()
}

// Invalid is the error of a scenario that cannot be used: every problem found,
// in the order of the text, at most MaxProblems of them.
type Invalid struct {
	Problems []*Problem
	More     int // problems beyond MaxProblems
}

// Error prints one problem per line.
func (e *Invalid) Error() string {
	lines := make([]string, 0, len(e.Problems)+1)
	for _, p := range e.Problems {
		lines = append(lines, p.Error())
	}
	if e.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", e.More))
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the single problems to errors.As.
func (e *Invalid) Unwrap() []error {
	out := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		out[i] = p
	}
	return out
}

// Problems makes one error of the given ones: nil for none, an Invalid
// otherwise. The world's assembly uses it to report several at once.
func Problems(problems ...*Problem) error {
	if len(problems) == 0 {
		return nil
	}
	sorted := append([]*Problem(nil), problems...)
	sort.SliceStable(sorted, func(i, j int) bool {
		a, b := sorted[i], sorted[j]
		if a.File != b.File {
			return a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		if a.Col != b.Col {
			return a.Col < b.Col
		}
		return a.Key < b.Key
	})
	e := &Invalid{Problems: sorted}
	if len(sorted) > MaxProblems {
		e.Problems, e.More = sorted[:MaxProblems], len(sorted)-MaxProblems
	}
	return e
}
