package hardware

import (
	"math"
	"testing"

	"aisim/hardware/profile"
)

// Calls that follow the row-wise curve are given back between them to 1 %; one that was left out is
// predicted, and a kind that was not measured is not.
func TestCallsFollowRows(t *testing.T) {
	rows := func(m, n, k float64, transposed bool) float64 {
		g := callGrid{transposed: transposed}
		return g.rows(m, n, k)
	}
	sec := func(m, n, k float64, transposed bool) float64 { return 2e-10*m*n*k + 3e-9*rows(m, n, k, transposed) }
	p := &profile.Profile{}
	shapes := [][3]float64{{64, 128, 128}, {8, 128, 128}, {512, 128, 128}, {64, 8, 128}, {64, 512, 128}, {64, 128, 8}, {64, 128, 512}, {256, 256, 256}}
	for _, s := range shapes {
		for op, transposed := range map[string]bool{"gemm nn fp64": false, "gemm nt fp64": true} {
			p.Calls = append(p.Calls, profile.Call{Op: op, Size: s[:], Sec: sec(s[0], s[1], s[2], transposed)})
		}
	}
	c, err := NewCalls(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range [][3]float64{{32, 192, 576}, {576, 192, 32}, {32, 10, 96}, {100, 70, 300}} {
		for op, transposed := range map[string]bool{"gemm nn fp64": false, "gemm nt fp64": true} {
			e, ok := c.At(op, -1, q[:]...)
			if want := sec(q[0], q[1], q[2], transposed); !ok || math.Abs(e.Sec/want-1) > 0.01 {
				t.Errorf("%s %v: %g, want %g", op, q, e.Sec, want)
			}
		}
	}
	if e, _ := c.At("gemm nn fp64", 6, 64, 128, 512); math.Abs(e.Sec/sec(64, 128, 512, false)-1) > 0.01 {
		t.Errorf("left out: %g", e.Sec)
	}
	if _, ok := c.At("gemm tt fp64", -1, 64, 64, 64); ok {
		t.Error("a kind that was not measured")
	}
	// Short rows cost more: the fixed time of a row is seen.
	short, _ := c.At("gemm nn fp64", -1, 128, 8, 128)
	long, _ := c.At("gemm nn fp64", -1, 128, 128, 8)
	if !(short.Sec > 1.5*long.Sec) {
		t.Errorf("rows of 8 %g, of 128 %g", short.Sec, long.Sec)
	}
}

// A host operation whose rate is not the same at all sizes is met between them, where fixed time and
// rate alone miss it.
func TestCallsOfHostOperations(t *testing.T) {
	at := func(bytes float64) float64 { return 1e-5 + bytes/(1e8*(1+bytes/1e6)) }
	p := &profile.Profile{Host: map[string]profile.HostOp{"zstd": {Name: "zstd", FixedSec: profile.Param{V: 1e-5}, BytesPerSec: profile.Param{V: 1e8}}}}
	for bytes := 4096.0; bytes <= 1<<20; bytes *= 4 {
		p.Calls = append(p.Calls, profile.Call{Op: "zstd", Size: []float64{bytes}, Sec: at(bytes)})
	}
	c, err := NewCalls(p)
	if err != nil {
		t.Fatal(err)
	}
	const bytes = 500e3
	h := p.Host["zstd"]
	if e, ok := c.At("zstd", -1, bytes); !ok || math.Abs(e.Sec/at(bytes)-1) > 0.06 || math.Abs(h.Sec(bytes)/at(bytes)-1) < 0.3 {
		t.Errorf("grid %g, fixed and rate %g, want %g", e.Sec, h.Sec(bytes), at(bytes))
	}
	if _, ok := c.At("zstd", -1, 1, 2, 3); ok {
		t.Error("three sizes of a host operation")
	}
}

func TestCallsRefuse(t *testing.T) {
	for _, calls := range [][]profile.Call{
		{{Op: "softmax fp64", Size: []float64{1, 2, 3}, Sec: 1}},
		{{Op: "gemm nn fp64", Size: []float64{1, 2}, Sec: 1}},
		{{Op: "gemm nn fp64", Size: []float64{1, 2, 3}, Sec: 1}},
	} {
		if _, err := NewCalls(&profile.Profile{Calls: calls}); err == nil {
			t.Errorf("%v accepted", calls)
		}
	}
}
