package figure

import (
	"html"
	"strings"
)

// Figure is a list of rows under a legend, and a caption.
type Figure struct {
	ID      string // file name under figures/
	Title   string // drawn above the rows of a file, not in the page
	Legend  []Key
	Rows    []Row
	Caption string
	// LabelRem and ValueRem are the widths of the outer columns in rem; the
	// Print pair, where set, holds on paper.
	LabelRem, ValueRem           float64
	PrintLabelRem, PrintValueRem float64
	Gap                          float64 // px between rows, 5 when 0
	NoValues                     bool    // the drawings reach to the right edge
}

// Key is one entry of a legend.
type Key struct {
	Name  string
	Paint Paint
	Open  bool // an outlined swatch
}

// Row is one line of a figure. A row without label and value spans the figure.
type Row struct {
	Label, LabelNote string
	Value, ValueNote string
	Draw             Drawing
	Total            bool    // ruled above, bold
	Axis             bool    // the scale under the rows
	Pad              float64 // px kept free at the left of a spanning row, for its labels
	Legend           []Key   // printed under the drawing
}

// Spanning says that the row has no outer columns.
func (r Row) spanning() bool { return r.Label == "" && r.Value == "" && !r.Axis }

// HTML writes the figure for a page. Texts are escaped.
func (f Figure) HTML() string {
	var b strings.Builder
	b.WriteString("<figure>")
	writeLegend(&b, f.Legend)
	style := ""
	for _, v := range []struct {
		name string
		rem  float64
	}{{"lab", f.LabelRem}, {"val", f.ValueRem}, {"plab", f.PrintLabelRem}, {"pval", f.PrintValueRem}} {
		if v.rem > 0 {
			style += "--" + v.name + ":" + num(v.rem) + "rem;"
		}
	}
	if f.NoValues {
		b.WriteString(`<div class="rows nov"`)
	} else {
		b.WriteString(`<div class="rows"`)
	}
	if f.Gap > 0 {
		style += "gap:" + num(f.Gap) + "px;"
	}
	if style != "" {
		b.WriteString(` style="` + strings.TrimSuffix(style, ";") + `"`)
	}
	b.WriteString(">")
	for _, r := range f.Rows {
		r.html(&b)
	}
	b.WriteString("</div>")
	if f.Caption != "" {
		b.WriteString("<figcaption>" + html.EscapeString(f.Caption) + "</figcaption>")
	}
	b.WriteString("</figure>\n")
	return b.String()
}

func writeLegend(b *strings.Builder, keys []Key) {
	if len(keys) == 0 {
		return
	}
	b.WriteString(`<div class="leg">`)
	for _, k := range keys {
		b.WriteString("<span>")
		switch {
		case k.Paint == "": // a plain word
		case k.Open:
			b.WriteString(`<i class="id"></i>`)
		case k.Paint == Hatch:
			b.WriteString(`<i class="ht"></i>`)
		default:
			b.WriteString(`<i style="background:var(--` + string(k.Paint) + `)"></i>`)
		}
		b.WriteString(html.EscapeString(k.Name) + "</span>")
	}
	b.WriteString("</div>")
}

func (r Row) html(b *strings.Builder) {
	if r.spanning() {
		b.WriteString(`<div class="span"`)
		if r.Pad > 0 {
			b.WriteString(` style="padding-left:` + num(r.Pad) + `px"`)
		}
		b.WriteString(">")
		b.WriteString(r.Draw.HTML())
		writeLegend(b, r.Legend)
		b.WriteString("</div>")
		return
	}
	class := "row"
	if r.Total {
		class += " tot"
	}
	if r.Axis {
		class += " axr"
	}
	b.WriteString(`<div class="` + class + `"><div class="l">` + html.EscapeString(r.Label))
	if r.LabelNote != "" {
		b.WriteString(" <small>" + html.EscapeString(r.LabelNote) + "</small>")
	}
	b.WriteString(`</div><div class="b">` + r.Draw.HTML())
	writeLegend(b, r.Legend)
	b.WriteString(`</div><div class="r">` + html.EscapeString(r.Value))
	if r.ValueNote != "" {
		b.WriteString(" <small>" + html.EscapeString(r.ValueNote) + "</small>")
	}
	b.WriteString("</div></div>")
}

// HTML writes the drawing as a fluid svg element.
func (d Drawing) HTML() string {
	var b strings.Builder
	h := num(d.Height)
	b.WriteString(`<svg width="100%" height="` + h + `"`)
	if d.Label == "" {
		b.WriteString(` aria-hidden="true">`)
	} else {
		b.WriteString(` role="img" aria-label="` + html.EscapeString(d.Label) + `">`)
	}
	for _, m := range d.marks {
		m.html(&b, h)
	}
	b.WriteString("</svg>")
	return b.String()
}

func (m mark) html(b *strings.Builder, height string) {
	wide := ""
	if m.wide {
		wide = ` class="w"`
	}
	switch m.shape {
	case shapeRect:
		b.WriteString(`<rect x="` + num(m.x) + `%" y="` + num(m.y) + `" width="` + num(m.x2) + `%" height="` + num(m.y2) +
			`" fill="` + m.fill.css() + `"`)
		if m.stroke != "" {
			b.WriteString(` stroke="` + m.stroke.css() + `"`)
		}
		b.WriteString(wide + "/>")
	case shapeLine:
		b.WriteString(`<line x1="` + num(m.x) + `%" y1="` + num(m.y) + `" x2="` + num(m.x2) + `%" y2="` + num(m.y2) +
			`" stroke="` + m.stroke.css() + `" stroke-width="` + num(m.width) + `"`)
		if m.dash {
			b.WriteString(` stroke-dasharray="4 3"`)
		}
		b.WriteString(wide + "/>")
	case shapeDot:
		b.WriteString(`<circle cx="` + num(m.x) + `%" cy="` + num(m.y) + `" r="` + num(m.x2) + `" fill="` + m.fill.css() + `"` + wide + "/>")
	case shapeText:
		class := []string{}
		switch m.anchor {
		case Middle:
			class = append(class, "m")
		case End:
			class = append(class, "e")
		}
		if m.strong {
			class = append(class, "k")
		}
		if m.small {
			class = append(class, "t")
		}
		if m.wide {
			class = append(class, "w")
		}
		b.WriteString(`<text x="` + num(m.x) + `%" y="` + num(m.y) + `"`)
		if m.dx != 0 {
			b.WriteString(` dx="` + num(m.dx) + `"`)
		}
		if len(class) > 0 {
			b.WriteString(` class="` + strings.Join(class, " ") + `"`)
		}
		b.WriteString(">" + html.EscapeString(m.text) + "</text>")
	case shapePath:
		b.WriteString(`<svg width="100%" height="` + height + `" viewBox="0 0 10000 ` + height + `" preserveAspectRatio="none" aria-hidden="true"><path fill="` + m.fill.css() + `"`)
		if m.stroke != "" {
			b.WriteString(` stroke="` + m.stroke.css() + `" stroke-width="` + num(m.width) + `" vector-effect="non-scaling-stroke"`)
		}
		if m.opacity > 0 {
			b.WriteString(` opacity="` + num(m.opacity) + `"`)
		}
		b.WriteString(` d="` + m.data() + `"/></svg>`)
	}
}
