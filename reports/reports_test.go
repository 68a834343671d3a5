package reports

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aisim/internal/result"
)

func TestWriteDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "out")
	run := mixedRun()
	w, err := WriteDir(dir, run, Extra{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range w.Files {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := HasLibrary(); got == (len(w.Notes) == 1) {
		t.Errorf("library %v, notes %v", got, w.Notes)
	}
	if !HasLibrary() && !strings.Contains(w.Notes[0], "explore.html is left out") {
		t.Errorf("notes %v", w.Notes)
	}
	back, err := ReadRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Encode(run)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Encode(back)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("result.json read and written again differs: " + cmp.Diff(run, back))
	}
	// The same run in another folder gives the same bytes, file by file.
	other := t.TempDir()
	if _, err := WriteDir(other, back, Extra{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range w.Files {
		x, _ := os.ReadFile(filepath.Join(dir, name))
		y, err := os.ReadFile(filepath.Join(other, name))
		if err != nil || !bytes.Equal(x, y) {
			t.Errorf("%s differs between two writings (%v)", name, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, ".aisim-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v", left)
	}
}

func TestWriteDirKeepsTheOldResultWhenItFails(t *testing.T) {
	dir := t.TempDir()
	if _, err := WriteDir(dir, bareRun(), Extra{Skip: []string{FiguresDir, ExploreFile}}); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(filepath.Join(dir, ResultFile))
	bad := bareRun()
	bad.Workloads[0].Metrics["step_time"] = result.Number{Value: math.NaN()}
	if _, err := WriteDir(dir, bad, Extra{}); err == nil || !strings.Contains(err.Error(), "NaN") {
		t.Errorf("a number that is none: %v", err)
	}
	if after, _ := os.ReadFile(filepath.Join(dir, ResultFile)); !bytes.Equal(before, after) {
		t.Error("the old result is gone")
	}
	if _, err := WriteDir(dir, nil, Extra{}); err == nil {
		t.Error("no run is no error")
	}
}

func TestReadRunErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadRun(dir); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), ResultFile) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := ReadRun(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	for content, want := range map[string]string{"{": "unexpected", `{"schema":"aisim.run/v9"}`: "aisim.run/v9", "[]": "cannot unmarshal"} {
		path := filepath.Join(dir, ResultFile)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadRun(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", content, err)
		}
	}
}

// TestTablesHaveUnits: every numeric column names its unit.
func TestTablesHaveUnits(t *testing.T) {
	unit := regexp.MustCompile(`(_s|_h|_gib|_ratio|_count|_index|_usd|_mw|_mwh|_years|_gpu_h|_b|_per_s|_unit)$`)
	words := regexp.MustCompile(`^(workload|part|kind|waiting|cause|note|class|use|latency|limit_at|percentile|asked|what|level|tier|resource|name|metric|free|action|condition|together|store|stage|narrowest|item|basis|pedigree|source|key|node|parent|input|rung|why|effect|value_with_unit|no_interval)$`)
	// These tables carry the unit in a column beside the value.
	beside := map[string]bool{"metrics": true, "unit_costs": true, "carbon": true, "sensitivity": true}
	seen := map[string]bool{}
	for _, run := range []*result.Run{withLevers(trainingRun()), servingRun()} {
		for _, table := range Tables(run) {
			seen[table.Name] = true
			rows, err := csv.NewReader(bytes.NewReader(table.CSV())).ReadAll()
			if err != nil {
				t.Fatalf("%s: %v", table.Name, err)
			}
			if len(rows) != len(table.Rows)+1 {
				t.Errorf("%s: %d lines", table.Name, len(rows))
			}
			if beside[table.Name] {
				if !strings.Contains(strings.Join(rows[0], ","), "unit") {
					t.Errorf("%s has no column of units", table.Name)
				}
				continue
			}
			for _, h := range rows[0] {
				if !unit.MatchString(h) && !words.MatchString(h) {
					t.Errorf("%s: column %q names no unit", table.Name, h)
				}
			}
		}
	}
	for _, want := range []string{"step", "losses", "ledger", "energy", "elasticities", "fabric", "memory", "latency", "assumptions", "storage", "hours", "load", "switches", "levers", "metrics"} {
		if !seen[want] {
			t.Errorf("no table %s", want)
		}
	}
}

func TestExplain(t *testing.T) {
	if _, err := Explain(mixedRun(), ""); err == nil || !strings.Contains(err.Error(), "pretrain, chat") {
		t.Errorf("two workloads and none named: %v", err)
	}
	if _, err := Explain(mixedRun(), "chatt"); err == nil || !strings.Contains(err.Error(), `"chatt"`) {
		t.Errorf("an unknown workload: %v", err)
	}
	text, err := Explain(trainingRun(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"The critical path of a step, 6.53 s", "Matrix throughput", "10 % more gains +5.1 %", "bounded by erasure code", "measured grid"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestTextIsPlain(t *testing.T) {
	for name, run := range fixtures() {
		for _, line := range strings.Split(Text(run), "\n") {
			if strings.ContainsAny(line, "\x1b\u202f\u202e\t") {
				t.Errorf("%s: %q", name, line)
			}
		}
	}
	if s := Text(trainingRun()); !strings.Contains(s, "Total                                                 40.90") {
		t.Error("the text does not end its cost column")
	}
	if s := string(CSV(trainingRun())); !strings.Contains(s, "pretrain,step_time,6.53,6.24,6.97,s,measured") {
		t.Error("the CSV has no step time")
	}
}

// TestLockFileNamesNoHost: the lock file pins versions and hashes, and leaves
// the registry to the reader.
func TestLockFileNamesNoHost(t *testing.T) {
	lock, err := assets.ReadFile("assets/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"resolved", "http", "registry"} {
		if bytes.Contains(lock, []byte(bad)) {
			t.Errorf("the lock file holds %q", bad)
		}
	}
	if !bytes.Contains(lock, []byte(`"version": "`+LibraryVersion+`"`)) || !bytes.Contains(lock, []byte("sha512-")) {
		t.Error("the lock file pins neither version nor hash")
	}
}

// TestLibrary holds an embedded library to its hash; make assets relies on it.
func TestLibrary(t *testing.T) {
	if _, err := assets.ReadFile(libraryFile); err != nil {
		t.Skip("the charting library was not fetched (make assets): " + err.Error())
	}
	if _, err := library(); err != nil {
		t.Error(err)
	}
}

func TestExplorePage(t *testing.T) {
	if !HasLibrary() {
		t.Skip("the charting library was not fetched (make assets)")
	}
	for _, name := range []string{"mixed", "hostile", "bare"} {
		page, err := Explore(fixtures()[name])
		if err != nil {
			t.Fatal(err)
		}
		again, _ := Explore(fixtures()[name])
		if !bytes.Equal(page, again) {
			t.Errorf("%s: two writings differ", name)
		}
		s := string(page)
		if !strings.Contains(s, "default-src 'none'; script-src 'sha256-") || strings.Contains(s, "'unsafe-inline' 'sha256") {
			t.Errorf("%s: the policy is not by hash", name)
		}
		if n := strings.Count(s, "<script"); n != 2+strings.Count(s, "data-chart=\"o-") {
			t.Errorf("%s: %d script elements", name, n)
		}
		if own, _, _ := strings.Cut(s, "<script>"); strings.Contains(own, "<img") {
			t.Errorf("%s: markup from a name", name)
		}
	}
}
