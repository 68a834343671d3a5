package crush

import (
	"errors"
	"fmt"
	"slices"
)

// The heaviest items that crushtool takes, 16.16.
const (
	maxDeviceWeight = 100 * One
	maxBucketWeight = 65535 * One
)

// Parse reads a text map as `crushtool -d` prints it. An error is a *SyntaxError.
func Parse(text []byte) (*Map, error) {
	src, err := read(string(text))
	if err != nil {
		return nil, err
	}
	m := &Map{Tunables: Legacy, types: map[int32]string{}, names: map[int32]string{}, ids: map[string]int32{},
		classOf: map[int32]int32{}, clones: map[classBucket]int32{}, args: map[int64]chooseArgs{}}
	c := compiler{m: m, types: map[string]int32{}, declared: map[classBucket]int32{}, reserved: map[int32]bool{}, weight: map[int32]uint32{}}
	if err := c.compile(src); err != nil {
		return nil, err
	}
	return m, nil
}

// compiler resolves names, in the order and with the checks of crushtool.
type compiler struct {
	m        *Map
	types    map[string]int32
	declared map[classBucket]int32 // ids of shadows as written
	reserved map[int32]bool        // ids that buckets without one must not get
	weight   map[int32]uint32      // of buckets, for items without a weight
}

func wrong(line int, format string, args ...any) error {
	return &SyntaxError{line, fmt.Sprintf(format, args...)}
}

func (c *compiler) compile(src *source) error {
	for _, s := range src.tunables {
		if err := c.tunable(s); err != nil {
			return err
		}
	}
	for _, d := range src.devices {
		if err := c.device(d); err != nil {
			return err
		}
	}
	for _, t := range src.types {
		if _, ok := c.types[t.name]; ok {
			return wrong(t.line, "type %q is defined twice", t.name)
		}
		if old, ok := c.m.types[int32(t.id)]; ok {
			return wrong(t.line, "type %d is %q already", t.id, old)
		}
		c.types[t.name], c.m.types[int32(t.id)] = int32(t.id), t.name
	}
	if err := c.order(src.blocks); err != nil {
		return err
	}
	if err := c.reserve(src.blocks); err != nil {
		return err
	}
	ruled := false
	for _, b := range src.blocks {
		if b.bucket != nil {
			if ruled {
				return wrong(b.bucket.line, "buckets must be defined before rules")
			}
			if err := c.bucket(b.bucket); err != nil {
				return err
			}
			continue
		}
		if !ruled {
			ruled = true
			if err := c.shadows(); err != nil {
				return err
			}
		}
		if err := c.rule(b.rule); err != nil {
			return err
		}
	}
	slices.SortFunc(c.m.Rules, func(a, b Rule) int { return a.ID - b.ID })
	for _, a := range src.args {
		if err := c.chooseArgs(a); err != nil {
			return err
		}
	}
	c.finish()
	return nil
}

func (c *compiler) tunable(s setting) error {
	t := &c.m.Tunables
	switch s.name {
	case "choose_local_tries":
		t.ChooseLocalTries = uint32(s.value)
	case "choose_local_fallback_tries":
		t.ChooseLocalFallbackTries = uint32(s.value)
	case "choose_total_tries":
		t.ChooseTotalTries = uint32(s.value)
	case "chooseleaf_descend_once":
		t.ChooseleafDescendOnce = uint8(s.value)
	case "chooseleaf_vary_r":
		t.ChooseleafVaryR = uint8(s.value)
	case "chooseleaf_stable":
		t.ChooseleafStable = uint8(s.value)
	case "straw_calc_version":
		t.StrawCalcVersion = uint8(s.value)
	case "allowed_bucket_algs":
		t.AllowedBucketAlgs = uint32(s.value)
	default:
		return wrong(s.line, "tunable %q is unknown", s.name)
	}
	return nil
}

func (c *compiler) device(d deviceLine) error {
	id := int32(d.id)
	if _, ok := c.m.ids[d.name]; ok {
		return wrong(d.line, "item %q is defined twice", d.name)
	}
	if old, ok := c.m.names[id]; ok {
		return wrong(d.line, "device %d is %q already", id, old)
	}
	c.m.names[id], c.m.ids[d.name] = d.name, id
	if d.class != "" {
		c.m.classOf[id] = c.class(d.class)
	}
	return nil
}

// class is the id of a device class, a new one where it is new.
func (c *compiler) class(name string) int32 {
	i := slices.Index(c.m.classes, name)
	if i < 0 {
		i = len(c.m.classes)
		c.m.classes = append(c.m.classes, name)
	}
	return int32(i)
}

// order exchanges buckets that stand before one of their items, as crushtool
// does, and refuses those that contain each other.
func (c *compiler) order(blocks []block) error {
	place := map[string]int{}
	var names []string
	var at []*bucketBlock
	rank := map[string]int{}
	for i, b := range blocks {
		if b.bucket != nil {
			if _, ok := place[b.bucket.name]; ok {
				return wrong(b.bucket.line, "bucket or device %q is already defined", b.bucket.name)
			}
			place[b.bucket.name], rank[b.bucket.name] = i, len(names)
			names, at = append(names, b.bucket.name), append(at, b.bucket)
		}
	}
	if err := c.loops(at, rank); err != nil {
		return err
	}
	for i, b := range at {
		var later []int
		for _, item := range b.items {
			if j, ok := rank[item.name]; ok && j > i {
				later = append(later, j)
			}
		}
		slices.Sort(later)
		for _, j := range slices.Compact(later) {
			p, q := place[names[i]], place[names[j]]
			blocks[p], blocks[q] = blocks[q], blocks[p]
		}
	}
	return nil
}

// loops refuses a bucket that contains itself, over however many others.
func (c *compiler) loops(buckets []*bucketBlock, rank map[string]int) error {
	const open, done = 1, 2
	state, item := make([]uint8, len(buckets)), make([]int, len(buckets))
	for start := range buckets {
		stack := []int{start}
		for len(stack) > 0 {
			i := stack[len(stack)-1]
			if state[i] == done {
				stack = stack[:len(stack)-1]
				continue
			}
			state[i] = open
			if item[i] == len(buckets[i].items) {
				state[i] = done
				continue
			}
			next := buckets[i].items[item[i]]
			item[i]++
			if j, ok := rank[next.name]; ok {
				if state[j] == open {
					return wrong(next.line, "bucket %q contains itself by way of item %q", buckets[j].name, next.name)
				}
				if state[j] == 0 {
					stack = append(stack, j)
				}
			}
		}
	}
	return nil
}

// reserve notes all ids that the text states.
func (c *compiler) reserve(blocks []block) error {
	lines := map[int32]int{}
	for _, b := range blocks {
		if b.bucket == nil {
			continue
		}
		for i, id := range b.bucket.ids {
			if line, ok := lines[int32(id.id)]; ok {
				return wrong(id.line, "bucket id %d is taken in line %d", id.id, line)
			}
			lines[int32(id.id)] = id.line
			if i == 0 {
				c.reserved[int32(id.id)] = true
			}
		}
	}
	return nil
}

func (c *compiler) bucket(b *bucketBlock) error {
	m := c.m
	typ, ok := c.types[b.typ]
	if !ok {
		return wrong(b.line, "bucket type %q is not defined", b.typ)
	}
	if typ == 0 { // crushtool takes it, and then reads reweights before their start
		return wrong(b.line, "bucket %q has type 0 (%s), which is that of devices", b.name, b.typ)
	}
	if _, ok := m.ids[b.name]; ok {
		return wrong(b.line, "bucket or device %q is already defined", b.name)
	}
	id, own := int32(0), false
	var classes []int32
	for _, l := range b.ids {
		if l.class == "" {
			if own {
				return wrong(l.line, "bucket %q has two ids", b.name)
			}
			id, own = int32(l.id), true
			continue
		}
		class := c.class(l.class)
		if slices.Contains(classes, class) {
			return wrong(l.line, "bucket %q has two ids for class %q", b.name, l.class)
		}
		classes = append(classes, class)
	}
	items, weights, err := c.items(b)
	if err != nil {
		return err
	}
	if !own {
		for id = -1; c.reserved[id]; id-- {
		}
	}
	c.reserved[id] = true
	for _, l := range b.ids {
		if l.class != "" {
			c.declared[classBucket{id, c.class(l.class)}] = int32(l.id)
		}
	}
	if id < -maxBuckets {
		return wrong(b.line, "more than %d buckets", maxBuckets)
	}
	if b.alg == "uniform" && len(items) > 0 && weights[0] == 0 { // crushtool aborts
		return wrong(b.line, "bucket %q (id %d): %v", b.name, id, errUniformZero)
	}
	if err := m.addBucket(id, typ, algOf(b.alg), items, weights); err != nil {
		return wrong(b.line, "bucket %q (id %d): %v", b.name, id, err)
	}
	m.names[id], m.ids[b.name] = b.name, id
	c.weight[id] = m.buckets[-1-id].weight
	return nil
}

// items resolves a bucket's items to ids and 16.16 weights in their positions.
func (c *compiler) items(b *bucketBlock) ([]int32, []uint32, error) {
	items, weights, taken := make([]int32, len(b.items)), make([]uint32, len(b.items)), make([]bool, len(b.items))
	for _, l := range b.items {
		if l.pos >= len(items) {
			return nil, nil, wrong(l.line, "item %q in bucket %q has position %d of %d", l.name, b.name, l.pos, len(items))
		}
		if l.pos >= 0 {
			if taken[l.pos] {
				return nil, nil, wrong(l.line, "item %q in bucket %q has position %d, which is taken", l.name, b.name, l.pos)
			}
			taken[l.pos] = true
		}
	}
	free, uniform := 0, uint32(0)
	for i, l := range b.items {
		id, ok := c.m.ids[l.name]
		if !ok {
			return nil, nil, wrong(l.line, "item %q in bucket %q is not defined", l.name, b.name)
		}
		weight := uint32(One)
		if w, ok := c.weight[id]; ok {
			weight = w
		}
		if l.weighed {
			limit, kind := uint32(maxDeviceWeight), "device"
			if id < 0 {
				limit, kind = maxBucketWeight, "bucket"
			}
			scaled := l.weight * One
			if scaled > float32(limit) {
				return nil, nil, wrong(l.line, "item %q weighs %g, a %s weighs at most %d", l.name, l.weight, kind, limit/One)
			}
			weight = uint32(scaled)
		}
		if i == 0 {
			uniform = weight
		}
		if b.alg == "uniform" && weight != uniform {
			return nil, nil, wrong(l.line, "item %q in uniform bucket %q weighs %g, the others %g: all must be equal", l.name, b.name,
				float64(weight)/One, float64(uniform)/One)
		}
		pos := l.pos
		if pos < 0 {
			for taken[free] {
				free++
			}
			pos = free
			free++
		}
		items[pos], weights[pos] = id, weight
	}
	return items, weights, nil
}

// shadows builds the hierarchies of the device classes. crushtool goes on
// when that fails and then misses the shadow in the rule that takes it; so does this.
func (c *compiler) shadows() error {
	err := c.m.addShadows(c.declared)
	if errors.Is(err, errUniform) || errors.Is(err, errTreeSize) || errors.Is(err, errWeight) {
		return nil
	}
	if err != nil {
		return wrong(1, "device classes: %v", err)
	}
	return nil
}

func (c *compiler) rule(r *ruleBlock) error {
	for _, other := range c.m.Rules {
		if other.ID == r.id {
			return wrong(r.line, "rule %d already exists", r.id)
		}
		if other.Name == r.name && r.name != "" {
			return wrong(r.line, "rule name %q is already defined", r.name)
		}
	}
	out := Rule{ID: r.id, Name: r.name, Erasure: r.erasure, MinSize: r.minSize, MaxSize: r.maxSize}
	for _, l := range r.steps {
		s := Step{Op: l.op, Arg: int32(l.arg)}
		switch l.op {
		case OpTake:
			id, ok := c.m.ids[l.name]
			if !ok {
				return wrong(l.line, "rule %q takes %q, which is not defined", r.name, l.name)
			}
			if l.class != "" {
				class := slices.Index(c.m.classes, l.class)
				shadow, ok := c.m.clones[classBucket{id, int32(class)}]
				if !ok {
					return wrong(l.line, "rule %q takes %q class %q: it has no bucket for this class", r.name, l.name, l.class)
				}
				id = shadow
			}
			s.Arg = id
		case OpChooseFirstN, OpChooseIndep, OpChooseleafFirstN, OpChooseleafIndep:
			typ, ok := c.types[l.name]
			if !ok {
				return wrong(l.line, "rule %q chooses type %q, which is not defined", r.name, l.name)
			}
			s.Type = typ
		}
		out.Steps = append(out.Steps, s)
	}
	c.m.Rules = append(c.m.Rules, out)
	return nil
}

func (c *compiler) chooseArgs(a argsBlock) error {
	if _, ok := c.m.args[int64(a.index)]; ok {
		return wrong(a.line, "choose_args %d is defined twice", a.index)
	}
	args := make(chooseArgs, len(c.m.buckets))
	for _, l := range a.buckets {
		b := c.m.bucketByID(int32(l.bucket))
		if b == nil {
			return wrong(l.line, "choose_args %d: bucket %d does not exist", a.index, l.bucket)
		}
		arg := chooseArg{positions: len(l.sets)}
		for _, set := range l.sets {
			if len(set) != int(b.size) {
				return wrong(l.line, "choose_args %d: bucket %d needs exactly %d weights but got %d", a.index, l.bucket, b.size, len(set))
			}
			for _, w := range set {
				if w >= 65536 {
					return wrong(l.line, "choose_args %d: bucket %d has a weight of %g, below 65536 is allowed", a.index, l.bucket, w)
				}
				arg.weights = append(arg.weights, uint32(w*One))
			}
		}
		if l.ids != nil {
			if len(l.ids) != int(b.size) {
				return wrong(l.line, "choose_args %d: bucket %d needs exactly %d ids but got %d", a.index, l.bucket, b.size, len(l.ids))
			}
			arg.ids = make([]int32, 0, len(l.ids)+lanes) // see draws
			for _, id := range l.ids {
				arg.ids = append(arg.ids, int32(id))
			}
		}
		args[-1-l.bucket] = arg
	}
	c.m.args[int64(a.index)] = args
	return nil
}

// finish counts the devices that buckets hold.
func (c *compiler) finish() {
	for _, id := range c.m.items {
		c.m.devices = max(c.m.devices, int(id)+1)
	}
	for i := range c.m.buckets {
		c.m.widest = max(c.m.widest, int(c.m.buckets[i].size))
	}
	c.m.items = slices.Grow(c.m.items, lanes) // see draws
	c.m.present = make([]bool, c.m.devices)
	for _, id := range c.m.items {
		if id >= 0 {
			c.m.present[id] = true
		}
	}
}
