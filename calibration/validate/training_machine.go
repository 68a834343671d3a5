package validate

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"aisim/hardware"
	"aisim/hardware/profile"
	"aisim/topology"
	"aisim/topology/collective"
	"aisim/workloads/training"
)

// machineSpec is a row's machine: what it says, and the usual host of its chip.
type machineSpec struct {
	accelerator *hardware.Accelerator
	perHost     int
	hosts       int
	slices      int // of a torus; 0: no torus
	class       string
	nics        int
	nicPerSec   float64
	measured    [numBus]float64 // bus bandwidth of the row's own benchmark, B/s; 0: none
}

// machineShop builds machines; graphs are shared, because nothing changes them.
type machineShop struct {
	catalogue *hardware.Catalogue
	links     map[string]profile.LinkParams
	mu        sync.Mutex
	graphs    map[string]builtGraph
}

// builtGraph is a graph with the chips of its scale-up domains.
type builtGraph struct {
	graph  *topology.Graph
	domain int
}

func newMachineShop(c *hardware.Catalogue) (*machineShop, error) {
	links, err := profile.Links()
	if err != nil {
		return nil, err
	}
	return &machineShop{catalogue: c, links: links, graphs: map[string]builtGraph{}}, nil
}

// accelerator finds a chip by the name that a table gives it.
func (k *trainings) accelerator(name string) (*hardware.Accelerator, error) {
	plain := normal(strings.NewReplacer("NVIDIA", "", "GeForce", "", "AMD", "", "Intel", "", "Google", "").Replace(name))
	var found string
	for _, e := range k.catalogue.Entries(hardware.KindAccelerator) {
		_, rest, _ := strings.Cut(e.ID, "-")
		if short := normal(rest); short == plain || normal(e.ID) == plain || short == boardWords.ReplaceAllString(plain, "") {
			found = e.ID
		}
	}
	if found == "" {
		id, _ := chipID(name)
		if id == "nvidia-l4" && !l4Name.MatchString(plain) {
			id = ""
		}
		found = id
	}
	if found == "" {
		return nil, refuse("chip %q is not in the catalogue", name)
	}
	a, err := k.catalogue.Accelerator(found)
	if err != nil {
		return nil, refuse("chip %q: %v", name, err)
	}
	return a, nil
}

// boardWords are form factors and sizes behind a chip's name.
var boardWords = regexp.MustCompile(`(pcie|sxm\d?|\d+gb)+$`)

// l4Name tells the L4 from other chips whose name begins so.
var l4Name = regexp.MustCompile(`^l4($|[^0-9])`)

var (
	clauseEnd  = regexp.MustCompile(`[;:()]|, `)
	countOf    = regexp.MustCompile(`(\d+)\s*[x×]`)
	gigabits   = regexp.MustCompile(`(\d+(?:\.\d+)?)\s*g(?:b|bit)?(?:\s*/\s*s|ps|\s*/\s*sec|e)`)
	slicesText = regexp.MustCompile(`(\d+) slice`)
)

// read fills in the machine from the row's words.
func (m *machineSpec) read(r *run, perHost int) error {
	a := m.accelerator
	torus := profile.LinkClass(a.ScaleUpLink) == "ici"
	m.perHost = perHost
	if m.perHost == 0 {
		m.perHost = 8
		if torus {
			m.perHost = 4
		}
		r.assume("%d chips per host", min(m.perHost, r.chips))
	}
	m.perHost = min(m.perHost, r.chips)
	if r.chips%m.perHost != 0 {
		return refuse("%d chips do not spread evenly over hosts of %d", r.chips, m.perHost)
	}
	m.hosts = r.chips / m.perHost
	text := strings.ToLower(r.row.Text("inter_node_net"))
	if torus {
		m.slices = 1
		if s := slicesText.FindStringSubmatch(text); s != nil {
			m.slices, _ = strconv.Atoi(s[1])
		} else if strings.Contains(strings.ToLower(r.row.Text("notes")), "slice") {
			if s := slicesText.FindStringSubmatch(strings.ToLower(r.row.Text("notes"))); s != nil {
				m.slices, _ = strconv.Atoi(s[1])
			}
		}
		if m.slices < 1 || r.chips%m.slices != 0 || (r.chips/m.slices)%m.perHost != 0 && m.slices > 1 {
			return refuse("%d chips do not make %d slices", r.chips, m.slices)
		}
	}
	m.network(r, text)
	return nil
}

// network reads the NICs of a host: the clause that names the most, behind "compute"
// where the text tells networks apart.
func (m *machineSpec) network(r *run, text string) {
	a := m.accelerator
	if m.slices > 0 {
		m.class, m.nics, m.nicPerSec = "ethernet", 1, 100e9/8
		if m.slices > 1 {
			r.assume("100 Gb/s per host between slices")
		}
		return
	}
	if i := strings.Index(text, "compute"); i >= 0 {
		text = text[i:]
		if j := strings.Index(text, "management"); j > 0 {
			text = text[:j]
		}
	}
	var best float64
	for _, clause := range clauseEnd.Split(text, -1) {
		g := gigabits.FindStringSubmatch(clause)
		if g == nil {
			continue
		}
		rate, _ := strconv.ParseFloat(g[1], 64)
		count := 0
		if c := countOf.FindStringSubmatch(clause); c != nil {
			count, _ = strconv.Atoi(c[1])
		}
		perChip := strings.Contains(clause, "per card") || strings.Contains(clause, "per gpu") || strings.Contains(clause, "per chip")
		switch {
		case perChip:
			rate *= float64(max(1, count))
			count = m.perHost
		case count == 0 && strings.Contains(clause, "per node"):
			count = m.perHost
			rate /= float64(count)
		case count == 0:
			count = m.perHost
		}
		if total := rate * float64(count); total > best && count <= 64 {
			best = total
			m.nics, m.nicPerSec = count, rate*1e9/8
		}
	}
	switch {
	case strings.Contains(text, "omni"):
		m.class = "other"
	case strings.Contains(text, "efa"):
		m.class = "efa"
		if a.Year <= 2021 {
			m.class = "efa1"
		}
	case strings.Contains(text, "tcpx"):
		m.class = "tcpx"
	case strings.Contains(text, "roce"):
		m.class = "roce"
	case strings.Contains(text, "slingshot"):
		m.class = "slingshot"
	case strings.Contains(text, "infiniband") || strings.Contains(text, "ib ") || strings.Contains(text, "connectx") || strings.Contains(text, "ndr") || strings.Contains(text, "hdr"):
		m.class = "ib"
	case strings.Contains(text, "ethernet") || strings.Contains(text, "gbe"):
		m.class = "ethernet"
	default:
		m.class = "ib"
		if m.hosts > 1 {
			r.assume("network InfiniBand")
		}
	}
	if m.nics == 0 {
		m.nics, m.nicPerSec = m.perHost, usualNIC(a)
		if m.hosts > 1 {
			r.assume("one NIC of %g Gb/s per chip", m.nicPerSec*8/1e9)
		}
	}
	m.benchmark(r.row)
}

// torusDims is the shape of a slice: as cubic as multiples of four allow, square for
// the chips that have two dimensions. wrap says whether its rings close.
func torusDims(id string, chips int) (dims []int, wrap bool) {
	flat := strings.HasSuffix(id, "e") // v5e, v6e
	n := 3
	if flat {
		n = 2
	}
	unit := 1
	if !flat {
		for unit < 4 && chips%(8*unit*unit*unit) == 0 {
			unit *= 2
		}
	}
	rest := chips
	for range n {
		rest /= unit
	}
	dims = make([]int, n)
	for i := range dims {
		dims[i] = unit
	}
	// Deal prime factors to the shortest side, largest first.
	var factors []int
	for f := 2; rest > 1; {
		if rest%f == 0 {
			factors = append(factors, f)
			rest /= f
		} else {
			f++
		}
	}
	for i := len(factors) - 1; i >= 0; i-- {
		least := 0
		for d := range dims {
			if dims[d] < dims[least] {
				least = d
			}
		}
		dims[least] *= factors[i]
	}
	return dims, !flat && chips >= 64 || flat && chips >= 256
}

// build makes the machine of a run.
func (s *machineShop) build(m *machineSpec, chips int) (training.Machine, error) {
	var none training.Machine
	d, err := s.catalogue.Device(m.accelerator.ID, nil, nil)
	if err != nil {
		return none, refuse("%v", err)
	}
	g, domain, err := s.graph(m, d, chips)
	if err != nil {
		return none, refuse("%v", err)
	}
	class := d.ScaleUpClass
	if class == "" || d.ScaleUpBytesPerSec == 0 {
		class = "pcie"
	}
	up, ok := s.links[class]
	if !ok {
		up = s.links["other"]
	}
	links := collective.Links{ScaleUp: up, Network: s.links[m.class]}
	links, peer, err := m.tuned(g, links)
	if err != nil {
		return none, refuse("%v", err)
	}
	comm := collective.New(g, links, collective.Options{})
	nodes := m.hosts
	if m.slices > 0 {
		nodes = m.slices // the chips of one slice step together
	}
	return training.Machine{Device: d, Comm: comm, Graph: g, Chips: g.Chips("host"), NodesCount: nodes, ChipsPerNode: m.perHost, DomainChips: domain, PeerSec: peer}, nil
}

// trainingRadix is that of the switches between hosts: a full fat-tree stands for what
// tables do not say.
const trainingRadix = 64

func (s *machineShop) graph(m *machineSpec, d *hardware.Device, chips int) (*topology.Graph, int, error) {
	key := fmt.Sprintf("%s/%d/%d/%d/%d/%g", m.accelerator.ID, chips, m.perHost, m.slices, m.nics, m.nicPerSec)
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.graphs[key]; g.graph != nil {
		return g.graph, g.domain, nil
	}
	h := topology.HostGroup{Name: "host", Count: m.hosts, ChipsPerHost: m.perHost, NICs: m.nics, NICBytesPerSec: m.nicPerSec}
	spec := topology.Spec{Topology: "fat-tree", Radix: trainingRadix, LinkLatencySec: cableSec, SwitchLatencySec: switchSec}
	up := topology.ScaleUp{Kind: "switch", BytesPerSec: d.ScaleUpBytesPerSec, DomainChips: m.perHost}
	switch class := d.ScaleUpClass; {
	case m.slices > 0:
		dims, wrap := torusDims(m.accelerator.ID, chips/m.slices)
		up.Kind, up.Dims, up.DomainChips, up.NoWrap = "torus", dims, chips/m.slices, !wrap
		if m.slices == 1 {
			spec.Topology, h.NICs, h.NICBytesPerSec = "torus", 0, 0
		}
	case class == "" || d.ScaleUpDomain <= 1 || d.ScaleUpBytesPerSec == 0:
		up.BytesPerSec = m.accelerator.HostBandwidth.V
		if up.BytesPerSec == 0 && m.perHost > 1 {
			return nil, 0, fmt.Errorf("%s: the catalogue has no bandwidth of its scale-up or host link", m.accelerator.ID)
		}
	case class == "xgmi" || class == "gaudi-roce" || class == "xe-link":
		up.Kind = "mesh"
		if m.perHost < d.ScaleUpDomain && m.perHost > 1 {
			up.BytesPerSec *= float64(m.perHost-1) / float64(d.ScaleUpDomain-1)
		}
	case class == "neuronlink":
		up.Kind = "ring"
	case d.ScaleUpDomain > hostChips:
		// Racks: the largest share of them that divides the chips.
		domain := min(d.ScaleUpDomain, chips)
		for domain > m.perHost && (chips%domain != 0 || domain%m.perHost != 0) {
			domain--
		}
		up.DomainChips = domain
	}
	if up.DomainChips <= 1 {
		up = topology.ScaleUp{Kind: "none"}
	}
	h.ScaleUp = up
	spec.Hosts = []topology.HostGroup{h}
	g, err := topology.Build(spec)
	if err != nil {
		return nil, 0, err
	}
	s.graphs[key] = builtGraph{g, max(1, up.DomainChips)}
	return g, max(1, up.DomainChips), nil
}

// bus numbers the collectives whose bandwidth a sweep's rows carry.
type bus int

const (
	busAllReduce bus = iota
	busAllGather
	busReduceScatter
	busInside // all-reduce inside a host
	numBus
)

var busColumns = [numBus]string{"allreduce_GBps", "allgather_GBps", "reducescatter_GBps", "ar_intranode_GBps"}

func (m *machineSpec) benchmark(row Row) {
	for i, c := range busColumns {
		if v := number0(row, c); v > 0 && !math.IsInf(v, 0) {
			m.measured[i] = v * 1e9
		}
	}
}

// A sweep's rows carry what their own network did in nccl-tests fashion. Of an all-gather
// of benchBytes over n ranks, what the bandwidth inside a host does not explain is
// latency of the ring's n-1 steps. Two states were measured on the nanotron sweep: 20 to
// 50 us a step, and 160 to 310 us, nothing between. In the slow state every collective
// call costs host time per peer, inside hosts as well: layers of tensor width 2 to 16
// take 10.6 to 58 ms there, whatever the micro-batch, and 4.5 ms in the fast one.
const (
	benchBytes     = 1 << 30
	networkStepSec = 40e-6
	insideShare    = 0.573 // all-gather over all-reduce inside a host: 263 of 458, 242 of 425 GB/s
	slowStepSec    = 100e-6
	slowPeerSec    = 0.33e-3
)

// tuned is the links of the row's network, and the host time of a call per peer.
func (m *machineSpec) tuned(g *topology.Graph, l collective.Links) (collective.Links, float64, error) {
	seen := m.measured[busAllGather]
	chips := g.Chips("host")
	if seen == 0 || m.hosts < 2 {
		return l, 0, nil
	}
	n := float64(len(chips))
	at := func(l collective.Links, group []topology.NodeID) (float64, error) {
		p, err := collective.New(g, l, collective.Options{}).Prepare(collective.AllGather, [][]topology.NodeID{group}, collective.PlanOptions{})
		if err != nil {
			return 0, err
		}
		return p.Time(benchBytes).Sec, nil
	}
	if m.measured[busInside] == 0 {
		return l, 0, nil
	}
	inside := benchBytes * (n - 1) / n / (insideShare * m.measured[busInside])
	took := benchBytes * collective.AllGather.BusFactor(len(chips)) / seen
	step := max(0, took-inside) / (n - 1)
	// The latency goes to the hop between hosts, under every protocol alike.
	hop := func(sec float64) collective.Links {
		h := l
		h.Network.HopSec, h.Network.MidHopSec, h.Network.LowHopSec = sec, sec, sec
		return h
	}
	none, err := at(hop(1e-9), chips)
	if err != nil {
		return l, 0, err
	}
	then, err := at(hop(networkStepSec), chips)
	if err != nil {
		return l, 0, err
	}
	if want := (n - 1) * min(step, networkStepSec); then > none {
		if h := hop(networkStepSec * min(20, want/(then-none))); h.Network.HopSec > l.Network.HopSec {
			l = h
		}
	}
	if step > slowStepSec {
		return l, slowPeerSec, nil
	}
	return l, 0, nil
}
