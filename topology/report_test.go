package topology

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func TestDescribeFlagship(t *testing.T) {
	g := build(t, dgx(2048, 3, 64, []float64{1, 7}))
	text := g.Describe()
	for _, want := range []string{
		"fat-tree, 3 switch levels, adaptive routing",
		"2048 × 8 chips, 8 NICs of 400 Gb/s; scale-up switch of 8 chips, 3600 Gb/s one way per chip",
		"512, 32 ports down, 32 up, 1:1",
		"56 ports down, 8 up, 7:1; 10 pods of 32",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestLintNames(t *testing.T) {
	has := func(s Spec, severity, words string) {
		t.Helper()
		for _, f := range build(t, s).Lint() {
			if f.Severity == severity && strings.Contains(f.Text, words) {
				return
			}
		}
		t.Errorf("no %s with %q in %v", severity, words, build(t, s).Lint())
	}
	s := dgx(2048, 3, 64, []float64{1, 7})
	has(s, "note", "last of 10 spine pods joins 8 blocks, the others 56")
	has(s, "note", "spine level is 7:1")
	s.FailedLinks = []string{"leaf-3:spine-2", "compute-9.nic-4:leaf-2"}
	has(s, "warning", "switch leaf-3 has 63 of 64 links")
	has(s, "warning", "host compute-9 has 7 of 8 NICs")
	has(dgx(4, 3, 64, nil), "warning", "are unused")
	has(dgx(8, 2, 64, nil), "note", "parallel cables")
	s = dgx(8, 2, 16, nil)
	s.FailedLinks = []string{"compute-2"}
	has(s, "error", "host compute-2 is disconnected")
}

func TestDrawIsWellFormed(t *testing.T) {
	torus := Spec{Topology: "torus", Hosts: []HostGroup{{Name: "tpu", Count: 16, ChipsPerHost: 4, NICs: 1, NICBytesPerSec: 1e9,
		ScaleUp: ScaleUp{Kind: "torus", Dims: []int{4, 4, 4}, BytesPerSec: 600e9}}}}
	failed := dgx(64, 2, 64, nil)
	failed.FailedLinks = []string{"leaf-0:spine-0"}
	for _, s := range []Spec{dgx(2048, 3, 64, []float64{1, 7}), torus, failed, dgx(2, 1, 64, nil), dragonfly(100, 8, nil), railOnlySpec(40, 16),
		{Topology: "file", File: "rate 1GB/s\nswitch <a&b>\nhost h\nhost i\ncable h <a&b>\ncable i <a&b>\n"}} {
		svg := build(t, s).DrawSVG()
		d := xml.NewDecoder(bytes.NewReader(svg))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if len(svg) > 2<<20 {
			t.Errorf("drawing of %d bytes", len(svg))
		}
		if len(s.FailedLinks) > 0 && !bytes.Contains(svg, []byte("dasharray")) {
			t.Error("the failed link is not drawn")
		}
	}
}

// One byte per second on a single uplink: the level's mean, the switch and its pod.
func TestUse(t *testing.T) {
	g := build(t, dgx(512, 3, 64, []float64{1, 7}))
	links, err := g.FindLinks("leaf-1:spine-5")
	if err != nil {
		t.Fatal(err)
	}
	carried := make([]float64, g.NumLinks())
	carried[links[0]] = 25e9 * 10 // half of 50 GB/s for 10 s
	levels, tiers := g.Use(carried, 10)
	for _, l := range levels {
		want := 0.0
		if l.Key == "leaf" {
			want = 0.5
			if math.Abs(l.Mean-0.5/float64(l.Links)) > 1e-15 {
				t.Errorf("mean %g", l.Mean)
			}
		}
		if l.Max != want || l.P99 != 0 {
			t.Errorf("%s: max %g, p99 %g", l.Key, l.Max, l.P99)
		}
	}
	if tiers[0].Pods[0][1] != 0.5 || tiers[1].Pods[0][5] != 0.5 || tiers[0].Pods[0][0] != 0 {
		t.Errorf("the switches of the busy link are not marked")
	}
	if got := len(tiers[0].Pods); got != 3 {
		t.Errorf("%d pods of leaves, want 3", got)
	}
}

func TestDomains(t *testing.T) {
	// Racks of 72 chips in 18 hosts share one scale-up switch domain.
	g := build(t, Spec{Hosts: []HostGroup{{Name: "r", Count: 36, ChipsPerHost: 4, NICs: 4, NICBytesPerSec: 50e9,
		ScaleUp: ScaleUp{Kind: "switch", DomainChips: 72, BytesPerSec: 900e9}}}, Topology: "rail-optimised", Radix: 64})
	c := g.Chips("r")
	if g.Domain(c[0]) != g.Domain(c[71]) || g.Domain(c[71]) == g.Domain(c[72]) {
		t.Error("domains of 72 are not where they should be")
	}
	sh, _, err := g.Route(c[0], c[71], 0, nil)
	if err != nil || len(sh) != 2 || g.LevelOf(sh[0].Link) != ScaleUpLevel {
		t.Errorf("within the rack: %v, %v", sh, err)
	}
	sh, _, err = g.Route(c[0], c[72], 0, nil)
	if err != nil || g.LevelOf(sh[0].Link) != NICLevel {
		t.Errorf("between racks: %v, %v", sh, err)
	}
}

// Fewer NICs than chips and more NICs than chips.
func TestNICShapes(t *testing.T) {
	s := dgx(4, 1, 256, nil)
	s.Hosts[0].NICs = 2
	g := build(t, s)
	sh, _, err := g.Route(g.HostChips("compute", 0)[7], g.HostChips("compute", 1)[0], 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if g.Link(sh[0].Link).From != g.HostNICs("compute", 0)[1] || g.Link(sh[1].Link).To != g.HostNICs("compute", 1)[0] {
		t.Error("chips do not use their share of the NICs")
	}
	s.Hosts[0].NICs = 16
	g = build(t, s)
	sh, _, err = g.Route(g.HostChips("compute", 0)[7], g.HostChips("compute", 1)[0], 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(sh) != 4 || sh[0].Fraction != 0.5 {
		t.Errorf("two NICs of a chip are not striped: %v", sh)
	}
	if got := g.NetworkBytesPerSec(g.Chips("compute")[0]); got != 100e9 {
		t.Errorf("a chip with two NICs sends at %g", got)
	}
	s.Hosts[0].NICs = 3
	if _, err := Build(s); err == nil {
		t.Error("3 NICs for 8 chips were accepted")
	}
}
