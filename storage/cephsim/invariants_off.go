//go:build !invariants

package cephsim

const invariants = false
