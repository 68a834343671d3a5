package scenarios

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// builtinPrefix names a built-in scenario where a file could stand in include.
const builtinPrefix = "builtin:"

// Load reads a built-in scenario by its id, or else the file at the path, with
// the files that it includes, lays the overrides "key.path=value" over it, fills
// in defaults and checks the whole. A scenario that cannot be used gives an
// *Invalid with up to MaxProblems problems; no other error is returned.
func Load(nameOrPath string, sets []string) (*Scenario, error) {
	l := &loader{read: readFile}
	text, err := BuiltinText(nameOrPath)
	if err == nil {
		return l.load(file{name: nameOrPath, builtin: true}, text, sets)
	}
	f := file{name: filepath.ToSlash(nameOrPath), path: nameOrPath, dir: filepath.Dir(nameOrPath)}
	data, err := l.read(nameOrPath)
	if err != nil {
		p := &Problem{File: f.name, Message: err.Error()}
		if errors.Is(err, os.ErrNotExist) {
			p.Message = "no such file, and no built-in scenario of that name"
			p.Hint = didYouMean(nameOrPath, builtinIDs())
			if p.Hint == "" {
				p.Hint = "built-in scenarios: " + strings.Join(builtinIDs(), ", ")
			}
		}
		return nil, Problems(p)
	}
	return l.load(f, data, sets)
}

// Parse reads a scenario from text; name stands for the file in messages.
// Included files are refused, built-in ones are not.
func Parse(name string, text []byte, sets []string) (*Scenario, error) {
	l := &loader{read: func(string) ([]byte, error) { return nil, errors.New("files cannot be included here") }}
	return l.load(file{name: name, dir: "."}, text, sets)
}

// file is one text with the names that it goes by.
type file struct {
	name    string // as messages show it
	path    string // as it is opened; empty for built-in ones
	dir     string // that its relative paths are resolved against
	builtin bool
}

func (f file) identity() string {
	if f.builtin {
		return builtinPrefix + f.name
	}
	if abs, err := filepath.Abs(f.path); err == nil {
		if real, err := filepath.EvalSymlinks(abs); err == nil {
			return real
		}
		return abs
	}
	return f.path
}

type loader struct {
	read     func(path string) ([]byte, error)
	problems []*Problem
	digest   []byte
	files    int
	open     []string // identities of the files on the way to this one
}

// readFile reads a regular file of at most MaxFileBytes.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		var e *os.PathError
		if errors.As(err, &e) && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("cannot be read: %w", e.Err)
		}
		return nil, err
	}
	if info.IsDir() {
		return nil, errors.New("is a folder, not a file")
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.New("cannot be opened")
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	return data, nil
}

func (l *loader) load(f file, text []byte, sets []string) (*Scenario, error) {
	tree := l.file(f, text, nil)
	if tree == nil || len(l.problems) > 0 && tree.table == nil {
		return nil, Problems(l.problems...)
	}
	for _, set := range sets {
		l.set(tree, set)
	}
	name := f.name
	if !f.builtin {
		name = filepath.Base(f.name)
	}
	for _, set := range sets {
		l.digest = append(l.digest, "\x00set "+set...)
	}
	delete(tree.table, "include")
	return l.bind(tree, &source{name: name, file: f.name, builtin: f.builtin, overrides: append([]string(nil), sets...)})
}

// file decodes one file and lays it over those that it includes.
func (l *loader) file(f file, text []byte, from *node) *node {
	fail := func(format string, args ...any) *node {
		p := &Problem{File: f.name, Message: fmt.Sprintf(format, args...)}
		l.problems = append(l.problems, p)
		return nil
	}
	if len(text) > MaxFileBytes {
		fail("is larger than a scenario can be")
		l.problems[len(l.problems)-1].Allowed = "up to 1 MiB"
		l.problems[len(l.problems)-1].Hint = "traces and data sets are named by path, not written into the scenario"
		return nil
	}
	if !l.encoding(f, text) {
		return nil
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	l.digest = append(append(l.digest, "\x00file "...), text...)
	if line, why := tooIntricate(text); why != "" {
		l.problems = append(l.problems, &Problem{File: f.name, Line: line, Col: 1, Message: why, Hint: "a scenario is nested a few levels deep"})
		return nil
	}
	var values map[string]any
	if _, err := toml.Decode(string(text), &values); err != nil {
		l.syntax(f, string(text), err)
		return nil
	}
	count := 0
	switch depth := measure(values, 0, &count); {
	case depth > maxNesting:
		return fail("tables and lists are nested more than %d deep", maxNesting)
	case count > maxValues:
		return fail("has more than %d values", maxValues)
	}
	tree := newTree(values, "", f.name, f.dir, newIndex(string(text)))
	if tree.table == nil {
		tree.kind, tree.table = tableNode, map[string]*node{}
	}
	l.duplicates(tree)
	base := l.includes(f, tree)
	if base == nil {
		return tree
	}
	return merge(base, tree, "")
}

// includes reads the files that a file names and merges them in order.
func (l *loader) includes(f file, tree *node) *node {
	list := tree.table["include"]
	if list == nil || list.kind != listNode {
		return nil // a wrong type is reported when the tree is bound
	}
	l.open = append(l.open, f.identity())
	defer func() { l.open = l.open[:len(l.open)-1] }()
	var base *node
	for i, item := range list.list {
		report := func(hint, format string, args ...any) {
			if hint == "" {
				hint = "write a path from this file's folder, or \"builtin:ID\""
			}
			l.problems = append(l.problems, &Problem{File: item.at.file, Line: item.at.pos.line, Col: item.at.pos.col,
				Key: fmt.Sprintf("include[%d]", i), Value: item.at.text, Hint: hint, Message: fmt.Sprintf(format, args...)})
		}
		name, ok := item.scalar.(string)
		if !ok || name == "" {
			report("write file names in quotes", "expected a file name, found %s", item.what())
			continue
		}
		next, text, err := l.find(f, name)
		if err != nil {
			report("", "%s", err)
			continue
		}
		if l.files++; l.files > MaxFiles {
			report("", "more than %d files are included", MaxFiles)
			return base
		}
		if contains(l.open, next.identity()) {
			report("break the circle", "the file includes itself, directly or through others")
			continue
		}
		if len(l.open) >= MaxIncludeDepth {
			report("", "includes are nested more than %d deep", MaxIncludeDepth)
			continue
		}
		if sub := l.file(next, text, item); sub != nil {
			base = merge(base, sub, "")
		}
	}
	return base
}

// find reads an included file or built-in scenario.
func (l *loader) find(from file, name string) (file, []byte, error) {
	if id, ok := strings.CutPrefix(name, builtinPrefix); ok {
		text, err := BuiltinText(id)
		return file{name: id, builtin: true}, text, err
	}
	if from.builtin {
		return file{}, nil, errors.New("a built-in scenario can only include built-in ones")
	}
	if filepath.IsAbs(name) {
		return file{}, nil, errors.New("is not relative to this file")
	}
	path := filepath.Join(from.dir, filepath.FromSlash(name))
	text, err := l.read(path)
	if errors.Is(err, os.ErrNotExist) {
		err = errors.New("there is no such file beside this one")
	}
	return file{name: filepath.ToSlash(path), path: path, dir: filepath.Dir(path)}, text, err
}

// encoding refuses what is not UTF-8.
func (l *loader) encoding(f file, text []byte) bool {
	p := &Problem{File: f.name}
	switch {
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}), bytes.HasPrefix(text, []byte{0xfe, 0xff}):
		p.Line, p.Col, p.Message = 1, 1, "the text is UTF-16"
	case !utf8.Valid(text):
		i := 0
		for i < len(text) {
			r, n := utf8.DecodeRune(text[i:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			i += n
		}
		before := text[:i]
		p.Line = bytes.Count(before, []byte("\n")) + 1
		p.Col = utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
		p.Message, p.Value = "the text is not UTF-8", fmt.Sprintf("byte 0x%02x", text[i])
	default:
		return true
	}
	p.Hint = "save the file as UTF-8"
	l.problems = append(l.problems, p)
	return false
}

// bareQuantity is a quantity that its quotes were forgotten of.
var bareQuantity = regexp.MustCompile(`=\s*([0-9][0-9_.]*\s*[A-Za-z%/][A-Za-z%/-]*)\s*(#.*)?$`)

// syntax turns an error of the TOML decoder into a problem.
func (l *loader) syntax(f file, text string, err error) {
	p := &Problem{File: f.name, Message: err.Error(), Hint: "the text is not TOML; see toml.io"}
	var e toml.ParseError
	if errors.As(err, &e) {
		start := min(max(e.Position.Start, 0), len(text))
		before := text[:start]
		p.Line = strings.Count(before, "\n") + 1
		p.Col = utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
		if e.Position.Line > 0 && e.Position.Line != p.Line {
			p.Line, p.Col = e.Position.Line, max(e.Position.Col, 1)
		}
		message := strings.TrimSuffix(e.Message, ".")
		if strings.HasPrefix(message, "Key ") {
			message = "k" + message[1:]
			p.Hint = "a table or key may stand only once; entries of a list of tables start with [[name]]"
		}
		p.Message = "not TOML: " + message
		line := text[strings.LastIndexByte(before, '\n')+1:]
		if p.Line <= strings.Count(text, "\n")+1 {
			line = strings.SplitN(text, "\n", p.Line+1)[p.Line-1]
		}
		line = strings.TrimSpace(line)
		if utf8.ValidString(line) && !strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' }) {
			p.Value = excerpt(line)
		}
		if m := bareQuantity.FindStringSubmatch(line); m != nil {
			p.Hint = "a quantity stands in quotes: " + strconv.Quote(m[1])
		} else if usage, _, _ := strings.Cut(strings.TrimSpace(e.Usage), "\n"); usage != "" {
			p.Hint = strings.TrimSuffix(usage, ":")
		}
	}
	l.problems = append(l.problems, p)
}

// duplicates reports entries of one file's arrays of tables that share an id;
// between files the later one overrides.
func (l *loader) duplicates(tree *node) {
	for _, name := range entryTables {
		list := tree.table[name]
		if list == nil {
			continue
		}
		first := map[string]position{}
		for _, item := range list.list {
			id := item.id()
			if id == "" {
				continue
			}
			at := item.table["id"].at
			if before, ok := first[id]; ok {
				l.problems = append(l.problems, &Problem{File: at.file, Line: at.pos.line, Col: at.pos.col, Key: name + "." + id + ".id", Value: at.text,
					Hint: "give each entry its own id", Message: fmt.Sprintf("the id is already taken on line %d", before.line)})
				continue
			}
			first[id] = at.pos
		}
	}
}
