package main

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aisim/internal/result"
	"aisim/reports"
	"aisim/scenarios"
)

// checkUnitCosts holds the ledger's unit costs of a training beside a service against those of
// the two workloads: neither bears the other's share.
func checkUnitCosts(t *testing.T, run *result.Run) {
	t.Helper()
	for i, key := range []string{result.MetricCostPerMTokens, result.MetricCostPerMOutput} {
		own, found := run.Workloads[i].Metrics[key].Value, false
		for _, u := range run.Ledger.Units {
			if u.Key == key {
				found = true
				if all := u.Value.Value; math.Abs(all/own-1) > 1e-9 {
					t.Errorf("%s: %g in the ledger, %g of the workload", key, all, own)
				}
			}
		}
		if !found {
			t.Errorf("no %s in the ledger", key)
		}
	}
}

// Every built-in scenario runs, at its real size; services for a shorter while.
func TestBuiltinScenariosRun(t *testing.T) {
	shorter := map[string][]string{
		"llama3-70b-serving": {"--set", "workload.chat.duration=30 s"},
		"mixed-train-serve":  {"--set", "workload.chat.duration=20 s"},
		"resnet50-fpga-edge": {"--set", "workload.classify.duration=1 s"},
	}
	for _, b := range scenarios.Builtins() {
		t.Run(b.ID, func(t *testing.T) {
			if testing.Short() && strings.Contains(b.ID, "16k") {
				t.Skip("16,384 accelerators take seconds")
			}
			args := append([]string{"run", b.ID, "--replicas", "2", "--format", "json"}, shorter[b.ID]...)
			out, _ := aisim(t, 0, args...)
			var run result.Run
			if err := json.Unmarshal([]byte(out), &run); err != nil {
				t.Fatal(err)
			}
			if !run.Complete || run.Schema != result.Schema || run.Replicas != 2 || run.Scenario.Source != b.ID || len(run.Workloads) == 0 {
				t.Fatalf("complete %v, schema %q, replicas %d, source %q, %d workloads", run.Complete, run.Schema, run.Replicas, run.Scenario.Source, len(run.Workloads))
			}
			if run.Version != "v0.0.0-test" || run.Revision != "0123456789ab" {
				t.Errorf("version %q, revision %q", run.Version, run.Revision)
			}
			if b.ID == "mixed-train-serve" {
				checkUnitCosts(t, &run)
			}
			if b, err := reports.Encode(&run); err != nil || string(b) != out {
				t.Errorf("the JSON on stdout does not survive being read: %v", err)
			}
		})
	}
}

// The result, and all files but run.json, are the same on any number of workers and
// in any folder.
func TestResultDoesNotDependOnWorkersOrFolder(t *testing.T) {
	for kind := range quick {
		t.Run(kind, func(t *testing.T) {
			var first map[string]string
			for i, workers := range []string{"1", "2", "4", "2"} {
				dir := filepath.Join(t.TempDir(), "deep", "out")
				text, _ := aisim(t, 0, runArgs(kind, "-o", dir, "--workers", workers)...)
				got := tree(t, dir)
				got["stdout"] = text
				if got["run.json"] == "" {
					t.Fatal("no run.json")
				}
				delete(got, "run.json")
				if i == 0 {
					first = got
					for _, name := range []string{"result.json", "report.html", "tables/metrics.csv"} {
						if got[name] == "" {
							t.Errorf("no %s", name)
						}
					}
					if (got["explore.html"] != "") != reports.HasLibrary() {
						t.Error("explore.html and the charting library disagree")
					}
					continue
				}
				if len(got) != len(first) {
					t.Errorf("%d files, expected %d", len(got), len(first))
				}
				for name, data := range first {
					if got[name] != data {
						t.Errorf("%s differs with %s workers (run %d)", name, workers, i)
					}
				}
			}
		})
	}
}

func TestFormatsAreTheFilesOfTheFolder(t *testing.T) {
	dir := t.TempDir()
	asJSON, _ := aisim(t, 0, runArgs("training", "--format", "json", "-o", dir)...)
	files := tree(t, dir)
	if asJSON != files["result.json"] {
		t.Error("--format json is not the bytes of result.json")
	}
	run, err := reports.ReadRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	if asCSV, _ := aisim(t, 0, runArgs("training", "--format", "csv")...); asCSV != string(reports.CSV(run)) {
		t.Error("--format csv is not the CSV of the run")
	}
	if text, _ := aisim(t, 0, runArgs("training")...); text != reports.Text(run) {
		t.Error("the text is not that of the run")
	}
	var info reports.RunInfo
	if err := json.Unmarshal([]byte(files["run.json"]), &info); err != nil {
		t.Fatal(err)
	}
	want := shellLine(append([]string{"aisim"}, runArgs("training")...))
	if got := shellLine(info.Command); got != want {
		t.Errorf("run.json says %q, expected %q", got, want)
	}
	if info.WallSeconds <= 0 || info.PeakBytes == 0 || info.Workers == 0 {
		t.Errorf("run.json: %+v", info)
	}
	if !strings.Contains(files["report.html"], "gpt3-175b-1024-a100 --set cluster.nodes=64 --replicas 6") {
		t.Error("the report does not say how to make it again")
	}
}

func TestSeed(t *testing.T) {
	read := func(args ...string) *result.Run {
		out, _ := aisim(t, 0, runArgs("training", append(args, "--format", "json")...)...)
		var run result.Run
		if err := json.Unmarshal([]byte(out), &run); err != nil {
			t.Fatal(err)
		}
		return &run
	}
	base, seven, set := read(), read("--seed", "7"), read("--set", "seed=7")
	if base.Seed == 7 || seven.Seed != 7 {
		t.Fatalf("seeds %d and %d", base.Seed, seven.Seed)
	}
	a, _ := reports.Encode(seven)
	b, _ := reports.Encode(set)
	if string(a) != string(b) {
		t.Error("--seed 7 is not --set seed=7")
	}
	metrics := func(r *result.Run) string { out, _ := json.Marshal(r.Metrics); return string(out) }
	if metrics(base) == metrics(seven) {
		t.Error("another seed moves nothing")
	}
}

func TestScenarioFromStandardInput(t *testing.T) {
	text, err := scenarios.BuiltinText("gpt3-175b-1024-a100")
	if err != nil {
		t.Fatal(err)
	}
	p, out, errs := call(string(text), "run", "-", "--replicas", "1", "--format", "json")
	if code := p.execute(); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	if !strings.Contains(out.String(), `"source": "stdin"`) {
		t.Error("the result does not name its source")
	}
}

func TestInvalidScenarioWritesNothing(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "a", "b")
	out, errs := aisim(t, exitScenario, "run", "gpt3-175b-1024-a100", "--set", "cluster.nodes=-4", "--set", "nonsense=1", "-o", dir)
	if out != "" || len(tree(t, root)) != 0 {
		t.Errorf("stdout %q, files %v", out, tree(t, root))
	}
	if _, err := os.Stat(filepath.Join(root, "a")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a folder was left behind")
	}
	for _, word := range []string{"cluster.nodes", "-4", "nonsense"} {
		if !strings.Contains(errs, word) {
			t.Errorf("stderr does not speak of %s: %s", word, errs)
		}
	}
}

func TestFolderThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, errs := aisim(t, exitFailed, runArgs("training", "-o", filepath.Join(file, "out"))...)
	if !strings.Contains(errs, "  at:  ") || !strings.Contains(errs, "  fix: ") {
		t.Errorf("not in three lines: %s", errs)
	}
}

func TestResultThatCannotBePrinted(t *testing.T) {
	p, _, errs := call("", "version")
	p.stdout = full{}
	if code := p.execute(); code != exitFailed || !strings.Contains(errs.String(), "no space") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestFilesOfAnEarlierRunAreNamed(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "tables"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tables", "old.csv"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, errs := aisim(t, 0, runArgs("training", "-o", dir)...)
	if !strings.Contains(errs, "earlier run") || !strings.Contains(errs, "tables/old.csv") {
		t.Errorf("stderr: %s", errs)
	}
}
