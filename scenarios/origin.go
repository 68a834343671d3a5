package scenarios

import (
	"aisim/internal/result"
)

// position is a place in a text, counted from 1.
type position struct{ line, col int }

// origin says where one value came from.
type origin struct {
	file string // as shown in messages; "--set key=value" for an override
	dir  string // that relative paths of the value are resolved against
	pos  position
	text string // the value as written
}

// assumed is a default that took effect.
type assumed struct {
	key, value, why string
}

// source remembers, for a bound Scenario, where its values came from.
type source struct {
	name      string // built-in id or base name of the file
	file      string // as messages show it
	sha256    string
	overrides []string
	builtin   bool
	origins   map[string]origin // by key path with ids
	defaults  []assumed         // in the order of the language
	tree      *node             // what was bound, for With and Text
	digest    []byte            // that the SHA-256 is of
}

// Source is the built-in id or the base name of the file that was loaded.
func (sc *Scenario) Source() string { return sc.source.name }

// Builtin says whether the scenario is one of the embedded ones.
func (sc *Scenario) Builtin() bool { return sc.source.builtin }

// SHA256 is the digest of everything that made the scenario: the text of the
// file, of its includes and of the overrides, in order.
func (sc *Scenario) SHA256() string { return sc.source.sha256 }

// Overrides are the --set arguments, as given.
func (sc *Scenario) Overrides() []string { return append([]string(nil), sc.source.overrides...) }

// IsSet says whether the user (file or --set) gave the key; entries of arrays of
// tables are named by id: "workload.pretrain.batch.micro".
func (sc *Scenario) IsSet(key string) bool {
	if sc.source == nil {
		return false
	}
	_, ok := sc.source.origins[key]
	return ok
}

// Assumptions lists the defaults that took effect, in the order of the language,
// each with the value as the user would write it and the source of the default.
func (sc *Scenario) Assumptions() []result.Assumption {
	if sc.source == nil {
		return nil
	}
	out := make([]result.Assumption, 0, len(sc.source.defaults))
	for _, d := range sc.source.defaults {
		out = append(out, result.Assumption{Name: d.key, Value: d.value, Pedigree: result.Assumed, Source: d.why})
	}
	return out
}

// ProblemAt makes a Problem about a key of this scenario. Its position is that
// of the key, or of the nearest enclosing table that the user wrote, or of the
// file when the value is a default. An empty value is filled with what the user
// wrote there.
func (sc *Scenario) ProblemAt(key, value, allowed, hint, message string) *Problem {
	p := &Problem{Key: key, Value: value, Allowed: allowed, Hint: hint, Message: message}
	if sc.source == nil {
		return p
	}
	p.File = sc.source.file
	if o, ok := sc.around(key); ok {
		p.File, p.Line, p.Col = o.file, o.pos.line, o.pos.col
	}
	if o, ok := sc.source.origins[key]; ok && p.Value == "" {
		p.Value = o.text
	}
	return p
}

// around is the origin of a key path or of the nearest table around it that the
// user wrote.
func (sc *Scenario) around(key string) (origin, bool) {
	for at := key; at != ""; at = parentPath(at) {
		if o, ok := sc.source.origins[at]; ok {
			return o, true
		}
	}
	return origin{}, false
}

// parentPath cuts the last element off a key path; list indices are elements.
func parentPath(path string) string {
	quoted := false
	for i := len(path) - 1; i >= 0; i-- {
		switch c := path[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '.' || c == '[':
			return path[:i]
		}
	}
	return ""
}
