package crush

// lanes is how many hashes draws works out at a time; items and draws have room for as many more.
const lanes = 8

var wide = hasAVX2()

// draws8 hashes 8·groups ids.
//
//go:noescape
func draws8(x, r uint32, ids *int32, out *uint32, groups int)

func hasAVX2() bool

// draws puts the low 16 bits of Hash3(x, ids[i], r) into out[i]. Up to lanes−1 words
// after the ids are read, and after out written: both have that capacity.
func draws(x, r uint32, ids []int32, out []uint32) {
	if len(ids) == 0 {
		return
	}
	if wide {
		draws8(x, r, &ids[0], &out[0], (len(ids)+lanes-1)/lanes)
		return
	}
	drawsPlain(x, r, ids, out)
}
