package scenarios

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A power cap slows a training step by less than it saves power, and is held to what the
// accelerators can follow.
func TestPowerCap(t *testing.T) {
	path := filepath.Join(t.TempDir(), "train.toml")
	const text = `version = 1
name = "train"
[cluster]
server = "dgx-h100"
nodes = 1
[cluster.fabric]
topology = "single-switch"
switch = "qm9700-ndr"
[[workload]]
id = "t"
kind = "training"
model = "llama3.1-8b"
framework = "megatron-core"
parallelism = { tensor = 8 }
batch = { global = 16, micro = 1, sequence = 8192 }
duration = "1 h"
`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	world := func(sets ...string) (*World, error) {
		sc, err := Load(path, sets)
		if err != nil {
			t.Fatal(err)
		}
		return Assemble(sc, Options{})
	}
	play := func(sets ...string) (stepSec, watts, mfu float64) {
		w, err := world(sets...)
		if err != nil {
			t.Fatal(err)
		}
		f, err := w.NewBench().Sample(0).Play(nil)
		if err != nil {
			t.Fatal(err)
		}
		return f.Steps[0].Seconds, f.Device.Power(1), f.Steps[0].MFU
	}
	freeSec, freeWatts, freeMFU := play()
	lastSec, lastWatts, lastMFU := freeSec, freeWatts, freeMFU
	for _, cap := range []string{"600 W", "450 W", "300 W"} {
		sec, watts, mfu := play("cluster.power_cap=" + cap)
		if sec <= lastSec || watts >= lastWatts || mfu >= lastMFU {
			t.Errorf("%s: step %g s after %g, %g W after %g, MFU %.3f after %.3f", cap, sec, lastSec, watts, lastWatts, mfu, lastMFU)
		}
		if sec*watts >= freeSec*freeWatts {
			t.Errorf("%s: a step takes %g J at full load, %g J without a cap", cap, sec*watts, freeSec*freeWatts)
		}
		lastSec, lastWatts, lastMFU = sec, watts, mfu
	}
	if sec, _, _ := play("cluster.power_cap=700 W"); sec != freeSec {
		t.Errorf("a cap at the limit: step %g s, without one %g", sec, freeSec)
	}
	for _, cap := range []string{"100 W", "800 W"} {
		if _, err := world("cluster.power_cap=" + cap); err == nil || !strings.Contains(err.Error(), "cluster.power_cap") {
			t.Errorf("a cap of %s: %v", cap, err)
		}
	}
}
