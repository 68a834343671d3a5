// Package serving simulates inference services: continuous batching over a
// paged key-value cache on replicas behind a router, and dynamic batching for
// models that are known by FLOP and bytes per sample (vision, recommendation
// on GPUs, FPGAs, ASICs and edge chips).
//
// One step of an engine is described by few numbers: N rows in the linear
// layers (new prompt tokens plus one per decoding sequence), A the attention
// work of the prompt chunks, K the cached tokens of the decoding sequences, and
// S the rows sampled. Its time is
//
//	t = linear(N) + a·A + k·K + head(S) + host(sequences, mixed)
//
// where linear and head are tables made once from the operator models of
// package hardware, and the host part comes from an engine profile. Because t
// is linear in K, and K grows by the batch size with every decode step, a run
// of decode steps between two events has a closed form; it is one event here.
// Step mode (Options.EveryStep) makes an event of every step and serves as check.
//
// The scheduler follows vLLM V1: running sequences first, one token budget for
// prefill and decode, blocks of tokens, preemption of the newest by recompute,
// first come first served without bypass. Engine profiles change its rules
// (prefill first for SGLang, reservation of the output for TensorRT-LLM).
//
// Times that a planner asks for are split by cause. Shares by resource are
// elasticities of the step time, not fractions of busy units: joined times
// (a^p + b^p)^(1/p) are divided as their derivatives say, so that a resource
// with no share does not move the result when it is doubled.
//
// Speculative decoding verifies several rows of each sequence in a step and gains several
// tokens (speculation.go). What is left out stands in docs/models/serving.md.
package serving
