package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aisim/internal/measured"
)

// smallMap has four hosts of two OSDs.
const smallMap = `tunable choose_local_tries 0
tunable choose_local_fallback_tries 0
tunable choose_total_tries 50
tunable chooseleaf_descend_once 1
tunable chooseleaf_vary_r 1
tunable chooseleaf_stable 1
device 0 osd.0
device 1 osd.1
device 2 osd.2
device 3 osd.3
type 0 osd
type 1 host
type 2 root
host a {
	id -2
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
	item osd.3 weight 2.000
}
root default {
	id -1
	alg straw2
	hash 0
	item a weight 2.000
	item b weight 3.000
}
rule rep {
	id 0
	type replicated
	min_size 1
	max_size 10
	step take default
	step chooseleaf firstn 0 type host
	step emit
}
`

// crushFile writes a file for a command line to read.
func crushFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCrushAsCrushtool compares the command with outputs of crushtool 16.2.15.
func TestCrushAsCrushtool(t *testing.T) {
	dir := measured.Path(t, "crush/dev2-uneven24/map.txt")
	dir = filepath.Dir(dir)
	for name, args := range map[string][]string{
		"rep3-host-out5-rw7.mappings.txt":  {"--rule", "0", "--num-rep", "3", "--weight", "5=0.0", "--weight", "7=0.5", "--weight", "20=0.85", "--show-mappings"},
		"ec6-osd-out5-rw7.utilization.txt": {"--rule", "1", "--num-rep", "6", "--weight", "5=0.0", "--weight", "7=0.5", "--show-utilization", "--show-statistics", "--show-bad-mappings"},
		"rep3-host.utilization.txt":        {"--rule", "0", "--num-rep", "3", "--show-utilization"},
	} {
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, workers := range []string{"1", "2", "5"} {
			got, _ := aisim(t, 0, append([]string{"crush", filepath.Join(dir, "map.txt"), "--min-x", "0", "--max-x", "1023", "--workers", workers}, args...)...)
			if !bytes.Equal([]byte(got), want) {
				t.Errorf("%s differs with %s workers", name, workers)
			}
		}
	}
}

func TestCrushMovementAndCapacity(t *testing.T) {
	small := crushFile(t, "small.txt", smallMap)
	grown := crushFile(t, "grown.txt", strings.Replace(smallMap, "item osd.3 weight 2.000", "item osd.3 weight 4.000", 1))
	out, _ := aisim(t, 0, "crush", small, "--rule", "0", "--num-rep", "2", "--compare", grown, "--show-capacity")
	for _, want := range []string{"rule 0 had ", "/1024 mismatched mappings (", "of 2048 places", "  osd.3:", "first full", "usable", "if all filled evenly"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	dump := crushFile(t, "dump.json", `{"pools":[{"pool":1,"pool_name":"rbd","type":1,"size":2,"crush_rule":0,"pg_num":12,"pg_placement_num":12,"flags_names":"hashpspool","object_hash":2}],
		"osds":[{"osd":0,"up":1,"weight":1},{"osd":1,"up":1,"weight":1},{"osd":2,"up":1,"weight":1},{"osd":3,"up":0,"weight":0}],
		"pg_upmap_items":[{"pgid":"1.a","mappings":[{"from":0,"to":1},{"from":1,"to":0}]}]}`)
	out, _ = aisim(t, 0, "crush", small, "--osd-dump", dump, "--pool", "rbd", "--object", "foo", "--show-pgs", "--show-capacity")
	if !strings.Contains(out, "object 'foo' -> 1.") || strings.Count(out, "\n1.") != 12 || strings.Contains(out, "3,") {
		t.Errorf("pool: %s", out)
	}
}

func TestCrushBadInput(t *testing.T) {
	small := crushFile(t, "small.txt", smallMap)
	for want, args := range map[string][]string{
		"nothing is asked for":          {small},
		"--weight \"5\" makes no sense": {small, "--show-mappings", "--weight", "5"},
		"rule 7 is not in the map":      {small, "--show-mappings", "--rule", "7"},
		"there is none":                 {small, "--show-pgs", "--pool", "rbd"},
		"--full-ratio is 2":             {small, "--show-capacity", "--full-ratio", "2"},
		"of one rule and size":          {small, "--show-capacity"},
	} {
		if _, errs := aisim(t, 2, append([]string{"crush"}, args...)...); !strings.Contains(errs, want) {
			t.Errorf("%v: %s", args, errs)
		}
	}
	loop := crushFile(t, "loop.txt", strings.Replace(smallMap, "item osd.0 weight 1.000", "item default weight 1.000", 1))
	for want, args := range map[string][]string{
		"contains itself": {loop, "--show-mappings"},
		"no such file":    {loop + ".absent", "--show-mappings"},
		"osd dump":        {small, "--show-mappings", "--osd-dump", small},
	} {
		if _, errs := aisim(t, 5, append([]string{"crush"}, args...)...); !strings.Contains(errs, want) {
			t.Errorf("%v: %s", args, errs)
		}
	}
}
