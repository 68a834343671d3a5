package cephsim

import (
	"testing"

	"aisim/storage"
	"aisim/topology"
	"aisim/topology/flow"
)

// analytic is the rate of requests of a pool with clients that do not bind.
func analytic(t *testing.T, s storage.CephSpec, op storage.Op, bytes float64) float64 {
	t.Helper()
	system, err := storage.NewCeph(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := system.Attach(flow.NewNet(nil), nil, nil); err != nil {
		t.Fatal(err)
	}
	stages, err := system.Ceilings(op, []topology.NodeID{0}, bytes)
	if err != nil {
		t.Fatal(err)
	}
	n, _ := storage.Narrowest(stages)
	return n.BytesPerSec / bytes
}
