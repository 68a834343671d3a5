package topology

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"aisim/internal/measured"

	"pgregory.net/rapid"
)

func dragonfly(hosts, radix int, over []float64) Spec {
	return Spec{Topology: "dragonfly+", Radix: radix, Oversubscription: over, LinkLatencySec: 1e-7, SwitchLatencySec: 2e-7,
		Hosts: []HostGroup{{Name: "h", Count: hosts, NICs: 1, NICBytesPerSec: 50e9}}}
}

func railOnlySpec(hosts, radix int) Spec {
	s := dgx(hosts, 0, radix, nil)
	s.Topology = "rail-only"
	s.Hosts = append(s.Hosts, HostGroup{Name: "store", Count: 5, NICs: 1, NICBytesPerSec: 50e9})
	return s
}

// checkHosts holds that a route over a chip of the sender's own host conserves flow: a
// chip and its NIC have no link between them, so hosts are balanced whole.
func checkHosts(t interface{ Fatalf(string, ...any) }, g *Graph, src, dst NodeID, shares []Share) {
	type place struct {
		group, host int
		node        NodeID
	}
	at := func(n NodeID) place {
		if gr, h, ok := g.HostOf(n); ok {
			return place{gr, h, -1}
		}
		return place{-1, -1, n}
	}
	net := map[place]float64{}
	for _, s := range shares {
		l := g.Link(s.Link)
		if l.Failed {
			t.Fatalf("path uses a failed link %s:%s", g.Name(l.From), g.Name(l.To))
		}
		net[at(l.From)] -= s.Fraction
		net[at(l.To)] += s.Fraction
	}
	if at(src) != at(dst) {
		net[at(src)]++
		net[at(dst)]--
	}
	for p, v := range net {
		if math.Abs(v) > 1e-9 {
			t.Fatalf("from %s to %s: %+v keeps %v", g.Name(src), g.Name(dst), p, v)
		}
	}
}

// Every two groups have equally many cables, no spine has more than its ports, and a
// route between groups crosses exactly one of them: leaf, spine, spine, leaf.
func TestDragonflyWiring(t *testing.T) {
	g := build(t, dragonfly(16*13, 8, nil)) // 4 leaves × 4 hosts a group, 13 groups
	between := map[[2]int]int{}
	used := map[NodeID]int{}
	for id := range g.NumLinks() {
		l := g.Link(LinkID(id))
		if l.Level != SpineLevel {
			continue
		}
		a, b := g.Node(l.From).Index/4, g.Node(l.To).Index/4
		if a == b {
			t.Fatalf("a global cable stays in group %d", a)
		}
		between[[2]int{a, b}]++
		used[l.From]++
	}
	if len(between) != 13*12 {
		t.Errorf("%d ordered pairs of groups are joined, want %d", len(between), 13*12)
	}
	for p, n := range between {
		if n != 1 { // 16 global ports a group over 12 other groups
			t.Errorf("groups %v have %d cables", p, n)
		}
	}
	for n, k := range used {
		if k > 4 {
			t.Errorf("%s has %d cables to other groups, 4 ports", g.Name(n), k)
		}
	}
	nics := g.NICs("h")
	sh, lat, err := g.Route(nics[0], nics[207], 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkPath(t, g, nics[0], nics[207], sh)
	if math.Abs(lat-(5*3e-7-2e-7)) > 1e-15 {
		t.Errorf("latency %g, want five cables and four switches", lat)
	}
}

func TestDragonflyRefusals(t *testing.T) {
	for want, s := range map[string]Spec{
		"room for 5 groups": dragonfly(1000, 4, nil),
		"radix 3 cannot":    dragonfly(4, 3, nil),
		"has 3 entries":     dragonfly(4, 8, []float64{1, 1, 1}),
		"leaves no uplink":  dragonfly(4, 8, []float64{9}),
		"two levels":        {Topology: "dragonfly+", Radix: 8, Levels: 3, Hosts: dragonfly(4, 8, nil).Hosts},
	} {
		if s.Topology == "" {
			continue
		}
		if _, err := Build(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// Chips of one rail meet on switches; chips of two rails go over a chip of the sender's
// host, and storage hosts, which have no scale-up, are reached on their own rail.
func TestRailOnly(t *testing.T) {
	g := build(t, railOnlySpec(40, 16))
	a, b := g.HostChips("compute", 0), g.HostChips("compute", 39)
	for i := range a {
		for j := range b {
			sh, _, err := g.Route(a[i], b[j], 0, nil)
			if err != nil {
				t.Fatal(err)
			}
			checkHosts(t, g, a[i], b[j], sh)
			inside := 0
			for _, s := range sh {
				if g.LevelOf(s.Link) == ScaleUpLevel {
					inside++
				}
			}
			if want := map[bool]int{true: 0, false: 2}[i == j]; inside != want {
				t.Errorf("rail %d to rail %d: %d links of the scale-up fabric, want %d", i, j, inside, want)
			}
		}
	}
	store := g.NICs("store")
	for _, s := range store {
		for i := range a {
			for _, pair := range [][2]NodeID{{a[i], s}, {s, a[i]}} {
				sh, _, err := g.Route(pair[0], pair[1], 0, nil)
				if err != nil {
					t.Fatal(err)
				}
				checkHosts(t, g, pair[0], pair[1], sh)
			}
		}
	}
	_, _, err := g.Route(store[0], store[1], 0, nil)
	if err == nil || !strings.Contains(err.Error(), "rails 0 and 1") || !strings.Contains(err.Error(), "store-1") {
		t.Errorf("two storage hosts on two rails: %v", err)
	}
	// No switch belongs to two rails.
	for id := range g.NumLinks() {
		l := g.Link(LinkID(id))
		if l.Level >= LeafLevel {
			x, y := g.Node(l.From), g.Node(l.To)
			if x.Index*g.rails/g.count(x.Tier-1) != y.Index*g.rails/g.count(y.Tier-1) {
				t.Fatalf("%s and %s are of two rails", x.Name, y.Name)
			}
		}
	}
}

// count is the number of switches of a tier.
func (g *Graph) count(tier int) int { return g.tiers[tier].perBlock * g.tiers[tier].blocks }

// karyText is a k-ary fat-tree as a fabric file, its switches and hosts in any order.
func karyText(k int) string {
	var b strings.Builder
	b.WriteString("rate 400Gb/s\nlatency 100ns\n")
	h := k / 2
	for i := range k * h {
		fmt.Fprintf(&b, "switch edge%d %d\nswitch agg%d %d\n", i, k, i, k)
	}
	for i := range h * h {
		fmt.Fprintf(&b, "switch top%d %d\n", i, k)
	}
	for i := range k * h * h {
		fmt.Fprintf(&b, "host h-%d # of the tree\ncable h-%d edge%d\n", i, i, i/h)
	}
	for i := range k * h {
		pod := i / h
		for j := range h {
			fmt.Fprintf(&b, "cable edge%d agg%d\ncable agg%d top%d\n", i, pod*h+j, i, i%h*h+j)
		}
	}
	return b.String()
}

// A fat-tree from a file routes as the one from the formula: equal latencies and equal
// shares, link for link up to the switches' names.
func TestFileEqualsFormula(t *testing.T) {
	hosts := []HostGroup{{Name: "h", Count: 54, NICs: 1, NICBytesPerSec: 50e9}}
	file := build(t, Spec{Topology: "file", File: karyText(6), Hosts: hosts, SwitchLatencySec: 2e-7})
	tree := build(t, Spec{Topology: "fat-tree", Levels: 3, Radix: 6, Hosts: hosts, LinkLatencySec: 1e-7, SwitchLatencySec: 2e-7})
	if found := file.Lint(); len(found) > 0 {
		t.Errorf("lint: %v", found)
	}
	if a, b := file.Levels(), tree.Levels(); len(a) != 3 || fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("levels %v, want %v", a, b)
	}
	for _, mode := range []string{"adaptive", "ecmp", "d-mod-k"} {
		sa, sb := file.Spec(), tree.Spec()
		sa.Routing, sb.Routing = mode, mode
		file, tree = build(t, sa), build(t, sb)
		x, y := file.NICs("h"), tree.NICs("h")
		for i := range x {
			for j := range x {
				if i == j {
					continue
				}
				p, la, err := file.Route(x[i], x[j], 0, nil)
				if err != nil {
					t.Fatal(err)
				}
				checkPath(t, file, x[i], x[j], p)
				q, lb, err := tree.Route(y[i], y[j], 0, nil)
				if err != nil {
					t.Fatal(err)
				}
				if math.Abs(la-lb) > 1e-15 || len(p) != len(q) {
					t.Fatalf("%s, %d to %d: %d links and %g s, by formula %d and %g", mode, i, j, len(p), la, len(q), lb)
				}
			}
		}
	}
}

// Routes over networks without formula conserve flow, avoid failed links and agree with
// the account, whatever failed; those that cannot be name the pair.
func TestFreeRoutesConserveFlow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Spec
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			s = dragonfly(rapid.IntRange(2, 120).Draw(t, "hosts"), 8, nil)
		case 1:
			s = railOnlySpec(rapid.IntRange(2, 40).Draw(t, "hosts"), 2*rapid.IntRange(8, 20).Draw(t, "radix"))
		default:
			s = Spec{Topology: "file", File: karyText(4), Hosts: []HostGroup{{Name: "h", Count: 16, NICs: 1, NICBytesPerSec: 1e9}}}
		}
		s.Routing = rapid.SampledFrom([]string{"adaptive", "ecmp", "d-mod-k"}).Draw(t, "routing")
		g, err := Build(s)
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 4).Draw(t, "failures") {
			if l := level2(g, rapid.IntRange(0, g.NumLinks()-1).Draw(t, "link")); l != "" {
				s.FailedLinks = append(s.FailedLinks, l)
			}
		}
		if h, err := g.WithFailures(s.FailedLinks); err != nil {
			t.Fatal(err)
		} else if g, err = Build(s); err != nil || fmt.Sprint(h.failed) != fmt.Sprint(g.failed) {
			t.Fatalf("WithFailures and FailedLinks differ: %v", err)
		} else {
			g = h
		}
		var ends []NodeID
		for _, name := range g.Groups() {
			ends = append(append(ends, g.Chips(name)...), g.NICs(name)...)
		}
		a := ends[rapid.IntRange(0, len(ends)-1).Draw(t, "a")]
		b := ends[rapid.IntRange(0, len(ends)-1).Draw(t, "b")]
		if a == b || g.Kind(a) != g.Kind(b) && g.Node(a).Group == g.Node(b).Group {
			return
		}
		shares, lat, err := g.Route(a, b, 5, nil)
		if err != nil {
			if !strings.Contains(err.Error(), g.Name(a)) || !strings.Contains(err.Error(), g.Name(b)) {
				t.Fatalf("error does not name the pair: %v", err)
			}
			return
		}
		checkHosts(t, g, a, b, shares)
		load := g.NewLoad()
		loadLat, err := load.Add(a, b, 1, 5)
		if err != nil || math.Abs(loadLat-lat) > 1e-15 {
			t.Fatalf("account: %v, latency %g, route %g", err, loadLat, lat)
		}
		sum, err := load.Sum()
		if err != nil {
			t.Fatal(err)
		}
		want := map[LinkID]float64{}
		for _, x := range shares {
			want[x.Link] += x.Fraction
		}
		for _, x := range sum {
			if math.Abs(want[x.Link]-x.Fraction) > 1e-12 {
				t.Fatalf("link %d: account %v, route %v", x.Link, x.Fraction, want[x.Link])
			}
			delete(want, x.Link)
		}
		if len(want) > 0 {
			t.Fatalf("the account misses %d links", len(want))
		}
	})
}

func TestFileRefusals(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "has no text"},
		{"# nothing\n", "line 1: the file is empty"},
		{"{\"a\": 1}", "line 1: want a statement"},
		{"switch a\nswitch a", "line 2: want a new name"},
		{"switch a 9999", "line 1: want switch NAME [PORTS] with a number"},
		{"rate infGb/s", "line 1: want a positive and finite rate"},
		{"rate 0Gb/s", "line 1: want a positive and finite rate"},
		{"switch a\nhost h\ncable h a", "line 3: want a rate"},
		{"rate 1GB/s\nswitch a\nhost h\ncable h b", "line 4: want a switch, a host or a NIC"},
		{"rate 1GB/s\nswitch a\nhost h\ncable h a\ncable h a", "line 5: host h has 1 NICs and this cable wants nic-1"},
		{"rate 1GB/s\nswitch a\nhost h\ncable h.nic-0 a\ncable h.nic-0 a", "line 5: h.nic-0 has a cable already, on line 4"},
		{"rate 1GB/s\nswitch a 1\nhost h 2\ncable h a\ncable h a", "line 5: switch a has 1 ports and this is cable 2"},
		{"rate 1GB/s\nswitch a\nhost h 2\ncable h a", "line 3: host h is disconnected: its nic-1 has no cable"},
		{"rate 1GB/s\nhost h\nhost i\ncable h i", "line 4: want a cable between two switches"},
		{"rate 1GB/s\nswitch a\ncable a a", "line 3: want a cable between two switches"},
		{"rate 1GB/s\nswitch a\nhost h\ncable h a 2 parsecs", "line 4: want a finite latency"},
		{"rate 1GB/s\nswitch a\nhost h\ncable h a x0", "line 4: want a number of parallel cables"},
		{"switch a", "no host"},
		{"rate 1GB/s\nswitch a\nswitch b\nhost h\nhost i\ncable h a\ncable i b", "not connected: no cables lead from h.nic-0 to i.nic-0"},
	} {
		_, err := Build(Spec{Topology: "file", File: c.text})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want one with %q", c.text, err, c.want)
		}
	}
	s := Spec{Topology: "file", File: karyText(4), Hosts: []HostGroup{{Name: "h", Count: 15, NICs: 1, NICBytesPerSec: 1e9}}}
	if _, err := Build(s); err == nil || !strings.Contains(err.Error(), "has 16 hosts, the host groups with NICs have 15") {
		t.Errorf("wrong number of hosts: %v", err)
	}
	s.Hosts[0].Count, s.Hosts[0].NICs = 16, 2
	if _, err := Build(s); err == nil || !strings.Contains(err.Error(), "has 1 NICs") {
		t.Errorf("wrong number of NICs: %v", err)
	}
	s.Hosts[0].NICs, s.Radix = 1, 3
	if _, err := Build(s); err == nil || !strings.Contains(err.Error(), "more cables than its radix of 3") {
		t.Errorf("switches of four cables and three ports: %v", err)
	}
	s.Radix, s.Levels = 4, 3
	if _, err := Build(s); err == nil || !strings.Contains(err.Error(), "levels and oversubscription") {
		t.Errorf("levels beside a file: %v", err)
	}
	s.Levels, s.Topology = 0, "fat-tree"
	if _, err := Build(s); err == nil || !strings.Contains(err.Error(), "needs the topology file") {
		t.Errorf("a file beside a fat-tree: %v", err)
	}
}

// What the file says by name and what lint makes of a cable too many and one too few.
func TestFileLint(t *testing.T) {
	text := strings.Replace(karyText(4), "cable edge3 agg3\n", "", 1) + "cable edge1 agg0\n"
	text = strings.NewReplacer("switch edge1 4", "switch edge1", "switch agg0 4", "switch agg0").Replace(text)
	g := build(t, Spec{Topology: "file", File: text})
	var all strings.Builder
	for _, f := range g.Lint() {
		all.WriteString(f.Text + "\n")
	}
	for _, want := range []string{"switch edge3 has 1 links up, most of the leaf level have 2", "duplicated link: 2 cables between edge1 and agg0"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no %q in\n%s", want, all.String())
		}
	}
	if links, err := g.FindLinks("edge1:agg0#1"); err != nil || len(links) != 2 {
		t.Errorf("the second cable by name: %v, %v", links, err)
	}
	if _, err := g.WithFailures([]string{"h-3", "top0"}); err != nil {
		t.Error(err)
	}
}

func sharedFile(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(measured.Path(t, "calibration/ibnetdiscover/"+name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestImportDump(t *testing.T) {
	g := build(t, Spec{Topology: "file", File: sharedFile(t, "superbench_faked_hdr.topo")})
	// Eight switches, one director's spine above two of its leaves above five; ten adapters at 4x HDR.
	if names, n := g.Switches(); fmt.Sprint(names, n) != "[leaf spine core] [5 2 1]" {
		t.Errorf("switches %v %v", names, n)
	}
	if g.HostCount("host") != 10 || g.Capacity(0) != 25e9 {
		t.Errorf("%d hosts at %g B/s", g.HostCount("host"), g.Capacity(0))
	}
	nics := g.NICs("host")
	sh, _, err := g.Route(nics[0], nics[9], 0, nil)
	if err != nil || len(sh) != 6 {
		t.Errorf("from the first to the last host: %d links, %v", len(sh), err)
	}
	if got := g.Name(nics[0]); got != "RMD701091901003.ibp11s0f0" {
		t.Errorf("first NIC is %q", got)
	}
	// A name with colons in it can be failed, and cuts who hangs below.
	down := "MF0;rmd70-0101-0908-01ib1-A:MCS8500/L01/U1:MF0;rmd70-0101-0908-01ib1-A:MCS8500/S01/U1"
	cut, err := g.WithFailures([]string{down})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err = cut.Route(nics[0], nics[9], 0, nil); err == nil || !strings.Contains(err.Error(), "RMD701091901003") {
		t.Errorf("over the failed cable: %v", err)
	}
	if !bytes.Contains(g.DrawSVG(), []byte("MCS8500/S01/U1")) {
		t.Error("the drawing does not name the switches")
	}
}

func TestImportPorts(t *testing.T) {
	text := sharedFile(t, "p-option_edr_test.out")
	g := build(t, Spec{Topology: "file", File: text})
	if g.NumNodes() != 3+4 || g.Capacity(0) != 12.5e9 {
		t.Errorf("%d nodes, first link %g B/s", g.NumNodes(), g.Capacity(0))
	}
	var all strings.Builder
	for _, f := range g.Lint() {
		all.WriteString(f.Severity + " " + f.Text + "\n")
	}
	for _, want := range []string{"error the fabric is not connected: no cables lead from o0001.HCA-1 to p0001.HCA-1", "note port 37 of ib-i4l1s01 has no peer", "switch ib-i7l2s01 is unused"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no %q in\n%s", want, all.String())
		}
	}
	// As the fabric of a scenario the fragment is refused.
	_, err := Build(Spec{Topology: "file", File: text, Hosts: []HostGroup{{Name: "h", Count: 3, NICs: 1, NICBytesPerSec: 1e9}}})
	if err == nil || !strings.Contains(err.Error(), "not connected") {
		t.Errorf("a fabric in two pieces: %v", err)
	}
}

// A file torn within a line is refused at that line, with what was expected there, or
// what is left of the line is whole.
func TestTornImport(t *testing.T) {
	for _, name := range []string{"superbench_faked_hdr.topo", "p-option_edr_test.out"} {
		text := sharedFile(t, name)
		whole, err := ParseFile(text)
		if err != nil {
			t.Fatal(err)
		}
		for cut := 1; cut < len(text); cut += 7 {
			f, err := ParseFile(text[:cut])
			var bad *FileError
			switch {
			case err == nil && len(f.Cables) > len(whole.Cables):
				t.Fatalf("%s cut at byte %d has more cables than whole", name, cut)
			case err != nil && !errors.As(err, &bad):
				t.Fatalf("%s cut at byte %d: %v", name, cut, err)
			case err != nil && (bad.Line < 1 || bad.Line > strings.Count(text[:cut], "\n")+1 || bad.Want == ""):
				t.Fatalf("%s cut at byte %d: %v", name, cut, err)
			}
		}
		// In the middle of the longest line.
		at := strings.LastIndex(text, "4x") + 1
		if _, err := ParseFile(text[:at]); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("line %d: want", strings.Count(text[:at], "\n")+1)) {
			t.Errorf("%s torn within a line: %v", name, err)
		}
	}
	dump := sharedFile(t, "superbench_faked_hdr.topo")
	block := dump[:strings.Index(dump, "Switch  41 \"S-0ff08c432154169c\"")]
	if _, err := ParseFile(block[:strings.LastIndex(block, "vendid")]); err == nil || !strings.Contains(err.Error(), "ends without a block of switch") {
		t.Errorf("torn between blocks: %v", err)
	}
	if _, err := ParseFile(strings.Replace(dump, "[21]    \"S-0ff08c43213b3f30\"[1]", "[21]    \"S-0ff08c43213b3f30\"[7]", 1)); err == nil || !strings.Contains(err.Error(), "is cabled to port 21") {
		t.Errorf("two ends that disagree: %v", err)
	}
	if _, err := ParseFile(strings.Replace(dump, "4xHDR", "4xLDR", 1)); err == nil || !strings.Contains(err.Error(), "width and speed") {
		t.Errorf("an unknown speed: %v", err)
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add(karyText(2))
	f.Add("rate 1GB/s\nswitch a\nhost h 2\ncable h a x2 3ns\n")
	f.Add("vendid=0x2c9\nSwitch\t2 \"S-01\"\t\t# \"a\" base port 0 lid 1 lmc 0\n[1]\t\"H-02\"[1](02)\t\t# \"h HCA-1\" lid 2 4xHDR\n\nCa\t1 \"H-02\"\t\t# \"h HCA-1\"\n[1](02)\t\"S-01\"[1]\t\t# lid 2 lmc 0 \"a\" lid 1 4xHDR\n")
	f.Add("CA 134 1 0x7c 4x EDR - SW 17 10 0x7d ( 'o HCA-1' - 's' )\nSW 17 37 0x7d 4x ??? 's'\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := ParseFile(text)
		if err != nil {
			return
		}
		for _, c := range file.Cables {
			for _, e := range []FileEnd{c.A, c.B} {
				if e.Host && (e.Index >= len(file.Hosts) || e.NIC >= len(file.Hosts[e.Index].NICs)) || !e.Host && e.Index >= len(file.Switches) {
					t.Fatalf("a cable ends at nothing: %+v", c)
				}
			}
		}
		g, err := Build(Spec{Topology: "file", File: text})
		if err != nil || g.NumNodes() > 1000 {
			return
		}
		_ = g.Describe()
		_ = g.Lint()
		_ = g.DrawSVG()
		nics := g.NICs(g.Groups()[0])
		_, _, _ = g.Route(nics[0], nics[len(nics)-1], 0, nil)
	})
}

// A torus of two dimensions wraps in both.
func TestTorus2D(t *testing.T) {
	g := build(t, Spec{Topology: "torus", Hosts: []HostGroup{{Name: "tpu", Count: 16, ChipsPerHost: 4,
		ScaleUp: ScaleUp{Kind: "torus", Dims: []int{8, 8}, BytesPerSec: 400e9, LatencySec: 1e-6}}}})
	chips := g.Chips("tpu")
	_, lat, err := g.Route(chips[0], chips[63], 0, nil)
	if err != nil || math.Abs(lat-2e-6) > 1e-15 {
		t.Errorf("corner to corner in %g s, want two hops by the wraps: %v", lat, err)
	}
	if g.NumLinks() != 64*4 {
		t.Errorf("%d links, want four a chip", g.NumLinks())
	}
}
