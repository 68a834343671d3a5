package figure

import (
	"math"
	"strconv"
	"strings"
)

// Drawing is a strip of marks: x in per cent of its width, y in px.
type Drawing struct {
	Height float64
	Label  string // what it says, for those who cannot see it
	marks  []mark
}

type shape uint8

const (
	shapeRect shape = iota
	shapeLine
	shapeDot
	shapeText
	shapePath
)

type mark struct {
	shape          shape
	x, y, x2, y2   float64 // rect: x y width height; dot: centre, radius in x2
	fill, stroke   Paint
	width, opacity float64
	dash           bool
	text           string
	anchor         Anchor
	dx             float64
	strong         bool
	small          bool
	wide           bool // left out on phones
	round          bool
	d              []op
}

// Anchor is the side of a text that stands at its x.
type Anchor uint8

// The anchors of texts.
const (
	Start Anchor = iota
	Middle
	End
)

// op is one step of a path, in thousandths of the width and px.
type op struct {
	c    byte // M, L, R (a rectangle), Z
	x, y float64
	w, h float64
}

// Rect adds a filled rectangle.
func (d *Drawing) Rect(x, y, w, h float64, fill Paint) *Drawing {
	d.marks = append(d.marks, mark{shape: shapeRect, x: x, y: y, x2: w, y2: h, fill: fill})
	return d
}

// Box adds an outlined rectangle.
func (d *Drawing) Box(x, y, w, h float64, fill, stroke Paint) *Drawing {
	d.marks = append(d.marks, mark{shape: shapeRect, x: x, y: y, x2: w, y2: h, fill: fill, stroke: stroke, width: 1})
	return d
}

// Line adds a straight line of the given width in px.
func (d *Drawing) Line(x1, y1, x2, y2 float64, stroke Paint, width float64) *Drawing {
	d.marks = append(d.marks, mark{shape: shapeLine, x: x1, y: y1, x2: x2, y2: y2, stroke: stroke, width: width})
	return d
}

// Dashed adds a broken line.
func (d *Drawing) Dashed(x1, y1, x2, y2 float64, stroke Paint, width float64) *Drawing {
	d.marks = append(d.marks, mark{shape: shapeLine, x: x1, y: y1, x2: x2, y2: y2, stroke: stroke, width: width, dash: true})
	return d
}

// Dot adds a filled circle of radius r px.
func (d *Drawing) Dot(x, y, r float64, fill Paint) *Drawing {
	d.marks = append(d.marks, mark{shape: shapeDot, x: x, y: y, x2: r, fill: fill})
	return d
}

// Text adds a tick or reference name, dx px beside x.
func (d *Drawing) Text(x, y, dx float64, anchor Anchor, s string) *Drawing {
	d.marks = append(d.marks, mark{shape: shapeText, x: x, y: y, dx: dx, anchor: anchor, text: s})
	return d
}

// Strong sets the last mark in ink instead of the secondary colour.
func (d *Drawing) Strong() *Drawing { d.marks[len(d.marks)-1].strong = true; return d }

// Small sets the last text as a row label of a timeline.
func (d *Drawing) Small() *Drawing { d.marks[len(d.marks)-1].small = true; return d }

// Wide leaves the last mark out on phones.
func (d *Drawing) Wide() *Drawing { d.marks[len(d.marks)-1].wide = true; return d }

// Path is a shape with x in per cent and y in px that stretches with the width.
type Path struct {
	Fill, Stroke Paint
	Width        float64
	Opacity      float64
	ops          []op
}

// MoveTo starts a line.
func (p *Path) MoveTo(x, y float64) { p.ops = append(p.ops, op{c: 'M', x: x, y: y}) }

// LineTo continues it.
func (p *Path) LineTo(x, y float64) { p.ops = append(p.ops, op{c: 'L', x: x, y: y}) }

// Close closes it.
func (p *Path) Close() { p.ops = append(p.ops, op{c: 'Z'}) }

// Rect adds a rectangle as one subpath.
func (p *Path) Rect(x, y, w, h float64) { p.ops = append(p.ops, op{c: 'R', x: x, y: y, w: w, h: h}) }

// Len is the number of steps in the path.
func (p *Path) Len() int { return len(p.ops) }

// Add puts a path in the drawing; an empty one is left out.
func (d *Drawing) Add(p *Path) *Drawing {
	if len(p.ops) > 0 {
		d.marks = append(d.marks, mark{shape: shapePath, fill: p.Fill, stroke: p.Stroke, width: p.Width, opacity: p.Opacity, d: p.ops})
	}
	return d
}

// pathGrid is the width of a path's own grid: fine enough for 10,000 px.
const pathGrid = 10000

// data writes the path on its grid, relative where that is shorter.
func (m mark) data() string {
	var b strings.Builder
	for _, o := range m.d {
		switch o.c {
		case 'R':
			x, w := round(o.x*pathGrid/100), max(round((o.x+o.w)*pathGrid/100)-round(o.x*pathGrid/100), 2)
			b.WriteString("M" + strconv.Itoa(x) + " " + num(o.y) + "h" + strconv.Itoa(w) +
				"v" + num(o.h) + "h-" + strconv.Itoa(w) + "z")
		case 'Z':
			b.WriteByte('z')
		default:
			b.WriteByte(o.c)
			b.WriteString(strconv.Itoa(round(o.x*pathGrid/100)) + " " + num(o.y))
		}
	}
	return b.String()
}

func round(x float64) int {
	if x < 0 {
		return int(x - 0.5)
	}
	return int(x + 0.5)
}

// num writes a coordinate with at most two decimals.
func num(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "0"
	}
	s := strconv.FormatFloat(x, 'f', 2, 64)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" || s == "" {
		return "0"
	}
	return s
}
