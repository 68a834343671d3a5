package sim

import "math/bits"

// Stream is a random stream: a value of 16 bytes that is copied, stored in
// slices and never shared. Its draws depend on the seed and the name alone, so
// adding an entity with a stream of its own leaves the draws of all others as
// they were.
//
// The generator is SplitMix64 (Steele, Lea, Flood: Fast splittable
// pseudorandom number generators, OOPSLA 2014) with an increment of its own
// per stream, so that two streams never walk the same sequence.
type Stream struct {
	state uint64
	gamma uint64 // odd; also the identity that children derive from
}

// NewStream returns the stream of the given name under the given seed.
func NewStream(seed uint64, name string) Stream {
	return streamOf(hashName(mix64(seed+goldenGamma), name))
}

// Child returns the stream of the given name under s. It depends on the
// identity of s and not on how much was drawn from it.
func (s *Stream) Child(name string) Stream { return streamOf(hashName(s.gamma, name)) }

// Sub returns the i-th of a numbered family of streams under s, for entities
// that have a number and no name.
func (s *Stream) Sub(i uint64) Stream {
	return streamOf(mix64(s.gamma ^ mix64(i+goldenGamma)))
}

// Uint64 returns 64 uniform random bits.
func (s *Stream) Uint64() uint64 {
	s.state += s.gamma
	return mix64(s.state)
}

// Float64 returns a uniform number in the open interval (0, 1): never 0 and
// never 1, so that logarithms and inverse distributions are finite.
func (s *Stream) Float64() float64 {
	return (float64(s.Uint64()>>12) + 0.5) * (1.0 / (1 << 52))
}

// Intn returns a uniform integer in [0, n). It panics if n <= 0, as a fault of
// the program. The method is Lemire's, without bias (ACM TOMACS 29(1), 2019).
func (s *Stream) Intn(n int) int {
	if n <= 0 {
		panic("sim: invariant: Intn of a number that is not positive")
	}
	hi, lo := bits.Mul64(s.Uint64(), uint64(n))
	if lo < uint64(n) {
		for limit := -uint64(n) % uint64(n); lo < limit; {
			hi, lo = bits.Mul64(s.Uint64(), uint64(n))
		}
	}
	return int(hi)
}

const goldenGamma = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio

func streamOf(id uint64) Stream {
	return Stream{state: mix64(id + goldenGamma), gamma: mixGamma(id)}
}

// mix64 is the finaliser of SplitMix64 (Stafford's variant 13).
func mix64(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// mixGamma returns an odd increment with at least 24 changes of bit, as the
// paper asks for: long runs of equal bits make weak sequences.
func mixGamma(z uint64) uint64 {
	z = (z ^ z>>33) * 0xff51afd7ed558ccd
	z = (z ^ z>>33) * 0xc4ceb9fe1a85ec53
	z = (z ^ z>>33) | 1
	if bits.OnesCount64(z^z>>1) < 24 {
		z ^= 0xaaaaaaaaaaaaaaaa
	}
	return z
}

// hashName is FNV-1a with 64 bits, started from the parent's identity.
func hashName(id uint64, name string) uint64 {
	h := id ^ 0xcbf29ce484222325
	for i := 0; i < len(name); i++ {
		h = (h ^ uint64(name[i])) * 0x100000001b3
	}
	return mix64(h ^ uint64(len(name)))
}
