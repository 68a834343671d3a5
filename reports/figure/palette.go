package figure

import "strings"

// Theme is a palette by token.
type Theme struct {
	Name   string
	colour map[string]string
}

// tokens lists the palette's names in the order of the style sheet.
var tokens = []string{
	"bg", "panel", "ink", "mut", "faint", "rule", "hair",
	"comp", "comp2", "nv", "net", "wait", "sto", "fail",
	"usd", "usd2", "fac", "el",
	"h0", "h1", "h2", "h3", "h4", "h5", "note", "notebg",
}

// Light and Dark are the two themes of the report; Print is Light on white paper.
var (
	Light = newTheme("light", "#fcfcfa #f4f4f0 #17191c #565d66 #8b929a #dcdeda #e9eae6 "+
		"#1f6fb2 #78b0dd #e39a4a #c65a11 #a3a9b0 #4c2c73 #a8324a "+
		"#1b7f6b #69b5a2 #8a7a3c #d9b62f "+
		"#eef2f5 #c5d9e8 #8fb8d6 #4f8fc0 #1f5f98 #0b3a66 #7a5000 #fff3d6")
	Dark = newTheme("dark", "#131619 #1b1f23 #e7e9ea #a3abb3 #78818a #343a40 #23282d "+
		"#5da7e3 #346f9f #a06428 #f2954c #6b747d #dcc9f2 #ea7388 "+
		"#4bc0a5 #2c7a69 #a8975a #ecd25e "+
		"#1d242b #22405a #2d5f88 #4184b8 #6eb0e2 #c3e2fa #ffd27a #3a2c0a")
	Print = newTheme("print", "#ffffff #f4f4f0 #111111 #4a5058 #80868c #d0d2ce #e6e7e3 "+
		"#1f6fb2 #78b0dd #e39a4a #c65a11 #a3a9b0 #4c2c73 #a8324a "+
		"#1b7f6b #69b5a2 #8a7a3c #d9b62f "+
		"#eef2f5 #c5d9e8 #8fb8d6 #4f8fc0 #1f5f98 #0b3a66 #7a5000 #fff3d6")
)

func newTheme(name, list string) Theme {
	t := Theme{Name: name, colour: make(map[string]string, len(tokens))}
	for i, hex := range strings.Fields(list) {
		t.colour[tokens[i]] = hex
	}
	return t
}

// Hex is the colour of a token, or the ink's when the token is unknown.
func (t Theme) Hex(token string) string {
	if c, ok := t.colour[token]; ok {
		return c
	}
	return t.colour["ink"]
}

// Variables is the theme as CSS custom properties.
func (t Theme) Variables() string {
	var b strings.Builder
	for _, k := range tokens {
		b.WriteString("--" + k + ":" + t.colour[k] + ";")
	}
	return b.String()
}

// Paint names how a mark is filled: a token, Hatch or None.
type Paint string

// The paints that are not colours. Hatch marks waiting and what is assumed.
const (
	Hatch Paint = "hatch"
	None  Paint = "none"
)

// css is the paint in a page, hex in a file.
func (p Paint) css() string {
	switch p {
	case Hatch:
		return "url(#hw)"
	case None, "":
		return "none"
	}
	return "var(--" + string(p) + ")"
}

func (p Paint) hex(t Theme) string {
	switch p {
	case Hatch:
		return "url(#hw)"
	case None, "":
		return "none"
	}
	return t.Hex(string(p))
}

// Ramp is the sequential paint of a use 0..1 in six named classes.
func Ramp(use float64) Paint {
	return Paint("h" + string(rune('0'+RampClass(use))))
}

// rampEdges part the classes of Ramp.
var rampEdges = [...]float64{0.10, 0.20, 0.35, 0.50, 0.70}

// RampClass is the class 0..5 of a use 0..1.
func RampClass(use float64) int {
	c := 0
	for _, e := range rampEdges {
		if use >= e {
			c++
		}
	}
	return c
}

// RampNames name the classes of Ramp.
var RampNames = [...]string{"below 10 %", "10–20", "20–35", "35–50", "50–70", "above 70 %"}
