// Package reports turns a result.Run into things to read: result.json, the
// static report.html, the interactive explore.html, figures for slides, tables
// in CSV and text for a terminal. It computes no physics: every number that it
// prints stands in the Run, and what it adds are sums, shares and differences of
// printed numbers.
//
// report.html is one file without script, font or request and says so to the
// browser by a Content-Security-Policy. The same Run gives the same bytes on any
// host: there is no clock, locale or host name in what is written here but for
// run.json, which the caller fills.
//
//	number   quantities as text
//	figure   the one type that draws every figure of the report
//	assets   the charting library of explore.html, where it was built in
package reports
