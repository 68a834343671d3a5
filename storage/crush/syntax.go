package crush

import (
	"fmt"
	"math"
	"strconv"
)

// The text as it is written, before names are resolved.
type (
	source struct {
		tunables []setting
		devices  []deviceLine
		types    []typeLine
		blocks   []block // buckets and rules in order
		args     []argsBlock
	}
	setting struct {
		name  string
		value int
		line  int
	}
	deviceLine struct {
		id          int
		name, class string
		line        int
	}
	typeLine struct {
		id   int
		name string
		line int
	}
	// block is a bucket or a rule.
	block struct {
		bucket *bucketBlock
		rule   *ruleBlock
	}
	bucketBlock struct {
		typ, name, alg string
		ids            []idLine
		items          []itemLine
		line           int
	}
	idLine struct {
		id    int
		class string
		line  int
	}
	itemLine struct {
		name    string
		weight  float32
		weighed bool
		pos     int // −1: the next free one
		line    int
	}
	ruleBlock struct {
		name             string
		id               int
		erasure          bool
		minSize, maxSize int
		steps            []stepLine
		line             int
	}
	stepLine struct {
		op          Op
		arg         int
		name, class string // what to take, or the type to choose
		line        int
	}
	argsBlock struct {
		index   int
		buckets []argBlock
		line    int
	}
	argBlock struct {
		bucket int
		sets   [][]float32
		ids    []int
		line   int
	}
)

// parser walks the tokens by Ceph's grammar: tunables, devices and types; buckets and rules; choose_args.
type parser struct {
	tokens []token
	at     int
	err    error
}

func (p *parser) peek() string { return p.tokens[p.at].text }
func (p *parser) line() int    { return p.tokens[p.at].line }

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = &SyntaxError{p.line(), fmt.Sprintf(format, args...)}
		p.at = len(p.tokens) - 1
	}
}

func (p *parser) next() string {
	t := p.tokens[p.at].text
	if p.at < len(p.tokens)-1 {
		p.at++
	}
	return t
}

// found names the token at hand for a message.
func (p *parser) found() string {
	if t := p.peek(); t != "" {
		return strconv.Quote(t)
	}
	return "the end of the map"
}

// accept takes the word if it is next.
func (p *parser) accept(word string) bool {
	if p.err == nil && p.peek() == word {
		p.next()
		return true
	}
	return false
}

func (p *parser) expect(word string) {
	if !p.accept(word) {
		p.fail("expected %q, found %s", word, p.found())
	}
}

func (p *parser) name(what string) string {
	t := p.peek()
	if t == "" || t == "{" || t == "}" || t == "[" || t == "]" {
		p.fail("expected %s, found %s", what, p.found())
		return ""
	}
	for i := range len(t) {
		if t[i] == '+' {
			p.fail("expected %s, found %q: names have letters, digits, - _ and .", what, t)
			return ""
		}
	}
	return p.next()
}

func (p *parser) integer(what string, low, high int) int {
	v, err := strconv.ParseInt(p.peek(), 10, 64)
	if err != nil || p.peek()[0] == '+' {
		p.fail("expected %s, a whole number, found %s", what, p.found())
		return 0
	}
	if v < int64(low) || v > int64(high) {
		p.fail("%s is %d, allowed are %d to %d", what, v, low, high)
		return 0
	}
	p.next()
	return int(v)
}

// real reads a weight.
func (p *parser) real(what string) float32 {
	t := p.peek()
	for i := range len(t) {
		if c := t[i]; (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			t = ""
			break
		}
	}
	v, err := strconv.ParseFloat(t, 32)
	if err != nil || math.IsInf(v, 0) {
		p.fail("expected %s, a number, found %s", what, p.found())
		return 0
	}
	if v < 0 {
		p.fail("%s is %s, it cannot be negative", what, t)
		return 0
	}
	p.next()
	return float32(v)
}

// read parses the whole text.
func read(text string) (*source, error) {
	tokens, err := split(text)
	if err != nil {
		return nil, err
	}
	p, src := &parser{tokens: tokens}, &source{}
	for p.err == nil && p.peek() != "" {
		line := p.line()
		switch p.peek() {
		case "tunable", "device", "type":
			if len(src.blocks)+len(src.args) > 0 {
				p.fail("a %s must stand before all buckets and rules", p.peek())
				break
			}
			p.definition(src, line)
		case "choose_args":
			p.next()
			src.args = append(src.args, p.chooseArgs(line))
		case "rule":
			p.next()
			p.before(src, "rules")
			src.blocks = append(src.blocks, block{rule: p.rule(line)})
		default:
			p.before(src, "buckets")
			src.blocks = append(src.blocks, block{bucket: p.bucket(line)})
		}
	}
	return src, p.err
}

func (p *parser) before(src *source, what string) {
	if len(src.args) > 0 {
		p.fail("%s must stand before choose_args", what)
	}
}

func (p *parser) definition(src *source, line int) {
	switch p.next() {
	case "tunable":
		src.tunables = append(src.tunables, setting{p.name("the tunable's name"), p.integer("the tunable", 0, math.MaxInt32), line})
	case "device":
		d := deviceLine{id: p.integer("the device's id", 0, maxDevices-1), name: p.name("the device's name"), line: line}
		if p.accept("class") {
			d.class = p.name("the device class")
		}
		src.devices = append(src.devices, d)
	default:
		src.types = append(src.types, typeLine{p.integer("the type's id", 0, math.MaxUint16), p.name("the type's name"), line})
	}
}

func (p *parser) bucket(line int) *bucketBlock {
	b := &bucketBlock{line: line, typ: p.name("a bucket's type or a keyword"), name: p.name("the bucket's name")}
	p.expect("{")
	for p.err == nil && p.peek() == "id" {
		id := idLine{line: p.line()}
		p.next()
		id.id = p.integer("the bucket's id", -maxBuckets, -1)
		if p.accept("class") {
			id.class = p.name("the device class")
		}
		b.ids = append(b.ids, id)
	}
	p.expect("alg")
	if b.alg = p.name("the bucket's algorithm"); p.err == nil && algOf(b.alg) == 0 {
		p.at--
		p.fail("unknown bucket algorithm %q: there are uniform, list, tree, straw and straw2", b.alg)
	}
	for p.accept("hash") {
		if !p.accept("rjenkins1") {
			p.integer("the hash (0, rjenkins1, is the only one)", 0, 0)
		}
	}
	for p.err == nil && p.peek() == "item" {
		item := itemLine{pos: -1, line: p.line()}
		p.next()
		item.name = p.name("the item's name")
		if item.weighed = p.accept("weight"); item.weighed {
			item.weight = p.real("the weight of item " + item.name)
		}
		if p.accept("pos") {
			item.pos = p.integer("the position", 0, math.MaxInt32)
		}
		b.items = append(b.items, item)
	}
	p.closing("bucket", b.name, line, "id, alg, hash and item, in this order")
	return b
}

// closing expects the brace that ends a block.
func (p *parser) closing(kind, name string, line int, holds string) {
	if p.err == nil && !p.accept("}") {
		p.fail("%s has no place here in the %s %q of line %d: it holds %s", p.found(), kind, name, line, holds)
	}
}

func algOf(name string) Alg {
	for a, n := range algNames {
		if n == name && n != "" {
			return Alg(a)
		}
	}
	return 0
}

func (p *parser) rule(line int) *ruleBlock {
	r := &ruleBlock{line: line, minSize: 1, maxSize: 10}
	if p.peek() != "{" {
		r.name = p.name("the rule's name")
	}
	p.expect("{")
	if !p.accept("ruleset") {
		p.expect("id")
	}
	r.id = p.integer("the rule's id", 0, maxRules-1)
	p.expect("type")
	switch t := p.peek(); t {
	case "replicated", "erasure":
		r.erasure = p.next() == "erasure"
	case "msr_firstn", "msr_indep":
		p.fail("rules of type %s (multi-step retry, Squid and later) are not supported", t)
	default:
		p.fail("expected the rule's type, replicated or erasure, found %s", p.found())
	}
	if p.accept("min_size") {
		r.minSize = p.integer("min_size", 0, math.MaxInt32)
	}
	if p.accept("max_size") {
		r.maxSize = p.integer("max_size", 0, math.MaxInt32)
	}
	for p.err == nil && p.peek() == "step" {
		r.steps = append(r.steps, p.step())
	}
	if p.err == nil && len(r.steps) == 0 {
		p.fail("the rule %q has no steps", r.name)
	}
	p.closing("rule", r.name, line, "id, type, min_size, max_size and steps, in this order")
	return r
}

var setOps = map[string]Op{"set_choose_tries": OpSetChooseTries, "set_chooseleaf_tries": OpSetChooseleafTries,
	"set_choose_local_tries": OpSetChooseLocalTries, "set_choose_local_fallback_tries": OpSetChooseLocalFallback,
	"set_chooseleaf_vary_r": OpSetChooseleafVaryR, "set_chooseleaf_stable": OpSetChooseleafStable}

func (p *parser) step() stepLine {
	s := stepLine{line: p.line()}
	p.next()
	switch word := p.peek(); word {
	case "take":
		p.next()
		s.op, s.name = OpTake, p.name("what to take")
		if p.accept("class") {
			s.class = p.name("the device class")
		}
	case "emit":
		p.next()
		s.op = OpEmit
	case "choose", "chooseleaf":
		p.next()
		mode := p.peek()
		if mode != "firstn" && mode != "indep" {
			p.fail("expected firstn or indep after %s, found %s", word, p.found())
			return s
		}
		p.next()
		s.op = map[string]Op{"choose firstn": OpChooseFirstN, "choose indep": OpChooseIndep,
			"chooseleaf firstn": OpChooseleafFirstN, "chooseleaf indep": OpChooseleafIndep}[word+" "+mode]
		s.arg = p.integer("the number to choose", math.MinInt16, math.MaxInt16)
		p.expect("type")
		s.name = p.name("the type to choose")
	default:
		op, ok := setOps[word]
		if !ok {
			p.fail("unknown step %s: there are take, choose, chooseleaf, emit and set_*", p.found())
			return s
		}
		p.next()
		s.op, s.arg = op, p.integer(word, 0, math.MaxInt32)
	}
	return s
}

func (p *parser) chooseArgs(line int) argsBlock {
	a := argsBlock{line: line, index: p.integer("the index of choose_args", -1, math.MaxInt32)}
	p.expect("{")
	for p.err == nil && p.peek() == "{" {
		b := argBlock{line: p.line()}
		p.next()
		p.expect("bucket_id")
		b.bucket = p.integer("the bucket's id", -maxBuckets, -1)
		if p.accept("weight_set") {
			p.expect("[")
			for p.err == nil && p.accept("[") {
				set := []float32{}
				for p.err == nil && p.peek() != "]" {
					set = append(set, p.real("a weight of the weight_set"))
				}
				p.expect("]")
				b.sets = append(b.sets, set)
			}
			p.expect("]")
		}
		if p.accept("ids") {
			p.expect("[")
			b.ids = []int{}
			for p.err == nil && p.peek() != "]" {
				b.ids = append(b.ids, p.integer("an id", math.MinInt32, math.MaxInt32))
			}
			p.expect("]")
		}
		p.expect("}")
		a.buckets = append(a.buckets, b)
	}
	p.expect("}")
	return a
}
