package storage

import (
	"strings"
	"testing"
)

// Sizes of the Llama checkpoints of MLPerf Storage, in GiB.
func TestCheckpointBytes(t *testing.T) {
	near(t, "8B", CheckpointBytes(8.03e9)/(1<<30), 104.7, 0.01)
	near(t, "1.38T", CheckpointBytes(1.38e12)/(1<<30), 17993, 0.01)
}

func TestNodesFor(t *testing.T) {
	spec := testSpec()
	spec.Nodes = 0
	// Ports bind: 25 GB/s · (0.64 − 0.042·ln(N/3)) / 3 per node. 1 TB in 10 s needs 21.5 nodes.
	n, why, err := spec.NodesFor(Write, 1e12, 10, 0)
	if err != nil || n != 22 || !strings.Contains(why, "storage NICs in: 21 nodes") {
		t.Errorf("%d nodes, %q, %v; want 22 by the ports", n, why, err)
	}
	n, why, _ = spec.NodesFor(Write, 1e12, 1000, 0)
	if n != 3 || !strings.Contains(why, "placement") {
		t.Errorf("%d nodes, %q; want 3 for three copies", n, why)
	}
	n, why, _ = spec.NodesFor(Write, 1e12, 1000, 1e15)
	spec.Nodes = n
	if !strings.Contains(why, "capacity") || mustCeph(t, spec).Holds("data", 1e15) != nil {
		t.Errorf("%d nodes, %q; want the capacity to bind", n, why)
	}
	spec.Nodes = n - 1
	if mustCeph(t, spec).Holds("data", 1e15) == nil {
		t.Errorf("%d nodes hold it already", n-1)
	}
	if _, _, err := spec.NodesFor(Write, 1e30, 1, 0); err == nil || !strings.Contains(err.Error(), "not enough") {
		t.Error(err)
	}
}
