package crush

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func inputs(t testing.TB, m *Map, rule, size, count int) Inputs {
	t.Helper()
	r, err := m.RuleByID(rule)
	if err != nil {
		t.Fatal(err)
	}
	return Inputs{Rule: r, Size: size, MaxX: count - 1, Reweight: m.InWeights(), Pool: -1}
}

// TestMovement: an OSD that goes out gives away what it held and, under straw2,
// little else moves; the same map moves nothing.
func TestMovement(t *testing.T) {
	m := mustParse(t, synthetic(1, 10, 8))
	from := inputs(t, m, 0, 3, 20000)
	for _, workers := range []int{1, 4} {
		v, err := Compare(m, m, from, from, workers)
		if err != nil || v.Changed != 0 || v.Moved != 0 || v.Places != 60000 {
			t.Fatalf("same map: %+v, %v", v, err)
		}
	}
	to := from
	to.Reweight = m.InWeights()
	to.Reweight[17] = 0
	v, err := Compare(m, m, from, to, 2)
	if err != nil {
		t.Fatal(err)
	}
	held, err := m.Tally(from, 2)
	if err != nil {
		t.Fatal(err)
	}
	if v.Out[17] != held.Stored[17] || v.In[17] != 0 || v.Moved < v.Out[17] || v.Moved > v.Out[17]*11/10 {
		t.Errorf("osd.17 held %d, lost %d, %d moved", held.Stored[17], v.Out[17], v.Moved)
	}
	var in int64
	for _, n := range v.In {
		in += n
	}
	if in != v.Moved {
		t.Errorf("%d places gained, %d moved", in, v.Moved)
	}
}

// TestCapacityByHand: three OSDs of 10, 20 and 30 bytes, two copies of four groups.
func TestCapacityByHand(t *testing.T) {
	c, err := CapacityOf([]int64{2, 3, 3}, 4, 1, []Fill{{10, 1}, {20, 0}, {30, 0}}, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	// osd.0 has 4 free and takes D·2/4: 8. osd.1 has 10 and takes D·3/4: 13.3.
	if c.FirstFull != 0 || math.Abs(c.UsableBytes-8) > 1e-9 || math.Abs(c.EvenBytes-29*4/8.0) > 1e-9 {
		t.Errorf("%+v", c)
	}
	if _, err := CapacityOf([]int64{1}, 1, 1, nil, 0.95); err == nil || !strings.Contains(err.Error(), "size is not known") {
		t.Errorf("unknown size: %v", err)
	}
}

// TestMoreDriveIsNeverLess: a larger first-full OSD gives more room.
func TestMoreDriveIsNeverLess(t *testing.T) {
	m := mustParse(t, synthetic(1, 8, 6))
	in := inputs(t, m, 0, 3, 4096)
	tally, err := m.Tally(in, 1)
	if err != nil {
		t.Fatal(err)
	}
	fills := m.Fills()
	a, err := CapacityOf(tally.Stored, 4096, 1, fills, FullRatio)
	if err != nil {
		t.Fatal(err)
	}
	fills[a.FirstFull].Bytes *= 1.05
	b, err := CapacityOf(tally.Stored, 4096, 1, fills, FullRatio)
	if err != nil || b.UsableBytes <= a.UsableBytes || a.UsableBytes > a.EvenBytes {
		t.Errorf("%+v, then %+v, %v", a, b, err)
	}
}

// TestDumpAndUpmapsAgainstOSDMapTool lets osdmaptool balance a pool, and compares every
// placement group under the upmaps that it chose, read from its own dump.
func TestDumpAndUpmapsAgainstOSDMapTool(t *testing.T) {
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
	text := synthetic(1, 6, 4)
	if err := os.WriteFile(at("m.txt"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run(crushtool, "-c", at("m.txt"), "-o", at("m.bin"))
	run(tool, "--createsimple", "24", at("o"), "--with-default-pool", "--pg-bits", "5", "--clobber")
	run(tool, at("o"), "--import-crush", at("m.bin"))
	run(tool, at("o"), "--mark-up-in", "--upmap", at("u"), "--upmap-deviation", "1", "--save")
	c := NewCluster(mustParse(t, text))
	dump := run(tool, at("o"), "--mark-up-in", "--dump", "json")
	if err := c.ReadDump([]byte(dump[strings.IndexByte(dump, '{'):])); err != nil {
		t.Fatal(err)
	}
	if len(c.UpmapItems) < 5 {
		t.Fatalf("osdmaptool made %d upmaps", len(c.UpmapItems))
	}
	p, err := c.Placer(&c.Pools[0])
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(run(tool, at("o"), "--mark-up-in", "--test-map-pgs-dump", "--pool", "1"), "\n")
	n := 0
	for _, line := range lines {
		if f := strings.Split(line, "\t"); len(f) == 3 && strings.HasPrefix(line, "1.") {
			pg, _ := strconv.ParseUint(f[0][2:], 16, 32)
			osds, primary := p.Up(uint32(pg), nil)
			if got := fmt.Sprintf("1.%x\t%s\t%d", pg, list(osds), primary); got != line {
				t.Errorf("got %q, expected %q", got, line)
			}
			n++
		}
	}
	t.Logf("%d groups, %d upmaps", n, len(c.UpmapItems))
}

func TestTreeAndDF(t *testing.T) {
	c := NewCluster(mustParse(t, synthetic(1, 3, 2)))
	if err := c.ReadTree([]byte(`{"nodes":[{"id":-1,"name":"default","type":"root","children":[0]},
		{"id":0,"name":"osd.0","type":"osd","crush_weight":1,"exists":1,"status":"down","reweight":0.5,"primary_affinity":0.25}],"stray":[]}`)); err != nil {
		t.Fatal(err)
	}
	if c.OSDs[0] != (OSD{true, false, One / 2, One / 4}) || c.OSDs[1] != (OSD{true, true, One, One}) {
		t.Errorf("%+v", c.OSDs[:2])
	}
	fills, err := c.ReadDF([]byte(`{"nodes":[{"id":1,"name":"osd.1","type":"osd","reweight":0.849991,"kb":1000,"kb_used":250,"status":"up"}]}`))
	if err != nil || fills[1] != (Fill{1024000, 256000}) || c.OSDs[1].Reweight != 55705 {
		t.Errorf("%v %+v %v", fills, c.OSDs[1], err)
	}
	for _, bad := range []string{`{`, `[]`, `{}`, `{"nodes":[{"id":1,"name":"osd.9","type":"osd"}]}`, `{"nodes":[{"id":-1,"type":"osd"}]}`} {
		if err := c.ReadTree([]byte(bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
