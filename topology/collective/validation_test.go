package collective

import (
	"encoding/csv"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"aisim/hardware/profile"
	"aisim/topology"
)

// measured systems of the validation table: what the rows' fabric column says.
type system struct {
	match       func(chip, fabric string) bool
	scaleUp     string // link class
	bytesPerSec float64
	network     string
	nics        int
	nicGbps     float64
}

var systems = []system{
	{func(c, f string) bool { return strings.Contains(f, "p4de") }, "nvlink3", 300e9, "efa", 4, 100},
	{func(c, f string) bool { return strings.Contains(f, "p5") }, "nvlink4", 450e9, "efa", 8, 400},
	{func(c, f string) bool { return strings.Contains(f, "NVLink4 NVSwitch, 8 GPUs") }, "nvlink4", 450e9, "roce", 8, 400},
	{func(c, f string) bool { return strings.Contains(f, "OCI") && strings.Contains(c, "H100") }, "nvlink4", 450e9, "roce", 8, 400},
	{func(c, f string) bool { return strings.Contains(f, "16x100") }, "nvlink3", 300e9, "roce", 16, 100},
}

func dataFile(t *testing.T, parts ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
	path := filepath.Join(append([]string{dir, "..", "shared", "data"}, parts...)...)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		t.Skipf("shared data absent: %s", filepath.Join(parts...))
	}
	return path
}

// Large all-reduces against published nccl-tests tables, with the constants of the link
// classes as they are and nothing fitted here. First order: median error of time within
// 15 %, nine in ten within 35 %. The spread is that of the systems: EFA reaches between
// 0.6 and 0.9 of its line rate, and the class has one figure. Issue 2/8 tightens this.
func TestAgainstMeasuredAllReduce(t *testing.T) {
	f, err := os.Open(dataFile(t, "validation", "collectives.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	col := map[string]int{}
	for i, name := range rows[0] {
		col[name] = i
	}
	links, err := profile.Links()
	if err != nil {
		t.Fatal(err)
	}
	var errs []float64
	by := map[string][]float64{}
	refused := 0
	for _, r := range rows[1:] {
		get := func(name string) string { return r[col[name]] }
		size, _ := strconv.ParseFloat(get("size_bytes"), 64)
		if get("use") != "gate" || get("op") != "all_reduce" || size < 64<<20 {
			continue
		}
		chips, _ := strconv.Atoi(get("chips"))
		nodes, _ := strconv.Atoi(get("nodes"))
		if chips == 0 && strings.Contains(get("notes"), "16 ranks") {
			chips, nodes = 16, 2
		}
		at := slices.IndexFunc(systems, func(s system) bool { return s.match(get("chip"), get("fabric")) })
		sec, errTime := strconv.ParseFloat(get("time_us"), 64)
		if at < 0 || chips == 0 || nodes == 0 || errTime != nil {
			refused++
			continue
		}
		s := systems[at]
		g, err := topology.Build(topology.Spec{
			Hosts: []topology.HostGroup{{Name: "n", Count: nodes, ChipsPerHost: chips / nodes, NICs: s.nics, NICBytesPerSec: s.nicGbps * 1e9 / 8,
				ScaleUp: topology.ScaleUp{Kind: "switch", BytesPerSec: s.bytesPerSec}}},
			Topology: "single-switch", LinkLatencySec: 2e-7, SwitchLatencySec: 3e-7,
		})
		if err != nil {
			t.Fatal(err)
		}
		c := New(g, Links{ScaleUp: links[s.scaleUp], Network: links[s.network]}, Options{})
		p, err := c.Prepare(AllReduce, [][]topology.NodeID{g.Chips("n")}, PlanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		cost := p.Time(size)
		e := cost.Sec/(sec*1e-6) - 1
		errs = append(errs, math.Abs(e))
		key := get("chip") + ", " + get("fabric")
		by[key] = append(by[key], e)
		t.Logf("%-16s %8.0f MiB  %-9s limited by %-7s %+6.1f %%", get("id"), size/(1<<20), cost.Algorithm, cost.Level, 100*e)
	}
	if len(errs) == 0 {
		t.Skip("shared data absent: no large all-reduce rows")
	}
	slices.Sort(errs)
	median, p90 := errs[len(errs)/2], errs[len(errs)*9/10]
	t.Logf("%d rows, %d refused: median %.1f %%, nine in ten within %.1f %%", len(errs), refused, 100*median, 100*p90)
	if median > 0.15 || p90 > 0.35 {
		t.Errorf("median %.3f, p90 %.3f: over the first-order tolerance 0.15 / 0.35", median, p90)
	}
}
