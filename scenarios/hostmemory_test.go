package scenarios

import (
	"testing"

	"aisim/hardware"
)

// A server's memory bandwidth is that of the catalogue's processor of its name.
func TestHostMemory(t *testing.T) {
	given := 123e9
	for _, x := range []struct {
		cpu     string
		sockets int
		given   *float64
		least   float64 // of the stated rate of all sockets
		stated  float64
	}{
		{"Xeon Platinum 8480C", 2, nil, 0.5, 2 * 307.2e9}, {"Xeon 8480+", 2, nil, 0.5, 2 * 307.2e9}, {"EPYC 9654", 1, nil, 0.5, 460.8e9},
		{"Grace", 36, nil, 0.5, 36 * 512e9}, {"EPYC 9654 or Xeon 8480+", 2, nil, 0, 0}, {"Xeon 6 / EPYC 9005", 2, nil, 0, 0},
		{"host CPU", 2, nil, 0, 0}, {"Xeon 6", 2, nil, 0, 0}, {"", 0, nil, 0, 0}, {"EPYC 9654", 1, &given, 1, 123e9},
	} {
		w := &World{Scenario: &Scenario{}, Catalogue: hardware.Default(), Server: &hardware.Server{CPU: x.cpu, CPUSockets: x.sockets}}
		w.Scenario.Cluster.Override.HostMemBytesPerSec = x.given
		if got := w.hostMemoryBytesPerSec(); got < x.least*x.stated || got > x.stated {
			t.Errorf("%s × %d: %g B/s of %g", x.cpu, x.sockets, got, x.stated)
		}
	}
}
