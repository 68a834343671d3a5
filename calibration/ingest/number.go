package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var pow10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

var (
	errLocale = errors.New("has a comma: a decimal comma or thousands separators, run the tool with LC_ALL=C")
	errNumber = errors.New("is no number")
)

// parseFloat reads a decimal number. Up to 15 digits and exponents to 22 are exact
// without strconv, because both factors are then exact doubles.
func parseFloat(b []byte) (float64, error) {
	i, neg := 0, false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg = b[0] == '-'
		i = 1
	}
	var m uint64
	digits, frac, seen := 0, 0, false
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		m, digits, seen = m*10+uint64(b[i]-'0'), digits+1, true
	}
	if i < len(b) && b[i] == '.' {
		for i++; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
			m, digits, frac, seen = m*10+uint64(b[i]-'0'), digits+1, frac+1, true
		}
	}
	if !seen {
		return 0, errNumber
	}
	if i == len(b) && digits <= 15 {
		v := float64(m) / pow10[frac]
		if neg {
			v = -v
		}
		return v, nil
	}
	if i < len(b) && b[i] != 'e' && b[i] != 'E' {
		if bytes.IndexByte(b, ',') >= 0 {
			return 0, errLocale
		}
		return 0, errNumber
	}
	v, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return 0, errNumber
	}
	return v, nil
}

// longestUnknown is the length of the longest of isUnknown's words, and a little.
const longestUnknown = 44

// isUnknown says whether a text is one of the ways in which tools say that they do not know.
func isUnknown(b []byte) bool {
	switch {
	case len(b) == 0:
		return true
	case b[0] == '[' && b[len(b)-1] == ']', b[0] == '(' && b[len(b)-1] == ')':
		return !hasDigit(b)
	case len(b) > longestUnknown:
		return false
	}
	c := b[0] | 0x20
	if c >= '0' && c <= '9' {
		return false
	}
	var low [longestUnknown]byte // on the stack: most rows of some tools have such a word
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		low[i] = c
	}
	switch string(low[:len(b)]) {
	case "n/a", "na", "nan", "-nan", "+nan", "-", "--", "none", "unknown", "null", "not supported", "not available", "inf", "+inf", "-inf",
		"infinity", "-infinity", "unknown error", "insufficient permissions", "not applicable", "undefined", "unlimited", "none assigned",
		"requested functionality has been deprecated", "gpu requires reset", "err!", "not found", "function not found", "unavailable":
		return true
	}
	return false
}

func hasDigit(b []byte) bool {
	for _, c := range b {
		if c >= '0' && c <= '9' {
			return true
		}
	}
	return false
}

// number reads a bare number; what the tool did not know is unknown, not an error.
func number(b []byte) (Num, error) {
	b = bytes.TrimSpace(b)
	if v, err := parseFloat(b); err == nil {
		return Is(v), nil
	} else if isUnknown(b) {
		return Num{}, nil
	} else {
		return Num{}, fmt.Errorf("%q %w", clip(b), err)
	}
}

// clip shortens what is quoted in messages.
func clip(b []byte) string {
	if len(b) > 60 {
		return string(b[:57]) + "..."
	}
	return string(b)
}

// siUnits convert what tools write to base units; the key is lower case.
var siUnits = map[string]struct {
	factor float64
	base   string
}{
	"w": {1, "W"}, "mw": {1e-3, "W"}, "kw": {1e3, "W"},
	"j": {1, "J"}, "mj": {1e-3, "J"}, "kj": {1e3, "J"},
	"%": {0.01, "ratio"}, "c": {1, "celsius"}, "v": {1, "V"}, "mv": {1e-3, "V"},
	"hz": {1, "Hz"}, "khz": {1e3, "Hz"}, "mhz": {1e6, "Hz"}, "ghz": {1e9, "Hz"},
	"s": {1, "s"}, "sec": {1, "s"}, "ms": {1e-3, "s"}, "us": {1e-6, "s"}, "usec": {1e-6, "s"}, "µs": {1e-6, "s"}, "ns": {1e-9, "s"}, "min": {60, "s"},
	"b": {1, "B"}, "byte": {1, "B"}, "bytes": {1, "B"},
	"kb": {1e3, "B"}, "mb": {1e6, "B"}, "gb": {1e9, "B"}, "tb": {1e12, "B"}, "pb": {1e15, "B"},
	"kib": {1 << 10, "B"}, "mib": {1 << 20, "B"}, "gib": {1 << 30, "B"}, "tib": {1 << 40, "B"}, "pib": {1 << 50, "B"},
	"b/s": {1, "B/s"}, "kb/s": {1e3, "B/s"}, "mb/s": {1e6, "B/s"}, "gb/s": {1e9, "B/s"}, "gbps": {1e9 / 8, "B/s"},
	"mb/sec": {1e6, "B/s"}, "gb/sec": {1e9, "B/s"}, "gbytes/s": {1e9, "B/s"}, "tb/s": {1e12, "B/s"},
	"kib/s": {1 << 10, "B/s"}, "mib/s": {1 << 20, "B/s"}, "gib/s": {1 << 30, "B/s"}, "rpm": {1, "rpm"},
	"x": {1, "lanes"}, "gflop/s": {1e9, "FLOP/s"}, "gflops": {1e9, "FLOP/s"}, "tflops": {1e12, "FLOP/s"}, "tflop/s": {1e12, "FLOP/s"},
}

// quantity reads a number with or without a unit: "631.95 W", "16x", "(300Mhz)".
// The number is in the base unit if the unit is known, else as it stands.
func quantity(b []byte) (v Num, base string, err error) {
	b = bytes.TrimSpace(b)
	if len(b) > 1 && b[0] == '(' && b[len(b)-1] == ')' && hasDigit(b) {
		b = b[1 : len(b)-1]
	}
	if isUnknown(b) {
		return Num{}, "", nil
	}
	i := 0
	for i < len(b) && (b[i] >= '0' && b[i] <= '9' || b[i] == '.' || b[i] == '+' || b[i] == '-' || b[i] == ',' ||
		(b[i] == 'e' || b[i] == 'E') && i > 0 && i+1 < len(b) && (b[i+1] == '+' || b[i+1] == '-' || b[i+1] >= '0' && b[i+1] <= '9')) {
		i++
	}
	n, err := number(b[:i])
	if err != nil || !n.Known {
		return Num{}, "", fmt.Errorf("%q is no quantity", clip(b))
	}
	unit := strings.TrimSpace(string(b[i:]))
	if unit == "" {
		return n, "", nil
	}
	if u, ok := siUnits[strings.ToLower(unit)]; ok {
		return n.Times(u.factor), u.base, nil
	}
	return n, unit, nil
}

// unitFactor converts a column's unit as in "power.draw [W]".
func unitFactor(unit string) (factor float64, base string, ok bool) {
	u, ok := siUnits[strings.ToLower(strings.TrimSpace(unit))]
	return u.factor, u.base, ok
}

// fieldOf is a value that has no place of its own: a quantity or a text; ok is false
// if nothing is known.
func fieldOf(name string, b []byte) (Field, bool) {
	b = bytes.TrimSpace(b)
	if isUnknown(b) {
		return Field{}, false
	}
	if v, unit, err := quantity(b); err == nil && v.Known && len(unit) < 12 && !strings.ContainsAny(unit, ":-/.") || err == nil && v.Known && strings.HasSuffix(unit, "/s") {
		return Field{Name: name, Value: v, Unit: unit}, true
	}
	return Field{Name: name, Text: string(b)}, true
}

// binarySize reads 4k, 1M, 32MiB as fio and elbencho write sizes: powers of 1024.
func binarySize(s string) Num {
	s = strings.ToLower(strings.TrimSpace(s))
	s = strings.TrimSuffix(strings.TrimSuffix(s, "b"), "i")
	shift := 0.0
	if len(s) > 0 {
		if i := strings.IndexByte("kmgtp", s[len(s)-1]); i >= 0 {
			shift = float64(i + 1)
			s = s[:len(s)-1]
		}
	}
	v, err := parseFloat([]byte(s))
	if err != nil {
		return Num{}
	}
	for ; shift > 0; shift-- {
		v *= 1024
	}
	return Is(v)
}

// fields cuts a line at blanks and tabs into dst without allocating.
func fields(line []byte, dst [][]byte) [][]byte {
	dst = dst[:0]
	for i := 0; i < len(line); {
		for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
			i++
		}
		start := i
		for i < len(line) && line[i] != ' ' && line[i] != '\t' {
			i++
		}
		if i > start {
			dst = append(dst, line[start:i])
		}
	}
	return dst
}
