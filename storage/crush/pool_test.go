package crush

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"aisim/internal/measured"
)

func list(osds []int32) string { return strings.ReplaceAll(fmt.Sprint(osds), " ", ",") }

// TestRealObjects: names and placement groups as osdmaptool 16.2.15 printed them, pg_num 768, osd.5 out.
func TestRealObjects(t *testing.T) {
	dir := measured.Path(t, "crush")
	c := NewCluster(parseFile(t, filepath.Join(dir, "dev2-uneven24", "map.txt")))
	c.OSDs[5].Reweight = 0
	c.Pools = []Pool{{ID: 1, Name: "rbd", Size: 3, PGs: 768, PlacedPGs: 768, HashPSPool: true}}
	p, err := c.Placer(&c.Pools[0])
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	each := func(name string, line func(string)) {
		f, err := os.Open(filepath.Join(dir, "objects-dev2-uneven24", name))
		if err != nil {
			t.Skip("shared data absent: " + name)
		}
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			line(s.Text())
		}
	}
	each("objects.txt", func(line string) {
		f := strings.Split(line, "'")
		if len(f) != 3 {
			return
		}
		pg := c.Pools[0].PG(f[1], "", "")
		osds, _ := p.Up(pg, nil)
		if got := fmt.Sprintf("object '%s' -> 1.%x -> %s", f[1], pg, list(osds)); got != line {
			t.Errorf("got      %s\nexpected %s", got, line)
		}
		n++
	})
	each("pgs-dump.txt", func(line string) {
		f := strings.Split(line, "\t")
		if len(f) != 3 || !strings.HasPrefix(line, "1.") {
			return
		}
		pg, _ := strconv.ParseUint(f[0][2:], 16, 32)
		osds, primary := p.Up(uint32(pg), nil)
		if got := fmt.Sprintf("1.%x\t%s\t%d", pg, list(osds), primary); got != line {
			t.Errorf("got      %s\nexpected %s", got, line)
		}
		n++
	})
	t.Logf("%d lines", n)
}

// TestAgainstOSDMapTool compares placement groups of random maps and outs with osdmaptool.
func TestAgainstOSDMapTool(t *testing.T) {
	crushtool, tool := crushtoolPath(t, "crushtool"), crushtoolPath(t, "osdmaptool")
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	run := func(name string, args ...string) string {
		out, err := exec.Command(name, args...).Output()
		if err != nil {
			t.Fatalf("%s %v: %v", name, args, err)
		}
		return string(out)
	}
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 2))
		racks, hosts, osds := 1+r.IntN(3), 3+r.IntN(4), 1+r.IntN(5)
		text := synthetic(racks, hosts, osds)
		n := racks * hosts * osds
		if err := os.WriteFile(at("m.txt"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		run(crushtool, "-c", at("m.txt"), "-o", at("m.bin"))
		run(tool, "--createsimple", strconv.Itoa(n), at("o"), "--with-default-pool", "--pg-bits", strconv.Itoa(3+r.IntN(4)), "--clobber")
		run(tool, at("o"), "--import-crush", at("m.bin"))
		c := NewCluster(mustParse(t, text))
		o := r.IntN(n) // the tool marks one
		c.OSDs[o].Reweight = 0
		dump := run(tool, at("o"), "--mark-up-in", "--mark-out", strconv.Itoa(o), "--test-map-pgs-dump", "--pool", "1")
		_, rest, ok := strings.Cut(dump, "pool 1 pg_num ")
		if !ok {
			t.Fatal(dump)
		}
		lines := strings.Split(rest, "\n")
		pgs, err := strconv.ParseUint(lines[0], 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		c.Pools = []Pool{{ID: 1, Size: 3, PGs: uint32(pgs), PlacedPGs: uint32(pgs), HashPSPool: true}}
		p, err := c.Placer(&c.Pools[0])
		if err != nil {
			t.Fatal(err)
		}
		for pg := range uint32(pgs) {
			osds, primary := p.Up(pg, nil)
			if got := fmt.Sprintf("1.%x\t%s\t%d", pg, list(osds), primary); got != lines[1+pg] {
				t.Errorf("seed %d: got %q, expected %q", seed, got, lines[1+pg])
			}
		}
	}
}

func TestStableMod(t *testing.T) {
	for _, c := range []struct{ h, n, want uint32 }{{13, 12, 5}, {11, 12, 11}, {0xffffffff, 768, 511}, {767, 768, 767}, {5, 1, 0}, {9, 8, 1}} {
		if got := stableMod(c.h, c.n); got != c.want {
			t.Errorf("stableMod(%d, %d) = %d, expected %d", c.h, c.n, got, c.want)
		}
	}
}

func TestUpmapAndAffinity(t *testing.T) {
	c := NewCluster(mustParse(t, synthetic(1, 6, 2)))
	c.Pools = []Pool{{ID: 7, Name: "p", Size: 3, PGs: 64, PlacedPGs: 64, HashPSPool: true}, {ID: 8, Name: "e", Size: 4, Rule: 1, Erasure: true, PGs: 64, PlacedPGs: 64, HashPSPool: true}}
	up := func(pool int, pg uint32) ([]int32, int32) {
		t.Helper()
		p, err := c.Placer(&c.Pools[pool])
		if err != nil {
			t.Fatal(err)
		}
		return p.Up(pg, nil)
	}
	plain, primary := up(0, 3)
	if len(plain) != 3 || primary != plain[0] {
		t.Fatalf("plain %v, primary %d", plain, primary)
	}
	spare := int32(0)
	for spare == plain[0] || spare == plain[1] || spare == plain[2] {
		spare++
	}
	c.UpmapItems = map[PGID][]Move{{7, 3}: {{plain[1], spare}, {plain[0], plain[2]}}}
	if got, _ := up(0, 3); got[0] != plain[0] || got[1] != spare || got[2] != plain[2] {
		t.Errorf("upmap items give %v from %v", got, plain)
	}
	c.OSDs[spare].Reweight = 0
	if got, _ := up(0, 3); got[1] == spare {
		t.Error("a target that is out was used")
	}
	c.OSDs[spare].Reweight = One
	c.Upmap = map[PGID][]int32{{7, 3}: {spare, plain[0], plain[1]}}
	c.UpmapItems = nil
	if got, p := up(0, 3); list(got) != list([]int32{spare, plain[0], plain[1]}) || p != spare {
		t.Errorf("upmap gives %v", got)
	}
	c.Upmap = nil
	c.OSDs[plain[0]].Affinity = 0
	if got, p := up(0, 3); p != plain[1] || got[0] != plain[1] || got[1] != plain[0] || got[2] != plain[2] {
		t.Errorf("affinity 0 gives %v primary %d from %v", got, p, plain)
	}
	c.OSDs[plain[0]].Affinity = One
	whole, _ := up(1, 5)
	c.OSDs[whole[1]].Up, c.OSDs[whole[0]].Affinity = false, 0
	if got, p := up(1, 5); got[1] != None || got[0] != whole[0] || p != whole[2] {
		t.Errorf("erasure-coded with one down gives %v primary %d from %v", got, p, whole)
	}
	// Half affinity: about half of the groups that would lead elsewhere do.
	c = NewCluster(c.Map)
	c.Pools = []Pool{{ID: 7, Size: 3, PGs: 4096, PlacedPGs: 4096, HashPSPool: true}}
	count := func() (n int) {
		p, err := c.Placer(&c.Pools[0])
		if err != nil {
			t.Fatal(err)
		}
		var out []int32
		for pg := range uint32(4096) {
			if out, primary = p.Up(pg, out); primary == 4 {
				n++
			}
		}
		return n
	}
	full := count()
	c.OSDs[4].Affinity = One / 2
	if half := count(); half < full*4/10 || half > full*6/10 {
		t.Errorf("primary of %d groups at affinity 1, %d at 0.5", full, half)
	}
}
