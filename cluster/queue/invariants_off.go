//go:build !invariants

package queue

const invariants = false
