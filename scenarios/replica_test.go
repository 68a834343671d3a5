package scenarios

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aisim/workloads/serving"
)

const mixtureService = `
version = 1
name = "a mixture over sixteen chips"
[cluster]
server = "dgx-b200"
nodes = 2
[cluster.fabric]
switch = "qm9700-ndr"
[[workload]]
id = "chat"
kind = "serving"
model = "deepseek-v3-671b"
precision = "fp8"
parallelism = { tensor = 8 }
replicas = 1
arrivals = { process = "poisson", rate = "20/s", prompt = { mean = 500, cv = 0 }, output = { mean = 100, cv = 0 } }
duration = "10 s"
slo = { ttft = "500 ms" }
`

// serveMixture plays mixtureService with pieces of its text replaced: old, new, old, new, …
func serveMixture(t *testing.T, change ...string) *serving.Outcome {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.toml")
	if err := os.WriteFile(path, []byte(strings.NewReplacer(change...).Replace(mixtureService)), 0o600); err != nil {
		t.Fatal(err)
	}
	sc, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := Assemble(sc, Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := w.NewBench().Sample(0).Play(nil)
	if err != nil {
		t.Fatal(err)
	}
	return f.Served[0]
}

// How a replica is cut and stored moves the answer: 4-bit weights are read faster, attention
// groups keep a latent cache once and not on every chip, whole experts are wider than slices.
func TestReplicaCuts(t *testing.T) {
	const tensor = "tensor = 8"
	plain := serveMixture(t)
	if four := serveMixture(t, `"fp8"`, `"fp4"`); four.TPOT.Mean >= plain.TPOT.Mean || four.Memory.Weights > 0.65*plain.Memory.Weights {
		t.Errorf("4-bit weights: %.4g s per token and %.4g B, 8-bit %.4g s and %.4g B", four.TPOT.Mean, four.Memory.Weights, plain.TPOT.Mean, plain.Memory.Weights)
	}
	if groups := serveMixture(t, tensor, "attention = 8, expert = 8"); groups.Memory.Tokens < 3*plain.Memory.Tokens {
		t.Errorf("cache of %d tokens over eight attention groups, %d over one", groups.Memory.Tokens, plain.Memory.Tokens)
	}
	if whole := serveMixture(t, tensor, "tensor = 8, expert = 8"); whole.TPOT.Mean == plain.TPOT.Mean {
		t.Errorf("expert parallelism changes nothing: %.4g s per token", plain.TPOT.Mean)
	}
}

// Replicas larger than a server pay for the network: rows of experts, all-reduces, stages.
func TestReplicaOverTheNetwork(t *testing.T) {
	for _, cut := range []string{"attention = 16, expert = 16", "tensor = 16", "tensor = 8, pipeline = 2"} {
		usual := serveMixture(t, "tensor = 8", cut)
		slow := serveMixture(t, "tensor = 8", cut, "[cluster.fabric]", "[cluster.override]\nnic = \"25 Gb/s\"\n[cluster.fabric]")
		if slow.TPOT.Mean < 1.02*usual.TPOT.Mean {
			t.Errorf("%s: %.4g s per token over ports of 25 Gb/s, %.4g over those of 400", cut, slow.TPOT.Mean, usual.TPOT.Mean)
		}
	}
}
