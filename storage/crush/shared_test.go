package crush

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"aisim/internal/measured"
)

func parseFile(t testing.TB, path string) *Map {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return m
}

// testOf reads the options of a crushtool command line.
func testOf(t testing.TB, m *Map, command string) Test {
	t.Helper()
	test := Test{Rule: -1, Size: -1, MaxX: 1023, Pool: -1, Reweight: m.InWeights()}
	words := strings.Fields(command)
	number := func(i int) int {
		n, err := strconv.Atoi(words[i])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for i, w := range words {
		switch w {
		case "--rule":
			test.Rule = number(i + 1)
		case "--num-rep":
			test.Size = number(i + 1)
		case "--min-x":
			test.MinX = number(i + 1)
		case "--max-x":
			test.MaxX = number(i + 1)
		case "--pool-id":
			test.Pool = int64(number(i + 1))
		case "--weight":
			v, err := strconv.ParseFloat(words[i+2], 32)
			if err != nil {
				t.Fatal(err)
			}
			if o := number(i + 1); o < len(test.Reweight) {
				test.Reweight[o] = Reweight(float32(v))
			}
		}
	}
	return test
}

func render(t testing.TB, m *Map, test Test, workers int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := test.Write(&b, m, workers); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// differing counts lines that differ and shows the first.
func differing(t testing.TB, what string, got, want []byte) int {
	t.Helper()
	if bytes.Equal(got, want) {
		return 0
	}
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	n := 0
	for i := range max(len(g), len(w)) {
		a, b := "(no line)", "(no line)"
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			if n == 0 {
				t.Errorf("%s: line %d\n got      %s\n expected %s", what, i+1, a, b)
			}
			n++
		}
	}
	return n
}

// TestRealCases: no line may differ from what crushtool 16.2.15 printed.
func TestRealCases(t *testing.T) {
	dir := measured.Path(t, "crush")
	files, err := filepath.Glob(filepath.Join(dir, "*", "commands.txt"))
	if err != nil || len(files) == 0 {
		t.Skip("shared data absent: crush cases")
	}
	lines, runs := 0, 0
	for _, file := range files {
		at := filepath.Dir(file)
		if _, err := os.Stat(filepath.Join(at, "map.txt")); err != nil {
			continue
		}
		m := parseFile(t, filepath.Join(at, "map.txt"))
		commands, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(commands), "\n") {
			tag, command, ok := strings.Cut(line, ": crushtool ")
			if !ok {
				continue
			}
			for _, kind := range []string{"mappings", "utilization"} {
				want, err := os.ReadFile(filepath.Join(at, tag+"."+kind+".txt"))
				if err != nil {
					t.Fatal(err)
				}
				test := testOf(t, m, command)
				test.Mappings = kind == "mappings"
				test.BadMappings, test.Statistics, test.Utilization = !test.Mappings, !test.Mappings, !test.Mappings
				for _, workers := range []int{1, 3} {
					differing(t, at+" "+tag+" "+kind, render(t, m, test, workers), want)
				}
				lines += bytes.Count(want, []byte("\n"))
				runs++
			}
		}
	}
	t.Logf("%d outputs, %d lines", runs, lines)
}
