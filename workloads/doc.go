// Package workloads says what machines are asked to do: the shape of a model
// and the work, the bytes and the memory that follow from it. Its rooms turn
// that into time: workloads/training into training steps, workloads/serving
// into requests.
//
// An Architecture is a transformer described layer by layer (dense, mixture of
// experts, grouped-query and multi-head latent attention, sliding windows), or a
// Generic model of which only operations and bytes per sample are known
// (vision, recommendation, classical learning).
//
// Equations: docs/models/training.md, "The model's work". Left out: state-space
// and linear-attention layers, encoder-decoder cross-attention, compressed
// sparse attention; cards with these are refused, not approximated.
package workloads
