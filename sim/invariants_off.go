//go:build !invariants

package sim

// invariants is true under the build tag of that name: the engine then checks
// causality at every event and conservation at every window, and panics on a breach.
const invariants = false
