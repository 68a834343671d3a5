package scenarios

import (
	"strings"
	"testing"
)

// The parts are those of NVIDIA's tables: sevenths of the compute, eighths of the memory.
func TestMIGParts(t *testing.T) {
	for _, x := range []struct {
		chip, profile   string
		compute, memory float64
	}{
		{"nvidia-h100-sxm", "1g.10gb", 1.0 / 7, 1.0 / 8}, {"nvidia-h100-sxm", "1g.20gb", 1.0 / 7, 2.0 / 8}, {"nvidia-h100-sxm", "3g.40gb", 3.0 / 7, 4.0 / 8}, {"nvidia-h100-sxm", "7g.80gb", 1, 1},
		{"nvidia-a100-sxm-40", "2g.10gb", 2.0 / 7, 2.0 / 8}, {"nvidia-h200-sxm", "3g.71gb", 3.0 / 7, 4.0 / 8}, {"nvidia-b200-sxm", "1g.23gb", 1.0 / 7, 1.0 / 8},
	} {
		if c, m := slice(x.chip, x.profile); c != x.compute || m != x.memory {
			t.Errorf("%s of %s has %v of the compute and %v of the memory", x.profile, x.chip, c, m)
		}
	}
	for _, m := range migProfiles { // no profile is more than its GPU
		for _, p := range m.profiles {
			if c, mem := slice(m.chip, p.name); float64(p.each)*c > 1+1e-9 || float64(p.each)*mem > 1+1e-9 {
				t.Errorf("%d × %s of %s are %v of the compute and %v of the memory", p.each, p.name, m.chip, float64(p.each)*c, float64(p.each)*mem)
			}
		}
	}
}

const instances = `
version = 1
name = "instances"
[cluster]
server = "dgx-h100"
nodes = 1
[cluster.fabric]
switch = "qm9700-ndr"
[[workload]]
id = "chat"
kind = "serving"
model = "llama3.1-8b"
mig = "3g.40gb"
arrivals = { process = "azure-conv", rate = "6/s" }
duration = "60 s"
slo = { ttft = "1 s" }
`

// Instances are devices of their own: as many replicas as there are, each with its part of the rates.
func TestMIGService(t *testing.T) {
	whole, parts := playPapers(t, strings.Replace(instances, `mig = "3g.40gb"`, "", 1)), playPapers(t, instances)
	a, b := whole.Services[0], parts.Services[0]
	if a.Config.Replicas != 8 || b.Config.Replicas != 16 {
		t.Errorf("%d and %d replicas", a.Config.Replicas, b.Config.Replicas)
	}
	if x, y := a.Memory.Total, b.Memory.Total; y < 0.98*x/2 || y > x/2 { // a driver keeps a little of each
		t.Errorf("%v B of %v B", y, x)
	}
	// Caches are read at half the rate; a prompt takes 7/3 of the time as far as it computes.
	if x, y := a.Model.DecodeStepSec(1, 1e6)-a.Model.DecodeStepSec(1, 0), b.Model.DecodeStepSec(1, 1e6)-b.Model.DecodeStepSec(1, 0); y/x < 1.999 || y/x > 2.001 {
		t.Errorf("caches are read %v times as slowly", y/x)
	}
	if x, y := a.Model.PrefillSec(2048, 0), b.Model.PrefillSec(2048, 0); y/x < 2 || y/x > 7.0/3+0.01 {
		t.Errorf("prompts take %v times as long", y/x)
	}
	if o := parts.Served[0]; o.Completed != o.Requests || !(o.TPOT.Mean > 1.3*whole.Served[0].TPOT.Mean) {
		t.Errorf("%d of %d answered, %v s per token, on whole GPUs %v s", o.Completed, o.Requests, o.TPOT.Mean, whole.Served[0].TPOT.Mean)
	}
	both := playPapers(t, strings.Replace(instances, "[[workload]]", "[[workload]]\nreplicas = 3", 1)+`
[[workload]]
id = "embed"
kind = "serving"
model = "llama3.1-8b"
with = "chat"
mig = "1g.20gb"
replicas = 5
arrivals = { process = "azure-conv", rate = "1/s" }
duration = "60 s"
slo = { ttft = "1 s" }
`)
	for i, want := range []string{"3 × 3g.40gb on accelerators 0–1 of node 0", "5 × 1g.20gb on accelerators 2–3 of node 0"} {
		if got := both.World.Where(i); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for set, want := range map[string]string{
		`workload.chat.mig="1g.10gb"`:        "does not fit",
		`workload.chat.mig="5g.60gb"`:        "has the profiles",
		"workload.chat.parallelism.tensor=2": "cannot be cut",
		"workload.chat.replicas=17":          "hold 16 replicas",
	} {
		if _, err := futureOf(t, instances, set); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: expected %q, got %v", set, want, err)
		}
	}
}
