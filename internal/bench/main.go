package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

func main() {
	out := flag.String("o", filepath.Join("docs", "performance.md"), "`FILE` to write, - for standard output")
	runs := flag.Int("runs", 5, "`N` runs of each side, of which the best counts")
	quick := flag.Bool("quick", false, "one run each, no profiles")
	shared := flag.String("references", filepath.Join("..", "shared", "bench"), "`FOLDER` of the reference programs")
	flag.Parse()
	if err := measure(*out, *shared, *runs, *quick); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// lab is a folder of built programs.
type lab struct {
	dir, shared string
	refs        map[string]string // path of each reference program that could be built
	why         map[string]string // why another could not
	runs        int
}

func measure(out, shared string, runs int, quick bool) error {
	if _, err := os.Stat("go.mod"); err != nil {
		return fmt.Errorf("run it from the project's root: %w", err)
	}
	dir, err := os.MkdirTemp("", "aisim-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	l := &lab{dir: dir, shared: shared, refs: map[string]string{}, why: map[string]string{}, runs: runs}
	if quick {
		l.runs = 1
	}
	if b, err := l.command(5*time.Minute, "go", "build", "-trimpath", "-o", filepath.Join(dir, "aisim"), "./cmd/aisim"); err != nil {
		return fmt.Errorf("aisim does not build: %w\n%s", err, b)
	}
	l.build("phold", "phold_cpp/phold.cpp", "-O3", "-march=native", "-std=c++20")
	l.build("simgrid", "simgrid/ft.cpp", "-O2", "-std=c++17", "-lsimgrid")
	var doc bytes.Buffer
	l.head(&doc)
	if err := l.table(&doc); err != nil {
		return err
	}
	if err := l.agree(&doc); err != nil {
		return err
	}
	if err := l.growth(&doc); err != nil {
		return err
	}
	if err := l.models(&doc); err != nil {
		return err
	}
	if !quick {
		l.profiles(&doc)
	}
	if out == "-" {
		_, err = os.Stdout.Write(doc.Bytes())
		return err
	}
	return os.WriteFile(out, doc.Bytes(), 0o644)
}

// command runs a program to its end or the limit.
func (l *lab) command(limit time.Duration, name string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	b, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if ctx.Err() != nil {
		return b, fmt.Errorf("stopped after %v", limit)
	}
	return b, err
}

// build compiles a reference program, or notes why it cannot be.
func (l *lab) build(key, source string, flags ...string) {
	path := filepath.Join(l.shared, filepath.FromSlash(source))
	if _, err := os.Stat(path); err != nil {
		l.why[key] = "no " + source
		return
	}
	if _, err := exec.LookPath("g++"); err != nil {
		l.why[key] = "no g++"
		return
	}
	bin := filepath.Join(l.dir, key)
	args := append([]string{path, "-o", bin}, flags...)
	if b, err := l.command(3*time.Minute, "g++", args...); err != nil {
		l.why[key] = "does not build: " + firstLine(b)
		return
	}
	l.refs[key] = bin
}

func firstLine(b []byte) string {
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, "error") {
			return strings.TrimSpace(line)
		}
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return line
}

// result is the JSON of aisim bench, as far as it is used here.
type result struct {
	Events           float64 `json:"events"`
	WallSeconds      float64 `json:"wall_seconds"`
	PeakBytes        float64 `json:"peak_bytes"`
	SimulatedSeconds float64 `json:"simulated_seconds"`
	Hash             string  `json:"hash"`
	Packets          float64 `json:"packets"`
	MeanFlow         float64 `json:"flow_seconds_mean"`
	Requests         float64 `json:"requests"`
}

func (l *lab) aisim(args ...string) (result, error) {
	var r result
	line := append(append([]string{"bench"}, args...), "--format", "json")
	b, err := l.command(5*time.Minute, filepath.Join(l.dir, "aisim"), line...)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		return r, fmt.Errorf("aisim %s: %w\n%s", strings.Join(line, " "), err, b)
	}
	return r, nil
}

// reference is what a reference program printed.
type reference struct {
	wall, build, events, end, mean float64
	hash                           string
}

var field = regexp.MustCompile(`(\w+)=([0-9a-fx.eE+-]+)`)

func (l *lab) reference(key string, args ...string) (reference, error) {
	var r reference
	b, err := l.command(2*time.Minute, l.refs[key], args...)
	if err != nil {
		return r, fmt.Errorf("%w %s", err, firstLine(b))
	}
	for _, m := range field.FindAllStringSubmatch(string(b), -1) {
		v, _ := strconv.ParseFloat(m[2], 64)
		switch m[1] {
		case "wall":
			r.wall = v
		case "build":
			r.build = v
		case "events":
			r.events = v
		case "simulated_end":
			r.end = v
		case "mean":
			r.mean = v
		case "hash":
			r.hash = m[2]
		}
	}
	if r.wall == 0 && r.build == 0 {
		return r, fmt.Errorf("no wall time in %q", firstLine(b))
	}
	return r, nil
}

// span is the best and the worst of several runs.
type span struct{ best, worst float64 }

func (s *span) add(v float64) {
	if s.best == 0 || v < s.best {
		s.best = v
	}
	s.worst = max(s.worst, v)
}

func (s span) String() string {
	if s.best == 0 {
		return "–"
	}
	if s.worst < s.best*1.05 {
		return seconds(s.best)
	}
	return seconds(s.best) + " (to " + seconds(s.worst) + ")"
}

func seconds(v float64) string {
	switch {
	case v >= 10:
		return fmt.Sprintf("%.1f s", v)
	case v >= 1:
		return fmt.Sprintf("%.2f s", v)
	case v >= 0.1:
		return fmt.Sprintf("%.3f s", v)
	}
	return fmt.Sprintf("%.2f ms", v*1e3)
}

func (l *lab) head(doc *bytes.Buffer) {
	cpu := "unknown processor"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
				cpu = strings.TrimSpace(v)
				break
			}
		}
	}
	load := ""
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		if f := strings.Fields(string(b)); len(f) > 0 {
			load = ", load average " + f[0] + " at the start"
		}
	}
	fmt.Fprintf(doc, `# Performance

Written by `+"`go run ./internal/bench`"+` (`+"`make bench`"+`), never by hand. Both sides of a ratio ran in turn in this one
call; the best wall time of %d runs counts and the worst stands beside it where they differ
by more than 5 %%. A row's result (hash, events or simulated time) was held against the
reference's first.

%d CPUs (%s), %s, %s%s.

`, l.runs, runtime.NumCPU(), cpu, runtime.Version(), time.Now().UTC().Format("2006-01-02"), load)
	for _, key := range []string{"phold", "simgrid"} {
		if why, ok := l.why[key]; ok {
			fmt.Fprintf(doc, "The reference program %s was skipped: %s.\n\n", key, why)
		}
	}
}

// table measures every row.
func (l *lab) table(doc *bytes.Buffer) error {
	doc.WriteString("## Measured\n\n| case | aisim | M events/s | peak | reference | ratio | promise | kept | same result |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintln(os.Stderr, "bench:", r.name)
		var own, ref span
		var got result
		var refGot reference
		refName, note := "–", ""
		for i := range l.runs {
			x, err := l.aisim(r.args...)
			if err != nil {
				return err
			}
			if i > 0 && (x.Hash != got.Hash || x.Events != got.Events) {
				return fmt.Errorf("%s: run %d has hash %s and %v events, before %s and %v", r.name, i+1, x.Hash, x.Events, got.Hash, got.Events)
			}
			x.PeakBytes = max(x.PeakBytes, got.PeakBytes)
			got = x
			own.add(x.WallSeconds)
			if r.promise.kind == "own-ratio" {
				one := append(append([]string{}, r.args[:len(r.args)-1]...), "1")
				y, err := l.aisim(one...)
				if err != nil {
					return err
				}
				if y.Hash != x.Hash {
					return fmt.Errorf("%s: hash %s, of one worker %s", r.name, x.Hash, y.Hash)
				}
				ref.add(y.WallSeconds)
				continue
			}
			if r.ref == "" || r.refRuns > 0 && i >= r.refRuns {
				continue
			}
			if why, missing := l.why[r.ref]; missing {
				note = "skipped: " + why
				continue
			}
			y, err := l.reference(r.ref, r.refArgs...)
			if err != nil {
				note = "failed: " + err.Error()
				continue
			}
			refGot = y
			wall := y.wall
			if strings.Contains(r.name, "with the build") {
				wall += y.build
			}
			ref.add(wall)
		}
		rate := got.Events / own.best
		if ref.best > 0 {
			refName = ref.String()
		} else if note != "" {
			refName = note
		} else if r.known != "" {
			refName = r.known
		}
		ratio, kept := judge(r.promise, own.best, got, ref.best)
		fmt.Fprintf(doc, "| %s | %s | %.3g | %.0f MiB | %s | %s | %s | %s | %s |\n", r.name, own, rate/1e6, got.PeakBytes/(1<<20), refName, ratio, r.promise, kept, same(r, got, refGot))
	}
	doc.WriteString("\nThe wall time of a fabric's row counts the building of the fabric, the reference's only where the row says so; PHOLD's counts the events alone on both sides. A ratio is reference over aisim, in wall time or in the rate of events.\n\n")
	return nil
}

func (p promise) String() string {
	switch p.kind {
	case "":
		return "–"
	case "wall-ratio":
		return fmt.Sprintf("≥ %.3g×", 1/p.bound)
	case "rate-ratio", "own-ratio":
		return fmt.Sprintf("≥ %.3g×", p.bound)
	}
	if p.gib > 0 {
		return fmt.Sprintf("≤ %.3g s, ≤ %.3g GiB", p.bound, p.gib)
	}
	return fmt.Sprintf("≤ %.3g s", p.bound)
}

func judge(p promise, wall float64, got result, ref float64) (ratio, kept string) {
	word := map[bool]string{true: "yes", false: "**no**"}
	switch p.kind {
	case "":
		return "–", "–"
	case "wall":
		return "–", word[wall <= p.bound && (p.gib == 0 || got.PeakBytes <= p.gib*(1<<30))]
	}
	if ref == 0 {
		return "–", "not measured"
	}
	x := ref / wall // equal events on both sides, so a ratio of rates is one of walls
	bound := p.bound
	if p.kind == "wall-ratio" {
		bound = 1 / p.bound
	}
	return fmt.Sprintf("%.3g×", x), word[x >= bound]
}

// same says whether the reference did the same work and came to the same end.
func same(r row, got result, ref reference) string {
	switch {
	case r.promise.kind == "own-ratio":
		return "hash equal"
	case ref.hash != "":
		if ref.hash == got.Hash && ref.events == got.Events {
			return "hash equal"
		}
		return "**hash differs**"
	case ref.end > 0:
		d := math.Abs(got.SimulatedSeconds/ref.end - 1)
		if d <= 1e-3 {
			return fmt.Sprintf("ends at %.6f ms, differs by %.1e", got.SimulatedSeconds*1e3, d)
		}
		return fmt.Sprintf("**ends at %.6f ms, reference %.6f ms**", got.SimulatedSeconds*1e3, ref.end*1e3)
	case got.MeanFlow > 0:
		return fmt.Sprintf("flows take %.4g ms on average", got.MeanFlow*1e3)
	}
	return "–"
}

// agree holds the flow fabric against SimGrid's times.
func (l *lab) agree(doc *bytes.Buffer) error {
	doc.WriteString("## Completion times against SimGrid (CM02, d-mod-k)\n\n| case | k | bytes | aisim, last | SimGrid, last | aisim, mean | SimGrid, mean | largest difference |\n|---|---|---|---|---|---|---|---|\n")
	if why, missing := l.why["simgrid"]; missing {
		fmt.Fprintf(doc, "| skipped: %s | | | | | | | |\n\n", why)
		return nil
	}
	for _, c := range agreement {
		x, err := l.aisim(fabric(c.pattern, c.radix, c.bytes, "flow", "2")...)
		if err != nil {
			return err
		}
		y, err := l.reference("simgrid", with(c.radix, c.sg, c.bytes)...)
		if err != nil {
			return err
		}
		worst := math.Abs(x.SimulatedSeconds/y.end - 1)
		mean := "–"
		if y.mean > 0 {
			worst = max(worst, math.Abs(x.MeanFlow/y.mean-1))
			mean = fmt.Sprintf("%.6f ms", y.mean*1e3)
		}
		word := fmt.Sprintf("%.1e", worst)
		if worst > 1e-3 {
			word = "**" + word + "**"
		}
		fmt.Fprintf(doc, "| %s | %s | %s | %.6f ms | %.6f ms | %.6f ms | %s | %s |\n", c.pattern, c.radix, c.bytes, x.SimulatedSeconds*1e3, y.end*1e3, x.MeanFlow*1e3, mean, word)
	}
	doc.WriteString("\nThe ring of 1,024 hosts stands in the table above. All-to-all of 1,024 hosts is a million flows at once; the reference was stopped at 60 s with a fifth of them.\n\n")
	return nil
}

// growth measures a permutation of all hosts from 1,024 to 128,000 and fits the law.
func (l *lab) growth(doc *bytes.Buffer) error {
	doc.WriteString("## Growth: a permutation of all hosts, 64 MiB each, by flows, fabric built\n\n| k | hosts | wall | per host | peak | per host |\n|---|---|---|---|---|---|\n")
	var n, sx, sy, sxx, sxy float64
	var hostsSeen, peaks []float64
	for _, k := range growth {
		radix, _ := strconv.Atoi(k)
		hosts := float64(radix * radix * radix / 4)
		var wall span
		var got result
		for range l.runs {
			x, err := l.aisim(fabric("permutation", k, "67108864", "flow", "1")...)
			if err != nil {
				return err
			}
			wall.add(x.WallSeconds)
			got = x
		}
		fmt.Fprintf(doc, "| %s | %.0f | %s | %.2f µs | %.0f MiB | %.1f kB |\n", k, hosts, wall, wall.best/hosts*1e6, got.PeakBytes/(1<<20), got.PeakBytes/hosts/1e3)
		hostsSeen, peaks = append(hostsSeen, hosts), append(peaks, got.PeakBytes)
		x, y := math.Log(hosts), math.Log(wall.best)
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	last := len(peaks) - 1
	perHost := (peaks[last] - peaks[0]) / (hostsSeen[last] - hostsSeen[0])
	slope := (n*sxy - sx*sy) / (n*sxx - sx*sx)
	fmt.Fprintf(doc, `
Wall time grows as hosts^%.2f (least squares on logarithms). Building and routing take work in
proportion to links and flows. Solving takes uses · log(links) for each distinct instant at
which flows end (23 of them at 1,024 hosts, 54 at 8,192, 168 at 128,000), and each touches only
flows at or above the level of those that ended. Memory is %.0f MiB for the program and %.2f kB
per host: six links of fabric and net, a flow and its six uses.

`, slope, (peaks[0]-perHost*hostsSeen[0])/(1<<20), perHost/1e3)
	return nil
}

// profiles runs each hot loop's Go benchmark under the profiler.
func (l *lab) profiles(doc *bytes.Buffer) {
	doc.WriteString("## Where the time goes\n\n")
	for i, p := range profiles {
		fmt.Fprintln(os.Stderr, "bench: profile of", p.title)
		fmt.Fprintf(doc, "### %s\n\n", p.title)
		prof := filepath.Join(l.dir, fmt.Sprintf("cpu%d.prof", i))
		bin := filepath.Join(l.dir, fmt.Sprintf("test%d", i))
		b, err := l.command(2*time.Minute, "go", "test", "-run", "^$", "-bench", p.bench, "-benchtime", "2s", "-cpuprofile", prof, "-o", bin, p.pkg)
		if err != nil {
			fmt.Fprintf(doc, "No profile: %s.\n\n", firstLine(b))
			continue
		}
		top, err := l.command(time.Minute, "go", "tool", "pprof", "-top", "-nodecount=8", bin, prof)
		if err != nil {
			fmt.Fprintf(doc, "No profile: %s.\n\n", firstLine(top))
			continue
		}
		doc.WriteString("| own time | share | function |\n|---|---|---|\n")
		for line := range strings.Lines(string(top)) {
			f := strings.Fields(line)
			if len(f) >= 6 && strings.HasSuffix(f[1], "%") && strings.HasSuffix(f[4], "%") {
				fmt.Fprintf(doc, "| %s | %s | `%s` |\n", f[0], f[1], strings.Join(f[5:], " "))
			}
		}
		fmt.Fprintf(doc, "\n%s\n\n", p.bound)
	}
}
