// Package scenarios is the language in which a planner says what is to be
// simulated: TOML text in, a checked Scenario out, and (in world.go) the one
// place where a Scenario becomes a runnable world.
//
// The language has one dictionary, the table in keys_*.go: every key with its
// type, dimension, range, default, the source of the default and a sentence of
// documentation. Decoding, checking, the JSON Schema (Schema) and the key
// reference (docs/scenario.md) are all made from that table, so they cannot
// disagree.
//
// The walk of a file is: bytes → (includes merged, --set applied) → tree →
// bound to the Go types with defaults → checked as a whole. Every fault on the
// way is a Problem with file, line, column, key path, value, allowed range and
// one hint; up to twenty are reported at once. Nothing panics on input.
//
// What needs more than the text, that is whether a model fits its memory or a
// route exists, is found while the world is built and reported through
// Scenario.ProblemAt as the same kind of Problem.
package scenarios
