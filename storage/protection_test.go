package storage

import (
	"testing"

	"pgregory.net/rapid"
)

// Amplifications of the published I/O paths (Ceph documentation; ceph.io 2024):
// EC 6+2 writes 2.17 × the client's bytes to the network and 1.33 × to the
// drives, three copies 3 × and 3 ×; an EC 6+2 read moves 1.83 ×.
func TestAmplification(t *testing.T) {
	const io = 6 * 4096 * 100 // whole stripes of 6+2: no padding
	for _, c := range []struct {
		profile                 string
		op                      Op
		in, out, reads, written float64
	}{
		{"rep-3", Write, 3, 2, 0, 3},
		{"rep-3", Read, 0, 1, 1, 0},
		{"rep-1", Write, 1, 0, 0, 1},
		{"ec-6+2", Write, 1 + 7.0/6, 7.0 / 6, 0, 8.0 / 6},
		{"ec-6+2", Read, 5.0 / 6, 1 + 5.0/6, 1, 0},
		{"ec-2+2", Write, 2.5, 1.5, 0, 2},
	} {
		p, err := ParseProtection(c.profile)
		if err != nil {
			t.Fatal(err)
		}
		w := p.OneOp(c.op, io, 4096)
		name := c.profile + " " + c.op.String()
		near(t, name+" in", w.NICInBytes/io, c.in, 1e-12)
		near(t, name+" out", w.NICOutBytes/io, c.out, 1e-12)
		near(t, name+" read", w.DeviceReadBytes/io, c.reads, 1e-12)
		near(t, name+" written", w.DeviceWriteBytes/io, c.written, 1e-12)
	}
}

// A 4 KiB write into an EC 6+2 stripe of 24 KiB reads it and writes all of it again.
func TestSmallErasureCodedWrite(t *testing.T) {
	p, _ := ParseProtection("ec-6+2")
	w := p.OneOp(Write, 4096, 4096)
	if w.DeviceReads != 6 || w.DeviceWrites != 8 || w.DeviceWriteBytes != 8*4096 {
		t.Errorf("4 KiB into 6+2: %+v; want 6 reads, 8 writes of 4096", w)
	}
	if r := p.OneOp(Read, 4096, 4096); r.DeviceReads != 6 {
		t.Errorf("4 KiB from 6+2: %g reads; the classic path fetches all 6", r.DeviceReads)
	}
}

// Bytes are conserved: what enters the nodes' ports is what clients and nodes sent.
func TestTrafficConserves(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := Protection{Data: rapid.IntRange(2, 20).Draw(rt, "k"), Parity: rapid.IntRange(1, 6).Draw(rt, "m")}
		if rapid.Bool().Draw(rt, "replicated") {
			p.Replicated, p.Data = true, 1
		}
		op := Op(rapid.IntRange(0, 1).Draw(rt, "op"))
		io := float64(rapid.IntRange(1, 8<<20).Draw(rt, "bytes"))
		w := p.OneOp(op, io, 4096)
		client := map[Op][2]float64{Read: {0, io}, Write: {io, 0}}[op]
		if d := w.NICInBytes - w.InternalBytes - client[0]; d > 1e-6*io || d < -1e-6*io {
			rt.Errorf("%s %s: in %g, internal %g", p, op, w.NICInBytes, w.InternalBytes)
		}
		if d := w.NICOutBytes - w.InternalBytes - client[1]; d > 1e-6*io || d < -1e-6*io {
			rt.Errorf("%s %s: out %g, internal %g", p, op, w.NICOutBytes, w.InternalBytes)
		}
		if op == Write && w.DeviceWriteBytes*p.Efficiency() < io*(1-1e-12) {
			rt.Errorf("%s: %g bytes written for %g", p, w.DeviceWriteBytes, io)
		}
	})
}

func TestParseProtection(t *testing.T) {
	for _, bad := range []string{"", "rep", "rep-0", "rep-11", "ec-1+2", "ec-4+0", "ec-4", "ec-65+2", "raid6", "ec-4+2 ", "rep-3x"} {
		if p, err := ParseProtection(bad); err == nil {
			t.Errorf("%q: accepted as %s", bad, p)
		}
	}
	for _, good := range []string{"rep-1", "rep-3", "ec-2+1", "ec-6+2", "ec-16+4"} {
		p, err := ParseProtection(good)
		if err != nil || p.String() != good {
			t.Errorf("%q: %v, %v", good, p, err)
		}
	}
}

func FuzzParseProtection(f *testing.F) {
	f.Add("rep-3")
	f.Add("ec-6+2")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := ParseProtection(s); err == nil && (p.Width() < 1 || !(p.Efficiency() > 0 && p.Efficiency() <= 1)) {
			t.Errorf("%q: %+v", s, p)
		}
	})
}
