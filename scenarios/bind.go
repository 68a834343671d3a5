package scenarios

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"aisim/internal/units"
)

// binder fills the Go types from the tree by the dictionary, collecting problems.
type binder struct {
	sc       *Scenario
	problems []*Problem
	top      string // file that is named when nothing better is known
	refs     references
}

var (
	intervalType = reflect.TypeOf(Interval{})
	quantityType = reflect.TypeOf(Quantity{})
	scalarType   = reflect.TypeOf(Scalar{})
)

// problem notes a fault at a node.
func (b *binder) problem(n *node, path string, k *Key, hint, format string, args ...any) {
	p := &Problem{File: b.top, Key: path, Hint: hint, Message: fmt.Sprintf(format, args...)}
	if n != nil {
		p.File, p.Line, p.Col, p.Value = n.at.file, n.at.pos.line, n.at.pos.col, n.at.text
	}
	if k != nil {
		p.Allowed = k.allowed()
	}
	b.problems = append(b.problems, p)
}

// selection is the value of the selector that holds in a table and in those
// within it: kind = "training".
type selection struct{ key, value string }

// table binds a table to a struct: unknown keys are problems, absent keys take
// their defaults, required ones are problems when absent. n may be nil for a
// table that the user left out; path is the table's as the user sees it.
func (b *binder) table(n *node, pattern, path string, dst reflect.Value, around selection) {
	selector := around.value
	t := dst.Type()
	var given map[string]*node
	var meant map[string]bool
	if n != nil {
		if n.kind != tableNode {
			b.problem(n, path, nil, "write ["+path+"] and its keys below it", "expected a table, found %s", n.what())
			return
		}
		b.note(n, path)
		given = n.table
		meant = b.unknown(n, pattern, path, t)
	}
	selectorKey := selectors[pattern]
	if selectorKey != "" {
		selector, around.key = "", selectorKey
	}
	// The selector's own field is bound first: it decides which keys count.
	order := make([]int, 0, t.NumField())
	for i := 0; i < t.NumField(); i++ {
		if t.Field(i).Tag.Get("toml") == selectorKey && selectorKey != "" {
			order = append([]int{i}, order...)
		} else if t.Field(i).Tag.Get("toml") != "" {
			order = append(order, i)
		}
	}
	b.groups(given, pattern, path)
	for _, i := range order {
		name := t.Field(i).Tag.Get("toml")
		k := keyByPath[joinKey(pattern, name)]
		field, at := dst.Field(i), joinKey(path, name)
		item := given[name]
		if item != nil && selector != "" && !k.only(selector) {
			b.problem(item, at, nil, "remove it, or change "+around.key, "is for %s = %s only, and this is %q", around.key, orList(strings.Fields(k.Only)), selector)
			continue
		}
		switch {
		case item != nil:
			b.value(item, k, at, field, selection{around.key, selector})
		case selector != "" && !k.only(selector):
		case meant[name]: // an unknown key was probably meant for it
		case k.Required:
			b.missing(n, k, path, at)
		case k.Default != "" && !b.groupGiven(given, pattern, k):
			b.byDefault(k, at, field)
		case field.Kind() == reflect.Struct && field.Type() != intervalType && field.Type() != quantityType:
			b.table(nil, k.Path, at, field, selection{around.key, selector})
		}
		if name == selectorKey && field.Kind() == reflect.String {
			selector = field.String()
		}
	}
}

// missing reports an absent key at the table that lacks it, or at the nearest
// one around it that the user wrote.
func (b *binder) missing(n *node, k *Key, table, path string) {
	p := &Problem{File: b.top, Key: path, Allowed: k.allowed(), Message: "is missing: " + firstSentence(k.Doc)}
	switch kind := kindOf(k.Path); {
	case k.Example != "":
		p.Hint = "write " + k.Path[strings.LastIndexByte(k.Path, '.')+1:] + " = " + k.Example
	case kind == "table":
		p.Hint = "write [" + path + "] and its keys below it"
	case kind == "tables":
		p.Hint = "start each entry with [[" + path + "]]"
	}
	if n != nil {
		p.File, p.Line, p.Col = n.at.file, n.at.pos.line, n.at.pos.col
	} else if o, ok := b.sc.around(table); ok {
		p.File, p.Line, p.Col = o.file, o.pos.line, o.pos.col
	}
	b.problems = append(b.problems, p)
}

// unknown reports the keys of a table that the dictionary lacks and returns
// the keys that they were probably meant for.
func (b *binder) unknown(n *node, pattern, path string, t reflect.Type) map[string]bool {
	meant := map[string]bool{}
	var names []string
	for i := 0; i < t.NumField(); i++ {
		if name := t.Field(i).Tag.Get("toml"); name != "" {
			names = append(names, name)
		}
	}
	for _, key := range n.keys() {
		if keyByPath[joinKey(pattern, key)] != nil {
			continue
		}
		item := n.table[key]
		if len(b.problems) > maxHints {
			b.problems = append(b.problems, &Problem{File: item.at.file, Line: item.key.line, Col: item.key.col, Key: joinKey(path, key), Message: "unknown key"})
			continue
		}
		for _, name := range nearest(key, names) {
			meant[name] = true
		}
		p := &Problem{File: item.at.file, Line: item.key.line, Col: item.key.col, Key: joinKey(path, key), Hint: unknownHint(key, pattern, names), Message: "unknown key"}
		b.problems = append(b.problems, p)
	}
	return meant
}

// groups reports keys that exclude each other.
func (b *binder) groups(given map[string]*node, pattern, path string) {
	seen := map[string]string{}
	n := &node{kind: tableNode, table: given}
	for _, key := range n.keys() {
		k := keyByPath[joinKey(pattern, key)]
		if k == nil || k.Group == "" {
			continue
		}
		if first, ok := seen[k.Group]; ok {
			b.problem(given[key], joinKey(path, key), nil, "keep one of them", "excludes %s, and both are given", first)
			continue
		}
		seen[k.Group] = key
	}
}

func (b *binder) groupGiven(given map[string]*node, pattern string, k *Key) bool {
	if k.Group == "" {
		return false
	}
	for key := range given {
		if other := keyByPath[joinKey(pattern, key)]; other != nil && other.Group == k.Group {
			return true
		}
	}
	return false
}

// byDefault binds the default of a key and remembers it as an assumption.
func (b *binder) byDefault(k *Key, path string, field reflect.Value) {
	var tree map[string]any
	if _, err := toml.Decode("v = "+k.Default, &tree); err != nil {
		panic("scenarios: invariant: default of " + k.Path + " is not TOML: " + err.Error())
	}
	n := newTree(tree["v"], "v", "default", "", index{})
	b.value(n, k, path, field, selection{})
	delete(b.sc.source.origins, path)
	if k.Why != "" {
		b.assume(path, strings.Trim(k.Default, `"`), k.Why)
	}
}

// assume remembers a default that took effect.
func (b *binder) assume(path, value, why string) {
	b.sc.source.defaults = append(b.sc.source.defaults, assumed{path, value, why})
}

func (b *binder) note(n *node, path string) {
	if path != "" {
		b.sc.source.origins[path] = n.at
	}
}

// value binds one value.
func (b *binder) value(n *node, k *Key, path string, field reflect.Value, around selection) {
	t := field.Type()
	if t.Kind() == reflect.Pointer {
		v := reflect.New(t.Elem())
		before := len(b.problems)
		b.value(n, k, path, v.Elem(), around)
		if len(b.problems) == before || t.Elem().Kind() == reflect.Struct {
			field.Set(v)
		}
		return
	}
	b.note(n, path)
	switch {
	case t == intervalType:
		if word, ok := n.scalar.(string); ok && n.kind == scalarNode && contains(k.Words, word) {
			field.Set(reflect.ValueOf(Interval{Auto: true}))
		} else if v, ok := b.quantity(n, k, path, k.Dim); ok {
			field.Set(reflect.ValueOf(Interval{Sec: v}))
		}
	case t == scalarType:
		b.scalar(n, path, field)
	case t == quantityType:
		b.either(n, k, path, field)
	case t.Kind() == reflect.Struct:
		b.table(n, k.Path, path, field, around)
	case t.Kind() == reflect.Slice:
		b.list(n, k, path, field, around)
	case t.Kind() == reflect.String:
		b.text(n, k, path, field)
	case t.Kind() == reflect.Bool:
		if v, ok := n.scalar.(bool); ok && n.kind == scalarNode {
			field.SetBool(v)
		} else {
			b.problem(n, path, k, "write true or false, without quotes", "expected true or false, found %s", n.what())
		}
	case t.Kind() == reflect.Float64:
		if v, ok := b.quantity(n, k, path, k.Dim); ok {
			field.SetFloat(v)
		}
	default:
		b.whole(n, k, path, field)
	}
}

// scalar binds a value of any kind as the text that an override of it has.
func (b *binder) scalar(n *node, path string, field reflect.Value) {
	text := n.text()
	if v, ok := n.scalar.(string); ok && n.kind == scalarNode {
		text = v
	}
	if len(text) > 4096 || n.kind == tableNode {
		b.problem(n, path, nil, "an option can set several keys", "expected a value, found %s", n.what())
		return
	}
	field.Set(reflect.ValueOf(Scalar{text}))
}

// text binds a string.
func (b *binder) text(n *node, k *Key, path string, field reflect.Value) {
	v, ok := n.scalar.(string)
	if !ok || n.kind != scalarNode {
		hint := ""
		if n.kind == scalarNode {
			hint = "write it in quotes"
		}
		b.problem(n, path, k, hint, "expected text, found %s", n.what())
		return
	}
	if len(v) > 4096 {
		b.problem(n, path, nil, "", "is longer than 4,096 bytes")
		return
	}
	if len(k.Enum) > 0 && !contains(k.Enum, v) {
		b.problem(n, path, k, didYouMean(v, k.Enum), "is not one of the known values")
		return
	}
	if k.Ref != "" && k.Ref != "storage" && v != "" && !b.refs.has(k.Ref, v) {
		ids := b.refs.ids(k.Ref)
		hint := didYouMean(v, ids)
		if hint == "" && len(ids) > 0 && len(ids) <= 12 {
			hint = "known: " + strings.Join(ids, ", ")
		}
		if hint == "" {
			hint = "aisim catalog list --kind " + listKind(k.Ref) + " shows what there is"
		}
		b.problem(n, path, k, hint, "there is no %s of that name", k.Ref)
		return
	}
	field.SetString(v)
}

// whole binds a whole number.
func (b *binder) whole(n *node, k *Key, path string, field reflect.Value) {
	v, ok := n.scalar.(int64)
	if !ok || n.kind != scalarNode {
		hint := ""
		switch x := n.scalar.(type) {
		case string:
			hint = "write the number without quotes"
		case float64:
			if x == math.Trunc(x) && math.Abs(x) < 1e15 {
				hint = "write " + strconv.FormatFloat(x, 'f', 0, 64)
			}
		}
		b.problem(n, path, k, hint, "expected a whole number, found %s", n.what())
		return
	}
	if field.Kind() == reflect.Uint64 {
		if v < 0 {
			b.problem(n, path, nil, "", "is negative")
			b.problems[len(b.problems)-1].Allowed = "0 or more"
			return
		}
		field.SetUint(uint64(v))
		return
	}
	if !k.Range.holds(float64(v)) {
		b.outOfRange(n, k, path, float64(v))
		return
	}
	field.SetInt(v)
}

// either binds a Quantity: the first dimension that reads the text wins.
func (b *binder) either(n *node, k *Key, path string, field reflect.Value) {
	if s, ok := n.scalar.(string); ok && n.kind == scalarNode {
		if v, err := units.Parse(s, k.AlsoDim); err == nil {
			if v < 0 || v > 1e6 {
				b.problem(n, path, nil, "", "is out of range")
				return
			}
			field.Set(reflect.ValueOf(Quantity{Value: v, Dim: k.AlsoDim}))
			return
		}
	}
	if v, ok := b.quantity(n, k, path, k.Dim); ok {
		field.Set(reflect.ValueOf(Quantity{Value: v, Dim: k.Dim}))
	}
}

// quantity reads a number with its unit, or a bare number where the dimension
// allows one.
func (b *binder) quantity(n *node, k *Key, path string, d units.Dimension) (float64, bool) {
	var v float64
	if n.kind != scalarNode {
		b.problem(n, path, k, fmt.Sprintf("write it like %s", example(k, d)), "expected %s, found %s", d.Article(), n.what())
		return 0, false
	}
	switch x := n.scalar.(type) {
	case string:
		parsed, err := units.Parse(x, d)
		if err != nil {
			var e *units.Error
			if errors.As(err, &e) {
				b.problem(n, path, k, e.Hint, "is not %s: %s", d.Article(), e.Kind)
			} else {
				b.problem(n, path, k, "", "%s", err)
			}
			return 0, false
		}
		v = parsed
	case int64, float64:
		f, _ := toFloat(x)
		if !d.Bare() {
			b.problem(n, path, k, fmt.Sprintf("a bare number has no unit: write %s", withUnit(n.at.text, k, d)), "has no unit; expected %s", d.Article())
			return 0, false
		}
		v = f
	case bool:
		if !k.Bool {
			b.problem(n, path, k, fmt.Sprintf("write it like %s", example(k, d)), "expected %s, found true or false", d.Article())
			return 0, false
		}
		if x {
			v = 1
		}
	default:
		b.problem(n, path, k, fmt.Sprintf("write it like %s", example(k, d)), "expected %s, found %s", d.Article(), n.what())
		return 0, false
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		b.problem(n, path, k, "", "is not a finite number")
		return 0, false
	}
	if !k.Range.holds(v) {
		b.outOfRange(n, k, path, v)
		return 0, false
	}
	return v, true
}

func (b *binder) outOfRange(n *node, k *Key, path string, v float64) {
	word := "is out of range"
	if v < 0 && k.Range.lo >= 0 {
		word = "is negative"
	}
	b.problem(n, path, k, "", "%s", word)
}

// list binds a list of scalars or an array of tables.
func (b *binder) list(n *node, k *Key, path string, field reflect.Value, around selection) {
	if n.kind != listNode {
		hint := "write it in brackets: [" + n.at.text + "]"
		if keyedByID(k.Path) {
			hint = "start each entry with [[" + k.Path + "]]"
		} else if n.kind == tableNode {
			hint = ""
		}
		b.problem(n, path, nil, hint, "expected a list, found %s", n.what())
		return
	}
	if !k.Items.holds(float64(len(n.list))) {
		b.problem(n, path, nil, "", "has %d items", len(n.list))
		b.problems[len(b.problems)-1].Allowed = k.Items.text(units.Count)
		return
	}
	out := reflect.MakeSlice(field.Type(), len(n.list), len(n.list))
	for i, item := range n.list {
		at := path + "[" + strconv.Itoa(i) + "]"
		if tableType(field.Type()) != nil {
			if id := item.id(); id != "" {
				at = joinKey(path, id)
			}
			b.table(item, k.Path, at, out.Index(i), around)
			continue
		}
		b.value(item, k, at, out.Index(i), around)
	}
	field.Set(out)
}

// what names a node's type for messages.
func (n *node) what() string {
	switch n.kind {
	case tableNode:
		return "a table"
	case listNode:
		return "a list"
	}
	switch n.scalar.(type) {
	case string:
		return "text"
	case bool:
		return "true or false"
	case int64:
		return "a whole number"
	case float64:
		return "a number with decimals"
	}
	return "a date or time"
}

func toFloat(v any) (float64, bool) {
	switch x := v.(type) {
	case int64:
		return float64(x), true
	case float64:
		return x, true
	}
	return 0, false
}

func example(k *Key, d units.Dimension) string {
	if k.Example != "" {
		return k.Example
	}
	return strconv.Quote(d.Example())
}

// withUnit is a bare number with the unit that the example of the key, else of the dimension, has.
func withUnit(number string, k *Key, d units.Dimension) string {
	like := d.Example()
	if s, err := strconv.Unquote(k.Example); err == nil {
		like = s
	}
	unit := strings.TrimLeft(like, "0123456789.")
	return strconv.Quote(number + unit)
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func orList(words []string) string {
	return strings.Join(words, " or ")
}

// firstSentence is a doc text up to its first full stop, in lower case.
func firstSentence(doc string) string {
	if i := strings.Index(doc, ". "); i >= 0 {
		doc = doc[:i]
	}
	doc = strings.TrimSuffix(doc, ".")
	if len(doc) > 1 && doc[1] >= 'a' && doc[1] <= 'z' || strings.HasPrefix(doc, "A ") {
		doc = strings.ToLower(doc[:1]) + doc[1:]
	}
	return doc
}
