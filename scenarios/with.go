package scenarios

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// With is the scenario under more overrides "key=value", as --set takes them. The files
// are not read again.
func (sc *Scenario) With(sets ...string) (*Scenario, error) {
	tree := sc.source.tree.clone()
	delete(tree.table, "goal")
	delete(tree.table, "sweep")
	return sc.bound(tree, sets)
}

// unbindable are the problems that an override has by itself: what only shows beside
// other keys is not among them.
func (sc *Scenario) unbindable(set string) []*Problem {
	l := &loader{}
	tree := sc.source.tree.clone()
	delete(tree.table, "goal")
	delete(tree.table, "sweep")
	l.set(tree, set)
	b := &binder{sc: &Scenario{source: &source{origins: map[string]origin{}}}, refs: catalogue()}
	b.table(tree, "", "", reflect.ValueOf(b.sc).Elem(), selection{})
	return b.problems
}

// Study is the scenario under overrides with its [goal] and [sweep] kept.
func (sc *Scenario) Study(sets ...string) (*Scenario, error) {
	return sc.bound(sc.source.tree.clone(), sets)
}

func (sc *Scenario) bound(tree *node, sets []string) (*Scenario, error) {
	l := &loader{digest: append([]byte(nil), sc.source.digest...)}
	for _, set := range sets {
		l.set(tree, set)
		l.digest = append(l.digest, "\x00set "+set...)
	}
	src := *sc.source
	src.overrides = append(src.overrides[:len(src.overrides):len(src.overrides)], sets...)
	return l.bind(tree, &src)
}

// bind makes the scenario of a merged tree.
func (l *loader) bind(tree *node, src *source) (*Scenario, error) {
	src.tree, src.digest = tree.clone(), l.digest
	sum := sha256.Sum256(l.digest)
	src.sha256, src.origins, src.defaults = hex.EncodeToString(sum[:]), map[string]origin{}, nil
	sc := &Scenario{source: src}
	b := &binder{sc: sc, top: src.file, refs: catalogue()}
	b.table(tree, "", "", reflect.ValueOf(sc).Elem(), selection{})
	l.problems = append(l.problems, b.problems...)
	if len(l.problems) == 0 {
		l.problems = complete(sc)
	}
	if len(l.problems) == 0 {
		l.problems = check(sc, b.refs)
	}
	if len(l.problems) > 0 {
		return nil, Problems(l.problems...)
	}
	return sc, nil
}

// clone copies a tree, so that overrides leave the original as it is.
func (n *node) clone() *node {
	if n == nil {
		return nil
	}
	c := *n
	if n.table != nil {
		c.table = make(map[string]*node, len(n.table))
		for k, v := range n.table {
			c.table[k] = v.clone()
		}
	}
	if n.list != nil {
		c.list = make([]*node, len(n.list))
		for i, v := range n.list {
			c.list[i] = v.clone()
		}
	}
	return &c
}

// File is a file that a scenario reads when it is assembled.
type File struct{ Key, Path string }

// Files are those that the scenario names: traces and fabrics.
func (sc *Scenario) Files() []File {
	var out []File
	if sc.Cluster.Fabric.File != "" {
		out = append(out, File{"cluster.fabric.file", sc.Cluster.Fabric.File})
	}
	for i := range sc.Workloads {
		if w := &sc.Workloads[i]; w.Trace != "" {
			out = append(out, File{"workload." + w.ID + ".trace", w.Trace})
		}
	}
	return out
}

// Text is the whole scenario as one TOML file: what was included is in it, overrides are
// laid over it, and the files that it names are those of the map, by key.
func (sc *Scenario) Text(files map[string]string) string {
	tree := sc.source.tree.clone()
	for key, path := range files {
		at, name := tree, key[strings.LastIndexByte(key, '.')+1:]
		for _, part := range strings.Split(parentPath(key), ".") {
			if at.kind == listNode {
				at = find(at, part)
			} else {
				at = at.table[part]
			}
		}
		at.table[name].scalar = filepath.ToSlash(path)
	}
	var b strings.Builder
	tree.write(&b, "")
	return b.String()
}

// write puts a table into TOML: values first, then tables.
func (n *node) write(b *strings.Builder, path string) {
	for _, key := range n.keys() {
		if v := n.table[key]; v.kind == scalarNode || v.kind == listNode && !v.tables() {
			b.WriteString(tomlKey(key) + " = " + v.text() + "\n")
		}
	}
	for _, key := range n.keys() {
		v, at := n.table[key], joinKey(path, tomlKey(key))
		switch {
		case v.kind == tableNode:
			b.WriteString("\n[" + at + "]\n")
			v.write(b, at)
		case v.kind == listNode && v.tables():
			for _, item := range v.list {
				b.WriteString("\n[[" + at + "]]\n")
				item.write(b, at)
			}
		}
	}
}

func (n *node) tables() bool { return len(n.list) > 0 && n.list[0].kind == tableNode }

func tomlKey(key string) string {
	for _, r := range key {
		if !(r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return strconv.Quote(key)
		}
	}
	return key
}

// text is a value as TOML.
func (n *node) text() string {
	switch n.kind {
	case listNode:
		parts := make([]string, len(n.list))
		for i, v := range n.list {
			parts[i] = v.text()
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case tableNode:
		var parts []string
		for _, key := range n.keys() {
			parts = append(parts, tomlKey(key)+" = "+n.table[key].text())
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	}
	var b strings.Builder
	_ = toml.NewEncoder(&b).Encode(map[string]any{"v": n.scalar}) // a scalar of TOML is TOML
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(b.String()), "v ="))
}

// Given are the keys that the user gave with their values as TOML, in a fixed order;
// entries of arrays of tables are named by id. [goal] and [sweep] are left out.
func (sc *Scenario) Given() [][2]string {
	var out [][2]string
	sc.source.tree.given("", "", &out)
	return out
}

func (n *node) given(pattern, path string, out *[][2]string) {
	switch {
	case path == "goal" || path == "sweep":
	case n.kind == tableNode:
		for i := range dictionary { // the order of the language, whatever that of the file
			p := dictionary[i].Path
			if key := p[strings.LastIndexByte(p, '.')+1:]; parentPath(p) == pattern && n.table[key] != nil {
				n.table[key].given(p, joinKey(path, key), out)
			}
		}
	case keyedByID(pattern) && n.kind == listNode:
		for _, item := range n.list {
			item.given(pattern, joinKey(path, item.id()), out)
		}
	default:
		*out = append(*out, [2]string{path, n.text()})
	}
}
