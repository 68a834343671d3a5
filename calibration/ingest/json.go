package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// jsonReader pulls JSON out of the input: objects and arrays by callback, and single
// elements as trees. It takes NaN and Infinity, which Python writes, as unknown.
type jsonReader struct {
	in    *input
	depth int
	key   []byte
}

// errStop ends the reading of a file because the sink wants no more.
var errStop = errors.New("stop")

// jsonError is a fault in the JSON itself.
type jsonError struct {
	line int
	what string
}

func (e *jsonError) Error() string { return e.what }

func (j *jsonReader) fail(format string, args ...any) error {
	return &jsonError{j.in.line, fmt.Sprintf(format, args...)}
}

// next is the next byte after blanks, 0 at the end.
func (j *jsonReader) next() byte {
	in := j.in
	for {
		for ; in.i < in.n; in.i++ {
			switch c := in.buf[in.i]; c {
			case '\n':
				in.line++
			case ' ', '\t', '\r':
			default:
				return c
			}
		}
		if in.need(1) == 0 {
			return 0
		}
	}
}

func (j *jsonReader) expect(c byte, where string) error {
	switch got := j.next(); got {
	case c:
		j.in.i++
		return nil
	case 0:
		return j.fail("the JSON ends early, expected %q %s", c, where)
	default:
		return j.fail("expected %q %s, found %q", c, where, got)
	}
}

// object calls back for every key; the callback must read or skip the value. The
// key is valid until the value is read.
func (j *jsonReader) object(each func(key string) error) error {
	if err := j.enter('{'); err != nil {
		return err
	}
	if j.next() == '}' {
		j.in.i++
		j.depth--
		return nil
	}
	for {
		if err := j.expect('"', "before a key"); err != nil {
			return err
		}
		var err error
		if j.key, err = j.text(j.key[:0]); err != nil {
			return err
		}
		if err := j.expect(':', "after a key"); err != nil {
			return err
		}
		if err := each(string(j.key)); err != nil {
			return err
		}
		if j.next() == ',' {
			j.in.i++
			continue
		}
		j.depth--
		return j.expect('}', "or a comma after a value")
	}
}

// array calls back for every element.
func (j *jsonReader) array(each func() error) error {
	if err := j.enter('['); err != nil {
		return err
	}
	if j.next() == ']' {
		j.in.i++
		j.depth--
		return nil
	}
	for {
		if err := each(); err != nil {
			return err
		}
		if j.next() == ',' {
			j.in.i++
			continue
		}
		j.depth--
		return j.expect(']', "or a comma after an element")
	}
}

func (j *jsonReader) enter(c byte) error {
	if j.depth++; j.depth > maxDepth {
		return j.fail("the JSON is nested more than %d deep", maxDepth)
	}
	return j.expect(c, "here")
}

// text appends the rest of a string, after its opening quote, to dst.
func (j *jsonReader) text(dst []byte) ([]byte, error) {
	in, start := j.in, len(dst)
	for {
		part := in.buf[in.i:in.n]
		q := bytes.IndexByte(part, '"')
		if q >= 0 {
			part = part[:q]
		}
		if b := bytes.IndexByte(part, '\\'); b >= 0 {
			dst = append(dst, part[:b]...)
			in.i += b
			if in.need(6) < 2 {
				return dst, j.fail("the JSON ends inside a string")
			}
			dst = j.escape(dst)
			continue
		}
		in.line += bytes.Count(part, []byte{'\n'})
		dst = append(dst, part...)
		in.i += len(part)
		if q >= 0 {
			in.i++
			return dst, nil
		}
		if len(dst)-start > maxElement {
			return dst, j.fail("a string is longer than %d MiB", maxElement>>20)
		}
		if in.need(1) == 0 {
			return dst, j.fail("the JSON ends inside a string, expected a closing quote")
		}
	}
}

// escape reads one escape sequence.
func (j *jsonReader) escape(dst []byte) []byte {
	in := j.in
	c := in.buf[in.i+1]
	in.i += 2
	switch c {
	case 'n':
		return append(dst, '\n')
	case 't':
		return append(dst, '\t')
	case 'r':
		return append(dst, '\r')
	case 'b', 'f':
		return append(dst, ' ')
	case 'u':
		if in.n-in.i >= 4 {
			if v, err := strconv.ParseUint(string(in.buf[in.i:in.i+4]), 16, 16); err == nil {
				in.i += 4
				return utf8.AppendRune(dst, rune(v))
			}
		}
		return append(dst, '?')
	}
	if c == '\n' {
		in.line++
	}
	return append(dst, c)
}

// skip passes over a value.
func (j *jsonReader) skip() error {
	switch j.next() {
	case '{':
		return j.object(func(string) error { return j.skip() })
	case '[':
		return j.array(j.skip)
	case '"':
		j.in.i++
		return j.skipText()
	case 0:
		return j.fail("the JSON ends early, expected a value")
	}
	_, err := j.literal()
	return err
}

func (j *jsonReader) skipText() error {
	in := j.in
	for {
		part := in.buf[in.i:in.n]
		q := bytes.IndexByte(part, '"')
		if q >= 0 {
			part = part[:q]
		}
		if b := bytes.IndexByte(part, '\\'); b >= 0 {
			in.i += b
			if in.need(2) < 2 {
				return j.fail("the JSON ends inside a string")
			}
			in.i += 2
			continue
		}
		in.line += bytes.Count(part, []byte{'\n'})
		in.i += len(part)
		if q >= 0 {
			in.i++
			return nil
		}
		if in.need(1) == 0 {
			return j.fail("the JSON ends inside a string, expected a closing quote")
		}
	}
}

// literal is a number or a word; valid until the next read.
func (j *jsonReader) literal() ([]byte, error) {
	in := j.in
	k := 0
	for {
		for ; in.i+k < in.n; k++ {
			switch c := in.buf[in.i+k]; {
			case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '.', c == '-', c == '+':
				continue
			}
			break
		}
		if in.i+k < in.n || k > 512 || in.need(k+1) == k {
			break
		}
	}
	b := in.buf[in.i : in.i+k]
	if k == 0 {
		if in.n == in.i {
			return nil, j.fail("the JSON ends early, expected a value")
		}
		return nil, j.fail("expected a value, found %q", in.buf[in.i])
	}
	in.i += k
	if c := b[0]; c == '-' || c >= '0' && c <= '9' {
		return b, nil
	}
	switch string(b) {
	case "true", "false", "null", "NaN", "Infinity", "nan", "inf":
		return b, nil
	}
	return nil, j.fail("expected a value, found %q", clip(b))
}

const maxElement = 64 << 20 // largest element that is held as a tree

// tree is one JSON value. Nodes are linked by index and texts lie in one buffer, so
// that a tree can be read again and again without allocating.
type tree struct {
	nodes []node
	text  []byte
}

type node struct {
	kind              byte // { [ " 0 (number) w (word)
	line              int32
	key, keyLen       int32
	off, length       int32
	first, next, kids int32
}

// ref is a node of a tree; the zero ref is a value that is not there.
type ref struct {
	t *tree
	i int32
}

// value reads the next value into the tree, replacing what it held.
func (j *jsonReader) value(t *tree) (ref, error) {
	t.nodes = append(t.nodes[:0], node{})
	t.text = t.text[:0]
	i, err := j.node(t)
	return ref{t, i}, err
}

func (j *jsonReader) node(t *tree) (int32, error) {
	if len(t.text)+40*len(t.nodes) > maxElement {
		return 0, j.fail("an element is larger than %d MiB", maxElement>>20)
	}
	i := int32(len(t.nodes))
	c := j.next()
	t.nodes = append(t.nodes, node{kind: c, line: int32(j.in.line)})
	last := int32(0)
	link := func(k int32) {
		if last == 0 {
			t.nodes[i].first = k
		} else {
			t.nodes[last].next = k
		}
		last = k
		t.nodes[i].kids++
	}
	switch c {
	case '{':
		return i, j.object(func(string) error {
			off := int32(len(t.text))
			t.text = append(t.text, j.key...)
			length := int32(len(j.key))
			k, err := j.node(t)
			if k > 0 {
				t.nodes[k].key, t.nodes[k].keyLen = off, length
				link(k)
			}
			return err
		})
	case '[':
		return i, j.array(func() error {
			k, err := j.node(t)
			if k > 0 {
				link(k)
			}
			return err
		})
	case '"':
		j.in.i++
		off := len(t.text)
		var err error
		t.text, err = j.text(t.text)
		t.nodes[i].off, t.nodes[i].length = int32(off), int32(len(t.text)-off)
		return i, err
	case 0:
		return 0, j.fail("the JSON ends early, expected a value")
	}
	b, err := j.literal()
	if err != nil {
		return 0, err
	}
	n := &t.nodes[i]
	n.kind, n.off, n.length = '0', int32(len(t.text)), int32(len(b))
	if b[0] >= 'A' {
		n.kind = 'w'
	}
	t.text = append(t.text, b...)
	return i, nil
}

func (r ref) there() bool { return r.i > 0 }
func (r ref) n() *node    { return &r.t.nodes[r.i] }
func (r ref) line() int {
	if !r.there() {
		return 0
	}
	return int(r.n().line)
}
func (r ref) isObject() bool { return r.there() && r.n().kind == '{' }
func (r ref) isArray() bool  { return r.there() && r.n().kind == '[' }
func (r ref) isText() bool   { return r.there() && r.n().kind == '"' }
func (r ref) len() int {
	if !r.there() {
		return 0
	}
	return int(r.n().kids)
}

// key is the key under which the value stands in its object.
func (r ref) key() []byte {
	n := r.n()
	return r.t.text[n.key : n.key+n.keyLen]
}

// get is the value under a path of keys. Where a key repeats, the last one counts,
// as everywhere in JSON.
func (r ref) get(path ...string) ref {
	for _, key := range path {
		if !r.isObject() {
			return ref{}
		}
		found := ref{}
		for k := r.n().first; k != 0; k = r.t.nodes[k].next {
			if c := (ref{r.t, k}); string(c.key()) == key {
				found = c
			}
		}
		r = found
	}
	return r
}

// any is the first of several keys that is there: newer spelling beside older.
func (r ref) any(keys ...string) ref {
	for _, k := range keys {
		if v := r.get(k); v.there() && !v.isNull() {
			return v
		}
	}
	return ref{}
}

// each walks the elements of an array or the values of an object.
func (r ref) each(f func(ref)) {
	if !r.there() {
		return
	}
	for k := r.n().first; k != 0; k = r.t.nodes[k].next {
		f(ref{r.t, k})
	}
}

// at is an element of an array.
func (r ref) at(i int) ref {
	if !r.there() {
		return ref{}
	}
	k := r.n().first
	for ; k != 0 && i > 0; i-- {
		k = r.t.nodes[k].next
	}
	return ref{r.t, k}
}

// raw is the text of a string, number or word.
func (r ref) raw() []byte {
	if !r.there() {
		return nil
	}
	n := r.n()
	return r.t.text[n.off : n.off+n.length]
}

func (r ref) isNull() bool { return r.there() && r.n().kind == 'w' && string(r.raw()) == "null" }

// str is the text of a string or number, "" for null and composites.
func (r ref) str() string {
	if r.isNull() {
		return ""
	}
	return string(r.raw())
}

// truth is a boolean, also where a tool writes "true".
func (r ref) truth() bool { return string(r.raw()) == "true" || string(r.raw()) == "1" }

// num is a number, also where a tool writes it as a string. Strings that are no
// numbers are unknown; numStrict says so.
func (r ref) num() Num {
	v, _ := r.numStrict()
	return v
}

func (r ref) numStrict() (Num, error) {
	if !r.there() {
		return Num{}, nil
	}
	switch r.n().kind {
	case '0', '"':
		return number(r.raw())
	case 'w':
		return Num{}, nil
	}
	return Num{}, errNumber
}

// compact writes a value as one line of JSON, for fields that hold shapes.
func (r ref) compact(dst []byte) []byte {
	if !r.there() {
		return dst
	}
	switch r.n().kind {
	case '{', '[':
		open := r.n().kind
		dst = append(dst, open)
		first := true
		r.each(func(c ref) {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			if open == '{' {
				dst = append(strconv.AppendQuote(dst, string(c.key())), ':')
			}
			dst = c.compact(dst)
		})
		return append(dst, open+2)
	case '"':
		return strconv.AppendQuote(dst, string(r.raw()))
	}
	return append(dst, r.raw()...)
}

// shape is what the head of a JSON document shows: the keys at the top and all keys.
type shape struct {
	top, all map[string]bool
	array    bool // of objects
}

func (s *shape) has(keys ...string) bool {
	for _, k := range keys {
		if !s.top[k] {
			return false
		}
	}
	return true
}

func (s *shape) holds(keys ...string) bool {
	for _, k := range keys {
		if !s.all[k] {
			return false
		}
	}
	return true
}

// startsJSON says whether text may be the start of an object or an array of objects.
func startsJSON(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	if len(b) == 0 || b[0] != '{' && b[0] != '[' {
		return false
	}
	rest := bytes.TrimLeft(b[1:], " \t\r\n")
	return len(rest) > 0 && (rest[0] == '{' || rest[0] == '"' && b[0] == '{')
}

// shapeOf reads the keys out of the head of a document, as far as it goes. In an
// array the keys of its objects are the top.
func shapeOf(head []byte) *shape {
	s := &shape{top: map[string]bool{}, all: map[string]bool{}}
	depth, base := 0, 1
	for i := 0; i < len(head); i++ {
		switch head[i] {
		case '[':
			if depth == 0 {
				s.array, base = true, 2
			}
			depth++
		case '{':
			depth++
		case ']', '}':
			if depth--; depth <= 0 {
				return s
			}
		case '"':
			end := i + 1
			for end < len(head) && head[end] != '"' {
				if head[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(head) {
				return s
			}
			after := end + 1
			for after < len(head) && (head[after] == ' ' || head[after] == '\t' || head[after] == '\n' || head[after] == '\r') {
				after++
			}
			if after < len(head) && head[after] == ':' && end-i < 80 {
				key := string(head[i+1 : end])
				s.all[key] = true
				if depth == base {
					s.top[key] = true
				}
			}
			i = end
		}
	}
	return s
}
