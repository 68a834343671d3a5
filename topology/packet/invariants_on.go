//go:build invariants

package packet

// invariants is true under the build tag of that name: packets, credits and buffers are
// then checked for conservation, and a breach panics.
const invariants = true
