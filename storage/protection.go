package storage

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// Protection is how a pool guards an object against lost drives: R whole
// copies, or k data and m coding shards.
type Protection struct {
	Replicated bool
	Data       int // 1 when replicated, k when erasure coded
	Parity     int // R−1 when replicated, m when erasure coded
}

var protectionForm = regexp.MustCompile(`^(?:rep-?([0-9]{1,3})|ec-?([0-9]{1,3})\+([0-9]{1,3}))$`)

// ParseProtection reads "rep-3" or "ec-6+2".
func ParseProtection(profile string) (Protection, error) {
	m := protectionForm.FindStringSubmatch(profile)
	if m == nil {
		return Protection{}, fmt.Errorf("profile %q: want rep-N (N copies) or ec-K+M (K data and M coding shards)", profile)
	}
	if m[1] != "" {
		r, _ := strconv.Atoi(m[1])
		if r < 1 || r > 10 {
			return Protection{}, fmt.Errorf("profile %q: %d copies: allowed 1 to 10", profile, r)
		}
		return Protection{Replicated: true, Data: 1, Parity: r - 1}, nil
	}
	k, _ := strconv.Atoi(m[2])
	p, _ := strconv.Atoi(m[3])
	if k < 2 || k > 64 || p < 1 || p > 32 {
		return Protection{}, fmt.Errorf("profile %q: k=%d m=%d: allowed k 2 to 64, m 1 to 32", profile, k, p)
	}
	return Protection{Data: k, Parity: p}, nil
}

// String is the profile's name, "rep-3" or "ec-6+2".
func (p Protection) String() string {
	if p.Replicated {
		return fmt.Sprintf("rep-%d", p.Width())
	}
	return fmt.Sprintf("ec-%d+%d", p.Data, p.Parity)
}

// Width is the number of failure domains that one object is spread over.
func (p Protection) Width() int { return p.Data + p.Parity }

// Efficiency is stored client bytes per raw byte: 1/R or k/(k+m).
func (p Protection) Efficiency() float64 { return float64(p.Data) / float64(p.Width()) }

// Traffic is the work of one client operation on the storage nodes. Network
// bytes are counted at the nodes' ports; Internal are those that travel
// from storage node to storage node.
type Traffic struct {
	NICInBytes       float64
	NICOutBytes      float64
	InternalBytes    float64
	DeviceReads      float64 // accesses
	DeviceReadBytes  float64 // in all
	DeviceWrites     float64
	DeviceWriteBytes float64
	EncodeBytes      float64 // data bytes that pass the encoder
}

// csumBlockBytes is BlueStore's checksum block and smallest allocation
// (bluestore_csum_block, bluestore_min_alloc_size of Ceph 16 and later).
const csumBlockBytes = 4096

// OneOp is the work of one operation of ioBytes. Erasure-coded operations
// are those of the classic code path: whole stripes of k × stripeUnit; a write
// smaller than one stripe reads it first, a small read fetches all k shards.
// The equations are in the package comment.
func (p Protection) OneOp(op Op, ioBytes, stripeUnit float64) Traffic {
	if p.Replicated {
		padded := math.Ceil(ioBytes/csumBlockBytes) * csumBlockBytes
		if op == Read {
			return Traffic{NICOutBytes: ioBytes, DeviceReads: 1, DeviceReadBytes: padded}
		}
		r := float64(p.Width())
		return Traffic{
			NICInBytes: r * ioBytes, NICOutBytes: (r - 1) * ioBytes, InternalBytes: (r - 1) * ioBytes,
			DeviceWrites: r, DeviceWriteBytes: r * padded,
		}
	}
	k, n := float64(p.Data), float64(p.Width())
	stripe := k * stripeUnit
	padded := math.Ceil(ioBytes/stripe) * stripe
	fetch := (k - 1) / k * padded
	if op == Read {
		return Traffic{
			NICInBytes: fetch, NICOutBytes: ioBytes + fetch, InternalBytes: fetch,
			DeviceReads: k, DeviceReadBytes: padded,
		}
	}
	push := (n - 1) / k * padded
	t := Traffic{
		NICInBytes: ioBytes + push, NICOutBytes: push, InternalBytes: push,
		DeviceWrites: n, DeviceWriteBytes: n / k * padded, EncodeBytes: padded,
	}
	if ioBytes < stripe {
		t.NICInBytes += fetch
		t.NICOutBytes += fetch
		t.InternalBytes += fetch
		t.DeviceReads += k
		t.DeviceReadBytes += padded
	}
	return t
}
