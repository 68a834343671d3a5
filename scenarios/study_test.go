package scenarios

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const studyHead = `version = 1
name = "s"
[cluster]
server = "dgx-h100"
nodes = 2
[cluster.fabric]
topology = "single-switch"
switch = "qm9700-ndr"
[[workload]]
id = "w"
kind = "training"
model = "llama3.1-8b"
batch = { global = 16, micro = 1, sequence = 4096 }
steps = 10
[goal]
minimise = "ledger.total"
`

// Places of every form of a variable, and the scenario under one of them.
func TestVariablesExpand(t *testing.T) {
	sc, err := Parse("s", []byte(studyHead+`
[[goal.variable]]
key = "cluster.nodes"
range = [2, 8]
step = 3
[[goal.variable]]
key = "cluster.fabric.link_latency"
range = ["1 us", "100 us"]
count = 3
scale = "log"
[[goal.variable]]
name = "machine"
option = [{ name = "a", set = ["cluster.server=dgx-h200", "cluster.nodes=4"] }, { name = "b", set = ["cluster.nodes=3"] }]
[[goal.variable]]
key = "workload.w.recompute"
values = ["none", "full"]
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got [][]Setting
	for i := range sc.Goal.Variables {
		s, err := sc.Goal.Variables[i].Settings()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s)
	}
	want := [][]Setting{
		{{"2", []string{"cluster.nodes=2"}}, {"5", []string{"cluster.nodes=5"}}, {"8", []string{"cluster.nodes=8"}}},
		{{"1 us", []string{"cluster.fabric.link_latency=1 us"}}, {"10 us", []string{"cluster.fabric.link_latency=10 us"}}, {"100 us", []string{"cluster.fabric.link_latency=100 us"}}},
		{{"a", []string{"cluster.server=dgx-h200", "cluster.nodes=4"}}, {"b", []string{"cluster.nodes=3"}}},
		{{"none", []string{"workload.w.recompute=none"}}, {"full", []string{"workload.w.recompute=full"}}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	design, err := sc.With(append([]string{"workload.w.batch.global=64"}, got[2][0].Sets...)...)
	if err != nil {
		t.Fatal(err)
	}
	if design.Cluster.Nodes != 4 || design.Cluster.Server != "dgx-h200" || design.Goal != nil {
		t.Errorf("with: %+v", design.Cluster)
	}
	if sc.Cluster.Nodes != 2 || design.SHA256() == sc.SHA256() {
		t.Error("a design changed the scenario that it was made from")
	}
	again, err := Parse("s", []byte(sc.Text(nil)), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, sc.Text(nil))
	}
	if again.Text(nil) != sc.Text(nil) {
		t.Error("the text of a scenario does not read back as itself")
	}
}

// Every fault of a space has its place in the file.
func TestSpacesAreChecked(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"[[goal.variable]]\nkey = \"cluster.nods\"\nvalues = [1]\n", "s:19:11: goal.variable[0].values[0]: cluster.nods: unknown key"},
		{"[[goal.variable]]\nkey = \"cluster.nodes\"\nvalues = [0]\n", "is out of range"},
		{"[[goal.variable]]\nkey = \"cluster.nodes\"\nrange = [8, 2]\n", "s:19:9: goal.variable[0].range: is empty"},
		{"[[goal.variable]]\nkey = \"cluster.nodes\"\nvalues = []\n", "has 0 items"},
		{"[[goal.variable]]\nvalues = [1]\n", "neither which key varies nor options"},
		{"[[goal.variable]]\nkey = \"goal.minimise\"\nvalues = [\"x\"]\n", "cannot vary"},
		{"constraints = [\"chat.ttft_p99 500 ms\"]\n[[goal.variable]]\nkey = \"cluster.nodes\"\nvalues = [2]\n", "s:17:16: goal.constraints[0]: is not METRIC <= LIMIT"},
		{"", "goal.variable: is missing"},
	} {
		_, err := Parse("s", []byte(studyHead+c.text), nil)
		var inv *Invalid
		if !errors.As(err, &inv) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.text, err, c.want)
		}
	}
}

func TestMetricAmounts(t *testing.T) {
	for _, c := range []struct {
		text, unit string
		want       float64
	}{{"500 ms", "s", 0.5}, {"45 d", "s", 45 * 86400}, {"8 MW", "W", 8e6}, {"50 MUSD", "USD", 50e6}, {"3.5", "USD/M tokens", 3.5}, {"3.5 USD/M tokens", "USD/M tokens", 3.5}, {"2 d", "h", 48}, {"95 %", "ratio", 0.95}, {"20/s", "requests/s", 20}} {
		if got, err := ParseMetric(c.text, c.unit); err != nil || got != c.want {
			t.Errorf("%s in %s: %g, %v; want %g", c.text, c.unit, got, err, c.want)
		}
	}
	if _, err := ParseMetric("5 kg", "s"); err == nil {
		t.Error("5 kg is a time")
	}
}

func BenchmarkWith(b *testing.B) {
	sc, err := Load("llama3-70b-serving", nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := sc.With("cluster.nodes=9"); err != nil {
			b.Fatal(err)
		}
	}
}
