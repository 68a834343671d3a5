package ingest

import (
	"bytes"
	"slices"
	"strings"
)

// gemmCSV reads tables of matrix multiplications: a header with m, n, k and a time with its unit in
// the name or a rate, as operator collectors of serving engines write them.
type gemmCSV struct {
	*feed
	at     map[string]int
	cells  int
	time   int
	factor float64
	rate   int
}

type namedUnit struct {
	name   string
	factor float64
}

var gemmTimes = []namedUnit{{"latency_ms", 1e-3}, {"time_ms", 1e-3}, {"latency_us", 1e-6}, {"time_us", 1e-6}, {"latency_s", 1}, {"time_s", 1}}

func gemmColumns(line []byte) []string {
	if bytes.IndexByte(line, ',') < 0 {
		return nil
	}
	names := strings.Split(strings.ToLower(string(line)), ",")
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	for _, want := range []string{"m", "n", "k"} {
		if !slices.Contains(names, want) {
			return nil
		}
	}
	if slices.Contains(names, "tflops") || slices.ContainsFunc(gemmTimes, func(u namedUnit) bool { return slices.Contains(names, u.name) }) {
		return names
	}
	return nil
}

func startsGEMMCSV(line []byte) bool { return gemmColumns(line) != nil }

func openGEMMCSV(f *feed) lineReader { return &gemmCSV{feed: f} }

func (g *gemmCSV) end() {}

func (g *gemmCSV) take(line []byte) bool {
	if len(line) == 0 {
		return true
	}
	if names := gemmColumns(line); names != nil {
		g.at, g.cells, g.time, g.rate = map[string]int{}, len(names), -1, -1
		for i, name := range names {
			g.at[name] = i
		}
		for _, u := range gemmTimes {
			if i, ok := g.at[u.name]; ok && g.time < 0 {
				g.time, g.factor = i, u.factor
			}
		}
		if i, ok := g.at["tflops"]; ok {
			g.rate = i
		}
		return true
	}
	cells := bytes.Split(line, []byte{','})
	if len(cells) != g.cells {
		begun := line[0] >= '0' && line[0] <= '9' || len(cells) > 3
		if begun {
			g.wrong("expected %d values as in the header, found %d: a decimal comma (run with LC_ALL=C) or a cut line", g.cells, len(cells))
		}
		return begun
	}
	num := func(i int, what string) Num { return g.num(bytes.TrimSpace(cells[i]), what) }
	text := func(names ...string) string {
		for _, name := range names {
			if i, ok := g.at[name]; ok {
				return string(bytes.TrimSpace(cells[i]))
			}
		}
		return ""
	}
	k := &Kernel{Name: "gemm", Class: "gemm", M: num(g.at["m"], "m"), N: num(g.at["n"], "n"), K: num(g.at["k"], "k"), DType: text("dtype", "gemm_dtype", "type"), Device: text("device", "gpu", "chip", "system")}
	if i, ok := g.at["batch"]; ok {
		k.Batch = num(i, "batch")
	}
	if g.time >= 0 {
		k.DurationSec = num(g.time, "time").Times(g.factor)
	}
	if g.rate >= 0 {
		k.FlopPerSec = num(g.rate, "tflops").Times(1e12)
	}
	gemmConsistent(g.feed, k)
	g.emit(k)
	return true
}
