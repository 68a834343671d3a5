package scenarios

import (
	"fmt"
	"strings"

	"github.com/BurntSushi/toml"
)

// set lays one override "a.b=value" over the tree. Entries of [[storage]] and
// [[workload]] are addressed by id: "workload.ID.key=value". Text and quantities
// need no quotes; everything else is TOML.
func (l *loader) set(tree *node, arg string) {
	fail := func(key, value, hint, format string, args ...any) {
		l.problems = append(l.problems, &Problem{File: "--set " + excerpt(arg), Key: key, Value: value, Hint: hint, Message: fmt.Sprintf(format, args...)})
	}
	left, value, ok := strings.Cut(arg, "=")
	left, value = strings.TrimSpace(left), strings.TrimSpace(value)
	if !ok || left == "" {
		fail("", "", "write --set cluster.nodes=64", "an override is key=value")
		return
	}
	parts := strings.Split(left, ".")
	at, pattern, path := tree, "", ""
	for i, part := range parts {
		last := i == len(parts)-1
		if at.kind == listNode { // part is the id of an entry
			item := find(at, part)
			if item == nil {
				ids := entryIDs(at)
				hint := didYouMean(part, ids)
				if hint == "" && len(ids) > 0 {
					hint = "ids: " + strings.Join(ids, ", ")
				}
				fail(left, "", hint, "no %s has the id %q", pattern, part)
				return
			}
			if last {
				fail(left, "", "name a key of it: "+left+".KEY=value", "names a whole %s", pattern)
				return
			}
			at, path = item, joinKey(path, part)
			continue
		}
		if at.kind != tableNode {
			fail(left, "", "", "%s is not a table", path)
			return
		}
		pattern, path = joinKey(pattern, part), joinKey(path, part)
		k := keyByPath[pattern]
		if k == nil {
			fail(path, "", unknownHint(part, parentPath(pattern), childNames(parentPath(pattern))), "unknown key")
			return
		}
		if last {
			n := overrideValue(k, path, arg, value, fail)
			if n == nil {
				return
			}
			clearGroup(at, parentPath(pattern), pattern, nil)
			at.table[part] = n
			return
		}
		next := at.table[part]
		if next == nil {
			next = &node{kind: tableNode, table: map[string]*node{}, at: origin{file: "--set " + excerpt(arg), dir: "."}}
			if keyedByID(pattern) {
				next = &node{kind: listNode, at: next.at}
			}
			clearGroup(at, parentPath(pattern), pattern, nil)
			at.table[part] = next
		}
		at = next
	}
}

// overrideValue reads the value of an override as the key's type wants it.
func overrideValue(k *Key, path, arg, value string, fail func(key, value, hint, format string, args ...any)) *node {
	file := "--set " + excerpt(arg)
	var tree map[string]any
	_, err := toml.Decode("v = "+value+"\n", &tree)
	_, isText := tree["v"].(string)
	wantsText := takesText(k.Path)
	switch {
	case err == nil && len(tree) == 1 && (isText || !wantsText || isNumber(tree["v"]) && keyTakesNumber(k)):
		return newTree(tree["v"], "v", file, ".", index{"v": place{text: value}})
	case wantsText:
		return &node{scalar: value, at: origin{file: file, dir: ".", text: excerpt(value)}}
	default:
		fail(path, excerpt(value), "write it as in TOML, like "+example(k, k.Dim), "the value cannot be read")
		return nil
	}
}

func isNumber(v any) bool {
	_, ok := toFloat(v)
	return ok
}

// keyTakesNumber says whether a bare number is a number for the key, rather
// than a text or a quantity that lacks its unit.
func keyTakesNumber(k *Key) bool { return kindOf(k.Path) == "number" || kindOf(k.Path) == "quantity" }

// takesText says whether unquoted text is a value of the key.
func takesText(path string) bool {
	switch kindOf(path) {
	case "text", "quantity", "number":
		return true
	}
	return false
}

func entryIDs(list *node) []string {
	var out []string
	for _, item := range list.list {
		if id := item.id(); id != "" {
			out = append(out, id)
		}
	}
	return out
}

// childNames are the keys of a table of the language.
func childNames(pattern string) []string {
	var out []string
	for i := range dictionary {
		if p := dictionary[i].Path; parentPath(p) == pattern {
			out = append(out, strings.TrimPrefix(strings.TrimPrefix(p, pattern), "."))
		}
	}
	return out
}
