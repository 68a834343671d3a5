package units

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// maxText bounds the text that Parse looks at.
const maxText = 64

// The faults that a quantity can have; Error.Kind is one of them.
var (
	ErrSyntax    = errors.New("not a quantity")
	ErrNoUnit    = errors.New("no unit")
	ErrUnit      = errors.New("unknown unit")
	ErrDimension = errors.New("wrong dimension")
	ErrRange     = errors.New("out of range")
)

// Error says what is wrong with a quantity and how to write it.
type Error struct {
	Text string
	Want Dimension
	Kind error
	Hint string
}

// Error is one line in lower case, hint included.
func (e *Error) Error() string {
	return fmt.Sprintf("%q is not %s: %s; %s", e.Text, e.Want.Article(), e.Kind, e.Hint)
}

// Unwrap gives the kind of the fault.
func (e *Error) Unwrap() error { return e.Kind }

// Parse reads a quantity of dimension d and returns it in d's base unit. The
// text is a decimal number, optional spaces, and a unit that d knows. Errors are
// *Error with a hint.
func Parse(s string, d Dimension) (float64, error) {
	if d == None || d >= dimensions {
		return 0, fmt.Errorf("units: dimension %d has no unit", d)
	}
	fail := func(kind error, hint string) (float64, error) {
		shown := s
		if len(shown) > maxText {
			shown = strings.ToValidUTF8(shown[:maxText], "") + "…"
		}
		return 0, &Error{Text: shown, Want: d, Kind: kind, Hint: hint}
	}
	text := strings.TrimSpace(s)
	if text == "" {
		return fail(ErrSyntax, fmt.Sprintf("write it like %q", d.Example()))
	}
	if len(text) > maxText {
		return fail(ErrSyntax, fmt.Sprintf("write it like %q", d.Example()))
	}
	number, rest := splitNumber(text)
	if number == "" {
		return fail(ErrSyntax, fmt.Sprintf("start with a number, like %q", d.Example()))
	}
	if strings.HasPrefix(rest, ",") {
		return fail(ErrSyntax, "write numbers without commas, with a point before decimals; digits may be grouped with _")
	}
	name := strings.TrimSpace(rest)
	u := unit{factor: 1}
	switch {
	case name == "" && !table[d].bare:
		return fail(ErrNoUnit, fmt.Sprintf("a bare number has no unit: write %q", number+" "+exampleUnit(d)))
	case name == "":
	default:
		var ok bool
		if u, ok = table[d].byName[name]; !ok {
			kind, hint := unitHint(number, name, d)
			return fail(kind, hint)
		}
	}
	v, err := strconv.ParseFloat(scale(strings.ReplaceAll(number, "_", ""), u.exp10), 64)
	v *= u.factor
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return fail(ErrSyntax, fmt.Sprintf("write it like %q", d.Example()))
	}
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return fail(ErrRange, "the number is too large to compute with")
	}
	return v, nil
}

// splitNumber cuts the leading decimal number off text. Underscores may stand
// between digits. An exponent counts only when digits follow it.
func splitNumber(text string) (number, rest string) {
	i := 0
	digits := func() bool {
		start := i
		for i < len(text) && (isDigit(text[i]) || (text[i] == '_' && i > start && i+1 < len(text) && isDigit(text[i+1]))) {
			i++
		}
		return i > start
	}
	if text[0] == '+' || text[0] == '-' {
		i++
	}
	whole := digits()
	if i < len(text) && text[i] == '.' {
		point := i
		i++
		if !digits() && !whole {
			return "", text
		}
		if i == point+1 { // "4." is not a number in TOML either
			i = point
		}
	} else if !whole {
		return "", text
	}
	end := i
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		i++
		if i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		if digits() {
			end = i
		}
	}
	return text[:end], text[end:]
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// scale multiplies a decimal number by a power of ten in the text, so that one
// rounding is all there is.
func scale(number string, exp10 int) string {
	if exp10 == 0 {
		return number
	}
	mantissa, exponent := number, 0
	if i := strings.IndexAny(number, "eE"); i >= 0 {
		mantissa = number[:i]
		e, err := strconv.Atoi(number[i+1:])
		if err != nil || e > 10000 || e < -10000 {
			return number // out of any range; ParseFloat says so
		}
		exponent = e
	}
	return mantissa + "e" + strconv.Itoa(exponent+exp10)
}

func exampleUnit(d Dimension) string {
	_, rest := splitNumber(d.Example())
	return strings.TrimSpace(rest)
}

// unitHint explains an unknown unit: a unit of another dimension, a slip of
// case, a minute written as m, or nothing like any unit.
func unitHint(number, name string, d Dimension) (error, string) {
	if d == Time && (name == "m" || name == "M") {
		return ErrUnit, fmt.Sprintf("m is ambiguous: write %q for minutes or %q for milliseconds", number+" min", number+" ms")
	}
	var slips []string
	for _, u := range table[d].units {
		if strings.EqualFold(u.name, name) {
			slips = append(slips, strconv.Quote(number+" "+u.name))
		}
	}
	if len(slips) > 0 {
		hint := "case matters: did you mean " + strings.Join(slips, " or ") + "?"
		if d == BytesPerSec {
			hint += " (b is a bit, B is a byte)"
		}
		return ErrUnit, hint
	}
	if strings.ContainsAny(name, "$€£") || strings.HasPrefix(name, "EUR") {
		return ErrUnit, fmt.Sprintf("all money is in USD: write %q", d.Example())
	}
	for other := Ratio; other < dimensions; other++ {
		if u, ok := table[other].byName[name]; ok && other != d {
			return ErrDimension, fmt.Sprintf("%s is a unit of %s; %s is written like %q", u.name, other.Article(), d.Article(), d.Example())
		}
	}
	if d.Bare() && d == Count {
		return ErrUnit, fmt.Sprintf("%s is written without a unit, like %q", d.Article(), d.Example())
	}
	return ErrUnit, fmt.Sprintf("%s is written like %q; units: %s", d.Article(), d.Example(), list(d))
}

func list(d Dimension) string {
	names := d.Units()
	if len(names) > 12 {
		names = append(names[:12:12], "…")
	}
	return strings.Join(names, ", ")
}
