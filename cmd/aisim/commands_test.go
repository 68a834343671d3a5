package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"aisim/hardware"
	"aisim/reports"
)

// report draws from result.json what run drew.
func TestReportIsThatOfTheRun(t *testing.T) {
	dir := t.TempDir()
	aisim(t, 0, runArgs("training", "-o", dir)...)
	want := tree(t, dir)
	elsewhere := filepath.Join(t.TempDir(), "again")
	names, _ := aisim(t, 0, "report", filepath.Join(dir, "result.json"), "-o", elsewhere)
	got := tree(t, elsewhere)
	delete(want, "run.json")
	for name, data := range want {
		if got[name] != data {
			t.Errorf("%s differs", name)
		}
		if !strings.Contains(names, filepath.Join(elsewhere, name)+"\n") {
			t.Errorf("%s is not named on stdout", name)
		}
	}
	if err := os.Remove(filepath.Join(dir, "report.html")); err != nil {
		t.Fatal(err)
	}
	aisim(t, 0, "report", dir)
	if tree(t, dir)["report.html"] != want["report.html"] {
		t.Error("the report beside its result differs")
	}
}

func TestExplain(t *testing.T) {
	dir := t.TempDir()
	aisim(t, 0, runArgs("mixed", "-o", dir)...)
	if out, _ := aisim(t, 0, "explain", dir, "pretrain"); !strings.HasPrefix(out, "pretrain: ") || !strings.Contains(out, "critical path") {
		t.Error(out)
	}
	if _, errs := aisim(t, exitUsage, "explain", dir); !strings.Contains(errs, "pretrain, chat") {
		t.Errorf("the workloads are not named: %s", errs)
	}
	aisim(t, exitUsage, "explain", dir, "nope")
}

func TestCatalog(t *testing.T) {
	all, _ := aisim(t, 0, "catalog", "list")
	if n, want := strings.Count(all, "\n"), len(hardware.Default().Entries("")); n != want {
		t.Errorf("%d lines, expected %d", n, want)
	}
	for _, kind := range hardware.Kinds() {
		out, _ := aisim(t, 0, "catalog", "list", "--kind", kind, "--format", "csv")
		if n, want := strings.Count(out, "\n"), len(hardware.Default().Entries(kind))+1; n < want {
			t.Errorf("%s: %d lines, expected %d", kind, n, want)
		}
	}
	var list struct{ Entries []catalogueEntry }
	out, _ := aisim(t, 0, "catalog", "list", "--format", "json")
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	ids := map[string]int{}
	for _, e := range list.Entries {
		ids[e.ID]++
	}
	for _, e := range list.Entries { // each entry of the list can be shown
		id := e.ID
		if ids[id] > 1 {
			id = e.Kind + "/" + id
		}
		if out, _ := aisim(t, 0, "catalog", "show", id); !strings.Contains(out, "\n") {
			t.Errorf("%s: %q", id, out)
		}
	}
	out, _ = aisim(t, 0, "catalog", "show", "nvidia-h100-sxm")
	for _, word := range []string{"989 TFLOP/s", "datasheet", "±3 %", "[1]"} {
		if !strings.Contains(out, word) {
			t.Errorf("%q is not in\n%s", word, out)
		}
	}
	var entry struct{ Fields []catalogueField }
	out, _ = aisim(t, 0, "catalog", "show", "nvidia-h100-sxm", "--format", "json")
	if err := json.Unmarshal([]byte(out), &entry); err != nil {
		t.Fatal(err)
	}
	for _, f := range entry.Fields {
		if f.Value != nil && (f.Pedigree == "" || f.Source == "") {
			t.Errorf("%s: a number without pedigree or source", f.Name)
		}
	}
}

func TestTopology(t *testing.T) {
	scenario := []string{"gpt3-175b-1024-a100", "--set", "cluster.nodes=64"}
	out, _ := aisim(t, 0, append([]string{"topology", "describe"}, scenario...)...)
	if !strings.Contains(out, "64 × 8 chips") {
		t.Error(out)
	}
	aisim(t, 0, append([]string{"topology", "lint", "--format", "json"}, scenario...)...)
	svg, _ := aisim(t, 0, append([]string{"topology", "draw"}, scenario...)...)
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "fabric.svg")
	if out, _ := aisim(t, 0, append([]string{"topology", "draw", "-o", path}, scenario...)...); out != "" {
		t.Errorf("stdout %q", out)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != svg {
		t.Errorf("the file differs from stdout: %v", err)
	}
	aisim(t, exitFailed, append([]string{"topology", "draw", "-o", filepath.Join(path, "x.svg")}, scenario...)...)
	aisim(t, exitScenario, append([]string{"topology", "describe"}, append(scenario, "--set", "cluster.nodes=0")...)...)
}

func TestCheck(t *testing.T) {
	out, _ := aisim(t, 0, "check", "gpt3-175b-1024-a100")
	if !strings.HasPrefix(out, "OK: ") || !strings.Contains(out, "on 128 nodes") {
		t.Error(out)
	}
	out, errs := aisim(t, exitScenario, "check", "gpt3-175b-1024-a100", "--set", "cluster.nodes=-1", "--set", "cluster.nodez=1")
	if out != "" || strings.Count(errs, "\n") != 2 {
		t.Errorf("stdout %q, stderr %q", out, errs)
	}
}

// PHOLD's hash is that of the reference program for 65,536 LPs with one event each
// until T = 50, and of every number of workers.
func TestBenchPhold(t *testing.T) {
	for _, workers := range []string{"1", "2", "3"} {
		out, _ := aisim(t, 0, "bench", "phold", "--lps", "65536", "--events-per-lp", "1", "--end", "50", "--workers", workers, "--format", "json")
		var r map[string]any
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		if r["hash"] != "6040eb177cc227b6" || r["events"] != 3263927.0 {
			t.Errorf("%s workers: %v events, hash %v", workers, r["events"], r["hash"])
		}
		for _, key := range []string{"wall_seconds", "peak_bytes", "simulated_seconds"} {
			if v, ok := r[key].(float64); !ok || v <= 0 {
				t.Errorf("%s is %v", key, r[key])
			}
		}
	}
}

func TestSchemaDoctorVersionCompletion(t *testing.T) {
	out, _ := aisim(t, 0, "schema")
	if !json.Valid([]byte(out)) {
		t.Error("the schema is not JSON")
	}
	out, _ = aisim(t, 0, "doctor")
	for _, word := range []string{"v0.0.0-test", hardware.Default().SHA256(), "chromium", "npm", "nvidia-smi", "charts"} {
		if !strings.Contains(out, word) {
			t.Errorf("doctor does not speak of %s", word)
		}
	}
	var h health
	out, _ = aisim(t, 0, "doctor", "--format", "json")
	if err := json.Unmarshal([]byte(out), &h); err != nil || h.CPUs < 1 || (h.ChartingLibrary != "") != reports.HasLibrary() {
		t.Errorf("%v: %+v", err, h)
	}
	var b build
	out, _ = aisim(t, 0, "version", "-o", "json")
	if err := json.Unmarshal([]byte(out), &b); err != nil || b.Revision != "0123456789ab" {
		t.Errorf("%v: %+v", err, b)
	}
	for _, shell := range shells {
		if out, _ := aisim(t, 0, "completion", shell); !strings.Contains(out, "aisim") {
			t.Errorf("%s: no script", shell)
		}
	}
	if out, _ := aisim(t, 0, "__complete", "run", ""); !strings.Contains(out, "llama3-405b-16k-h100") {
		t.Errorf("scenarios are not completed: %s", out)
	}
	if out, _ := aisim(t, 0, "__complete", "catalog", "list", "--kind", ""); !strings.Contains(out, "server") {
		t.Errorf("kinds are not completed: %s", out)
	}
}

func TestBuildOf(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26", Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"}, {Key: "vcs.modified", Value: "true"},
		{Key: "GOOS", Value: "linux"}, {Key: "GOARCH", Value: "amd64"}}}
	want := build{Version: "devel", Revision: "0123456789ab-dirty", Go: "go1.26", Platform: "linux/amd64"}
	if got := buildOf(info); got != want {
		t.Errorf("%+v", got)
	}
	if got := buildOf(&debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}); got.Version != "v1.2.3" || got.Revision != "unknown" {
		t.Errorf("%+v", got)
	}
}

func TestProgressIsPlainOffATerminal(t *testing.T) {
	var b lockedBuffer
	g := newProgress(&b)
	if g.bar != nil {
		t.Fatal("a bar in a pipe")
	}
	g.update(1, 9)
	if b.String() != "" {
		t.Errorf("a line at once: %q", b.String())
	}
	g.last = time.Now().Add(-time.Minute)
	g.update(5, 9)
	g.update(4, 9) // late news of a slower worker
	g.end()
	if got := b.String(); !strings.HasPrefix(got, "aisim: 5 of 9 ") || strings.Count(got, "\n") != 1 {
		t.Errorf("%q", got)
	}
}

// A shell reads the words back.
func TestShellLine(t *testing.T) {
	words := []string{"a b", "it's", "", "plain-1.2_3/4=5:6", "$HOME `x` \\", "ümlaut", "[1, 7]"}
	out, err := exec.Command("sh", "-c", "printf '%s\\n' "+shellLine(words)).Output()
	if err != nil {
		t.Skip("no shell: ", err)
	}
	if got, want := string(out), strings.Join(words, "\n")+"\n"; got != want {
		t.Errorf("%q, expected %q", got, want)
	}
}
