package reports

import (
	"os"
	"sort"
	"strings"
	"testing"

	"aisim/internal/result"
	"aisim/reports/number"
)

// transcripts is the golden file of the verdicts; AISIM_REWRITE=1 records it.
const transcripts = "testdata/verdicts.txt"

func TestVerdictTranscripts(t *testing.T) {
	all := fixtures()
	delete(all, "hostile")
	mixed := fixtures()["mixed"]
	var names []string
	for n := range all {
		names = append(names, n)
	}
	sort.Strings(names)
	var b strings.Builder
	for _, n := range names {
		for i := range all[n].Workloads {
			b.WriteString("# " + n + " " + all[n].Workloads[i].ID + "\n" + ascii(VerdictText(all[n], &all[n].Workloads[i])) + "\n\n")
		}
	}
	b.WriteString("# mixed, the cluster\n" + ascii(clusterVerdict(mixed).String()) + "\n")
	if os.Getenv("AISIM_REWRITE") != "" {
		if err := os.WriteFile(transcripts, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(transcripts)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("verdicts changed (AISIM_REWRITE=1 records them):\n%s", got)
	}
}

func TestVerdictRules(t *testing.T) {
	for name, run := range fixtures() {
		for i := range run.Workloads {
			v := Verdict(run, &run.Workloads[i])
			if n := v.count(); n > longestVerdict && name != "hostile" {
				t.Errorf("%s: the verdict has %d words", name, n)
			}
			text := v.String()
			for _, bad := range []string{"billion", "$", "NaN", "significant", "leverage", "  ", " .", ".."} {
				if strings.Contains(text, bad) {
					t.Errorf("%s: the verdict holds %q: %s", name, bad, text)
				}
			}
			if run.Complete && fits(&run.Workloads[i]) && !strings.Contains(text, "No goal is set.") {
				t.Errorf("%s: the verdict does not say that no goal is set: %s", name, text)
			}
			if !run.Complete && strings.Contains(text, "tokens") {
				t.Errorf("%s: a stopped run has no verdict: %s", name, text)
			}
		}
	}
}

// TestVerdictFollowsTheNumbers: the sentences move with what they speak of.
func TestVerdictFollowsTheNumbers(t *testing.T) {
	run := trainingRun()
	w := &run.Workloads[0]
	has := func(want string, yes bool) {
		t.Helper()
		if got := VerdictText(run, w); strings.Contains(ascii(got), want) != yes {
			t.Errorf("%q should be there: %v\n%s", want, yes, got)
		}
	}
	has("Recovery after failures takes 8.10 %", true)
	w.Losses[0].Share = 0.02 // all losses are now too small to surprise
	has("Recovery after failures", false)
	has("takes half of each", true)
	w.Step[0].Seconds = 9
	has("takes 74 % of each 12.1 s step", true)
	has("matrix throughput of the GPU gains +5.1 %", true)
	run.Elasticities[0].Gain.Value = 0.0001
	has("NVLink bandwidth gains +1.2 %", true)
	withLevers(run)
	has("is worth +6.3 %", true)
	run.Levers[0].ObjectiveGain.Low = -0.01 // its interval now holds zero
	has("is worth +6.3 %", false)
	has("Full-bisection core is not worth its price", true)
	run.NotWorth[0].PWorth = 0.4
	has("not worth its price", false)
	run.Rungs = []result.RungShare{{Rung: "roofline", Pedigree: result.Datasheet, Share: 0.7}, {Rung: "grid", Pedigree: result.Measured, Share: 0.3}}
	has("70 % of the predicted time rests on datasheets", true)
}

func TestLimitsTogetherWhenIntervalsOverlap(t *testing.T) {
	es := []result.Elasticity{elastic("w", "compute", "Compute", 0.05, 0.04, 0.06, 0.4), elastic("w", "hbm", "HBM bandwidth", 0.045, 0.03, 0.05, 0.3)}
	if s := limitsCaption(es); !strings.Contains(s, "Compute and HBM bandwidth limit it together") {
		t.Error(s)
	}
	es[1].Gain.High = 0.039
	if s := limitsCaption(es); !strings.Contains(s, "Compute limits this design") {
		t.Error(s)
	}
}

func TestFormulaCellsAreDefused(t *testing.T) {
	for in, want := range map[string]string{"=1+1": "'=1+1", "-cmd": "'-cmd", "-1.5": "-1.5", "+3": "+3", "@x": "'@x", "plain": "plain", "": ""} {
		if got := csvText(in); got != want {
			t.Errorf("csvText(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSpanText(t *testing.T) {
	for sec, want := range map[float64]string{54 * 86400: "54 days", 3600 * 5: "5 h", 450: "7.50 min", 9.2: "9.20 s"} {
		if got := strings.ReplaceAll(spanText(result.Number{Value: sec, Low: sec, High: sec, Unit: "s"}), number.Gap, " "); got != want {
			t.Errorf("%v s reads %q, want %q", sec, got, want)
		}
	}
}

// A variable is named by the end of its key that no other has.
func TestShortTitles(t *testing.T) {
	all := []result.SweepVariable{{Title: "cluster.nodes"}, {Title: "workload.chat.prefill.nodes"}, {Title: "workload.chat.prefill.tensor"}, {Title: "layout"}, {Title: "nodes"}}
	for i, want := range []string{"cluster.nodes", "prefill.nodes", "tensor", "layout", "nodes"} {
		if got := shortTitle(all, i); got != want {
			t.Errorf("%s is called %s, want %s", all[i].Title, got, want)
		}
	}
}
