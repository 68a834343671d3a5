package crush

// The 32-bit hashes of CRUSH (hash type 0, "rjenkins1"): Jenkins' mix of three
// words, applied to the inputs, to a state seeded with hashSeed, and to two
// helper words.
const (
	hashSeed = 1315423911
	helperX  = 231232
	helperY  = 1232
)

// mix is Jenkins' reversible mix of 96 bits (lookup2, 1996).
func mix(a, b, c uint32) (uint32, uint32, uint32) {
	a = (a - b - c) ^ c>>13
	b = (b - c - a) ^ a<<8
	c = (c - a - b) ^ b>>13
	a = (a - b - c) ^ c>>12
	b = (b - c - a) ^ a<<16
	c = (c - a - b) ^ b>>5
	a = (a - b - c) ^ c>>3
	b = (b - c - a) ^ a<<10
	c = (c - a - b) ^ b>>15
	return a, b, c
}

// Hash2 hashes two words.
func Hash2(a, b uint32) uint32 {
	h := hashSeed ^ a ^ b
	x, y := uint32(helperX), uint32(helperY)
	a, b, h = mix(a, b, h)
	_, _, h = mix(x, a, h)
	_, _, h = mix(b, y, h)
	return h
}

// Hash3 hashes three words.
func Hash3(a, b, c uint32) uint32 {
	h := hashSeed ^ a ^ b ^ c
	x, y := uint32(helperX), uint32(helperY)
	a, b, h = mix(a, b, h)
	c, x, h = mix(c, x, h)
	y, a, h = mix(y, a, h)
	_, _, h = mix(b, x, h)
	_, _, h = mix(y, c, h)
	return h
}

// Hash4 hashes four words.
func Hash4(a, b, c, d uint32) uint32 {
	h := hashSeed ^ a ^ b ^ c ^ d
	x, y := uint32(helperX), uint32(helperY)
	a, b, h = mix(a, b, h)
	c, d, h = mix(c, d, h)
	a, x, h = mix(a, x, h)
	y, b, h = mix(y, b, h)
	_, _, h = mix(c, x, h)
	_, _, h = mix(y, d, h)
	return h
}

// HashName hashes an object's name (object_hash rjenkins): Jenkins' lookup2 over the bytes.
func HashName(name string) uint32 {
	const golden = 0x9e3779b9
	a, b, c := uint32(golden), uint32(golden), uint32(0)
	rest := name
	for len(rest) >= 12 {
		a += word(rest)
		b += word(rest[4:])
		c += word(rest[8:])
		a, b, c = mix(a, b, c)
		rest = rest[12:]
	}
	c += uint32(len(name))
	for i := 0; i < len(rest); i++ {
		switch v := uint32(rest[i]); {
		case i < 4:
			a += v << (8 * i)
		case i < 8:
			b += v << (8 * (i - 4))
		default: // the lowest byte of c holds the length
			c += v << (8 * (i - 7))
		}
	}
	_, _, c = mix(a, b, c)
	return c
}

// word reads four bytes, the lowest first.
func word(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// drawsPlain is draws without vector instructions.
func drawsPlain(x, r uint32, ids []int32, out []uint32) {
	out = out[:len(ids)]
	for i, id := range ids {
		out[i] = Hash3(x, uint32(id), r) & 0xffff
	}
}
