package scenarios

import (
	"fmt"
	"strings"
	"testing"

	"aisim/internal/measured"
)

const agents = `
version = 1
name = "agents"
[cluster]
server = "dgx-h100"
nodes = 2
[cluster.fabric]
switch = "qm9700-ndr"
[[workload]]
id = "agent"
kind = "serving"
model = "llama3.1-70b"
parallelism = { tensor = 8 }
arrivals = { process = "poisson", rate = "4/s", prompt = { mean = 500, cv = 0.5 }, output = { mean = 100, cv = 0.5 }, talk = { turns = 8, think = "4 s", shared = 3000 } }
duration = "4 min"
slo = { ttft = "2 s" }
`

// Each key of talks moves what it should.
func TestTalkKeys(t *testing.T) {
	plain := playPapers(t, agents).Served[0]
	at := "workload.agent.arrivals.talk."
	if o := playPapers(t, agents, at+"turns=1").Served[0]; float64(o.PromptTokens) >= 0.6*float64(plain.PromptTokens) {
		t.Errorf("talks of one turn have %d prompt tokens, of eight %d", o.PromptTokens, plain.PromptTokens)
	}
	if o := playPapers(t, agents, at+"shared=0").Served[0]; o.PromptTokens >= plain.PromptTokens {
		t.Errorf("without instructions %d prompt tokens, with them %d", o.PromptTokens, plain.PromptTokens)
	}
	if o := playPapers(t, agents, at+"think=40 s").Served[0]; o.EndSec <= plain.EndSec+30 {
		t.Errorf("thinking ten times as long, the last answer comes at %v s instead of %v s", o.EndSec, plain.EndSec)
	}
	if o := playPapers(t, agents, at+"think_cv=0").Served[0]; o.TTFT.Mean == plain.TTFT.Mean {
		t.Error("the variation of the time to think changes nothing")
	}
	cached := playPapers(t, agents, "workload.agent.prefix_cache={}", "workload.agent.router=prefix-aware").Served[0]
	if cached.PrefixHitRate() < 0.7 || !(cached.TTFT.Mean < plain.TTFT.Mean/2) {
		t.Errorf("hit rate %v, first tokens after %v s instead of %v s", cached.PrefixHitRate(), cached.TTFT.Mean, plain.TTFT.Mean)
	}
	split := playPapers(t, agents, "workload.agent.prefix_cache={host=\"100 GB\"}", "workload.agent.memory_fraction=0.3", "workload.agent.prefill.nodes=1").Served[0]
	if split.PrefixHitRate() < 0.5 || len(split.PrefixTokens) != 2 || split.PrefixTokens[1] == 0 || split.Completed != split.Requests {
		t.Errorf("with a pool for prompts: hit rate %v, by tier %v, %d of %d answered", split.PrefixHitRate(), split.PrefixTokens, split.Completed, split.Requests)
	}
	few, many := playPapers(t, agents, "workload.agent.clients={count=10, think=\"5 s\"}").Served[0], playPapers(t, agents, "workload.agent.clients={count=40, think=\"5 s\"}").Served[0]
	if !(many.RequestsPerSec > 2*few.RequestsPerSec) {
		t.Errorf("forty clients bring %v turns a second, ten %v", many.RequestsPerSec, few.RequestsPerSec)
	}
	if _, err := futureOf(t, strings.Replace(agents, "poisson", "servegen", 1)); err == nil || !strings.Contains(err.Error(), "clients") {
		t.Errorf("servegen without its folder: %v", err)
	}
}

// Tenants of a production service, from their records.
func TestServeGenKeys(t *testing.T) {
	folder := measured.Path(t, "inference/servegen")
	text := strings.Replace(agents, `arrivals = { process = "poisson", rate = "4/s"`, fmt.Sprintf(`arrivals = { process = "servegen", clients = %q, begin = "18 h"`, folder), 1)
	text = strings.Replace(text, `, talk = { turns = 8, think = "4 s", shared = 3000 }`, "", 1)
	if text == agents {
		t.Fatal("nothing replaced")
	}
	load := func(set ...string) int {
		f, err := futureOf(t, text, append(set, "workload.agent.duration=20 s")...)
		if err != nil {
			t.Fatal(err)
		}
		return f.Served[0].Requests
	}
	asRecorded, slow, night := load(), load("workload.agent.arrivals.rate=5/s"), load("workload.agent.arrivals.begin=0 s")
	if slow < 40 || slow > 250 || asRecorded < 2*slow || night == asRecorded {
		t.Errorf("%d requests as recorded, %d at 5/s, %d from midnight on", asRecorded, slow, night)
	}
	for set, want := range map[string]string{"workload.agent.arrivals.clients=/nowhere": "no files", "workload.agent.arrivals.diurnal=0.2": "hours of their own"} {
		if _, err := futureOf(t, text, set); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", set, err)
		}
	}
}
