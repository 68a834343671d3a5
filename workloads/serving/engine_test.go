package serving

import (
	"math"
	"regexp"
	"strings"
	"testing"

	"aisim/hardware"
	"aisim/hardware/profile"
	"aisim/topology"
	"aisim/topology/collective"
)

func TestEnginesAreWhole(t *testing.T) {
	for _, id := range EngineIDs() {
		e := engine(t, id)
		if e.ID != id || e.Version == "" || e.Source == "" {
			t.Errorf("%s: id %q, version %q, source %q", id, e.ID, e.Version, e.Source)
		}
		for _, c := range e.Constants() {
			if c.Source == "" || c.Unit == "" || c.RelSD <= 0 || c.RelSD > 1 {
				t.Errorf("%s: %v ± %v %q: expected a source, a unit and an uncertainty", c.Name, c.Value, c.RelSD, c.Unit)
			}
		}
	}
	if _, err := Engine("vlm"); err == nil || !strings.Contains(err.Error(), "sglang, trtllm, vllm, vllm-eager, vllm-v0") {
		t.Error(err)
	}
}

func TestBadEngines(t *testing.T) {
	text, err := engineFiles.ReadFile("engines/vllm.toml")
	if err != nil {
		t.Fatal(err)
	}
	for from, want := range map[string]string{
		"block_tokens     = 16 #=0":    "block_tokens 0",
		"token_budget     = 8192#=8":   "max_batch 256 and token_budget 8",
		"memory_fraction  = 0.90#=1.5": "memory_fraction 1.5",
		"reserve_output   = 0.0#=-1":   "reserve_output -1",
		"id      = \"vllm\"#=\"\"":     "id is missing",
		"version = #=3\nspeed = ":      "engine profile",
	} {
		old, now, _ := strings.Cut(from, "#=")
		old = strings.TrimSpace(old)
		key, _, _ := strings.Cut(old, "=")
		bad := strings.Replace(string(text), old, key+"= "+now, 1)
		if bad == string(text) {
			t.Fatalf("%q is not in the profile", old)
		}
		if _, err := ParseEngine(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want %q, got %v", from, want, err)
		}
	}
}

func TestBadConstants(t *testing.T) {
	text, err := engineFiles.ReadFile("engines/vllm.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want string }{
		{`(?m)^layer +=.*$`, `layer = { value = -1, source = "x" }`, "must not be negative"},
		{`(?m)^all_reduce +=.*$`, `all_reduce = { unit = "s", source = "x" }`, "all_reduce needs a value"},
		{`(?m)^stream +=.*$`, `stream = { value = 0, source = "x" }`, "efficiencies must be positive"},
	} {
		bad := regexp.MustCompile(c.from).ReplaceAllString(string(text), c.to)
		if _, err := ParseEngine(bad); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want %q, got %v", c.to, c.want, err)
		}
	}
}

func FuzzEngine(f *testing.F) {
	for _, id := range EngineIDs() {
		text, err := engineFiles.ReadFile("engines/" + id + ".toml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseEngine(text)
		if err == nil && (e.ID == "" || e.BlockTokens < 1 || e.MaxBatch > e.TokenBudget) {
			t.Fatalf("accepted %+v", e)
		}
	})
}

func TestDrawsMoveTheAnswer(t *testing.T) {
	reqs := busy(t)
	c, m := chat(t, 2)
	seen := map[float64]bool{}
	for replica := range 4 {
		c.Engine = engine(t, "vllm").Drawn(hardware.NewDraw(1, replica))
		o, err := Simulate(c, m, reqs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		seen[o.TPOT.Mean] = true
	}
	if len(seen) != 4 {
		t.Errorf("%d different answers of 4 draws", len(seen))
	}
	if e := engine(t, "vllm"); e.Drawn(nil) != e || e.Drawn(hardware.NominalDraw) != e {
		t.Error("a nominal draw changed the profile")
	}
}

// TestAllReduceOnAGraph takes the all-reduce from a collective on a real graph:
// near the engine's own formula on an intact node, and slower on a slower link.
func TestAllReduceOnAGraph(t *testing.T) {
	d := device(t, "nvidia-h100-sxm")
	ttft := func(rate float64) float64 {
		g, err := topology.Build(topology.Spec{Hosts: []topology.HostGroup{{Name: "node", Count: 2, ChipsPerHost: 8, NICs: 8, NICBytesPerSec: 50e9,
			ScaleUp: topology.ScaleUp{DomainChips: 8, BytesPerSec: rate, LatencySec: 1e-6, Kind: "switch"}}},
			Topology: "single-switch", Radix: 64, SwitchBytesPerSec: 50e9, LinkLatencySec: 1e-6, SwitchLatencySec: 1e-6})
		if err != nil {
			t.Fatal(err)
		}
		prof, err := profile.For("nvidia-h100-sxm")
		if err != nil {
			t.Fatal(err)
		}
		comm := collective.New(g, collective.Links{ScaleUp: prof.Links[d.ScaleUpClass]}, collective.Options{})
		plan, err := comm.Prepare(collective.AllReduce, [][]topology.NodeID{g.Chips("node")[:8]}, collective.PlanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		c, m := chat(t, 2)
		m.AllReduce = AllReduceOn(plan)
		o, err := Simulate(c, m, busy(t), Options{})
		if err != nil {
			t.Fatal(err)
		}
		return o.TTFT.Mean
	}
	c, m := chat(t, 2)
	o, err := Simulate(c, m, busy(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	full, slow := ttft(450e9), ttft(50e9)
	t.Logf("mean ttft: fitted link %.4f s, graph %.4f s, graph at a ninth of the rate %.4f s", o.TTFT.Mean, full, slow)
	if math.Abs(full/o.TTFT.Mean-1) > 0.3 || !(slow > 1.1*full) {
		t.Errorf("mean ttft: fitted %v, graph %v, slow graph %v", o.TTFT.Mean, full, slow)
	}
}
