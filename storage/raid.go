package storage

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// RAID is how the drives behind one object storage server guard its targets. A target (OST)
// is one group of Data + Parity drives; declustered, stripes of that width are strewn over
// all drives of the server, which make one target.
type RAID struct {
	Level        string // raid1, raid5, raid6 or draid
	Data, Parity int
}

var raidForm = regexp.MustCompile(`^(raid1|raid5|raid6|draid)-([0-9]{1,2})\+([0-9]{1,2})$`)

// chunkBytes is what lies on one drive of a stripe: with eight data drives a stripe is 1 MiB, as
// the Lustre manual advises for RAID 6.
const chunkBytes = 128 << 10

// ParseRAID reads "raid6-8+2", "raid5-4+1", "raid1-1+1" or "draid-8+2".
func ParseRAID(profile string) (RAID, error) {
	m := raidForm.FindStringSubmatch(profile)
	if m == nil {
		return RAID{}, fmt.Errorf("profile %q: want raid6-K+2, raid5-K+1, raid1-1+1 or draid-K+M", profile)
	}
	r := RAID{Level: m[1]}
	r.Data, _ = strconv.Atoi(m[2])
	r.Parity, _ = strconv.Atoi(m[3])
	wrong := map[string]bool{
		"raid1": r.Data != 1 || r.Parity != 1, "raid5": r.Data < 2 || r.Parity != 1,
		"raid6": r.Data < 2 || r.Parity != 2, "draid": r.Data < 2 || r.Parity < 1 || r.Parity > 3,
	}
	if wrong[r.Level] {
		return RAID{}, fmt.Errorf("profile %q: %d data and %d parity drives: raid1 has 1+1, raid5 one parity drive, raid6 two, draid one to three, each two data drives or more", profile, r.Data, r.Parity)
	}
	return r, nil
}

func (r RAID) String() string { return fmt.Sprintf("%s-%d+%d", r.Level, r.Data, r.Parity) }

// Targets are the OSTs that so many drives of one server make; it refuses drives that are left over.
func (r RAID) Targets(drives int) (int, error) {
	width := r.Data + r.Parity
	if r.Level == "draid" {
		if drives < width {
			return 0, fmt.Errorf("%s strews stripes over %d + %d = %d drives, the server has %d", r, r.Data, r.Parity, width, drives)
		}
		return 1, nil
	}
	if drives < width || drives%width != 0 {
		return 0, fmt.Errorf("%d drives per server do not divide into groups of %d + %d = %d (%s): %d = %d × %d + %d; take %d drives or another width",
			drives, r.Data, r.Parity, width, r, drives, drives/width, width, drives%width, max(width, drives/width*width))
	}
	return drives / width, nil
}

// driveSec is the time that one access of b bytes takes of the target's drives, all together. Whole
// stripes are written with their parity; of a part of one, RAID reads the old chunks with their
// parity or the chunks that it does not write, whichever are fewer; declustered RAID of the ZFS kind writes short stripes instead.
func (r RAID) driveSec(d *Drive, op Op, b float64) float64 {
	k, m := float64(r.Data), float64(r.Parity)
	stripe := k * chunkBytes
	whole := math.Floor(b / stripe)
	rest := b - whole*stripe
	var sec float64
	if op == Read {
		if r.Level == "raid1" {
			return d.accessSec(Read, b)
		}
		if whole > 0 {
			sec = k * d.accessSec(Read, whole*chunkBytes) // a row of chunks is contiguous on its drive
		}
		if rest > 0 && whole > 0 {
			return sec + rest/d.ReadBytesPerSec
		}
		if rest > 0 {
			c := math.Ceil(rest / chunkBytes)
			sec = c * d.accessSec(Read, rest/c)
		}
		return sec
	}
	if r.Level == "raid1" {
		return 2 * d.accessSec(Write, b)
	}
	if whole > 0 {
		sec = (k + m) * d.accessSec(Write, whole*chunkBytes)
	}
	if rest > 0 {
		c := math.Ceil(rest / chunkBytes)
		each := rest / c
		sec += (c + m) * d.accessSec(Write, each)
		if r.Level != "draid" {
			sec += math.Min(c+m, k-c) * d.accessSec(Read, each)
		}
	}
	return sec
}
