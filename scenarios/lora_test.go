package scenarios

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aisim/workloads/serving"
)

const tenants = `
version = 1
name = "tenants"
[cluster]
server = "dgx-h100"
nodes = 1
[cluster.fabric]
switch = "qm9700-ndr"
[[storage]]
id = "models"
kind = "ceph"
nodes = 3
server = "storage-nvme-24"
drives = { type = "nvme4-pm9a3", per_node = 10 }
pool = { profile = "rep-3", failure_domain = "host" }
[[workload]]
id = "tenants"
kind = "serving"
model = "llama3.1-8b"
replicas = 4
arrivals = { process = "azure-conv", rate = "20/s" }
duration = "2 min"
slo = { ttft = "2 s" }
lora = { adapters = 60, max_loras = 8, host = 30, from = "models" }
`

// Each key of adapters moves what it should.
func TestLoRAKeys(t *testing.T) {
	plain := playPapers(t, tenants)
	served := plain.Served[0]
	if u := served.Adapters; u.Fetched == 0 || u.Loads <= u.Fetched || u.HitRate() < 0.2 || u.HitRate() > 0.95 || u.WaitSec <= 0 {
		t.Fatalf("%+v", u)
	}
	at := "workload.tenants.lora."
	play := func(set ...string) *serving.Outcome { return playPapers(t, tenants, set...).Served[0] }
	for _, x := range []struct {
		set  []string
		what string
		ok   func(o *serving.Outcome) bool
	}{
		{[]string{at + "adapters=40"}, "fewer adapters wait less", func(o *serving.Outcome) bool { return o.Adapters.WaitSec < served.Adapters.WaitSec/2 }},
		{[]string{at + "rank=64"}, "a larger rank takes cache and time", func(o *serving.Outcome) bool {
			return o.Memory.Slots == 4*served.Memory.Slots && o.Memory.Blocks < served.Memory.Blocks && o.TPOT.Mean > served.TPOT.Mean
		}},
		{[]string{at + `modules=["q", "v"]`}, "fewer matrices take less", func(o *serving.Outcome) bool {
			return o.Memory.Slots < served.Memory.Slots/5 && o.TPOT.Mean < served.TPOT.Mean
		}},
		{[]string{at + "max_loras=16"}, "more slots wait less", func(o *serving.Outcome) bool { return o.Adapters.WaitSec < served.Adapters.WaitSec/2 }},
		{[]string{at + "host=60"}, "a host's memory for all fetches nothing", func(o *serving.Outcome) bool { return o.Adapters.Fetched == 0 && o.TTFT.Mean < served.TTFT.Mean }},
		{[]string{at + "open=20 ms"}, "a faster loader waits less", func(o *serving.Outcome) bool { return o.Adapters.WaitSec < served.Adapters.WaitSec }},
		{[]string{at + `loading="beside"`}, "loads beside the steps leave tokens alone", func(o *serving.Outcome) bool { return o.TPOT.P99 < served.TPOT.P99 }},
		{[]string{at + "zipf=2"}, "more skew hits more", func(o *serving.Outcome) bool { return o.Adapters.HitRate() > served.Adapters.HitRate() }},
		{[]string{at + "base=0.5"}, "half of the requests ask for none", func(o *serving.Outcome) bool {
			return math.Abs(float64(o.Adapters.Asked)/float64(served.Adapters.Asked)-0.5) < 0.05
		}},
		{[]string{at + "adapters=3", at + "max_loras=1", at + "host=3", at + "from=", at + "shares=[1.0, 1.0, 1e-6]"}, "what nobody asks for is not loaded", func(o *serving.Outcome) bool { return o.Adapters.Loads > 4 && o.Adapters.HitRate() > 0.3 }},
		{[]string{`workload.tenants.router="adapter-aware"`}, "a router that knows adapters loads less", func(o *serving.Outcome) bool {
			return o.Adapters.HitRate() > served.Adapters.HitRate()+0.1 && o.Adapters.Loads < served.Adapters.Loads
		}},
	} {
		if o := play(x.set...); !x.ok(o) {
			t.Errorf("%s: %+v, memory %+v, TTFT %v s; before %+v, %+v, %v s", x.what, o.Adapters, o.Memory, o.TTFT.Mean, served.Adapters, served.Memory, served.TTFT.Mean)
		}
	}
	// One replica of four reads through two of the server's eight ports, at no more than they carry.
	if rate, ports := plain.adapterRates[0], 2*plain.World.NIC.V; !(rate > 0.1*ports && rate <= ports) || plain.Service(0).Config.Adapters.StoreBytesPerSec != rate {
		t.Errorf("adapters load from the store at %v B/s over %v B/s of ports", rate, ports)
	}
}

// A trace that names adapters says which request brings which.
func TestLoRATrace(t *testing.T) {
	dir := t.TempDir()
	log := `{"arrival_time": 0, "prompt_tokens": 100, "output_tokens": 20, "lora_name": "law"}
{"arrival_time": 5, "prompt_tokens": 100, "output_tokens": 20, "lora_name": ""}
{"arrival_time": 10, "prompt_tokens": 100, "output_tokens": 20, "lora_name": "care"}
{"arrival_time": 15, "prompt_tokens": 100, "output_tokens": 20, "lora_name": "law"}
`
	if err := os.WriteFile(filepath.Join(dir, "log.jsonl"), []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(tenants, "arrivals = { process = \"azure-conv\", rate = \"20/s\" }\nduration = \"2 min\"", `trace = "`+filepath.Join(dir, "log.jsonl")+`"`, 1)
	text = strings.Replace(text, "replicas = 4", "replicas = 1", 1)
	text = strings.Replace(text, `lora = { adapters = 60, max_loras = 8, host = 30, from = "models" }`, "lora = {}", 1)
	f := playPapers(t, text)
	if a, u := f.World.Placed[0].Serving.Adapters, f.Served[0].Adapters; a.Count != 2 || a.Slots != 2 || u.Asked != 3 || u.Hits != 1 || u.Loads != 2 {
		t.Errorf("%+v, %+v", a, u)
	}
	f = playPapers(t, strings.Replace(text, "lora = {}", "", 1))
	if len(f.World.Warnings) == 0 || f.Served[0].Adapters != nil {
		t.Errorf("without adapters: %+v", f.World.Warnings)
	}
	for set, want := range map[string]string{"workload.tenants.lora.adapters=1": "names 2", "workload.tenants.lora.zipf=1.5": "the trace names"} {
		if _, err := futureOf(t, text, set); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", set, err)
		}
	}
}

func TestLoRARefusals(t *testing.T) {
	at := "workload.tenants.lora."
	for _, x := range []struct {
		set  []string
		want string
	}{
		{[]string{at + "host=4"}, "those on the chips too, 8"},
		{[]string{at + "from="}, "the store of the 30 adapters"},
		{[]string{at + "max_loras=61"}, "more adapters than the 60"},
		{[]string{at + "shares=[1.0, 2.0]"}, "2 entries for 60 adapters"},
		{[]string{at + `modules=["q", "w"]`}, "not one of a layer's matrices"},
		{[]string{at + "rank=1024", at + "max_loras=30"}, "GB slots of adapters"},
		{[]string{at + "rank=4096", at + `modules=["q"]`, at + "adapters=30000", at + "host=30000"}, "its memory is"},
		{[]string{`workload.tenants.model="mixtral-8x7b"`, "workload.tenants.parallelism.tensor=2"}, "give modules among q, k, v, o"},
	} {
		if _, err := futureOf(t, tenants, x.set...); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v: expected %q, got %v", x.set, x.want, err)
		}
	}
	text := strings.Replace(tenants, `lora = { adapters = 60, max_loras = 8, host = 30, from = "models" }`, `router = "adapter-aware"`, 1)
	if _, err := futureOf(t, text); err == nil || !strings.Contains(err.Error(), "routes by adapters") {
		t.Errorf("a router by adapters without them: %v", err)
	}
}
