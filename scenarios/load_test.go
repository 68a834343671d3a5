package scenarios

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const small = `version = 1
name = "small"
cluster = { server = "dgx-h100", nodes = 4, fabric = { switch = "qm9700-ndr" } }
[[workload]]
id = "t"
kind = "training"
model = "llama3.1-8b"
parallelism = { tensor = 8 }
batch = { global = 64, sequence = 8192 }
steps = 100
`

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantProblem(t *testing.T, err error, part string) {
	t.Helper()
	var invalid *Invalid
	if !errors.As(err, &invalid) || !strings.Contains(err.Error(), part) {
		t.Errorf("error %v, want *Invalid with %q", err, part)
	}
}

func TestLoadRefusesWhatIsNoScenarioFile(t *testing.T) {
	dir := t.TempDir()
	_, err := Load(filepath.Join(dir, "absent.toml"), nil)
	wantProblem(t, err, "no such file")
	_, err = Load("llama3-70b-servin", nil)
	wantProblem(t, err, "did you mean llama3-70b-serving?")
	_, err = Load(dir, nil)
	wantProblem(t, err, "is a folder")
	_, err = Load(os.DevNull, nil)
	wantProblem(t, err, "is not a regular file")
	_, err = Load("", nil)
	wantProblem(t, err, "no such file")
	huge := write(t, dir, "huge.toml", small+strings.Repeat("# "+strings.Repeat("x", 1022)+"\n", 1024))
	_, err = Load(huge, nil)
	wantProblem(t, err, "up to 1 MiB")
	_, err = Load(write(t, dir, "includes-huge.toml", "include = [\"huge.toml\"]\n"+small), nil)
	wantProblem(t, err, "up to 1 MiB")
}

func TestIncludeLimits(t *testing.T) {
	dir := t.TempDir()
	for i := range 12 {
		write(t, dir, fmt.Sprintf("deep%d.toml", i), fmt.Sprintf("include = [\"deep%d.toml\"]\n", i+1))
	}
	write(t, dir, "deep12.toml", "seed = 2\n")
	_, err := Load(write(t, dir, "deep.toml", "include = [\"deep0.toml\"]\n"+small), nil)
	wantProblem(t, err, "nested more than 8 deep")
	// A fan of files that include one another's successors would be read 2^n times.
	for i := range 7 {
		write(t, dir, fmt.Sprintf("fan%d.toml", i), fmt.Sprintf("include = [%q, %q, %q]\n", fmt.Sprintf("fan%d.toml", i+1), fmt.Sprintf("./fan%d.toml", i+1), fmt.Sprintf("fan%d.toml", i+1)))
	}
	write(t, dir, "fan7.toml", "seed = 3\n")
	_, err = Load(write(t, dir, "fan.toml", "include = [\"fan1.toml\"]\n"+small), nil)
	wantProblem(t, err, "more than 64 files")
	_, err = Load(write(t, dir, "self.toml", "include = [\"./sub/../self.toml\"]\n"+small), nil)
	wantProblem(t, err, "includes itself")
}

func TestIncludeMerges(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "lib/trace.csv", "x")
	write(t, dir, "lib/base.toml", small+`
[[workload]]
id = "s"
kind = "serving"
model = "llama3.1-8b"
nodes = 1
trace = "trace.csv"

[economics]
pue = 1.5
region = "us-east-1"
`)
	path := write(t, dir, "main.toml", `include = ["lib/base.toml"]
version = 1
name = "main"
[[workload]]
id = "t"
batch.global = 96
duration = "1d"
[economics]
carbon_intensity = "100 g/kWh"
`)
	sc, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	train, serve := sc.Workloads[0], sc.Workloads[1]
	switch {
	case sc.Name != "main", len(sc.Workloads) != 2, train.Batch.Global != 96, train.Batch.Sequence != 8192:
		t.Errorf("merged to %+v", sc)
	case train.Steps != nil || *train.DurationSec != 86400:
		t.Error("the including file's duration does not replace the included file's steps")
	case sc.Economics.PUE != 1.5 || sc.Economics.Region != "" || *sc.Economics.GramsPerKWh != 100:
		t.Errorf("economics %+v", sc.Economics)
	case serve.Trace != filepath.Join(dir, "lib", "trace.csv"):
		t.Errorf("the trace's path %q is not relative to the file that names it", serve.Trace)
	}
	if p := sc.Placement(); p[0] != (Nodes{0, 3}) && p[0] != (Nodes{1, 3}) {
		t.Errorf("placement %v", p)
	}
	p := sc.ProblemAt("workload.t.batch.global", "", "a", "h", "m")
	if p.Line != 6 || p.Col != 16 || p.Value != "96" || !strings.HasSuffix(p.File, "main.toml") {
		t.Errorf("problem %+v", p)
	}
	if p := sc.ProblemAt("workload.t.batch.sequence", "", "", "", "m"); p.Line != 9 || !strings.HasSuffix(p.File, "base.toml") {
		t.Errorf("problem %+v", p)
	}
	if p := sc.ProblemAt("workload.t.zero", "1", "", "", "m"); p.Line != 4 || !strings.HasSuffix(p.File, "main.toml") {
		t.Errorf("a default is reported at %+v, want at its table", p)
	}
}

func TestProblemsSortAndCount(t *testing.T) {
	var all []*Problem
	for i := range 25 {
		all = append(all, &Problem{File: "f", Line: 25 - i, Col: 1, Message: "m"})
	}
	err := Problems(all...)
	var invalid *Invalid
	if !errors.As(err, &invalid) || len(invalid.Problems) != MaxProblems || invalid.More != 5 || invalid.Problems[0].Line != 1 {
		t.Errorf("%v", err)
	}
	var p *Problem
	if !errors.As(err, &p) {
		t.Error("a single problem cannot be taken out")
	}
	if Problems() != nil {
		t.Error("no problems are an error")
	}
}

// The same text gives the same digest and messages, whatever the order of maps.
func TestLoadIsDeterministic(t *testing.T) {
	const broken = "version = 2\nx=1\ny=2\nz=3\n[economics]\nq=1\nw=2\ne=3\n[cluster]\nnodes=-1\n"
	_, first := Parse("f", []byte(broken), nil)
	for range 20 {
		if _, err := Parse("f", []byte(broken), nil); err.Error() != first.Error() {
			t.Fatalf("%s\nthen\n%s", first, err)
		}
	}
	a, err := Parse("f", []byte(small), nil)
	b, err2 := Parse("f", []byte(small), nil)
	if err != nil || err2 != nil || a.SHA256() != b.SHA256() {
		t.Error(err, err2)
	}
}

// Text made to keep a reader busy is refused or read within seconds.
func TestHostileTextIsCheap(t *testing.T) {
	const n = MaxFileBytes / 8
	for name, text := range map[string]string{
		"brackets":      "a = " + strings.Repeat("[", n),
		"bracket lines": "a = " + strings.Repeat("[\n", n/2),
		"tables":        "a = " + strings.Repeat("{a=", n/3),
		"parts":         strings.Repeat("a.", n/2) + "a = 1",
		"many parts":    manyParts(n),
		"list":          "include = [" + strings.Repeat("1,", n/2) + "]",
		"lists":         "a = [" + strings.Repeat("[],", n/3) + "]",
		"keys":          manyKeys(n),
		"entries":       strings.Repeat("[[workload]]\n", n/13),
		"headers":       "[" + strings.Repeat("a.", 60) + "a]\n" + strings.Repeat("[[a]]\n", n/6),
		"quotes":        "a = " + strings.Repeat("\"", n),
		"string":        "name = \"" + strings.Repeat("ä", n/2) + "\"",
	} {
		start := time.Now()
		if _, err := Parse("f.toml", []byte(text), nil); err == nil {
			t.Errorf("%s: taken", name)
		}
		if took := time.Since(start); took > 20*time.Second { // far above what it takes on a busy machine
			t.Errorf("%s: took %v", name, took)
		}
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "clustre%d = %d\n", i, i)
	}
	return b.String()
}

func manyParts(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "k%d.%sa = 1\n", i, strings.Repeat("a.", 60))
	}
	return b.String()
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(small), "cluster.nodes=8")
	for _, glob := range []string{"testdata/*/*.toml", "library/*.toml"} {
		files, _ := filepath.Glob(glob)
		for _, path := range files {
			if text, err := os.ReadFile(path); err == nil {
				f.Add(text, "workload.t.batch.global=128")
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, set string) {
		sc, err := Parse("f.toml", text, []string{set})
		var invalid *Invalid
		switch {
		case err == nil:
			if len(sc.Placement()) != len(sc.Workloads) {
				t.Error("a workload has no nodes")
			}
			sc.Assumptions()
		case !errors.As(err, &invalid):
			t.Errorf("error %T", err)
		case len(invalid.Problems) > MaxProblems:
			t.Errorf("%d problems", len(invalid.Problems))
		}
		Parse("f.toml", text, nil)
	})
}
