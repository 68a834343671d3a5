package crush

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"testing"
)

// TestLogarithm compares L with values computed by Ceph 16.2.15 and with the SHA-256
// of all 65,536 as little-endian 64-bit integers.
func TestLogarithm(t *testing.T) {
	d := lnDistance()
	for u, want := range map[int]uint64{0: 0, 1: 17592186044416, 2: 27882955186109, 100: 117132495127636, 32767: 263882790666240,
		32768: 263883565195424, 65534: 281474932780304, 65535: 281474708275200} {
		if got := 1<<48 - d[u]; got != want {
			t.Errorf("L(%d) = %d, expected %d", u, got, want)
		}
	}
	var raw []byte
	for u := range d {
		raw = binary.LittleEndian.AppendUint64(raw, 1<<48-d[u])
	}
	sum := sha256.Sum256(raw)
	if got := hex.EncodeToString(sum[:]); got != "7e86f34e8fedc36c3b6252e5a6e4fe3fa4e115ed44e16f58f7fed6543aa1bd20" {
		t.Errorf("the table's SHA-256 is %s", got)
	}
}
