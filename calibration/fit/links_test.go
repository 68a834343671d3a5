package fit

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"aisim/hardware/profile"
	"aisim/topology/collective"
)

func dataDir(t *testing.T) string {
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
	path := filepath.Join(dir, "..", "shared", "data")
	if _, err := os.Stat(path); err != nil {
		t.Skip("shared data absent: data")
	}
	return path
}

// quantile of |e| over errors.
func quantile(e []float64, q float64) float64 {
	a := make([]float64, len(e))
	for i, v := range e {
		a[i] = math.Abs(v)
	}
	slices.Sort(a)
	if len(a) == 0 {
		return math.NaN()
	}
	return a[min(len(a)-1, int(q*float64(len(a))))]
}

func report(t *testing.T, b *Bench, p profile.LinkParams) {
	got, err := b.Predict(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string][]float64{}
	for i, c := range b.calls {
		e := got[i]/c.Sec - 1
		size := "< 1 MiB"
		if c.Bytes >= 64<<20 {
			size = ">= 64 MiB"
		} else if c.Bytes >= 1<<20 {
			size = "1-64 MiB"
		}
		by[fmt.Sprintf("%-24s %-14s %s", c.Source, c.Op, size)] = append(by[fmt.Sprintf("%-24s %-14s %s", c.Source, c.Op, size)], e)
		by["all "+size] = append(by["all "+size], e)
		if os.Getenv("AISIM_FIT_ROWS") != "" {
			t.Logf("%s %s n=%d %v %.0f: %.1f us, got %.1f us (%+.1f %%)", c.Source, c.Op, c.Chips, c.InSwitch, c.Bytes, c.Sec*1e6, got[i]*1e6, 100*e)
		}
	}
	var keys []string
	for k := range by {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		t.Logf("%-56s %4d rows, median %5.1f %%, p90 %5.1f %%", k, len(by[k]), 100*quantile(by[k], 0.5), 100*quantile(by[k], 0.9))
	}
}

func TestFitLinks(t *testing.T) {
	data := os.DirFS(dataDir(t))
	links, err := profile.Links()
	if err != nil {
		t.Fatal(err)
	}
	rounds := 0
	if os.Getenv("AISIM_FIT") != "" {
		rounds = 4
	}
	for _, f := range Fabrics() {
		calls, err := Calls(data, f.Class)
		if err != nil {
			t.Fatal(err)
		}
		b, err := NewBench(f, calls)
		if err != nil {
			t.Fatal(err)
		}
		p := links[f.Class]
		if rounds > 0 {
			p = b.Slopes(Start(f, p))
		}
		p, err = b.Fit(p, rounds)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d calls, loss %.4f\n%+v", f.Class, len(calls), b.Loss(p), p)
		report(t, b, p)
		links[f.Class] = p
	}
	fabrics, calls, err := Networks(data, links)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range fabrics {
		b, err := NewBench(f, calls[i])
		if err != nil {
			t.Fatal(err)
		}
		p, err := b.Fit(links[f.Class], rounds)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d calls, loss %.4f\n%+v", f.Class, len(calls[i]), b.Loss(p), p)
		report(t, b, p)
	}
}

var _ = collective.AllReduce
