//go:build invariants

package queue

const invariants = true
