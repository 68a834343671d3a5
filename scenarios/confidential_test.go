package scenarios

import (
	"os"
	"path/filepath"
	"testing"
)

// What independent tests measured of services in confidential machines follows from the two
// constants of the bridge, which were read off copies and loads: an 8 B model on an H100
// loses 4 to 8 % (arXiv 2509.18886; below 7 % in arXiv 2409.03992), on a B300 with an engine that
// knows nothing of it 13 to 27 % (arXiv 2606.23969). A 70 B model with long steps loses little.
func TestConfidentialServing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "service.toml")
	const text = `version = 1
name = "service"
[cluster]
server = "dgx-h100"
nodes = 1
[cluster.fabric]
topology = "single-switch"
switch = "qm9700-ndr"
[[storage]]
id = "models"
kind = "object"
bandwidth = "100 GB/s"
[[workload]]
id = "s"
kind = "serving"
model = "llama3.1-8b"
load_from = "models"
arrivals = { process = "poisson", rate = "40/s", prompt = { mean = 1000, cv = 0.5 }, output = { mean = 200, cv = 0.5 } }
duration = "20 s"
`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	play := func(sets ...string) *Future { return playedFuture(t, path, sets...) }
	for _, c := range []struct {
		server    string
		low, high float64
	}{{"dgx-h100", 0.04, 0.085}, {"dgx-b300", 0.13, 0.27}} { // half a point of room above
		plain, bridged := play("cluster.server="+c.server), play("cluster.server="+c.server, "cluster.confidential=true")
		loss := 1 - plain.Served[0].TPOT.P50/bridged.Served[0].TPOT.P50
		if loss < c.low || loss > c.high {
			t.Errorf("%s: %.1f %% of the token rate lost, measured were %.0f to %.0f %%", c.server, 100*loss, 100*c.low, 100*c.high)
		}
		if a, b := plain.Fleet[0].LoadSec, bridged.Fleet[0].LoadSec; b <= a {
			t.Errorf("%s: loading takes %g s, and %g s behind the bridge", c.server, a, b)
		}
	}
}
