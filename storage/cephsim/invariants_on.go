//go:build invariants

package cephsim

// invariants is true under the build tag of that name: a run then ends what is in flight and checks
// the conservation of requests, messages, bytes and cores.
const invariants = true
