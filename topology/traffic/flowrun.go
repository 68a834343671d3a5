package traffic

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync"

	"aisim/topology"
	"aisim/topology/flow"
)

// paths are the routes of messages: those of message i are uses[at[i]:at[i+1]].
type paths struct {
	uses       []flow.Use
	at         []int32
	latencySec []float64
}

// maxUses bounds the routes held at once: 24 bytes each.
const maxUses = 1 << 28

// layPaths finds the routes of all flows. Workers take equal parts, laid side by side
// in order, so that their number leaves no trace.
func layPaths(g *topology.Graph, flows []Flow, workers int) (paths, error) {
	workers = max(1, min(workers, len(flows)/4096+1))
	parts := make([]paths, workers)
	errs := make([]error, workers)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Add(1)
		go func() {
			defer wait.Done()
			lo, hi := w*len(flows)/workers, (w+1)*len(flows)/workers
			parts[w], errs[w] = layPart(g, flows[lo:hi], lo)
		}()
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return paths{}, err
		}
	}
	all := parts[0]
	for _, p := range parts[1:] {
		base := all.at[len(all.at)-1]
		for _, a := range p.at[1:] {
			all.at = append(all.at, base+a)
		}
		all.uses = append(all.uses, p.uses...)
		all.latencySec = append(all.latencySec, p.latencySec...)
	}
	return all, nil
}

func layPart(g *topology.Graph, flows []Flow, first int) (paths, error) {
	r := g.NewRouter()
	p := paths{uses: make([]flow.Use, 0, 6*len(flows)), at: make([]int32, 1, len(flows)+1), latencySec: make([]float64, 0, len(flows))}
	var shares []topology.Share
	for i, f := range flows {
		if !(f.Bytes > 0) || math.IsInf(f.Bytes, 0) || !(f.StartSec >= 0) || math.IsInf(f.StartSec, 0) {
			return p, fmt.Errorf("traffic: message %d: %g bytes from second %g on: want finite, bytes positive, start ≥ 0", first+i, f.Bytes, f.StartSec)
		}
		var lat float64
		var err error
		if shares, lat, err = r.Route(f.Src, f.Dst, uint64(first+i), shares[:0]); err != nil {
			return p, fmt.Errorf("traffic: message %d: %w", first+i, err)
		}
		if len(shares) == 0 {
			return p, fmt.Errorf("traffic: message %d goes from %s to itself", first+i, g.Name(f.Src))
		}
		if len(p.uses)+len(shares) > maxUses {
			return p, fmt.Errorf("traffic: the routes of %d messages take more than %d link shares; use d-mod-k or ecmp routing, or fewer hosts", len(flows), maxUses)
		}
		for _, s := range shares {
			p.uses = append(p.uses, flow.Use{Res: flow.ResourceID(s.Link), Weight: s.Fraction})
		}
		p.at = append(p.at, int32(len(p.uses)))
		p.latencySec = append(p.latencySec, lat)
	}
	return p, nil
}

func (p *paths) of(i int32) []flow.Use { return p.uses[p.at[i]:p.at[i+1]] }

// Fairness says how messages share a full link.
type Fairness uint8

// The rules of sharing.
const (
	// EqualShares is max–min fairness without weights: what switch ports that serve
	// their inputs in turn come to.
	EqualShares Fairness = iota
	// LatencyShares weighs each message by one over the latency of its path, as CM02
	// does: TCP favours short round trips.
	LatencyShares
)

func (f Fairness) share(latencySec float64) float64 {
	if f == EqualShares || latencySec <= 0 {
		return 1
	}
	return LinkLatencySec / latencySec
}

// Run plays messages that depend on nothing by the flow model.
func Run(g *topology.Graph, flows []Flow, fair Fairness, workers int) (*Result, error) {
	p, err := layPaths(g, flows, workers)
	if err != nil {
		return nil, err
	}
	order := make([]int32, len(flows))
	enter := make([]float64, len(flows))
	for i := range order {
		order[i] = int32(i)
		enter[i] = flows[i].StartSec + p.latencySec[i]
	}
	slices.SortFunc(order, func(a, b int32) int {
		if c := cmp.Compare(enter[a], enter[b]); c != 0 {
			return c
		}
		return cmp.Compare(a, b)
	})
	n := flow.FromGraph(g)
	n.Reserve(len(flows), len(p.uses))
	t := newTally(0)
	message := make([]int32, 0, len(flows)) // by FlowID
	end := func(done []flow.Completion) {
		for _, c := range done {
			i := message[c.Flow]
			t.done(uint64(i), flows[i].StartSec, c.Sec)
		}
	}
	for _, i := range order {
		end(n.Advance(enter[i]))
		id, err := n.Add(flow.Demand{Uses: p.of(i), Bytes: flows[i].Bytes, Share: fair.share(p.latencySec[i])})
		if err != nil {
			return nil, fmt.Errorf("traffic: message %d: %w", i, err)
		}
		for int(id) >= len(message) {
			message = append(message, 0)
		}
		message[id] = i
		t.Events++
	}
	end(n.Advance(math.Inf(1)))
	if n.Flows() > 0 {
		return nil, fmt.Errorf("traffic: %d messages never arrive: their paths have no capacity", n.Flows())
	}
	t.Events += t.Messages
	return t.result(), nil
}
