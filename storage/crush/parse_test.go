package crush

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// plainMap is a small valid map that the tests spoil.
const plainMap = `tunable choose_total_tries 50
device 0 osd.0 class hdd
device 1 osd.1 class ssd
device 2 osd.2 class hdd
type 0 osd
type 1 host
type 11 root
host a {
	id -2
	id -5 class hdd
	alg straw2
	hash 0
	item osd.0 weight 1.000
	item osd.1 weight 1.000
}
host b {
	id -3
	alg straw2
	hash 0
	item osd.2 weight 1.000
}
root default {
	id -1
	alg straw2
	hash 0
	item a weight 2.000
	item b weight 1.000
}
rule rep {
	id 0
	type replicated
	min_size 1
	max_size 10
	step take default class hdd
	step chooseleaf firstn 0 type host
	step emit
}
choose_args 0 {
  {
    bucket_id -2
    weight_set [
      [ 1.000 0.500 ]
    ]
    ids [ 5 6 ]
  }
}
`

// TestBadMaps: each spoilt map is refused at its line with its reason; crushtool, where
// it is there, refuses them as well, but for those that are marked.
func TestBadMaps(t *testing.T) {
	if _, err := Parse([]byte(plainMap)); err != nil {
		t.Fatal(err)
	}
	tool, _ := exec.LookPath("crushtool")
	for _, c := range []struct {
		old, new string
		line     int
		reason   string
		stricter bool // crushtool takes it
	}{
		{"item osd.2", "item osd.9", 20, `item "osd.9" in bucket "b" is not defined`, false},
		{"device 2 osd.2", "device 2 osd.1", 4, `item "osd.1" is defined twice`, false},
		{"device 2 osd.2", "device 1 osd.2", 4, `device 1 is "osd.1" already`, true},
		{"host b {", "host a {", 16, `bucket or device "a" is already defined`, false},
		{"id -3", "id -2", 17, "bucket id -2 is taken in line 9", false},
		{"id -5", "id -1", 23, "bucket id -1 is taken in line 10", false},
		{"item osd.2 weight 1.000", "item default weight 1.000", 27, `bucket "b" contains itself by way of item "b"`, false},
		{"item osd.2 weight 1.000", "item b weight 1.000", 20, "contains itself", false},
		{"item osd.2 weight 1.000", "item osd.2 weight -1.000", 20, "cannot be negative", false},
		{"item osd.2 weight 1.000", "item osd.2 weight 101", 20, "a device weighs at most 100", false},
		{"item osd.2 weight 1.000", "item osd.2 weight nan", 20, "a number", false},
		{"item osd.2 weight 1.000", "item osd.2 weight 1 pos 7", 20, "position 7 of 1", false},
		{"alg straw2\n\thash 0\n\titem osd.2 weight 1.000", "alg uniform\n\thash 0\n\titem osd.2 weight 0", 16, "must not weigh zero", false},
		{"alg straw2\n\thash 0\n\titem osd.0", "alg uniform\n\thash 0\n\titem osd.2 weight 3\n\titem osd.0", 14, "all must be equal", false},
		{"alg straw2", "alg straw3", 11, `unknown bucket algorithm "straw3"`, false},
		{"hash 0", "hash 3", 12, "allowed are 0 to 0", true},
		{"host b", "shelf b", 16, `bucket type "shelf" is not defined`, false},
		{"host b", "osd b", 16, "type 0 (osd), which is that of devices", true},
		{"choose_total_tries", "choose_all_tries", 1, `tunable "choose_all_tries" is unknown`, false},
		{"step emit", "step emit_all", 36, "unknown step", false},
		{"step emit", "stop emit", 36, "has no place here", false},
		{"type host", "type rack", 35, `type "rack", which is not defined`, false},
		{"take default class hdd", "take other", 34, `takes "other", which is not defined`, false},
		{"take default class hdd", "take default class nvme", 34, "no bucket for this class", false},
		{"type replicated", "type msr_indep", 31, "not supported", false},
		{"firstn 0", "secondn 0", 35, "expected firstn or indep", false},
		{"[ 1.000 0.500 ]", "[ 1.000 ]", 39, "needs exactly 2 weights but got 1", false},
		{"ids [ 5 6 ]", "ids [ 5 ]", 39, "needs exactly 2 ids but got 1", false},
		{"bucket_id -2", "bucket_id -77", 39, "bucket -77 does not exist", false},
		{"device 0 osd.0", "device 99999999999 osd.0", 2, "a whole number|allowed are", true},
		{"weight 2.000", "weight 2.0 §", 26, "has no place in a map", false},
		{"  }\n}\n", "  }\n", 46, "the end of the map", false},
	} {
		if !strings.Contains(plainMap, c.old) {
			t.Fatalf("%q is not in the map", c.old)
		}
		text := strings.Replace(plainMap, c.old, c.new, 1)
		_, err := Parse([]byte(text))
		var s *SyntaxError
		if !errors.As(err, &s) {
			t.Errorf("%q: taken (%v)", c.new, err)
			continue
		}
		match := false
		for _, r := range strings.Split(c.reason, "|") {
			match = match || strings.Contains(s.Reason, r)
		}
		if s.Line != c.line || !match {
			t.Errorf("%q: line %d: %s; expected line %d: %s", c.new, s.Line, s.Reason, c.line, c.reason)
		}
		if tool != "" {
			in := filepath.Join(t.TempDir(), "m.txt")
			if err := os.WriteFile(in, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := exec.Command(tool, "-c", in, "-o", in+".bin").Run(); (err == nil) != c.stricter {
				t.Errorf("%q: crushtool says %v", c.new, err)
			}
		}
	}
}

// TestTornMaps: no prefix of a map makes the parser panic, and none but whole blocks is taken.
func TestTornMaps(t *testing.T) {
	for n := range len(plainMap) {
		m, err := Parse([]byte(plainMap[:n]))
		if err == nil && strings.Count(plainMap[:n], "{") != strings.Count(plainMap[:n], "}") {
			t.Fatalf("the first %d bytes were taken", n)
		}
		if (m == nil) == (err == nil) {
			t.Fatalf("%d bytes: map %v, error %v", n, m != nil, err)
		}
	}
}

// FuzzParse: any text is refused with a line, or gives a map that maps.
func FuzzParse(f *testing.F) {
	f.Add(plainMap, uint32(7), 3)
	f.Add(synthetic(1, 3, 2), uint32(1), 4)
	for _, alg := range []string{"straw", "list", "tree", "uniform"} {
		f.Add(strings.ReplaceAll(plainMap, "straw2", alg), uint32(2), 2)
	}
	f.Add(strings.ReplaceAll(plainMap, "1.000", "0"), uint32(3), 2)
	f.Fuzz(func(t *testing.T, text string, x uint32, size int) {
		m, err := Parse([]byte(text))
		if err != nil {
			var s *SyntaxError
			if !errors.As(err, &s) || s.Line < 1 || s.Reason == "" {
				t.Fatalf("no line or reason: %v", err)
			}
			return
		}
		size = max(0, min(size, 20))
		p, w := m.NewMapper(), m.InWeights()
		for i := range m.Rules {
			for _, s := range m.Rules[i].Steps {
				if s.Op == OpSetChooseTries && s.Arg > 60 || s.Op == OpSetChooseleafTries && s.Arg > 60 || s.Op == OpSetChooseLocalTries && s.Arg > 60 || s.Op == OpSetChooseLocalFallback && s.Arg > 60 {
					return // right, but slow
				}
			}
			if m.Tunables.ChooseTotalTries > 60 || m.Tunables.ChooseLocalTries > 60 || m.Tunables.ChooseLocalFallbackTries > 60 {
				return
			}
			for _, set := range []int64{0, 5} {
				p.UseChooseArgs(set)
				if got := p.Do(&m.Rules[i], x, size, w, nil); len(got) > size {
					t.Fatalf("%d results for size %d", len(got), size)
				}
			}
			_ = m.maxAffected(&m.Rules[i])
		}
	})
}

// FuzzImport: damaged JSON is refused, never a panic.
func FuzzImport(f *testing.F) {
	f.Add(`{"pools":[{"pool":1,"pool_name":"a","type":1,"size":2,"pg_num":8,"pg_placement_num":8,"flags_names":"hashpspool"}],"osds":[{"osd":0,"up":1,"weight":1}],"pg_upmap":[{"pgid":"1.0","osds":[1,-5,99]}],"pg_upmap_items":[{"pgid":"1.1","mappings":[{"from":0,"to":2147483647}]}]}`)
	f.Add(`{"nodes":[{"id":0,"type":"osd","kb":12}]}`)
	m, err := Parse([]byte(plainMap))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := NewCluster(m)
		_ = c.ReadTree([]byte(text))
		_, _ = c.ReadDF([]byte(text))
		_ = c.ReadDump([]byte(text))
		for i := range c.Pools {
			if p, err := c.Placer(&c.Pools[i]); err == nil {
				for pg := range min(c.Pools[i].PGs, 8) {
					p.Up(pg, nil)
				}
			}
		}
	})
}

// TestWorkersAgree: text and counts are the same for every number of workers.
func TestWorkersAgree(t *testing.T) {
	m := mustParse(t, synthetic(1, 8, 12))
	test := Test{Rule: 1, Size: 9, MaxX: 9999, Pool: -1, Reweight: m.InWeights(), Mappings: true, BadMappings: true, Utilization: true}
	want := string(render(t, m, test, 1))
	for _, workers := range []int{2, 3, 8} {
		if string(render(t, m, test, workers)) != want {
			t.Errorf("%d workers print something else", workers)
		}
	}
	in := inputs(t, m, 1, 6, 10000)
	a, err := m.Place(in, 1)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := m.Place(in, 4)
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Error("placements differ")
	}
}

// TestTenMillionPlacements maps 10 million inputs of 10,000 OSDs into memory: 115 MiB.
func TestTenMillionPlacements(t *testing.T) {
	if os.Getenv("AISIM_CRUSH_LARGE") == "" {
		t.Skip("takes a minute: set AISIM_CRUSH_LARGE=1")
	}
	m := mustParse(t, synthetic(25, 20, 20))
	p, err := m.Place(inputs(t, m, 0, 3, 10_000_000), 2)
	if err != nil || len(p.OSDs) != 30_000_000 {
		t.Fatal(err)
	}
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, "VmHWM") {
			t.Log(line)
		}
	}
}
