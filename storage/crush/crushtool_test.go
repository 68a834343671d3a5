package crush

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// crushtoolPath finds Ceph's own tool; the test is skipped without it.
func crushtoolPath(t testing.TB, tool string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		t.Skip(tool + " absent: install Debian's ceph-base and ceph-osd to compare with it")
	}
	return path
}

// randomMap writes a map with random hierarchy, algorithms, weights, classes, tunables,
// rules and weight-sets, and the options of a test of it.
type randomMap struct {
	r       *rand.Rand
	b       strings.Builder
	classes bool
	osds    int
	levels  []string
	roots   []string
	rooted  []bool // classes may be taken there
	names   map[string]int
	next    int // free bucket id
	sizes   []struct{ id, size int }
	algs    []string
}

func (g *randomMap) oneOf(s ...string) string { return s[g.r.IntN(len(s))] }

func (g *randomMap) weight(kind int) float64 {
	switch kind {
	case 0:
		return 1
	case 1:
		return float64(g.r.IntN(4)) // with zeros
	case 2:
		return []float64{0.5, 1, 1, 3.638, 7.277, 14.552}[g.r.IntN(6)]
	case 3:
		return g.r.Float64() * 100
	}
	return 0.001 + g.r.Float64()*0.01
}

func (g *randomMap) alg() string { return g.algs[g.r.IntN(len(g.algs))] }

// bucket writes one bucket and returns its weight.
func (g *randomMap) bucket(typ, name string, items []string, weights []float64, kind int) float64 {
	id := g.next
	g.next++
	if g.r.IntN(8) == 0 {
		g.next += g.r.IntN(5)
	}
	fmt.Fprintf(&g.b, "%s %s {\n\tid -%d\n", typ, name, id)
	if g.classes && g.r.IntN(3) > 0 {
		for _, c := range []string{"ssd", "hdd"} {
			if g.r.IntN(6) > 0 {
				fmt.Fprintf(&g.b, "\tid -%d class %s\n", g.next, c)
				g.next++
			}
		}
	}
	alg := g.alg()
	if alg == "tree" && (len(items) > maxTreeItems || g.classes) { // Ceph leaves node weights unset in shadows of trees
		alg = "straw2"
	}
	if alg == "tree" { // a subtree of zeros makes Ceph read beyond the items
		for i := range weights {
			weights[i] += 0.25
		}
	}
	fmt.Fprintf(&g.b, "\talg %s\n\thash 0\t# rjenkins1\n", alg)
	total := 0.0
	g.sizes = append(g.sizes, struct{ id, size int }{id, len(items)})
	for i, item := range items {
		w := weights[i]
		if alg == "uniform" {
			w = weights[0]
		}
		fmt.Fprintf(&g.b, "\titem %s weight %.3f\n", item, w)
		total += w
	}
	b := "}\n"
	g.b.WriteString(b)
	return total
}

func (g *randomMap) generate() (text string, args []string) {
	r := g.r
	set := func(name string, values ...int) {
		if v := values[r.IntN(len(values))]; v >= 0 {
			fmt.Fprintf(&g.b, "tunable %s %d\n", name, v)
		}
	}
	switch r.IntN(6) {
	case 0: // legacy
	case 1: // bobtail
		g.b.WriteString("tunable choose_local_tries 0\ntunable choose_local_fallback_tries 0\ntunable choose_total_tries 50\ntunable chooseleaf_descend_once 1\n")
	case 2: // firefly, hammer
		g.b.WriteString("tunable choose_local_tries 0\ntunable choose_local_fallback_tries 0\ntunable choose_total_tries 50\ntunable chooseleaf_descend_once 1\ntunable chooseleaf_vary_r 1\ntunable straw_calc_version 1\n")
	case 3: // jewel
		g.b.WriteString("tunable choose_local_tries 0\ntunable choose_local_fallback_tries 0\ntunable choose_total_tries 50\ntunable chooseleaf_descend_once 1\ntunable chooseleaf_vary_r 1\ntunable chooseleaf_stable 1\ntunable straw_calc_version 1\n")
	default:
		set("choose_local_tries", -1, 0, 1, 2, 5)
		set("choose_local_fallback_tries", -1, 0, 1, 5)
		set("choose_total_tries", -1, 0, 3, 19, 50, 100)
		set("chooseleaf_descend_once", -1, 0, 1)
		set("chooseleaf_vary_r", -1, 0, 1, 2, 4)
		set("chooseleaf_stable", -1, 0, 1)
		set("straw_calc_version", -1, 0, 1)
	}
	all := []string{"straw2", "straw", "list", "tree", "uniform"}
	switch r.IntN(3) {
	case 0:
		g.algs = []string{all[r.IntN(5)]}
	case 1:
		g.algs = []string{"straw2", "straw2", "straw"}
	default:
		g.algs = all
	}
	g.classes = r.IntN(3) == 0
	g.next, g.osds = 1, 1+r.IntN(40)
	if r.IntN(20) == 0 {
		g.osds = 200 + r.IntN(1801)
	}
	gap := 1 + r.IntN(2)*r.IntN(3)
	var osds []string
	for i := range g.osds {
		class := ""
		if g.classes && r.IntN(10) > 0 {
			class = " class " + g.oneOf("ssd", "hdd", "hdd")
		}
		fmt.Fprintf(&g.b, "device %d osd.%d%s\n", i*gap, i*gap, class)
		osds = append(osds, fmt.Sprintf("osd.%d", i*gap))
	}
	g.b.WriteString("type 0 osd\ntype 1 host\ntype 3 rack\ntype 8 datacenter\ntype 11 root\n")
	g.levels = [][]string{{"host"}, {"host", "rack"}, {"host", "rack", "datacenter"}, {"rack"}, {}}[r.IntN(5)]
	kind := r.IntN(5)
	below, weights := osds, make([]float64, len(osds))
	for i := range weights {
		weights[i] = g.weight(kind)
	}
	for _, level := range g.levels {
		fan := 1 + r.IntN(8)
		var up []string
		var upWeights []float64
		for len(below) > 0 {
			n := min(len(below), 1+r.IntN(fan))
			if r.IntN(40) == 0 {
				n = 0
			}
			name := fmt.Sprintf("%s%d", level, len(up))
			w := g.bucket(level, name, below[:n], weights[:n], kind)
			switch r.IntN(20) {
			case 0:
				w = g.weight(2) // not the sum
			case 1:
				w = 0
			}
			up, upWeights = append(up, name), append(upWeights, w)
			below, weights = below[n:], weights[n:]
		}
		below, weights = up, upWeights
	}
	if r.IntN(4) == 0 && len(below) > 1 { // two roots
		cut := 1 + r.IntN(len(below)-1)
		g.bucket("root", "other", below[:cut], weights[:cut], kind)
		g.roots, below, weights = append(g.roots, "other"), below[cut:], weights[cut:]
	}
	g.bucket("root", "default", below, weights, kind)
	g.roots = append(g.roots, "default")
	rules := 1 + r.IntN(3)
	for i := range rules {
		g.rule(i)
	}
	if r.IntN(3) == 0 {
		g.chooseArgs()
	}
	args = []string{"--num-rep", strconv.Itoa(1 + r.IntN(10)), "--min-x", "0", "--max-x", strconv.Itoa(60 + r.IntN(200))}
	if r.IntN(10) == 0 {
		args = append(args, "--pool-id", strconv.Itoa(r.IntN(100)))
	}
	for i := range g.osds {
		if r.IntN(12) == 0 {
			args = append(args, "--weight", strconv.Itoa(i*gap), g.oneOf("0", "0.0", "0.25", "0.5", "0.85", "0.9999", "1", "1.5"))
		}
	}
	return g.b.String(), args
}

func (g *randomMap) rule(id int) {
	r := g.r
	mode := g.oneOf("firstn", "indep")
	kind := map[string]string{"firstn": "replicated", "indep": "erasure"}[mode]
	fmt.Fprintf(&g.b, "rule r%d {\n\tid %d\n\ttype %s\n\tmin_size 1\n\tmax_size 10\n", id, id, kind)
	if r.IntN(3) == 0 {
		for _, s := range []string{"choose_tries", "chooseleaf_tries", "choose_local_tries", "choose_local_fallback_tries", "chooseleaf_vary_r", "chooseleaf_stable"} {
			if r.IntN(3) == 0 {
				fmt.Fprintf(&g.b, "\tstep set_%s %d\n", s, []int{0, 1, 2, 5, 40}[r.IntN(5)])
			}
		}
	}
	types := append([]string{"osd", "osd"}, g.levels...)
	for range 1 + r.IntN(4)/3 {
		take := g.oneOf(g.roots...)
		if g.classes && r.IntN(3) > 0 {
			take += " class " + g.oneOf("hdd", "hdd", "ssd")
			if !strings.Contains(g.b.String(), " class ssd\n") || !strings.Contains(g.b.String(), " class hdd\n") {
				take, _, _ = strings.Cut(take, " class")
			}
		}
		fmt.Fprintf(&g.b, "\tstep take %s\n", take)
		switch r.IntN(4) {
		case 0:
			fmt.Fprintf(&g.b, "\tstep choose %s %d type osd\n", mode, []int{0, 0, 1, 3, -1}[r.IntN(5)])
		case 1:
			if n := len(g.levels); n > 0 {
				at := r.IntN(n)
				fmt.Fprintf(&g.b, "\tstep choose %s %d type %s\n", mode, r.IntN(4), g.levels[at])
				below := append([]string{"osd"}, g.levels[:at]...)
				verb, typ := "chooseleaf", g.oneOf(below...)
				if typ == "osd" {
					verb = g.oneOf("choose", "chooseleaf")
				}
				fmt.Fprintf(&g.b, "\tstep %s %s %d type %s\n", verb, g.oneOf(mode, mode, "indep"), r.IntN(4), typ)
				break
			}
			fallthrough
		default:
			fmt.Fprintf(&g.b, "\tstep chooseleaf %s %d type %s\n", mode, []int{0, 0, 0, 2, -1, -2}[r.IntN(6)], g.oneOf(types...))
		}
		g.b.WriteString("\tstep emit\n")
	}
	g.b.WriteString("}\n")
}

func (g *randomMap) chooseArgs() {
	r := g.r
	fmt.Fprintf(&g.b, "choose_args %d {\n", r.IntN(4)/3)
	for _, s := range g.sizes {
		if r.IntN(2) == 0 || s.size == 0 {
			continue
		}
		fmt.Fprintf(&g.b, "  {\n    bucket_id -%d\n    weight_set [\n", s.id)
		for range 1 + r.IntN(3) {
			g.b.WriteString("      [ ")
			for range s.size {
				fmt.Fprintf(&g.b, "%.3f ", g.weight(2)+1)
			}
			g.b.WriteString("]\n")
		}
		g.b.WriteString("    ]\n")
		if r.IntN(4) == 0 {
			g.b.WriteString("    ids [ ")
			for range s.size {
				fmt.Fprintf(&g.b, "%d ", r.IntN(2000)-1000)
			}
			g.b.WriteString("]\n")
		}
		g.b.WriteString("  }\n")
	}
	g.b.WriteString("}\n")
}

// TestAgainstCrushtool compares maps at random with crushtool, line by line.
// AISIM_CRUSH_MAPS sets how many, AISIM_CRUSH_SEED the first.
func TestAgainstCrushtool(t *testing.T) {
	tool := crushtoolPath(t, "crushtool")
	count, first := 60, 0
	for name, v := range map[string]*int{"AISIM_CRUSH_MAPS": &count, "AISIM_CRUSH_SEED": &first} {
		if s := os.Getenv(name); s != "" {
			n, err := strconv.Atoi(s)
			if err != nil {
				t.Fatal(err)
			}
			*v = n
		}
	}
	if testing.Short() {
		count = min(count, 10)
	}
	dir := t.TempDir()
	lines, faults, crashes := 0, 0, 0
	for seed := first; seed < first+count; seed++ {
		g := &randomMap{r: rand.New(rand.NewPCG(uint64(seed), 1))}
		text, args := g.generate()
		source, binary := filepath.Join(dir, "map.txt"), filepath.Join(dir, "map.bin")
		if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := Parse([]byte(text))
		compiled, refused := exec.Command(tool, "-c", source, "-o", binary).CombinedOutput()
		if (err != nil) != (refused != nil) {
			t.Errorf("seed %d: we say %v, crushtool %v: %.300s", seed, err, refused, compiled)
			faults++
		} else if err == nil {
			limit, stop := context.WithTimeout(t.Context(), 10*time.Second)
			want, fault := exec.CommandContext(limit, tool, append([]string{"-i", binary, "--test", "--show-mappings", "--show-bad-mappings", "--show-statistics", "--show-utilization"}, args...)...).Output()
			stop()
			if fault != nil { // it reads beyond its arrays or loops on some maps
				crashes++
				if keep := os.Getenv("AISIM_CRUSH_KEEP"); keep != "" {
					_ = os.WriteFile(filepath.Join(keep, fmt.Sprintf("crash%d.txt", seed)), []byte(text+"# "+strings.Join(args, " ")), 0o600)
				}
				continue
			}
			test := testOf(t, m, strings.Join(args, " "))
			test.Mappings, test.BadMappings, test.Statistics, test.Utilization = true, true, true, true
			if n := differing(t, fmt.Sprintf("seed %d", seed), render(t, m, test, 1+seed%3), want); n > 0 {
				faults++
				if keep := os.Getenv("AISIM_CRUSH_KEEP"); keep != "" {
					name := filepath.Join(keep, fmt.Sprintf("seed%d", seed))
					_ = os.WriteFile(name+".txt", []byte(text), 0o600)
					_ = os.WriteFile(name+".args", []byte(strings.Join(args, " ")), 0o600)
				}
			}
			lines += bytes.Count(want, []byte("\n"))
		}
		if faults > 20 {
			t.Fatal("too many differences")
		}
	}
	t.Logf("%d maps, %d lines, %d maps differ, crushtool crashed on %d", count, lines, faults, crashes)
}
