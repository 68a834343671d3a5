package lint

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// height orders the rooms: code may import rooms that stand lower, its own room, and
// the internal leaves. Rooms of equal height do not know of each other.
var height = map[string]int{
	"sim": 0, "hardware": 1, "topology": 2, "storage": 3, "workloads": 4, "cluster": 5,
	"scenarios": 6, "economics": 6, "planner": 7, "reports": 7, "calibration": 7, "cmd": 8,
}

// simMay are the only packages outside the standard library that sim may import.
var simMay = map[string]bool{"github.com/HdrHistogram/hdrhistogram-go": true}

// replaysGoRand holds published runs against replays of them: these were drawn from Go's
// seeded math/rand, whose sequence Go 1 promises to keep.
const replaysGoRand = "calibration/validate/cluster_draws.go"

type source struct {
	path string // from the project's root
	test bool
}

func sources(t *testing.T) (root string, files []source) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == "node_modules" || name == "testdata" || p != root && strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if strings.HasSuffix(name, ".go") {
			rel, _ := filepath.Rel(root, p)
			files = append(files, source{filepath.ToSlash(rel), strings.HasSuffix(name, "_test.go")})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return root, files
}

func room(path string) string { return strings.SplitN(path, "/", 2)[0] }

func TestArrowsGoOneWay(t *testing.T) {
	root, files := sources(t)
	if len(files) < 50 {
		t.Fatalf("only %d files found", len(files))
	}
	for _, f := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, f.path), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		from := room(f.path)
		h, known := height[from]
		if !known && from != "internal" && from != "tools" {
			t.Errorf("%s: room %q is not in the ground plan", f.path, from)
		}
		for _, im := range tree.Imports {
			p, _ := strconv.Unquote(im.Path.Value)
			switch {
			case strings.HasPrefix(p, "aisim/internal/"):
			case strings.HasPrefix(p, "aisim/"):
				to := room(strings.TrimPrefix(p, "aisim/"))
				if from == "internal" && !f.test {
					t.Errorf("%s: a leaf imports the room %q", f.path, p)
				} else if from != "internal" && to != from && height[to] >= h {
					t.Errorf("%s: %q imports %q, which does not stand below it", f.path, from, p)
				}
			case from == "sim" && !f.test && strings.Contains(strings.SplitN(p, "/", 2)[0], ".") && !simMay[p]:
				t.Errorf("%s: sim imports %q", f.path, p)
			case p == "C":
				t.Errorf("%s: cgo", f.path)
			case p == "math/rand" || p == "math/rand/v2":
				if !f.test && f.path != replaysGoRand {
					t.Errorf("%s: %q: draw from a sim.Stream", f.path, p)
				}
			}
		}
	}
}

func TestPackagesSayWhatTheyAre(t *testing.T) {
	root, files := sources(t)
	documented := map[string]bool{}
	for _, f := range files {
		if f.test {
			continue
		}
		dir := filepath.Dir(f.path)
		tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, f.path), nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Fatal(err)
		}
		if tree.Name.Name == "util" || tree.Name.Name == "common" || tree.Name.Name == "helpers" {
			t.Errorf("%s: package %s says nothing", f.path, tree.Name.Name)
		}
		documented[dir] = documented[dir] || tree.Doc != nil
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: no package comment", dir)
		}
	}
}

func TestNothingIsLeftOpen(t *testing.T) {
	root, files := sources(t)
	for _, f := range files {
		if strings.HasPrefix(f.path, "internal/lint/") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, f.path))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			for _, bad := range []string{"TODO", "FIXME", "XXX:", "not implemented"} {
				if strings.Contains(line, bad) {
					t.Errorf("%s:%d: %s", f.path, i+1, strings.TrimSpace(line))
				}
			}
			if !f.test && room(f.path) != "cmd" && strings.Contains(line, "time.Now(") && room(f.path) != "sim" && !strings.Contains(f.path, "/bench") {
				t.Errorf("%s:%d: a clock where results are made", f.path, i+1)
			}
		}
	}
}
