package serving

import (
	"fmt"
	"math"
)

// PrefixCache says whether prompts reuse the cached blocks of requests before them that
// began with the same tokens. Blocks are known by hashes that a trace gives, each for all
// tokens from the start of the prompt to the end of the block. What the chips' memory
// cannot keep moves to the tiers below, oldest first.
type PrefixCache struct {
	Enabled bool
	Tiers   []Tier
}

// Tier is a store of cached blocks below the chips' memory, one for each replica unless it is
// shared.
type Tier struct {
	Name        string
	Bytes       float64 // it holds
	BytesPerSec float64 // back to the chips of a replica, of all replicas together from a shared tier
	LatencySec  float64
	Shared      bool // one for all replicas of a site, the lowest of the tiers
}

// maxTiers bounds how many stores lie below one another.
const maxTiers = 4

func (p *PrefixCache) validate() error {
	if len(p.Tiers) > maxTiers {
		return fmt.Errorf("serving: %d tiers of cached blocks: at most %d", len(p.Tiers), maxTiers)
	}
	for i, t := range p.Tiers {
		if t.Shared && i < len(p.Tiers)-1 {
			return fmt.Errorf("serving: tier %q is shared and lies above %q: only the lowest tier may be shared", t.Name, p.Tiers[i+1].Name)
		}
		if !(t.Bytes > 0) || !(t.BytesPerSec > 0) || !(t.LatencySec >= 0) || math.IsInf(t.LatencySec, 0) {
			return fmt.Errorf("serving: tier %q of %v bytes at %v B/s after %v s: expected a size and a rate above 0", t.Name, t.Bytes, t.BytesPerSec, t.LatencySec)
		}
	}
	return nil
}

// prefixes are the cached blocks of one replica, by hash. Those in the chips' memory that
// no request holds wait in the order of their last use; so do those of each tier.
type prefixes struct {
	tokens int32 // per hash
	blocks int   // of the engine, per hash
	hashes []int64
	index  blockIndex
	cells  []cell
	free   []int32
	list   []lru // 0: idle in the chips' memory; then the tiers
	tiers  []Tier
	store  *store    // below them, shared with other replicas; nil: none
	sent   int       // blocks of it that the last find counted on
	salted bool      // caches of adapters differ
	most   []int     // cells that a tier holds
	sec    []float64 // to load one cell from a tier

	asked int64   // prompt tokens looked up
	hits  []int64 // of them found, by tier
}

type cell struct {
	hash       int64
	refs       int32
	tier       int32
	prev, next int32
}

// lru is a list from the cell that was not used for longest to the newest.
type lru struct {
	head, tail int32
	count      int
}

func newPrefixes(p *PrefixCache, hashes []int64, dense, tokens, blockTokens int, tokenBytes float64) *prefixes {
	own := p.Tiers
	if k := len(own); k > 0 && own[k-1].Shared {
		own = own[:k-1]
	}
	n := len(own) + 1
	c := &prefixes{tokens: int32(tokens), blocks: tokens / blockTokens, hashes: hashes, index: newBlockIndex(dense), tiers: own,
		list: make([]lru, n), most: make([]int, n), sec: make([]float64, n), hits: make([]int64, len(p.Tiers)+1)}
	for i := range c.list {
		c.list[i] = lru{head: -1, tail: -1}
	}
	for i, t := range own {
		bytes := tokenBytes * float64(tokens)
		c.most[i+1], c.sec[i+1] = int(math.Min(t.Bytes/bytes, math.MaxInt32)), bytes/t.BytesPerSec
	}
	return c
}

// saltOf tells the cached blocks of adapters apart: they are those of other weights. The numbers are
// those of SplitMix64.
func saltOf(q *Request) int64 {
	if q.Adapter == 0 {
		return 0
	}
	z := uint64(q.Adapter) * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int64(z ^ z>>31)
}

func (c *prefixes) salt(q *Request) int64 {
	if !c.salted {
		return 0
	}
	return saltOf(q)
}

func (c *prefixes) chain(q *Request) []int64 { return c.hashes[q.HashStart : q.HashStart+q.HashCount] }

// find returns how many of a request's first blocks are cached, how many of them no
// request holds, and how long those in lower tiers take to load. At least one of goal
// tokens is left to compute. The time is that over an idle link to a shared store.
func (c *prefixes) find(q *Request, goal int32) (n int32, idle int, loadSec float64) {
	most := min((goal-1)/c.tokens, q.Prompt/c.tokens)
	c.sent = 0
	var touched [maxTiers + 1]bool
	salt := c.salt(q)
	for _, h := range c.chain(q) {
		if n >= most {
			break
		}
		i, ok := c.index.get(h ^ salt)
		if !ok {
			if !c.store.has(h ^ salt) {
				break
			}
			c.sent++
			idle++
			n++
			continue
		}
		e := &c.cells[i]
		if e.refs == 0 {
			idle++
		}
		if e.tier > 0 {
			loadSec += c.sec[e.tier]
			touched[e.tier] = true
		}
		n++
	}
	for t := range c.tiers {
		if touched[t+1] {
			loadSec += c.tiers[t].LatencySec
		}
	}
	if c.sent > 0 {
		loadSec += float64(c.sent)*c.store.sec + c.store.latency
	}
	return n, idle, loadSec
}

// pin holds the first n blocks of a request in the chips' memory and returns how many of
// them nobody held before.
func (c *prefixes) pin(q *Request, n int32) (taken int) {
	salt := c.salt(q)
	for _, h := range c.chain(q)[:n] {
		i, ok := c.index.get(h ^ salt)
		if !ok { // in the shared store, which keeps its copy
			i = c.newCell(h ^ salt)
			c.index.set(h^salt, i)
			c.cells[i].refs = 1
			c.hits[len(c.hits)-1] += int64(c.tokens)
			c.store.put(h ^ salt)
			taken++
			continue
		}
		e := &c.cells[i]
		c.hits[e.tier] += int64(c.tokens)
		if e.refs == 0 {
			c.unlink(i)
			e.tier = 0
			taken++
		}
		e.refs++
	}
	return taken
}

// unpin lets go of them, the last first, so that it is the first to be evicted. It
// returns how many nobody holds any more.
func (c *prefixes) unpin(q *Request, n int32) (idle int) {
	chain, salt := c.chain(q), c.salt(q)
	for k := n - 1; k >= 0; k-- {
		i, _ := c.index.get(chain[k] ^ salt)
		if c.cells[i].refs--; c.cells[i].refs == 0 {
			c.link(i, 0)
			idle++
		}
	}
	return idle
}

// register makes the whole blocks of so many computed tokens known, from the first n on, which
// are held already. It returns how many are held now, and for how many of them the memory
// is one copy less than was computed, since another request had brought them.
func (c *prefixes) register(q *Request, n, tokens int32) (held int32, spare int) {
	chain, salt := c.chain(q), c.salt(q)
	held = min(tokens/c.tokens, int32(len(chain)))
	for _, h := range chain[min(n, held):held] {
		h ^= salt
		i, ok := c.index.get(h)
		if !ok {
			i = c.newCell(h)
			c.cells[i].refs = 1
			c.index.set(h, i)
			c.store.put(h)
			continue
		}
		e := &c.cells[i]
		if e.refs == 0 { // idle, or in a lower tier: the new copy takes its place
			c.unlink(i)
			e.tier = 0
		} else {
			spare++
		}
		e.refs++
	}
	return max(held, n), spare
}

// newCell is a cell for a block that is not known.
func (c *prefixes) newCell(hash int64) int32 {
	i := int32(len(c.cells))
	if k := len(c.free); k > 0 {
		i = c.free[k-1]
		c.free = c.free[:k-1]
		c.cells[i] = cell{hash: hash}
	} else {
		c.cells = append(c.cells, cell{hash: hash})
	}
	return i
}

// trim evicts idle blocks until at most room of the engine's are left for them.
func (c *prefixes) trim(room int) {
	for c.list[0].count*c.blocks > room {
		c.evict(0)
	}
}

// evict moves the block of a tier that was not used for longest to the tier below.
func (c *prefixes) evict(tier int) {
	i := c.list[tier].head
	c.unlink(i)
	for tier++; tier <= len(c.tiers) && c.most[tier] == 0; tier++ {
	}
	if tier > len(c.tiers) {
		c.index.drop(c.cells[i].hash)
		c.free = append(c.free, i)
		return
	}
	c.link(i, int32(tier))
	if c.list[tier].count > c.most[tier] {
		c.evict(tier)
	}
}

func (c *prefixes) link(i, tier int32) {
	l, e := &c.list[tier], &c.cells[i]
	e.tier, e.prev, e.next = tier, l.tail, -1
	if l.tail >= 0 {
		c.cells[l.tail].next = i
	} else {
		l.head = i
	}
	l.tail = i
	l.count++
}

func (c *prefixes) unlink(i int32) {
	e := &c.cells[i]
	l := &c.list[e.tier]
	if e.prev >= 0 {
		c.cells[e.prev].next = e.next
	} else {
		l.head = e.next
	}
	if e.next >= 0 {
		c.cells[e.next].prev = e.prev
	} else {
		l.tail = e.prev
	}
	l.count--
}

// clear forgets everything, as when the replica is lost.
func (c *prefixes) clear() {
	c.index.clear()
	c.cells, c.free = c.cells[:0], c.free[:0]
	for i := range c.list {
		c.list[i] = lru{head: -1, tail: -1}
	}
}
