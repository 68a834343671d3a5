// Package units parses and prints quantities that carry their unit in the text:
// "400 Gb/s", "80 GiB", "1.5 us", "54d", "0.08 USD/kWh".
//
// Values are float64 in the base unit of their Dimension (seconds, bytes, bytes
// per second, watts, USD …). Decimal prefixes are exact: the number and the
// prefix are joined before they are rounded once, so "0.1 us" is the float64
// nearest to 1e-7. GB is 1e9 bytes and GiB is 2^30; b is a bit, B is a byte,
// and case matters. A number without a unit is an error except for Ratio and
// Count.
package units
