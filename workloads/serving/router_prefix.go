package serving

import "math"

// manyMore is by how many requests in flight a replica may exceed the least loaded and
// still be sent a request for its cached prefix (assumed: the order of the thresholds of
// cache-aware gateways).
const manyMore = 32

// chain is the prefix hashes of request i.
func (f *fleet) chain(i int32) []int64 {
	q := f.book.req(i)
	return f.opt.Hashes[q.HashStart : q.HashStart+q.HashCount]
}

// salt tells the blocks of adapters apart.
func (f *fleet) salt(i int32) int64 {
	if f.c.Adapters.Count == 0 {
		return 0
	}
	return saltOf(f.book.req(i))
}

// known returns the replica of request i's site where its longest known prefix went, by
// its number within the site, and the tokens of that prefix; −1 when none of it is known.
func (f *fleet) known(i int32) (k int, tokens int64) {
	if f.seen == nil {
		return -1, 0
	}
	sites := len(f.sites)
	k = -1
	chain := f.chain(i)
	if f.talks { // what comes after is the answer
		chain = chain[:min(len(chain), int(f.book.req(i).Prompt)/f.opt.HashTokens)]
	}
	salt := f.salt(i)
	for _, h := range chain {
		r, ok := f.seen.get(h ^ salt)
		if !ok {
			break
		}
		if at := int(r) - f.front; at%sites == siteOf(int(i), sites) {
			k = at / sites
		}
		tokens += int64(f.opt.HashTokens)
	}
	return k, tokens
}

// prefixAware chooses a replica by its prefix where that is most of the prompt, or the
// least loaded: a few tokens that all prompts share would send everything to one replica.
func (f *fleet) prefixAware(i int32, l *loads) int {
	if k, tokens := f.known(i); k >= 0 && 2*tokens > int64(f.book.req(i).Prompt) && l.at(k) != away && l.at(k) <= l.least+manyMore {
		return k
	}
	return l.leastLoaded()
}

// kvAware chooses the replica with the fewest tokens in flight, the request's own counted.
func (f *fleet) kvAware(i int32, l *loads) int {
	k, tokens := f.known(i)
	best, least := -1, int64(math.MaxInt64)
	sites := len(f.sites)
	for j := range l.n {
		if l.at(j) == away {
			continue
		}
		cost := f.tokens[f.front+j*sites+siteOf(int(i), sites)]
		if j == k {
			cost -= tokens
		}
		if cost < least {
			best, least = j, cost
		}
	}
	return best
}
