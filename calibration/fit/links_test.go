package fit

import (
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"aisim/hardware/profile"
	"aisim/internal/measured"
)

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

// The committed constants are those that the recipe finds in the tables, to four
// figures; -v prints them as links.toml has them, and the errors on every series.
func TestLinksAreReproduced(t *testing.T) {
	data := os.DirFS(measured.Path(t, ""))
	committed, err := profile.Links()
	if err != nil {
		t.Fatal(err)
	}
	fitted := map[string]profile.LinkParams{}
	check := func(f Fabric, calls []Call) {
		if len(calls) == 0 {
			t.Skipf("shared data absent: tables of %s", f.Class)
		}
		b, err := NewBench(f, calls)
		if err != nil {
			t.Fatal(err)
		}
		p, err := b.FitAll()
		if err != nil {
			t.Fatal(err)
		}
		fitted[f.Class] = p
		have := committed[f.Class]
		lines := ""
		want, got := Constants(&p, f.Hosts), Constants(&have, f.Hosts)
		for i := range want {
			lines += fmt.Sprintf("\n%s = %.4g", want[i].Key, *want[i].V)
			if i < len(got) && math.Abs(*got[i].V / *want[i].V - 1) > 0.02 {
				t.Errorf("%s: %s is %.4g in links.toml, the tables give %.4g", f.Class, want[i].Key, *got[i].V, *want[i].V)
			}
		}
		t.Logf("%s: %d calls, loss %.4f, committed %.4f\nclass = %q%s", f.Class, len(calls), b.Loss(p), b.Loss(have), f.Class, lines)
		report(t, b, have)
	}
	for _, f := range Fabrics() {
		calls, err := Calls(data, f.Class)
		if err != nil {
			t.Fatal(err)
		}
		check(f, calls)
	}
	fabrics, calls, err := Networks(data, fitted)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range fabrics {
		check(f, calls[i])
	}
}

// Leaving out whole sources: fitted on the others, judged on the one left out.
func TestLeaveSourceOut(t *testing.T) {
	if testing.Short() {
		t.Skip("fits every class once per source")
	}
	data := os.DirFS(measured.Path(t, ""))
	for _, f := range Fabrics() {
		all, err := Calls(data, f.Class)
		if err != nil {
			t.Fatal(err)
		}
		var sources []string
		for _, c := range all {
			if !slices.Contains(sources, c.Source) {
				sources = append(sources, c.Source)
			}
		}
		if len(sources) < 2 {
			continue
		}
		for _, out := range sources {
			var train, test []Call
			for _, c := range all {
				if c.Source == out {
					test = append(test, c)
				} else {
					train = append(train, c)
				}
			}
			b, err := NewBench(f, train)
			if err != nil {
				t.Fatal(err)
			}
			p, err := b.FitAll()
			if err != nil {
				t.Fatal(err)
			}
			judge, err := NewBench(f, test)
			if err != nil {
				t.Fatal(err)
			}
			sizes, err := judge.bySize(p)
			if err != nil {
				t.Fatal(err)
			}
			for _, size := range []string{">= 64 MiB", "1-64 MiB", "< 1 MiB"} {
				if e := sizes[size]; len(e) > 0 {
					t.Logf("%s without %-24s %-10s %4d rows, median %5.1f %%, p90 %5.1f %%", f.Class, out, size, len(e), 100*quantile(e, 0.5), 100*quantile(e, 0.9))
				}
			}
			if large := sizes[">= 64 MiB"]; len(large) > 0 && quantile(large, 0.5) > 0.10 {
				t.Errorf("%s without %s: median error %.3f of large messages", f.Class, out, quantile(large, 0.5))
			}
		}
	}
}

// Networks have one source each. Left out, what remains is the prior, which the notes'
// hop and efficiency went into; and every second size predicted from the others.
func TestLeaveNetworkOut(t *testing.T) {
	committed, err := profile.Links()
	if err != nil {
		t.Fatal(err)
	}
	fabrics, calls, err := Networks(os.DirFS(measured.Path(t, "")), committed)
	if err != nil {
		t.Skipf("shared data absent: %v", err)
	}
	for i, f := range fabrics {
		var odd, even []Call
		for k, c := range calls[i] {
			if k%2 == 0 {
				even = append(even, c)
			} else {
				odd = append(odd, c)
			}
		}
		half, err := NewBench(f, even)
		if err != nil {
			t.Fatal(err)
		}
		p, err := half.FitAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range []struct {
			name  string
			p     profile.LinkParams
			calls []Call
		}{{"prior alone", Prior(f.Class), calls[i]}, {"InfiniBand's constants", committed["ib"], calls[i]}, {"every second size", p, odd}} {
			b, err := NewBench(f, x.calls)
			if err != nil {
				t.Fatal(err)
			}
			sizes, err := b.bySize(x.p)
			if err != nil {
				t.Fatal(err)
			}
			for _, size := range []string{">= 64 MiB", "1-64 MiB", "< 1 MiB"} {
				t.Logf("%-5s %-24s %-10s %3d rows, median %5.1f %%, p90 %5.1f %%", f.Class, x.name, size, len(sizes[size]), 100*quantile(sizes[size], 0.5), 100*quantile(sizes[size], 0.9))
			}
		}
	}
}

func (b *Bench) bySize(p profile.LinkParams) (map[string][]float64, error) {
	got, err := b.Predict(p, nil)
	if err != nil {
		return nil, err
	}
	out := map[string][]float64{}
	for i, c := range b.calls {
		size := "< 1 MiB"
		if c.Bytes >= 64<<20 {
			size = ">= 64 MiB"
		} else if c.Bytes >= 1<<20 {
			size = "1-64 MiB"
		}
		out[size] = append(out[size], got[i]/c.Sec-1)
	}
	return out, nil
}
