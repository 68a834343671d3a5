package scenarios

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every file of the corpus of broken scenarios gives exactly the messages that
// stand beside it, and each message has what a user needs to mend the file.
func TestInvalidCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/invalid/*.toml")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d broken scenarios, want at least 40 (%v)", len(files), err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".toml"), func(t *testing.T) {
			_, err := Load(path, nil)
			var invalid *Invalid
			if !errors.As(err, &invalid) {
				t.Fatalf("error %v, want *Invalid", err)
			}
			for _, p := range invalid.Problems {
				if p.File == "" || p.Message == "" {
					t.Errorf("%+v says too little", p)
				}
				if p.Value == "" && p.Hint == "" && p.Allowed == "" {
					t.Errorf("%s: neither value nor range nor hint", p)
				}
			}
			golden(t, strings.TrimSuffix(path, ".toml")+".txt", strings.ReplaceAll(err.Error(), filepath.ToSlash(filepath.Dir(path))+"/", "")+"\n")
		})
	}
}

// What the valid corpus means is written beside it: assumptions and placement.
func TestValidCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/valid/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no valid scenarios (%v)", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".toml"), func(t *testing.T) {
			sc, err := Load(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for i, n := range sc.Placement() {
				w := &sc.Workloads[i]
				b.WriteString(w.ID + ": " + w.Kind + " on nodes " + itoa(n.First) + " to " + itoa(n.First+n.Count-1) + "\n")
			}
			for _, a := range sc.Assumptions() {
				b.WriteString(a.Name + " = " + a.Value + " (" + a.Source + ")\n")
			}
			golden(t, strings.TrimSuffix(path, ".toml")+".txt", b.String())
		})
	}
}

// The scenarios of this folder are sound as text; only building their world
// shows what is wrong with them.
func TestInvalidWorldCorpusIsSoundText(t *testing.T) {
	files, err := filepath.Glob("testdata/invalid-world/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios (%v)", err)
	}
	for _, path := range files {
		if _, err := Load(path, nil); err != nil {
			t.Errorf("%s", err)
		}
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}
