package scenarios

import (
	"fmt"
	"sort"
)

// node is one value of the merged tree with the place it came from: a scalar, a
// table, or a list (whose items are nodes).
type node struct {
	kind   nodeKind
	scalar any // string, bool, int64, float64; anything else TOML has (dates) is kept as it is
	table  map[string]*node
	list   []*node
	at     origin
	key    position // of the key, where at.pos is that of the value
}

type nodeKind uint8

const (
	scalarNode nodeKind = iota
	tableNode
	listNode
)

// newTree joins the decoded values of one file with their places.
func newTree(value any, path string, file, dir string, idx index) *node {
	p := idx[path]
	n := &node{at: origin{file: file, dir: dir, pos: p.value, text: excerpt(p.text)}, key: p.key}
	switch v := value.(type) {
	case map[string]any:
		n.kind, n.table = tableNode, make(map[string]*node, len(v))
		for key, item := range v {
			n.table[key] = newTree(item, joinKey(path, key), file, dir, idx)
		}
	case []map[string]any:
		n.kind = listNode
		for i, item := range v {
			n.list = append(n.list, newTree(item, fmt.Sprintf("%s[%d]", path, i), file, dir, idx))
		}
	case []any:
		n.kind = listNode
		for i, item := range v {
			n.list = append(n.list, newTree(item, fmt.Sprintf("%s[%d]", path, i), file, dir, idx))
		}
	default:
		n.scalar = v
	}
	return n
}

// excerpt is a value as written, short enough for a message.
func excerpt(text string) string {
	const most = 48
	short := []rune(text)
	for i, r := range short {
		if r == '\n' || r == '\r' {
			return string(short[:min(i, most)]) + "…"
		}
	}
	if len(short) > most {
		return string(short[:most]) + "…"
	}
	return text
}

// keys are the keys of a table in the order of the text.
func (n *node) keys() []string {
	out := make([]string, 0, len(n.table))
	for key := range n.table {
		out = append(out, key)
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := n.table[out[i]], n.table[out[j]]
		if a.key.line != b.key.line {
			return a.key.line < b.key.line
		}
		if a.key.col != b.key.col {
			return a.key.col < b.key.col
		}
		return out[i] < out[j]
	})
	return out
}

// id is the id of an entry of an array of tables, or "".
func (n *node) id() string {
	if n.kind != tableNode || n.table["id"] == nil {
		return ""
	}
	s, _ := n.table["id"].scalar.(string)
	return s
}

// merge lays over onto base: tables key by key, entries of arrays of tables by
// id, everything else replaced. A key that excludes others of its group removes
// them. pattern is the path without ids.
func merge(base, over *node, pattern string) *node {
	switch {
	case base == nil:
		return over
	case base.kind == tableNode && over.kind == tableNode:
		for _, key := range over.keys() {
			path := joinKey(pattern, key)
			clearGroup(base, pattern, path, over)
			base.table[key] = merge(base.table[key], over.table[key], path)
		}
		base.at, base.key = over.at, over.key
		return base
	case base.kind == listNode && over.kind == listNode && keyedByID(pattern):
		for _, item := range over.list {
			if old := find(base, item.id()); old != nil {
				merge(old, item, pattern)
			} else {
				base.list = append(base.list, item)
			}
		}
		base.at, base.key = over.at, over.key
		return base
	default:
		return over
	}
}

// clearGroup removes from a table the keys that exclude the one at path, except
// those that the overriding table gives itself.
func clearGroup(table *node, pattern, path string, over *node) {
	k := keyByPath[path]
	if k == nil || k.Group == "" {
		return
	}
	for key := range table.table {
		other := keyByPath[joinKey(pattern, key)]
		if other == nil || other == k || other.Group != k.Group {
			continue
		}
		if over != nil && over.table[key] != nil {
			continue
		}
		delete(table.table, key)
	}
}

// entryTables are the arrays of tables whose entries are named by id.
var entryTables = []string{"storage", "workload", "site", "data", "pipeline", "queue", "function"}

func keyedByID(pattern string) bool { return contains(entryTables, pattern) }

// find returns the entry of an array of tables with the id.
func find(list *node, id string) *node {
	if id == "" {
		return nil
	}
	for _, item := range list.list {
		if item.id() == id {
			return item
		}
	}
	return nil
}
