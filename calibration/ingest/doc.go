// Package ingest reads what measuring tools print and hands it on as typed records
// with explicit units and the place where each was read.
//
// The tool is told from the content, never from the name. A file may be compressed
// (gzip, Zstandard), be a tar archive, hold foreign lines around the payload and hold
// the output of several tools. Three rules hold for every format:
//
//   - what a tool did not measure ("N/A", "[Not Supported]", a blank sentinel) stays
//     unknown and never becomes 0;
//   - every quantity is converted to SI base units once, here, and its field's name
//     ends in the unit. GB is 1e9 bytes, GiB 2^30, and where a tool's "MB" is 2^20
//     (perftest, rados bench) the reader knows;
//   - what cannot be read is a Problem with file, line and what was expected. Numbers
//     with a decimal comma or with thousands separators are refused, because 1,234
//     may be either; measurements that contradict each other are reported side by
//     side and never averaged.
//
// Reading streams: memory is bounded by the longest line (1 MiB), the largest single
// element of a JSON array (64 MiB) and a fixed number of keys for the search for
// contradictions, whatever the size of the file.
//
// What the formats look like was taken from the tools' own sources and from real
// output; docs/calibration.md lists them with their traps.
package ingest
