// Package sweep plays a space of designs point by point, on one machine or on many.
//
// A sweep is a folder and nothing else: no server, no lock, no list of who does what.
//
//	sweep.json     what is swept, with the digests of everything that the results rest on
//	scenario.toml  the scenario as one text, includes and overrides laid over it
//	inputs/        the files that it names, profiles among them
//	points.jsonl   one point a line: index, content hash, labels, overrides; never changed
//	results/       one file per point, named by the content hash
//	tmp/           files being written
//	merged/        the tables, made from results/ alone
//
// The hash of a point covers the scenario, the profiles, the inputs, the catalogue, the
// version of the program and the overrides, so that a result can only be found by who
// would compute the same. A result is written beside its place, flushed and renamed, and
// carries the digest of itself: a reader sees all of it or nothing. The same point played
// twice gives the same bytes, so that workers need not know of each other: killed at any
// moment, restarted, requeued or run twice, the folder ends the same (at least once is
// safe). Merging reads the points in order, so that who played what cannot be seen in it.
//
// What lies in the folder and does not belong there is named and left as it is.
package sweep
