package serving

import (
	"fmt"
	"math"
	"slices"
)

// fleet is all replicas of a service behind its router.
type fleet struct {
	c       *Config
	opt     *Options
	book    *book
	pump    pump
	reps    []replica
	next    []float64 // each replica has no event before, side by side for scanning
	boxes   []box
	letters bool    // requests wait in boxes until their replica is looked at
	asks    bool    // the router asks for loads
	tokens  []int64 // in flight, by replica
	due     due     // when each replica may end a request
	sites   []loads // requests in flight by replica; replica r is number r/sites of site r mod sites
	down    []int32 // reasons for which a replica is away; 0: it serves
	link    []float64
	held    []int32 // requests that wait for a replica, per arrival order
	heldSec float64 // how long they did, under the invariants tag
	maxLen  int
	tooLong int   // requests beyond it
	longest int64 // of them, in tokens
	low     bounds
	front   int // the first replica that takes requests from outside: those before it decode for others
	pools   *pools
	scale   *scaler
	// ordered: events are played one by one in order of time.
	ordered  bool
	talks    bool    // requests wait for answers to others
	gone     []int32 // requests that ended without a replica since somebody looked
	accounts []account
	logs     []*ledger // of goroutines
	sent     *sentAdapters
	promised *promises
	asked    []int       // replicas whose turn came at the end of another service's step
	seen     *blockIndex // replica that a prefix hash was last sent to, for routers that ask
}

// Simulate runs the requests, which must be in order of arrival, through the
// service and returns what happened. Results depend on nothing but the
// arguments, and not on Options.Workers.
func Simulate(c Config, m Machine, reqs []Request, opt Options) (*Outcome, error) {
	p, err := Prepare(c, m)
	if err != nil {
		return nil, err
	}
	return p.Simulate(reqs, opt)
}

// Prepared is a service whose tables are made, to be run on many loads.
type Prepared struct {
	Config Config // with defaults filled in
	Model  *StepModel
	Memory Memory
	batch  *batchModel

	// Prefill are workers of their own that compute prompts, and Way the fabric over which the
	// caches come from them; nil: replicas compute their own prompts.
	Prefill *Prepared
	Way     *Way

	// Neighbours share the chips of its replicas; Share is the service's own part of their time.
	Neighbours []Neighbour
	Share      float64
	Swap       Swap

	// Hashes are the prefix hashes that requests point at, each for HashTokens tokens,
	// where Options gives none.
	Hashes     []int64
	HashTokens int
}

// Prepare checks a configuration and makes its tables.
func Prepare(c Config, m Machine) (*Prepared, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	p := &Prepared{Config: c.on(m.Device)}
	var err error
	if c.Arch.Generic != nil {
		p.Config.Engine.Request.Value = 0
		if p.batch, err = newBatchModel(c, m); err != nil {
			return nil, err
		}
		p.Memory = p.batch.memory
		return p, nil
	}
	if p.Model, err = NewStepModel(c, m); err != nil {
		return nil, err
	}
	p.Memory = p.Model.Memory
	return p, nil
}

// Simulate runs requests through a prepared service.
func (p *Prepared) Simulate(reqs []Request, opt Options) (*Outcome, error) {
	return p.Stream(&recorded{reqs}, opt)
}

// Stream runs the requests of a source through a prepared service, in memory that
// grows with the requests in flight; percentiles of more than a few million requests
// come from histograms (0.1 %).
func (p *Prepared) Stream(src Source, opt Options) (*Outcome, error) {
	t := p.newTally(&opt)
	f, err := p.run(src, opt, t)
	if err != nil {
		return nil, err
	}
	return t.outcome(f), nil
}

// Completions runs requests and returns only when each was answered, in their order; 0
// for those that never were.
func (p *Prepared) Completions(reqs []Request, opt Options) ([]float64, error) {
	t := p.newTally(&opt)
	t.kept = make([]record, 0, len(reqs))
	if _, err := p.run(&recorded{reqs}, opt, t); err != nil {
		return nil, err
	}
	done := make([]float64, len(t.kept))
	for i := range t.kept {
		done[i] = t.kept[i].finish
	}
	return done, nil
}

// run plays a load; what becomes of its requests is counted in t.
func (p *Prepared) run(src Source, opt Options, t *tally) (*fleet, error) {
	shares := len(p.Neighbours) > 0
	if shares {
		if err := p.validateSharing(); err != nil {
			return nil, err
		}
	}
	f, changes, err := p.ready(src, opt, t, shares)
	if err != nil {
		return nil, err
	}
	defer f.pump.stop()
	c := &p.Config
	switch {
	case shares:
		err = p.together(f, changes, t)
	case f.ordered:
		err = f.inOrder(changes, t)
	case c.Router == RoundRobin && c.Limits.MaxQueue == 0 && c.Autoscale.Max == 0 && !slices.ContainsFunc(changes, func(g change) bool { return !g.up }):
		err = f.independent(changes)
	default:
		err = f.open(changes, t)
	}
	if err != nil {
		return nil, err
	}
	f.giveUp()
	f.pump.finish()
	f.conserved(t)
	if t.requests == 0 {
		return nil, fmt.Errorf("serving: no requests")
	}
	return f, nil
}

// ready makes the fleet that a load is played on, in order of time if its chips are shared.
func (p *Prepared) ready(src Source, opt Options, t *tally, shares bool) (*fleet, []change, error) {
	changes, err := p.changes(&opt)
	if err != nil {
		return nil, nil, err
	}
	if opt.Hashes == nil {
		opt.Hashes, opt.HashTokens = p.Hashes, p.HashTokens
	}
	c := &p.Config
	f := p.newFleet(&opt)
	shared := c.Prefix.Enabled && p.Model != nil && len(opt.Hashes) > 0
	if shared && (opt.HashTokens < c.Engine.BlockTokens || opt.HashTokens%c.Engine.BlockTokens != 0) {
		return nil, nil, fmt.Errorf("serving: prefix hashes of %d tokens over blocks of %d: expected a multiple", opt.HashTokens, c.Engine.BlockTokens)
	}
	dense := denseHashes(opt.Hashes, len(f.reps)+c.Network.Sites)
	if c.Adapters.Count > 0 {
		dense = 0 // blocks are known by hash and adapter
	}
	if len(opt.Hashes) > 0 && (c.Router == PrefixAware || c.Router == KVAware || c.Router == SLOAware) {
		seen := newBlockIndex(dense)
		f.seen = &seen
	}
	if c.Router == SLOAware {
		m := p.Model
		if f.pools != nil {
			m = p.Prefill.Model
		}
		f.promised = newPromises(len(f.reps), m)
	}
	if c.Router == AdapterAware {
		f.sent = newSentAdapters(&c.Adapters, len(f.reps))
	}
	f.talks = hasTurns(src)
	stores := f.sharedStores(p, shared, &opt, dense)
	f.ordered = opt.Concurrency > 0 || f.talks || f.pools != nil || shares || stores != nil
	f.letters = !f.ordered && p.Model != nil && c.Limits.TimeoutSec == 0 && c.Autoscale.Max == 0
	f.asks = c.Router != RoundRobin || c.Limits.MaxQueue > 0 || f.pools != nil
	for i := range f.reps {
		of, low := p, &f.low
		if f.pools != nil && i >= f.pools.n {
			of, low = p.Prefill, &f.pools.low
		}
		f.down[i] = 1 // until it is ready
		r := &f.reps[i]
		*r = newReplica(of.Model, of.batch, &of.Config, f.book, low, opt.EveryStep)
		r.prompts, r.answers, r.early = of != p, f.talks, c.Handover.Early
		if p.Config.Adapters.Count > 0 {
			r.adapters = newAdapterPool(&of.Config, of.Model.adapters)
		}
		r.takes = f.pools != nil && !r.prompts
		if r.prompts {
			r.layers, r.groups = f.pools.early != nil, newGroups(of.Config.AttentionDP)
		}
		if shared {
			r.mostBlocks = math.MaxInt // a step may hold any number of cached blocks
			r.prefix = newPrefixes(&of.Config.Prefix, opt.Hashes, dense, opt.HashTokens, c.Engine.BlockTokens, c.Arch.KVBytesPerToken(c.KVPrecision))
			if stores != nil && (f.pools == nil || r.prompts) {
				r.prefix.store = stores[i%len(stores)]
			}
			r.prefix.salted = c.Adapters.Count > 0
		}
		f.look(i)
	}
	t.reps = f.reps
	if !t.goodOnly && t.kept == nil {
		f.openAccounts(p.Model != nil)
	}
	f.pump = newPump(src, f, t, &opt)
	return f, changes, nil
}

// sharedStores is one store for each site, nil where cached blocks are in no shared one. Replicas
// that share go on in order of time.
func (f *fleet) sharedStores(p *Prepared, shared bool, opt *Options, dense int) []*store {
	c := &p.Config
	cache := &c.Prefix
	if p.Prefill != nil {
		cache = &p.Prefill.Config.Prefix
	}
	if !shared || newStore(cache, 0, opt.HashTokens, 1) == nil {
		return nil
	}
	out := make([]*store, c.Network.Sites)
	for i := range out {
		out[i] = newStore(cache, dense, opt.HashTokens, c.Arch.KVBytesPerToken(c.KVPrecision))
	}
	return out
}

// newFleet makes room for the replicas of a service.
func (p *Prepared) newFleet(opt *Options) *fleet {
	c := &p.Config
	n, sites := p.replicas(), c.Network.Sites
	f := &fleet{c: c, opt: opt, book: newBook(), down: make([]int32, n), link: make([]float64, sites),
		reps: make([]replica, n), next: make([]float64, n), boxes: make([]box, n), tokens: make([]int64, n), due: newDue(n)}
	front := c.Replicas
	if p.Prefill != nil {
		f.front, front = c.Replicas, p.Prefill.Config.Replicas
		f.pools = newPools(f, p)
	}
	f.sites = siteLoads(front, sites)
	if p.Model != nil {
		f.low = p.Model.lowerBounds()
		f.maxLen = p.Memory.Tokens - c.Speculation.Tokens // a step that verifies holds room for all of them
		if limit := c.MaxContext; limit > 0 {
			f.maxLen = min(f.maxLen, limit)
		} else if c.Arch.MaxSeq > 0 {
			f.maxLen = min(f.maxLen, c.Arch.MaxSeq)
		}
		if p.Prefill != nil {
			f.maxLen = min(f.maxLen, p.Prefill.Memory.Tokens)
		}
	}
	return f
}

// siteLoads are the loads of n replicas by site: replica r is number r/sites of site r mod sites.
func siteLoads(n, sites int) []loads {
	out := make([]loads, sites)
	for s := range out {
		out[s] = newLoads((n - s + sites - 1) / sites)
	}
	return out
}

// replicas is how many there are in all pools, those that decode first.
func (p *Prepared) replicas() int {
	if p.Prefill != nil {
		return p.Config.Replicas + p.Prefill.Config.Replicas
	}
	return p.Config.Replicas
}

// checkRequest says what is impossible about request i after one that arrived at last.
func checkRequest(q *Request, i int, last float64, closed bool) error {
	switch {
	case q.Prompt < 1 || q.Output < 1:
		return fmt.Errorf("serving: request %d has %d prompt and %d output tokens: expected at least 1 of each", i, q.Prompt, q.Output)
	case q.Back < 0 || !(q.ThinkSec >= 0) || math.IsInf(float64(q.ThinkSec), 0):
		return fmt.Errorf("serving: request %d waits for the answer to the one %d before it and thinks %v s: expected counts and times from 0 upwards", i, q.Back, q.ThinkSec)
	case !closed && (!(q.ArriveSec >= last) || math.IsInf(q.ArriveSec, 0)):
		return fmt.Errorf("serving: request %d arrives at %v s: expected times from 0 upwards in order", i, q.ArriveSec)
	}
	return nil
}
