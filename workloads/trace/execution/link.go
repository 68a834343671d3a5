package execution

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"aisim/topology/collective"
)

// linker finds what waits for what in a profile, which only tells times:
//   - work of a stream follows the work before it, and the call that launched it;
//   - a call follows the call before it on its thread; what the host did between the two
//     belongs to it;
//   - a call that synchronises waits for the work launched before it that ended before the call did;
//   - work launched after cudaStreamWaitEvent, and every collective (c10d records an event
//     on the calling stream), waits for the work of other streams launched before, where
//     the recorded times agree.
//
// What then still lies between a kernel's start and all that it waits for is its lead.
type linker struct {
	p      *part
	spans  []span
	names  names
	node   []int32 // of a span; -1: none
	launch map[int64]int
	deps   [][]int32
}

func newLinker(p *part, spans []span) *linker {
	slices.SortStableFunc(spans, func(a, b span) int {
		if c := cmp.Compare(a.start, b.start); c != 0 {
			return c
		}
		return cmp.Compare(b.end, a.end)
	})
	return &linker{p: p, spans: spans, names: names{r: &p.rank}, node: make([]int32, len(spans)), launch: map[int64]int{}}
}

// waits says whether a call of the runtime returns once work of the device has ended.
func waits(name string) bool {
	return strings.Contains(name, "Synchronize") || strings.HasSuffix(name, "Memcpy") || strings.HasSuffix(name, "MemcpyWithStream")
}

func waitsEvent(name string) bool { return strings.Contains(name, "StreamWaitEvent") }

func (l *linker) link() {
	origin := l.spans[0].start
	work := make(map[int64]int) // device work by correlation
	for i := range l.spans {
		s := &l.spans[i]
		s.start, s.end = s.start-origin, s.end-origin
		if !s.host && s.correlation != 0 {
			if _, twice := work[s.correlation]; !twice {
				work[s.correlation] = i
			}
		}
		l.node[i] = -1
	}
	for i := range l.spans {
		if s := &l.spans[i]; s.host {
			if _, ok := work[s.correlation]; ok && s.correlation != 0 {
				l.launch[s.correlation] = i
			}
		}
	}
	threads, streams := map[string]*lane{}, map[string]*lane{}
	var order []*lane // streams as they appear
	for _, i := range l.sequence() {
		s := &l.spans[i]
		lanes := streams
		if s.host {
			lanes = threads
		}
		at := lanes[s.stream]
		if at == nil {
			at = &lane{index: int32(len(lanes)), last: -1}
			lanes[s.stream] = at
			if !s.host {
				order = append(order, at)
			}
		}
		if s.host {
			l.call(i, at, work, order)
		} else {
			l.run(i, at, order)
		}
	}
	l.finish()
}

// sequence is the order in which nodes are made: of calls that wait when they end, of
// all else when it begins.
func (l *linker) sequence() []int {
	at := func(i int) int64 {
		if s := &l.spans[i]; s.host && waits(s.Name) {
			return s.end
		}
		return l.spans[i].start
	}
	order := make([]int, len(l.spans))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(at(a), at(b)) })
	return order
}

// lane is a thread or a stream.
type lane struct {
	index int32
	spans []int // of a stream
	last  int32 // node, -1: none
	end   int64 // of the last node
	waits []int // calls of cudaStreamWaitEvent of a thread
}

// add makes a node that waits for deps.
func (l *linker) add(n Node, name string, deps ...int32) int32 {
	r := &l.p.rank
	at := int32(len(r.Nodes))
	n.ID, n.Name, n.Peer = int64(at), l.names.of([]byte(name)), -1
	r.Nodes = append(r.Nodes, n)
	var kept []int32
	for _, d := range deps {
		if d >= 0 && !slices.Contains(kept, d) {
			kept = append(kept, d)
		}
	}
	l.deps = append(l.deps, kept)
	return at
}

func (l *linker) end(node int32) int64 {
	n := &l.p.rank.Nodes[node]
	return n.StartNs + n.DurationNs
}

// call makes the nodes of a call of the runtime.
func (l *linker) call(i int, t *lane, work map[int64]int, streams []*lane) {
	s := &l.spans[i]
	if waitsEvent(s.Name) {
		t.waits = append(t.waits, i)
	}
	launched, launches := work[s.correlation]
	launches = launches && s.correlation != 0
	if !launches && !waits(s.Name) {
		return
	}
	end := s.end
	if launches {
		end = max(s.start, min(end, l.spans[launched].start))
	}
	begin := t.end
	if t.last < 0 {
		begin = 0
	}
	if launches {
		end = max(end, begin)
		t.last = l.add(Node{Kind: Compute, Host: true, Stream: t.index, StartNs: begin, DurationNs: end - begin}, s.Name, t.last)
		l.node[i], t.end = t.last, end
	}
	if !waits(s.Name) {
		return
	}
	// The host's own work up to the call, then the wait.
	before := max(t.end, s.start)
	if before > t.end {
		t.last = l.add(Node{Kind: Compute, Host: true, Stream: t.index, StartNs: t.end, DurationNs: before - t.end}, "host", t.last)
	}
	deps := []int32{t.last}
	from := before
	for _, lane := range streams {
		for k := len(lane.spans) - 1; k >= 0; k-- {
			w := lane.spans[k]
			if l.spans[w].end <= s.end && l.launchedBy(w) <= s.start {
				deps = append(deps, l.node[w])
				from = max(from, l.spans[w].end)
				break
			}
		}
	}
	t.last = l.add(Node{Kind: Compute, Host: true, Stream: t.index, StartNs: from, DurationNs: max(0, s.end-from)}, s.Name, deps...)
	t.end = max(s.end, before)
}

// launchedBy is when work was launched; its own start where that is not known.
func (l *linker) launchedBy(w int) int64 {
	if c, ok := l.launch[l.spans[w].correlation]; ok {
		return l.spans[c].start
	}
	return l.spans[w].start
}

// run makes the node of a device's work.
func (l *linker) run(i int, lane *lane, streams []*lane) {
	s := &l.spans[i]
	n := Node{Kind: Compute, Stream: lane.index, StartNs: s.start, DurationNs: s.end - s.start}
	l.classify(&n, s)
	deps := []int32{lane.last}
	from := int64(0)
	if lane.last >= 0 {
		from = l.end(lane.last)
	}
	launch := -1
	if c, ok := l.launch[s.correlation]; ok && s.correlation != 0 {
		launch = c
		if l.node[c] >= 0 {
			deps = append(deps, l.node[c])
			from = max(from, l.end(l.node[c]))
		}
	} else {
		l.p.warnings.add("work of the device whose launch is not in the trace: it keeps its distance to the work before it", l.p.rank.Name, int64(len(l.p.rank.Nodes)), s.Name)
	}
	if launch >= 0 {
		for _, other := range streams {
			if other == lane || len(other.spans) == 0 {
				continue
			}
			if w := l.waitsFor(launch, s, other, n.Kind == Collective); w >= 0 {
				deps = append(deps, l.node[w])
				from = max(from, l.spans[w].end)
			}
		}
	}
	n.LeadNs = max(0, s.start-from)
	lane.last = l.add(n, s.Name, deps...)
	l.node[i] = lane.last
	lane.spans = append(lane.spans, i)
}

// waitsFor is the work of another stream that a kernel waits for; -1: none.
func (l *linker) waitsFor(launch int, s *span, other *lane, always bool) int {
	at := l.spans[launch].start
	for k := len(other.spans) - 1; k >= 0; k-- {
		w := other.spans[k]
		began := l.launchedBy(w)
		if began > at || l.spans[w].end > s.start {
			continue
		}
		if always || l.eventBetween(began, at) {
			return w
		}
		return -1
	}
	return -1
}

// eventBetween says whether a thread made a stream wait for an event in (from, to].
func (l *linker) eventBetween(from, to int64) bool {
	i, _ := slices.BinarySearchFunc(l.spans, to, func(s span, t int64) int {
		if s.start <= t {
			return -1
		}
		return 1
	})
	for i--; i >= 0 && l.spans[i].start > from; i-- {
		if l.spans[i].host && waitsEvent(l.spans[i].Name) {
			return true
		}
	}
	return false
}

// classify says what kind of work a kernel or copy is.
func (l *linker) classify(n *Node, s *span) {
	low := strings.ToLower(s.Name[:min(len(s.Name), 256)])
	if b, err := s.Args.Bytes.Float64(); err == nil {
		n.Bytes = b
	}
	switch {
	case strings.Contains(low, "nccl") || strings.Contains(low, "rccl") || s.Args.Collective != "":
		l.collective(n, s)
	case strings.Contains(low, "htod") || strings.Contains(low, "dtoh") || strings.Contains(low, "hosttodevice") || strings.Contains(low, "devicetohost"):
		n.Work = WorkCopy
	case MatrixKernel(low):
		n.Work = WorkMatrix
	default:
		n.Work = WorkMemory
	}
}

// collective reads NCCL's newer arguments. Bytes are the larger of input and output,
// which is the whole buffer of gathers and scatters.
func (l *linker) collective(n *Node, s *span) {
	n.Kind = Collective
	warn := func(what string) { l.p.warnings.add(what, l.p.rank.Name, int64(len(l.p.rank.Nodes)), s.Name) }
	size, _ := s.Args.GroupSize.Int64()
	var ranks []int32
	for _, f := range strings.FieldsFunc(s.Args.Members, func(r rune) bool { return r < '0' || r > '9' }) {
		if v, err := strconv.Atoi(f); err == nil && v < maxRanks {
			ranks = append(ranks, int32(v))
		}
	}
	n.Group = l.p.groups.group(s.Args.GroupName, int(min(max(size, 0), maxRanks)), ranks)
	word := s.Args.Collective
	if word == "" {
		word, _, _ = strings.Cut(s.Name, "(")
	}
	op, known := OpOf(word)
	width := DTypeBytes[strings.ToLower(s.Args.DType)]
	in, _ := s.Args.In.Float64()
	out, _ := s.Args.Out.Float64()
	switch {
	case !known:
		warn("a collective whose operation its name does not tell: it keeps its recorded time")
	case width == 0 || in == 0 && out == 0:
		warn("a collective without its size (dtype, In msg nelems, Out msg nelems): it keeps its recorded time")
	default:
		n.Priced, n.Op, n.Bytes = true, op, width*max(in, out)
	}
}

// opWords are parts of the names of collectives in lower case without underscores.
var opWords = []struct {
	word string
	op   collective.Op
}{{"allreduce", collective.AllReduce}, {"allgather", collective.AllGather}, {"reducescatter", collective.ReduceScatter}, {"alltoall", collective.AllToAll},
	{"broadcast", collective.Broadcast}, {"sendrecv", collective.SendRecv}, {"barrier", collective.Barrier}, {"reduce", collective.Broadcast}, {"send", collective.SendRecv}, {"recv", collective.SendRecv}}

// OpOf is the operation that a name tells.
func OpOf(name string) (collective.Op, bool) {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "")
	for _, o := range opWords {
		if strings.Contains(name, o.word) {
			return o.op, true
		}
	}
	return 0, false
}

func (l *linker) finish() {
	r := &l.p.rank
	for i := range r.Nodes {
		r.Nodes[i].First, r.Nodes[i].Len = int32(len(r.Deps)), int32(len(l.deps[i]))
		r.Deps = append(r.Deps, l.deps[i]...)
	}
}
