package packet

import (
	"fmt"
	"runtime"
	"slices"
	"sync"

	"aisim/topology"
)

// stream is a flow as the fabric carries it: from one port to one port. A message of
// a chip with several NICs is several streams.
type stream struct {
	flow     int32 // of the caller
	src, dst topology.NodeID
	bytes    int64
	lane     uint8
}

// aim is where a packet is going: to node, whose only link comes from switch at (or
// through the table, where at is the node itself). Two per stream: packets, then
// acknowledgements.
type aim struct {
	node, at int32
	target   int32 // column of the table
	last     int32 // sending end of the last link
}

// hopSet is the sending ends that lead nearer to a target: n of them from first on, or, if
// first is negative, from −first−1 on in routes.list. Packets to the target take them in turn.
type hopSet struct {
	first int32
	n     uint16
	turn  uint16
}

// routes says where packets go next.
type routes struct {
	static bool
	aims   []aim
	first  []int32 // sending end on which each aim's packets start
	row    []int32 // node → row of the table, -1 for nodes that forward nothing
	cols   int
	table  []hopSet
	list   []int32
	mutex  sync.Mutex // of list, while the table is made
	paths  []int32    // static: sending ends after the first, per aim
	start  []int32    // static: first of an aim in paths
}

// split turns flows into streams.
func split(f *fabric, g *topology.Graph, flows []Flow, o Options) ([]stream, error) {
	var out []stream
	var shares []topology.Share
	for i, x := range flows {
		fail := func(format string, a ...any) error {
			return fmt.Errorf("packet: flow %d: "+format, append([]any{i}, a...)...)
		}
		switch {
		case x.Src < 0 || int(x.Src) >= g.NumNodes() || x.Dst < 0 || int(x.Dst) >= g.NumNodes():
			return nil, fail("node %d or %d is not in the graph of %d nodes", x.Src, x.Dst, g.NumNodes())
		case g.Kind(x.Src) > topology.NIC || g.Kind(x.Dst) > topology.NIC:
			return nil, fail("messages go between chips and NICs, not from %s to %s", g.Name(x.Src), g.Name(x.Dst))
		case x.Src == x.Dst:
			return nil, fail("%s sends to itself", g.Name(x.Src))
		case x.Bytes < 1:
			return nil, fail("%d bytes, must be at least 1", x.Bytes)
		case x.Lane < 0 || x.Lane >= o.Lanes:
			return nil, fail("lane %d, must be below %d", x.Lane, o.Lanes)
		}
		s := stream{flow: int32(i), src: x.Src, dst: x.Dst, bytes: x.Bytes, lane: uint8(x.Lane)}
		if g.Kind(x.Src) == topology.NIC && g.Kind(x.Dst) == topology.NIC {
			out = append(out, s)
			continue
		}
		var err error
		if shares, _, err = g.Route(x.Src, x.Dst, uint64(i), shares[:0]); err != nil {
			return nil, fail("%w", err)
		}
		// Chips send through NICs of their hosts, rail to rail, or stay in their domain.
		var ups, downs []topology.NodeID
		for _, h := range shares {
			if g.LevelOf(h.Link) != topology.NICLevel {
				continue
			}
			if l := g.Link(h.Link); g.Kind(l.From) == topology.NIC {
				ups = append(ups, l.From)
			} else {
				downs = append(downs, l.To)
			}
		}
		n := int64(len(ups))
		if n == 0 {
			out = append(out, s)
			continue
		}
		for k := range ups {
			piece := s
			piece.src, piece.dst = ups[k], downs[k]
			piece.bytes = x.Bytes*int64(k+1)/n - x.Bytes*int64(k)/n
			if piece.bytes > 0 && piece.src != piece.dst {
				out = append(out, piece)
			}
		}
	}
	if len(out) >= maxFlows {
		return nil, fmt.Errorf("packet: %d streams are more than %d", len(out), maxFlows)
	}
	for _, s := range out {
		if n := (s.bytes + int64(o.PayloadBytes) - 1) / int64(o.PayloadBytes); n > maxPackets {
			return nil, fmt.Errorf("packet: flow %d: %d packets are more than %d; use a larger payload or the flow fabric", s.flow, n, maxPackets)
		}
	}
	return out, nil
}

func newRoutes(f *fabric, streams []stream, o Options) (*routes, error) {
	r := &routes{
		static: o.Routing == "ecmp" || o.Routing == "d-mod-k",
		aims:   make([]aim, 2*len(streams)), first: make([]int32, 2*len(streams)),
	}
	for i, s := range streams {
		r.aims[2*i] = f.aimAt(s.dst)
		r.aims[2*i+1] = f.aimAt(s.src)
	}
	if r.static {
		return r, r.fix(f, streams, o)
	}
	return r, r.tabulate(f, streams)
}

// aimAt finds the only way into a node, if there is only one.
func (f *fabric) aimAt(v topology.NodeID) aim {
	a := aim{node: int32(v), at: int32(v), last: -1}
	if f.in[v+1]-f.in[v] == 1 {
		p := f.back[f.in[v]]
		a.at, a.last = int32(f.from[p]), p
	}
	return a
}

// tabulate finds all shortest paths to each target by breadth-first searches against
// the links.
func (r *routes) tabulate(f *fabric, streams []stream) error {
	nodes := f.g.NumNodes()
	col := make([]int32, nodes)
	var targets []int32
	for i := range r.aims {
		a := &r.aims[i]
		if col[a.at] == 0 {
			targets = append(targets, a.at)
			col[a.at] = int32(len(targets))
		}
		a.target = col[a.at] - 1
	}
	r.cols = len(targets)
	r.row = make([]int32, nodes)
	rows := int32(0)
	for v := range nodes {
		r.row[v] = -1
		if f.in[v+1]-f.in[v] > 0 && f.out[v+1]-f.out[v] > 1 {
			r.row[v] = rows
			rows++
		}
	}
	if int64(rows)*int64(r.cols) > 1<<28 {
		return fmt.Errorf("packet: a routing table of %d nodes × %d targets is too large", rows, r.cols)
	}
	r.table = make([]hopSet, int(rows)*r.cols)
	ways := newWays(f, r.row, int(rows))
	var wait sync.WaitGroup
	threads := min(runtime.GOMAXPROCS(0), len(targets))
	for k := range threads {
		wait.Go(func() {
			search := ways.search()
			for c := k; c < len(targets); c += threads {
				r.column(c, targets[c], ways, search)
			}
		})
	}
	wait.Wait()
	for i := range r.aims {
		s := streams[i/2]
		v := s.src
		if i%2 == 1 {
			v = s.dst
		}
		p, ok := r.leave(f, v, i)
		if !ok {
			return fmt.Errorf("packet: flow %d: no path from %s to %s", s.flow, f.g.Name(v), f.g.Name(topology.NodeID(r.aims[i].node)))
		}
		r.first[i] = p
	}
	return nil
}

// ways is the part of the fabric that forwards, by row of the table: for each node the
// sending ends to others of the kind and the rows of those, there and back.
type ways struct {
	node     []int32 // of each row
	outStart []int32
	outEnd   []int32 // sending ends
	outRow   []int32 // rows that they lead to
	inStart  []int32
	inRow    []int32 // rows that lead here
	row      []int32 // of each node, -1 for others
	f        *fabric
}

func newWays(f *fabric, row []int32, rows int) *ways {
	w := &ways{f: f, row: row, node: make([]int32, 0, rows), outStart: make([]int32, 1, rows+1), inStart: make([]int32, 1, rows+1)}
	for v := range row {
		if row[v] < 0 {
			continue
		}
		w.node = append(w.node, int32(v))
		for p := f.out[v]; p < f.out[v+1]; p++ {
			if to := row[f.to[p]]; to >= 0 {
				w.outEnd = append(w.outEnd, p)
				w.outRow = append(w.outRow, to)
			}
		}
		w.outStart = append(w.outStart, int32(len(w.outEnd)))
		for k := f.in[v]; k < f.in[v+1]; k++ {
			if from := row[f.from[f.back[k]]]; from >= 0 {
				w.inRow = append(w.inRow, from)
			}
		}
		w.inStart = append(w.inStart, int32(len(w.inRow)))
	}
	return w
}

// search is the scratch of a breadth-first search.
type search struct {
	hops  []int32 // per row, -1 where the target is out of reach
	queue []int32
	near  []int32
}

func (w *ways) search() *search {
	return &search{hops: make([]int32, len(w.node)), queue: make([]int32, 0, len(w.node))}
}

// column finds the shortest ways to one target from every row.
func (r *routes) column(c int, target int32, w *ways, s *search) {
	for i := range s.hops {
		s.hops[i] = -1
	}
	s.queue = s.queue[:0]
	if t := w.row[target]; t >= 0 {
		s.hops[t] = 0
		s.queue = append(s.queue, t)
	} else {
		// The target forwards nothing itself: begin with those that reach it.
		for k := w.f.in[target]; k < w.f.in[target+1]; k++ {
			p := w.f.back[k]
			if from := w.row[w.f.from[p]]; from >= 0 && s.hops[from] < 0 {
				s.hops[from] = 1
				s.queue = append(s.queue, from)
				s.near = s.near[:0]
				for q := w.f.out[w.f.from[p]]; q < w.f.out[w.f.from[p]+1]; q++ {
					if int32(w.f.to[q]) == target {
						s.near = append(s.near, q)
					}
				}
				r.store(int(from)*r.cols+c, s.near, w.node[from], target)
			}
		}
	}
	direct := len(s.queue)
	for head := 0; head < len(s.queue); head++ {
		at := s.queue[head]
		for _, from := range w.inRow[w.inStart[at]:w.inStart[at+1]] {
			if s.hops[from] < 0 {
				s.hops[from] = s.hops[at] + 1
				s.queue = append(s.queue, from)
			}
		}
	}
	for _, at := range s.queue[direct:] {
		s.near = s.near[:0]
		less := s.hops[at] - 1
		for k := w.outStart[at]; k < w.outStart[at+1]; k++ {
			if s.hops[w.outRow[k]] == less {
				s.near = append(s.near, w.outEnd[k])
			}
		}
		r.store(int(at)*r.cols+c, s.near, w.node[at], target)
	}
}

// store puts a set into the table. Where the turns begin differs from node to node.
func (r *routes) store(i int, near []int32, node, target int32) {
	set := r.set(near)
	if set.n > 1 {
		set.turn = uint16(mix(uint64(node)<<32|uint64(target)) % uint64(set.n))
	}
	r.table[i] = set
}

// leave picks the sending end on which the packets of aim i leave node v: its only link,
// or one of the shortest by the number of the stream.
func (r *routes) leave(f *fabric, v topology.NodeID, i int) (int32, bool) {
	a := &r.aims[i]
	if f.out[v+1]-f.out[v] == 1 {
		p := f.out[v]
		w := int32(f.to[p])
		if w != a.at && w != a.node && (r.row[w] < 0 || r.table[int(r.row[w])*r.cols+int(a.target)].n == 0) {
			return 0, false
		}
		return p, true
	}
	if a.at == int32(v) {
		return a.last, a.last >= 0
	}
	if r.row[v] < 0 {
		return 0, false
	}
	set := r.table[int(r.row[v])*r.cols+int(a.target)]
	if set.n == 0 {
		return 0, false
	}
	return r.member(set, (i/2)%int(set.n)), true
}

func (r *routes) member(s hopSet, k int) int32 {
	if s.first < 0 {
		return r.list[int(-s.first-1)+k]
	}
	return s.first + int32(k)
}

// set stores some sending ends, in order.
func (r *routes) set(ends []int32) hopSet {
	n := len(ends)
	if n == 0 {
		return hopSet{}
	}
	if int(ends[n-1]-ends[0]) == n-1 {
		return hopSet{first: ends[0], n: uint16(n)}
	}
	r.mutex.Lock() // the place in the list shows in no result
	defer r.mutex.Unlock()
	// Switches alike in wiring repeat their last set; longer searches do not pay.
	if k := len(r.list) - n; k < 0 || !slices.Equal(r.list[k:], ends) {
		r.list = append(r.list, ends...)
	}
	return hopSet{first: -int32(len(r.list)-n) - 1, n: uint16(n)}
}

// fix lays the path of every stream and of its acknowledgements by the graph's own
// rule.
func (r *routes) fix(f *fabric, streams []stream, o Options) error {
	g := f.g
	if spec := g.Spec(); spec.Routing != o.Routing {
		spec.Routing = o.Routing
		var err error
		if g, err = topology.Build(spec); err != nil {
			return fmt.Errorf("packet: routing %q: %w", o.Routing, err)
		}
	}
	r.start = make([]int32, len(r.aims)+1)
	var shares []topology.Share
	for i := range r.aims {
		s := streams[i/2]
		src, dst := s.src, s.dst
		if i%2 == 1 {
			src, dst = dst, src
		}
		var err error
		if shares, _, err = g.Route(src, dst, uint64(s.flow), shares[:0]); err != nil {
			return fmt.Errorf("packet: flow %d: %w", s.flow, err)
		}
		n := 0
		for at := src; at != dst; n++ {
			k := slices.IndexFunc(shares, func(h topology.Share) bool { return g.Link(h.Link).From == at })
			if k < 0 || n > maxPathHops || f.end[shares[k].Link] < 0 {
				return fmt.Errorf("packet: flow %d: no path of at most %d links from %s to %s", s.flow, maxPathHops, g.Name(src), g.Name(dst))
			}
			p := f.end[shares[k].Link]
			if n == 0 {
				r.first[i] = p
			} else {
				r.paths = append(r.paths, p)
			}
			at = f.to[p]
		}
		r.start[i+1] = int32(len(r.paths))
	}
	return nil
}
