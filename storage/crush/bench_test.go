package crush

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// synthetic writes a map of racks × hosts × OSDs with straw2 buckets, jewel
// tunables and sizes that vary with the OSD, and a replicated and an erasure-coded rule over hosts.
func synthetic(racks, hosts, osds int) string {
	var b strings.Builder
	b.WriteString("tunable choose_local_tries 0\ntunable choose_local_fallback_tries 0\ntunable choose_total_tries 50\n" +
		"tunable chooseleaf_descend_once 1\ntunable chooseleaf_vary_r 1\ntunable chooseleaf_stable 1\ntunable straw_calc_version 1\n")
	for i := range racks * hosts * osds {
		fmt.Fprintf(&b, "device %d osd.%d\n", i, i)
	}
	b.WriteString("type 0 osd\ntype 1 host\ntype 3 rack\ntype 11 root\n")
	size := func(o int) float64 { return []float64{3.638, 7.277, 1.819}[o%7%3] }
	id := 2
	bucket := func(typ, name string) {
		fmt.Fprintf(&b, "%s %s {\n\tid -%d\n\talg straw2\n\thash 0\n", typ, name, id)
		id++
	}
	var up []string
	for r := range racks {
		var inRack []string
		rack := 0.0
		for h := range hosts {
			name, host := fmt.Sprintf("host%d-%d", r, h), 0.0
			bucket("host", name)
			for k := range osds {
				o := (r*hosts+h)*osds + k
				host += size(o)
				fmt.Fprintf(&b, "\titem osd.%d weight %.3f\n", o, size(o))
			}
			b.WriteString("}\n")
			rack += host
			inRack = append(inRack, fmt.Sprintf("\titem %s weight %.3f\n", name, host))
		}
		if racks == 1 {
			up = inRack
			break
		}
		bucket("rack", fmt.Sprintf("rack%d", r))
		b.WriteString(strings.Join(inRack, "") + "}\n")
		up = append(up, fmt.Sprintf("\titem rack%d weight %.3f\n", r, rack))
	}
	b.WriteString("root default {\n\tid -1\n\talg straw2\n\thash 0\n" + strings.Join(up, "") + "}\n")
	b.WriteString("rule rep {\n\tid 0\n\ttype replicated\n\tmin_size 1\n\tmax_size 10\n\tstep take default\n\tstep chooseleaf firstn 0 type host\n\tstep emit\n}\n" +
		"rule ec {\n\tid 1\n\ttype erasure\n\tmin_size 3\n\tmax_size 20\n\tstep set_chooseleaf_tries 5\n\tstep set_choose_tries 100\n\tstep take default\n\tstep chooseleaf indep 0 type host\n\tstep emit\n}\n")
	return b.String()
}

func mustParse(t testing.TB, text string) *Map {
	t.Helper()
	m, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func benchmarkDo(b *testing.B, m *Map, rule, size int) {
	r, err := m.RuleByID(rule)
	if err != nil {
		b.Fatal(err)
	}
	p, w, out := m.NewMapper(), m.InWeights(), make([]int32, 0, size)
	b.ReportAllocs()
	x := uint32(0)
	for b.Loop() {
		out = p.Do(r, x, size, w, out)
		x++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mappings/s")
}

func BenchmarkDoErasure96(b *testing.B) { benchmarkDo(b, mustParse(b, synthetic(1, 8, 12)), 1, 6) }
func BenchmarkDoReplicated2000(b *testing.B) {
	benchmarkDo(b, mustParse(b, synthetic(10, 10, 20)), 0, 3)
}
func BenchmarkDoReplicated10k(b *testing.B) {
	benchmarkDo(b, mustParse(b, synthetic(25, 20, 20)), 0, 3)
}

func BenchmarkHash3(b *testing.B) {
	h := uint32(0)
	for i := uint32(0); b.Loop(); i++ {
		h += Hash3(i, 7, 1)
	}
	runtime.KeepAlive(h)
}

func BenchmarkParse10k(b *testing.B) {
	text := []byte(synthetic(25, 20, 20))
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

// TestDoAllocatesNothing covers every algorithm and both kinds of search.
func TestDoAllocatesNothing(t *testing.T) {
	for _, alg := range []string{"straw2", "straw", "list", "tree", "uniform"} {
		text := synthetic(1, 8, 6)
		text = strings.ReplaceAll(text, "alg straw2", "alg "+alg)
		if alg == "uniform" {
			lines := strings.Split(text, "\n")
			for i, l := range lines {
				if at := strings.Index(l, " weight "); at > 0 {
					lines[i] = l[:at] + " weight 1.000"
				}
			}
			text = strings.Join(lines, "\n")
		}
		m := mustParse(t, text)
		for i := range m.Rules {
			p, w, out, x := m.NewMapper(), m.InWeights(), make([]int32, 0, 9), uint32(0)
			w[3], w[5] = 0, One/2
			if n := testing.AllocsPerRun(200, func() { out = p.Do(&m.Rules[i], x, 9, w, out); x++ }); n != 0 {
				t.Errorf("%s, rule %s: %v allocations per mapping", alg, m.Rules[i].Name, n)
			}
		}
	}
}
