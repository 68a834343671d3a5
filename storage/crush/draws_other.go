//go:build !amd64

package crush

const lanes = 1

func draws(x, r uint32, ids []int32, out []uint32) { drawsPlain(x, r, ids, out) }
