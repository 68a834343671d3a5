package scenarios

import (
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"
)

// What only the building of the world shows: models that do not fit, routes that do not
// exist, stores that do not hold: refused with a place in the file and what would do.
func TestInvalidWorlds(t *testing.T) {
	files, err := filepath.Glob("testdata/invalid-world/*.toml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d scenarios, want at least 10 (%v)", len(files), err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".toml"), func(t *testing.T) {
			sc, err := Load(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Assemble(sc, Options{})
			var invalid *Invalid
			if !errors.As(err, &invalid) {
				t.Fatalf("error %v, want *Invalid", err)
			}
			for _, p := range invalid.Problems {
				if p.File == "" || p.Line == 0 || p.Key == "" || p.Message == "" {
					t.Errorf("%+v has no place", p)
				}
			}
			golden(t, strings.TrimSuffix(path, ".toml")+".txt", strings.ReplaceAll(err.Error(), filepath.ToSlash(filepath.Dir(path))+"/", "")+"\n")
		})
	}
}

const twoJobs = `
version = 1
name = "two jobs"
[cluster]
server = "dgx-h100"
nodes = 16
[cluster.fabric]
switch = "qm9700-ndr"
[[storage]]
id = "ceph"
kind = "ceph"
nodes = 6
server = "storage-nvme-24"
drives = { type = "nvme4-pm9a3", per_node = 2 }
pool = { profile = "rep-3", failure_domain = "host" }
[[workload]]
id = "train"
kind = "training"
nodes = 8
model = "llama3.1-8b"
parallelism = { tensor = 1 }
batch = { global = 128, micro = 1, sequence = 4096 }
recompute = "full"
duration = "2 h"
checkpoint = { to = "ceph", every = "10 min" }
[[workload]]
id = "chat"
kind = "serving"
nodes = 8
model = "llama3.1-70b"
parallelism = { tensor = 8 }
load_from = "ceph"
warm = false
arrivals = { process = "azure-conv" }
duration = "10 min"
`

func world(t *testing.T, text string, sets ...string) *World {
	t.Helper()
	sc, err := Parse("test", []byte(text), sets)
	if err != nil {
		t.Fatal(err)
	}
	w, err := Assemble(sc, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func play(t *testing.T, w *World, replica int, c Change) *Future {
	t.Helper()
	f, err := w.NewBench().Sample(replica).Play(c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A checkpoint and a model load that meet on one Ceph slow each other down.
func TestWorkloadsMeetInOneStore(t *testing.T) {
	both := play(t, world(t, twoJobs, `workload.train.checkpoint.every="5 s"`), 0, nil)
	alone := play(t, world(t, twoJobs, `workload.train.checkpoint.every="1 h"`), 0, nil)
	if a, b := alone.Fleet[1].LoadSec, both.Fleet[1].LoadSec; !(b > 1.02*a) {
		t.Errorf("the load takes %.1f s beside checkpoints, %.1f s without", b, a)
	}
}

// One draw is the same on every bench, and replicas differ.
func TestSamplesAreReproducible(t *testing.T) {
	w := world(t, twoJobs)
	a, b, c := play(t, w, 3, nil), play(t, w, 3, nil), play(t, w, 4, nil)
	if a.Steps[0].Seconds != b.Steps[0].Seconds || a.Campaign[0].Steps != b.Campaign[0].Steps {
		t.Errorf("two plays of one replica differ")
	}
	if a.Steps[0].Seconds == c.Steps[0].Seconds {
		t.Errorf("two replicas have the same step of %g s", a.Steps[0].Seconds)
	}
	if n := play(t, w, 0, nil); n.Device.MemBytesPerSec != w.Chip.MemoryBandwidth.V {
		t.Errorf("replica 0 is not nominal")
	}
}

// More of a resource is never worse, for every resource and both kinds of work.
func TestMoreIsNeverWorse(t *testing.T) {
	w := world(t, twoJobs)
	base := play(t, w, 0, nil)
	for _, r := range []string{Compute, HBM, Host, ScaleUp, NIC, Leaf, StorageDrives, StorageNetwork, StorageCPU} {
		f := play(t, w, 0, Change{r: 1.5})
		if f.Steps[0].Seconds > base.Steps[0].Seconds*(1+1e-9) {
			t.Errorf("%s: step %g s, was %g s", r, f.Steps[0].Seconds, base.Steps[0].Seconds)
		}
		if f.Campaign[0].Steps < base.Campaign[0].Steps*(1-1e-3) {
			t.Errorf("%s: %g steps, were %g", r, f.Campaign[0].Steps, base.Campaign[0].Steps)
		}
		if f.Fleet[1].LoadSec > base.Fleet[1].LoadSec*(1+1e-9) {
			t.Errorf("%s: load %g s, was %g s", r, f.Fleet[1].LoadSec, base.Fleet[1].LoadSec)
		}
	}
}

// The built-in scenarios assemble, and their first future makes sense.
func TestBuiltinWorlds(t *testing.T) {
	for _, b := range Builtins() {
		t.Run(b.ID, func(t *testing.T) {
			sc, err := Load(b.ID, nil)
			if err != nil {
				t.Fatal(err)
			}
			w, err := Assemble(sc, Options{})
			if err != nil {
				t.Fatal(err)
			}
			f := play(t, w, 0, nil)
			for i := range w.Placed {
				if s := f.Steps[i]; s != nil {
					sum := 0.0
					for _, p := range s.Parts {
						sum += p.Seconds
					}
					if math.Abs(sum-s.Seconds) > 1e-9*s.Seconds {
						t.Errorf("parts sum to %g s, the step takes %g s", sum, s.Seconds)
					}
					if s.MFU < 0.2 || s.MFU > 0.85 {
						t.Errorf("mfu %g", s.MFU)
					}
					if g := f.Campaign[i].Losses.Goodput(); g < 0.7 || g > 1 {
						t.Errorf("goodput %g", g)
					}
				} else if o := f.Served[i]; o.Completed < o.Requests*9/10 {
					t.Errorf("%d of %d requests answered", o.Completed, o.Requests)
				}
			}
		})
	}
}

// Every shape of the network carries the same job, and the shape matters.
func TestEveryTopologyIsWired(t *testing.T) {
	seen := map[float64]string{}
	for _, sets := range [][]string{
		{`cluster.fabric.topology="fat-tree"`, "cluster.fabric.radix=16", "cluster.fabric.oversubscription=[3.0]"},
		{`cluster.fabric.topology="rail-optimised"`, "cluster.fabric.radix=16", "cluster.fabric.oversubscription=[3.0]"},
		{`cluster.fabric.topology="dragonfly+"`, "cluster.fabric.radix=32", "cluster.fabric.oversubscription=[2.0, 2.0]"},
	} {
		f := play(t, world(t, twoJobs, append(sets, "workload.train.parallelism.tensor=2", `workload.train.overlap.data=0.0`)...), 0, nil)
		s := f.Steps[0].Seconds
		if other, ok := seen[s]; ok {
			t.Errorf("%s and %s give the same step of %g s", sets[0], other, s)
		}
		seen[s] = sets[0]
	}
}

// The packet rung hands one number down: how much longer packets take than flows. It is
// never less, stays small without incast, and refuses what it cannot play.
func TestPacketRung(t *testing.T) {
	flows := world(t, twoJobs, "workload.train.overlap.data=0.0")
	packets := world(t, twoJobs, "workload.train.overlap.data=0.0", `cluster.fabric.model="packet"`)
	if packets.stretch < 1 || packets.stretch > 1.2 {
		t.Errorf("packets stretch the ring step by %g", packets.stretch)
	}
	a, b := play(t, flows, 0, nil).Steps[0].Seconds, play(t, packets, 0, nil).Steps[0].Seconds
	if b < a || packets.stretch > 1.001 && b == a {
		t.Errorf("step of %g s with packets, %g s with flows, stretch %g", b, a, packets.stretch)
	}
	sc, err := Parse("test", []byte(twoJobs), []string{`cluster.fabric.model="packet"`, "cluster.nodes=1024", "workload.chat.nodes=8"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Assemble(sc, Options{}); err == nil {
		t.Error("8,192 ports are played packet by packet")
	}
}

// playedFuture is the first future of a scenario under overrides.
func playedFuture(t *testing.T, nameOrPath string, sets ...string) *Future {
	t.Helper()
	sc, err := Load(nameOrPath, sets)
	if err != nil {
		t.Fatal(err)
	}
	w, err := Assemble(sc, Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := w.NewBench().Sample(0).Play(nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
