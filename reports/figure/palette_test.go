package figure

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

func linear(hex string) [3]float64 {
	v, _ := strconv.ParseUint(strings.TrimPrefix(hex, "#"), 16, 32)
	var out [3]float64
	for i := range out {
		c := float64(v>>(16-8*i)&255) / 255
		if c <= 0.04045 {
			out[i] = c / 12.92
		} else {
			out[i] = math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return out
}

func luminance(hex string) float64 {
	c := linear(hex)
	return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2]
}

func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	if x < y {
		x, y = y, x
	}
	return (x + 0.05) / (y + 0.05)
}

// Contrast floors of the report specification: 4.7 on light, 6.3 on dark pages.
func TestTextContrast(t *testing.T) {
	for _, th := range []struct {
		Theme
		least float64
	}{{Light, 4.7}, {Dark, 6.3}, {Print, 4.7}} {
		for _, text := range []string{"ink", "mut"} {
			for _, ground := range []string{"bg", "panel"} {
				if c := contrast(th.Hex(text), th.Hex(ground)); c < th.least {
					t.Errorf("%s: %s on %s has contrast %.2f, at least %.1f is asked", th.Name, text, ground, c, th.least)
				}
			}
		}
		if c := contrast(th.Hex("note"), th.Hex("notebg")); c < th.least {
			t.Errorf("%s: a banner has contrast %.2f", th.Name, c)
		}
	}
}

// vision are the matrices of Machado, Oliveira and Fernandes (2009) for full
// protanopia, deuteranopia and tritanopia, on linear RGB.
var vision = map[string][9]float64{
	"none":   {1, 0, 0, 0, 1, 0, 0, 0, 1},
	"protan": {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998},
	"deutan": {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881},
	"tritan": {1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900},
}

func lab(hex string, m [9]float64) [3]float64 {
	c := linear(hex)
	var r [3]float64
	for i := range r {
		r[i] = math.Min(1, math.Max(0, m[3*i]*c[0]+m[3*i+1]*c[1]+m[3*i+2]*c[2]))
	}
	xyz := [3]float64{(0.4124*r[0] + 0.3576*r[1] + 0.1805*r[2]) / 0.95047, 0.2126*r[0] + 0.7152*r[1] + 0.0722*r[2], (0.0193*r[0] + 0.1192*r[1] + 0.9505*r[2]) / 1.08883}
	for i, v := range xyz {
		if v > 216.0/24389 {
			xyz[i] = math.Cbrt(v)
		} else {
			xyz[i] = (24389.0/27*v + 16) / 116
		}
	}
	return [3]float64{116*xyz[1] - 16, 500 * (xyz[0] - xyz[1]), 200 * (xyz[1] - xyz[2])}
}

// TestColourDistance recomputes the least CIE76 distance of two colours that
// stand in one figure; the floors are those of the report specification.
func TestColourDistance(t *testing.T) {
	for name, f := range map[string]struct {
		least float64
		set   []string
	}{
		"step":    {18, []string{"comp", "comp2", "nv", "net", "wait"}},
		"money":   {20, []string{"usd", "usd2", "fac", "el"}},
		"limits":  {12, []string{"comp", "comp2", "nv", "net", "sto", "fail"}},
		"goodput": {11, []string{"ink", "fail", "sto", "wait"}},
	} {
		for _, th := range []Theme{Light, Dark} {
			least, who := math.Inf(1), ""
			for kind, m := range vision {
				for i, a := range f.set {
					for _, b := range f.set[i+1:] {
						x, y := lab(th.Hex(a), m), lab(th.Hex(b), m)
						d := math.Sqrt((x[0]-y[0])*(x[0]-y[0]) + (x[1]-y[1])*(x[1]-y[1]) + (x[2]-y[2])*(x[2]-y[2]))
						if d < least {
							least, who = d, a+" and "+b+", "+kind
						}
					}
				}
			}
			t.Logf("%s %s: %.1f (%s)", name, th.Name, least, who)
			if math.Round(least) < f.least { // the specification gives whole numbers
				t.Errorf("%s, %s: least distance %.1f (%s), at least %.0f is asked", name, th.Name, least, who, f.least)
			}
		}
	}
}
