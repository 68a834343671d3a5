package execution

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"aisim/hardware"
	"aisim/hardware/profile"
	"aisim/topology"
	"aisim/topology/collective"
)

// script makes a trace of ranks from lines "id kind ns=… deps=1,2 to=1 from=0 tag=7 bytes=… group=…".
func script(t testing.TB, ranks ...string) *Trace {
	t.Helper()
	tr := &Trace{Format: FormatChakra, Timed: true}
	for i, text := range ranks {
		p := &part{rank: Rank{Name: fmt.Sprintf("rank %d", i), Index: int32(i)}}
		k := newNodeReader(p)
		for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
			f := strings.Fields(line)
			w := WireNode{Name: []byte(f[1])}
			fmt.Sscan(f[0], &w.ID)
			w.Type = map[string]uint64{"host": 4, "comp": 4, "send": 5, "recv": 6, "coll": 7, "odd": 42}[f[1]]
			number := func(name string, v float64) {
				w.Attrs = append(w.Attrs, WireAttr{Name: []byte(name), Number: v, Numeric: true})
			}
			number("is_cpu_op", map[bool]float64{true: 1}[f[1] == "host"])
			for _, pair := range f[2:] {
				key, v, _ := strings.Cut(pair, "=")
				var x float64
				fmt.Sscan(v, &x)
				switch key {
				case "us":
					w.Duration = uint64(x)
				case "deps":
					for _, d := range strings.Split(v, ",") {
						var id int64
						fmt.Sscan(d, &id)
						w.Deps = append(w.Deps, id)
					}
				case "to":
					number("comm_dst", x)
				case "from":
					number("comm_src", x)
				case "tag":
					number("comm_tag", x)
				case "bytes":
					number("comm_size", x)
				case "op":
					number("comm_type", x)
				case "stream":
					number("stream", x)
				case "group":
					w.Attrs = append(w.Attrs, WireAttr{Name: []byte("pg_name"), Text: []byte(v)})
				}
			}
			if err := k.add(&w); err != nil {
				t.Fatal(err)
			}
		}
		if err := k.finish(); err != nil {
			t.Fatal(err)
		}
		to := make([]int32, len(p.groups.Groups))
		for g, of := range p.groups.Groups {
			to[g] = tr.group(of.Name, of.Size, of.Ranks)
		}
		for n := range p.rank.Nodes {
			if p.rank.Nodes[n].Kind == Collective {
				p.rank.Nodes[n].Group = to[p.rank.Nodes[n].Group]
			}
		}
		tr.Ranks = append(tr.Ranks, p.rank)
		tr.merge(p.warnings.list)
	}
	return tr
}

func machine(t testing.TB, chips int, nicGbps float64) Machine {
	t.Helper()
	g, err := topology.Build(topology.Spec{Topology: "single-switch", Hosts: []topology.HostGroup{{Name: "host", Count: chips / 2, ChipsPerHost: 2, NICs: 2, NICBytesPerSec: nicGbps * 1e9 / 8,
		ScaleUp: topology.ScaleUp{Kind: "switch", BytesPerSec: 450e9, DomainChips: 2}}}, SwitchLatencySec: 3e-7})
	if err != nil {
		t.Fatal(err)
	}
	links, err := profile.Links()
	if err != nil {
		t.Fatal(err)
	}
	d, err := hardware.Default().Device("nvidia-h100-sxm", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	comm := collective.New(g, collective.Links{ScaleUp: links["nvlink4"], Network: links["ib"]}, collective.Options{})
	return Machine{Device: d, Comm: comm, Chips: g.Chips("host")}
}

func replay(t testing.TB, tr *Trace, m Machine) *Result {
	t.Helper()
	r, err := tr.Replay(m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// By hand: two streams run beside each other, one stream does not; what depends waits.
func TestReplayByHand(t *testing.T) {
	for name, c := range map[string]struct {
		trace string
		us    int64
	}{
		"one slot":     {"1 comp us=10\n2 comp us=20", 30},
		"two streams":  {"1 comp us=10 stream=7\n2 comp us=20 stream=8", 20},
		"dependency":   {"1 comp us=10 stream=7\n2 comp us=20 stream=8 deps=1", 30},
		"host beside":  {"1 host us=15\n2 comp us=20", 20},
		"diamond":      {"1 comp us=5\n2 comp us=10 deps=1 stream=1\n3 comp us=30 deps=1 stream=2\n4 comp us=1 deps=2,3", 36},
		"comm beside":  {"1 comp us=10\n2 coll us=25 deps=1\n3 comp us=20 deps=1\n4 comp us=1 deps=2,3", 36},
		"kept unknown": {"1 odd us=7\n2 comp us=3 deps=1", 10},
	} {
		if r := replay(t, script(t, c.trace), Machine{}); r.TotalNs != c.us*1000 {
			t.Errorf("%s: %d ns, want %d us", name, r.TotalNs, c.us)
		}
	}
	r := replay(t, script(t, "1 comp us=10\n2 coll us=25 deps=1\n3 comp us=20 deps=1\n4 comp us=1 deps=2,3"), Machine{})
	if got := r.Ranks[0]; got.ExposedNs != 5000 || got.CommNs != 25000 || got.ComputeNs != 31000 {
		t.Errorf("exposed %d, communicating %d, computing %d ns; by hand 5, 25 and 31 us", got.ExposedNs, got.CommNs, got.ComputeNs)
	}
}

// A collective begins when its last rank is there, and takes as long as the fabric says.
func TestReplayCollective(t *testing.T) {
	m := machine(t, 8, 400)
	var ranks []string
	for i := range 8 {
		ranks = append(ranks, fmt.Sprintf("1 comp us=%d\n2 coll op=0 bytes=104857600 group=all deps=1\n3 comp us=1 deps=2", 100*(i+1)))
	}
	tr := script(t, ranks...)
	p, err := m.Comm.Prepare(collective.AllReduce, [][]topology.NodeID{m.Chips}, collective.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m.Device = nil
	if got, want := replay(t, tr, m).TotalNs, 800_000+nanosec(p.Time(104857600).Sec)+1000; got != want {
		t.Errorf("%d ns, want %d", got, want)
	}
	slow := machine(t, 8, 100)
	slow.Device = nil
	if replay(t, tr, slow).TotalNs <= replay(t, tr, m).TotalNs {
		t.Error("a quarter of the network is not slower")
	}
}

// A pipeline of two ranks by messages, in both orders of waiting.
func TestReplayMessages(t *testing.T) {
	m := machine(t, 4, 400)
	m.Device = nil
	tr := script(t,
		"1 comp us=10\n2 send to=2 tag=1 bytes=1000000 deps=1\n3 recv from=2 tag=2 bytes=1000000\n4 comp us=5 deps=3",
		"1 comp us=1",
		"1 recv from=0 tag=1 bytes=1000000\n2 comp us=20 deps=1\n3 send to=0 tag=2 bytes=1000000 deps=2")
	p, err := m.Comm.Prepare(collective.SendRecv, [][]topology.NodeID{{m.Chips[0], m.Chips[2]}}, collective.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := replay(t, tr, m).TotalNs, 35_000+2*nanosec(p.Time(1e6).Sec); got != want {
		t.Errorf("%d ns, want %d", got, want)
	}
}

// What would wait for ever, or was filled in, is said with the node.
func TestReplayRefusals(t *testing.T) {
	for want, ranks := range map[string][]string{
		`circle: node 1 "comp" waits for node 2 "comp"`: {"1 comp us=1 deps=2\n2 comp us=1 deps=1"},
		"are sent and 0 received":                       {"1 send to=1 tag=1 bytes=8", "1 comp us=1"},
		"which the trace does not have":                 {"1 send to=5 tag=1 bytes=8", "1 comp us=1"},
		"2 collectives, on rank 0 1":                    {"1 coll op=0 bytes=8 group=g", "1 coll op=0 bytes=8 group=g\n2 coll op=0 bytes=8 group=g"},
		"calls all_gather of group":                     {"1 coll op=0 bytes=8 group=g us=1", "1 coll op=2 bytes=8 group=g us=1"},
		"no machine is given":                           {"1 coll op=0 bytes=8 group=g"},
		"2 ranks wait for ever":                         {"1 coll op=0 bytes=8 group=a us=1\n2 coll op=0 bytes=8 group=b us=1 deps=1", "1 coll op=0 bytes=8 group=b us=1\n2 coll op=0 bytes=8 group=a us=1 deps=1"},
	} {
		if _, err := script(t, ranks...).Replay(Machine{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error about %q, got %v", want, err)
		}
	}
	tr := script(t, "1 comp us=1 deps=9\n2 odd us=1\n3 coll us=1\n4 comp\n5 comp us=1 deps=5")
	text := fmt.Sprint(tr.Warnings)
	for _, want := range []string{"not in the trace", "kind 42", "without comm_type", "without comm_size", "takes no time", "waits for itself"} {
		if !strings.Contains(text, want) {
			t.Errorf("no warning about %q: %s", want, text)
		}
	}
}

// A faster chip shortens what its rate holds up, and the host's work not at all.
func TestRetime(t *testing.T) {
	m := machine(t, 2, 400)
	a100, err := hardware.Default().Device("nvidia-a100-sxm-80", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := Retime(a100, m.Device)
	if !(s[WorkMatrix] < s[WorkMemory] && s[WorkMemory] < 1 && s[WorkHost] == 1 && s[WorkMatrix] > 0.2) {
		t.Errorf("A100 to H100: %v", s)
	}
	if s := Retime(m.Device, m.Device); s != [numWorks]float64{1, 1, 1, 1, 1} {
		t.Errorf("a chip to itself: %v", s)
	}
}

// Both forms of Chakra say the same, and what is written reads back.
func TestChakraRoundTrip(t *testing.T) {
	tr := script(t, "1 comp us=10 stream=3\n2 coll op=0 bytes=4096 group=g us=7 deps=1\n4 host us=3\n5 send to=1 tag=9 bytes=77 deps=4", "1 recv from=0 tag=9 bytes=77\n2 coll op=0 bytes=4096 group=g us=7")
	for _, form := range []string{FormatChakra, FormatChakraJSON} {
		again := &Trace{Format: form}
		for i := range tr.Ranks {
			var b bytes.Buffer
			write := tr.WriteChakra
			if form == FormatChakraJSON {
				write = tr.WriteChakraJSON
			}
			if err := write(&b, &tr.Ranks[i]); err != nil {
				t.Fatal(err)
			}
			one, err := ReadFrom(&b, fmt.Sprintf("x.%d.et", i))
			if err != nil {
				t.Fatal(err)
			}
			if one.Format != form || len(one.Warnings) > 0 {
				t.Errorf("read back as %s with %v", one.Format, one.Warnings)
			}
			one.Ranks[0].Index = int32(i)
			again.Ranks = append(again.Ranks, one.Ranks[0])
			again.Groups = one.Groups
		}
		m := machine(t, 2, 400)
		if a, b := replay(t, tr, m), replay(t, again, m); a.TotalNs != b.TotalNs {
			t.Errorf("%s: %d ns, read back %d", form, a.TotalNs, b.TotalNs)
		}
	}
}

// Ranks under other numbers take as long, where the machine is the same for all.
func TestReplayRelabelled(t *testing.T) {
	m := machine(t, 2, 400)
	m.Device = nil
	a := script(t, "1 comp us=10\n2 coll op=0 bytes=1e6 group=g deps=1", "1 comp us=30\n2 coll op=0 bytes=1e6 group=g deps=1")
	b := script(t, "1 comp us=30\n2 coll op=0 bytes=1e6 group=g deps=1", "1 comp us=10\n2 coll op=0 bytes=1e6 group=g deps=1")
	if x, y := replay(t, a, m).TotalNs, replay(t, b, m).TotalNs; x != y {
		t.Errorf("%d and %d ns", x, y)
	}
}

// BenchmarkReplay reads nothing: 20,000 nodes on each of 8 ranks.
func BenchmarkReplay(b *testing.B) {
	var text strings.Builder
	for i := range 20000 {
		switch {
		case i%50 == 49:
			fmt.Fprintf(&text, "%d coll op=0 bytes=1e6 group=g deps=%d\n", i, i-1)
		case i == 0:
			text.WriteString("0 comp us=10\n")
		default:
			fmt.Fprintf(&text, "%d comp us=10 deps=%d\n", i, i-1)
		}
	}
	ranks := make([]string, 8)
	for i := range ranks {
		ranks[i] = text.String()
	}
	tr, m := script(b, ranks...), machine(b, 8, 400)
	for b.Loop() {
		replay(b, tr, m)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/160000, "ns/node")
}

func FuzzRead(f *testing.F) {
	tr := script(f, "1 comp us=10\n2 coll op=0 bytes=4096 group=g us=7 deps=1")
	for _, write := range []func(*bytes.Buffer) error{func(b *bytes.Buffer) error { return tr.WriteChakra(b, &tr.Ranks[0]) }, func(b *bytes.Buffer) error { return tr.WriteChakraJSON(b, &tr.Ranks[0]) }} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Add([]byte(`{"traceEvents":[{"ph":"X","cat":"kernel","name":"k","ts":1.5,"dur":2,"args":{"stream":7,"correlation":3}},{"ph":"X","cat":"cuda_runtime","name":"cudaLaunchKernel","tid":1,"ts":1,"dur":1,"args":{"correlation":3}}]}`))
	f.Add([]byte(`{"schema":"1.1.1","pid":1,"nodes":[{"name":"aten::mm","id":3,"ctrl_deps":1,"inputs":{"shapes":[[2,3],[3,4]],"types":["Tensor(float)","Tensor(float)"]},"outputs":{"shapes":[[2,4]],"types":["Tensor(float)"]}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		tr, err := ReadFrom(bytes.NewReader(b), "x")
		if err != nil {
			return
		}
		if r, err := tr.Replay(Machine{}); err == nil && r.TotalNs < 0 {
			t.Errorf("%d ns", r.TotalNs)
		}
	})
}

func FuzzLayers(f *testing.F) {
	f.Add([]byte(simaiExample()[:800]))
	f.Add([]byte("MICRO\n1\nallreduce -1 5 NONE 0 5 NONE 0 5 ALLREDUCE 1048576 5\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, err := parseLayers(bytes.NewReader(b)); err == nil {
			_ = l.Trace().Check()
		}
	})
}
