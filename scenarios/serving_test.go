package scenarios

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aisim/workloads/serving"
)

const sharedTalk = `
version = 1
name = "talks"
[cluster]
server = "dgx-h100"
nodes = 2
[cluster.fabric]
switch = "qm9700-ndr"
[[workload]]
id = "chat"
kind = "serving"
model = "llama3.1-70b"
parallelism = { tensor = 8 }
trace = "talks.jsonl"
slo = { ttft = "500 ms" }
`

// serveTalks plays a scenario over conversations whose turns share prefixes: 41 of them,
// twelve turns of one block of 512 tokens more, ten requests a second.
func serveTalks(t *testing.T, more string) *serving.Outcome {
	t.Helper()
	dir := t.TempDir()
	var b strings.Builder
	n := 0
	for turn := range 12 {
		for talk := range 41 {
			ids := make([]string, turn+1)
			for k := range ids {
				ids[k] = fmt.Sprint(talk*100 + k)
			}
			fmt.Fprintf(&b, `{"timestamp": %d, "input_length": %d, "output_length": 20, "hash_ids": [%s]}`+"\n", n*100, 512*(turn+1)+1, strings.Join(ids, ","))
			n++
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "talks.jsonl"), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "s.toml")
	if err := os.WriteFile(path, []byte(sharedTalk+more), 0o600); err != nil {
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

// Each key of the serving systems moves the answer.
func TestServingKeys(t *testing.T) {
	plain := serveTalks(t, "")
	cached := serveTalks(t, "prefix_cache = {}\n")
	if !(cached.TTFT.Mean < plain.TTFT.Mean && cached.PrefixHitRate() > 0.3) || plain.PrefixTokens != nil {
		t.Errorf("prefix cache: first tokens after %v s, %v without; hit rate %v", cached.TTFT.Mean, plain.TTFT.Mean, cached.PrefixHitRate())
	}
	together := serveTalks(t, "prefix_cache = {}\nrouter = \"prefix-aware\"\n")
	if together.PrefixHitRate() <= cached.PrefixHitRate() {
		t.Errorf("hit rate %v by prefix, %v by load", together.PrefixHitRate(), cached.PrefixHitRate())
	}
	// Memory for one conversation at most: what host memory keeps is found there.
	small := "memory_fraction = 0.27\nprefix_cache = {}\n"
	tight := serveTalks(t, small)
	host := serveTalks(t, strings.Replace(small, "{}", `{ host = "1 TB" }`, 1))
	if len(host.PrefixTokens) != 2 || host.PrefixTokens[1] == 0 || host.PrefixHitRate() <= tight.PrefixHitRate() {
		t.Errorf("hits %v with host memory, %v without", host.PrefixTokens, tight.PrefixTokens)
	}
	slow := serveTalks(t, strings.Replace(small, "{}", `{ host = "1 TB", host_bandwidth = "1 GB/s" }`, 1))
	if slow.TTFT.Mean <= host.TTFT.Mean {
		t.Errorf("first tokens after %v s with slow host memory, %v with fast", slow.TTFT.Mean, host.TTFT.Mean)
	}
	if o := serveTalks(t, "admission = { max_queue = 1 }\n"); o.Shed == 0 || o.Completed+o.Shed != o.Requests {
		t.Errorf("max_queue: %d of %d turned away, %d completed", o.Shed, o.Requests, o.Completed)
	}
	few := serveTalks(t, "autoscale = { min = 1, target = 4, interval = \"1 s\" }\n")
	if few.Scaling == nil || few.Scaling.Starts == 0 || few.TTFT.Mean <= plain.TTFT.Mean {
		t.Errorf("autoscale: %+v, first tokens after %v s, %v with all", few.Scaling, few.TTFT.Mean, plain.TTFT.Mean)
	}
	if o := serveTalks(t, "autoscale = { min = 0, target = 4, interval = \"1 s\", pull = \"2min\" }\n"); o.TTFT.Max < 120 || o.Completed != o.Requests {
		t.Errorf("from nothing with a pull of 2 min: first tokens after %v s at most", o.TTFT.Max)
	}
	busy, calm := serveTalks(t, "clients = { count = 8 }\n"), serveTalks(t, "clients = { count = 8, think = \"2 s\" }\n")
	if !(busy.RequestsPerSec > 2*calm.RequestsPerSec) {
		t.Errorf("eight clients bring %v requests/s, %v when they think", busy.RequestsPerSec, calm.RequestsPerSec)
	}
	if o := serveTalks(t, "admission = { timeout = \"100 ms\" }\n"); o.TimedOut == 0 || o.Completed+o.TimedOut != o.Requests {
		t.Errorf("timeout: %d of %d given up, %d completed", o.TimedOut, o.Requests, o.Completed)
	}
}
