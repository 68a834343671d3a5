// Package result holds the typed numbers that every room of aisim hands on:
// a value with its unit, its interval and its pedigree, and the records of a
// finished run that reports print. It holds types and the few operations that
// belong to them (ordering, rounding to JSON); it models nothing.
//
// The JSON form of Run is the public contract aisim.run/v1: fields are added,
// never renamed or removed, and every number stands beside its unit or carries
// the unit as the last word of its key.
package result
