package crush

import "testing"

// The vectors were printed by the tools of Ceph 16.2.15 (see docs/models/crush.md).
func TestHashVectors(t *testing.T) {
	n5 := int32(-5)
	for _, c := range []struct {
		name      string
		got, want uint32
	}{
		{"2(0,0)", Hash2(0, 0), 430787817},
		{"2(1,2)", Hash2(1, 2), 3079532188},
		{"2(123456,7)", Hash2(123456, 7), 1187448628},
		{"3(0,0,0)", Hash3(0, 0, 0), 2050749362},
		{"3(1,2,3)", Hash3(1, 2, 3), 1935332395},
		{"3(1023,-5,2)", Hash3(1023, uint32(n5), 2), 787473117},
		{"3(77,41,0)", Hash3(77, 41, 0), 4135112791},
		{"foo", HashName("foo"), 2143417350},
		{"bar", HashName("bar"), 4024842315},
		{"a", HashName("a"), 703514648},
		{"11 bytes", HashName("abcdefghijk"), 3844836940},
		{"12 bytes", HashName("abcdefghijkl"), 186334885},
		{"13 bytes", HashName("abcdefghijklm"), 824356913},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, expected %d", c.name, c.got, c.want)
		}
	}
}

// TestDrawsAreHashes compares the vector instructions with the plain hash at every length.
func TestDrawsAreHashes(t *testing.T) {
	ids := make([]int32, 0, 64+lanes)
	for i := range int32(64) {
		ids = append(ids, i*i*1103-40*i-7)
	}
	out := make([]uint32, 64+lanes)
	for n := range len(ids) + 1 {
		for x := range uint32(50) {
			x, r := x*0x9e3779b9, x%7
			draws(x, r, ids[:n], out)
			for i, id := range ids[:n] {
				if want := Hash3(x, uint32(id), r) & 0xffff; out[i] != want {
					t.Fatalf("draw %d of %d for x=%d r=%d: %d, expected %d", i, n, x, r, out[i], want)
				}
			}
		}
	}
}
