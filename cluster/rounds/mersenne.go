package rounds

// mersenne is the generator MT19937 (Matsumoto and Nishimura, ACM TOMACS 8(1), 1998), seeded
// and read as Python's module random does: published experiments that drew from it can be
// replayed draw by draw.
type mersenne struct {
	state [mersenneWords]uint32
	at    int
}

const (
	mersenneWords = 624
	mersenneShift = 397
)

// newMersenne is random.Random(seed) for a seed below 2^32.
func newMersenne(seed uint32) *mersenne {
	m := &mersenne{at: mersenneWords}
	m.state[0] = 19650218
	for i := 1; i < mersenneWords; i++ {
		m.state[i] = 1812433253*(m.state[i-1]^m.state[i-1]>>30) + uint32(i)
	}
	i := 1
	step := func() {
		if i++; i == mersenneWords {
			m.state[0] = m.state[mersenneWords-1]
			i = 1
		}
	}
	for range mersenneWords {
		m.state[i] = m.state[i] ^ (m.state[i-1]^m.state[i-1]>>30)*1664525 + seed
		step()
	}
	for range mersenneWords - 1 {
		m.state[i] = m.state[i] ^ (m.state[i-1]^m.state[i-1]>>30)*1566083941 - uint32(i)
		step()
	}
	m.state[0] = 1 << 31
	return m
}

func (m *mersenne) next() uint32 {
	if m.at == mersenneWords {
		for i := range m.state {
			y := m.state[i]&(1<<31) | m.state[(i+1)%mersenneWords]&(1<<31-1)
			m.state[i] = m.state[(i+mersenneShift)%mersenneWords] ^ y>>1 ^ y&1*0x9908b0df
		}
		m.at = 0
	}
	y := m.state[m.at]
	m.at++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// float is random(): 53 bits in [0, 1).
func (m *mersenne) float() float64 {
	a, b := m.next()>>5, m.next()>>6
	return (float64(a)*(1<<26) + float64(b)) / (1 << 53)
}

func (m *mersenne) uniform(a, b float64) float64 { return a + (b-a)*m.float() }

// below is randrange(n): as many bits as n has, drawn again until they are below it.
func (m *mersenne) below(n int) int {
	bits := 0
	for x := n; x > 0; x >>= 1 {
		bits++
	}
	for {
		if r := int(m.next() >> (32 - bits)); r < n {
			return r
		}
	}
}

// shuffle is shuffle(list).
func (m *mersenne) shuffle(list []int) {
	for i := len(list) - 1; i > 0; i-- {
		j := m.below(i + 1)
		list[i], list[j] = list[j], list[i]
	}
}
