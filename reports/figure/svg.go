package figure

import (
	"html"
	"strconv"
	"strings"
)

// Sizes of a drawn file, in px.
const (
	svgMargin   = 16.0
	svgRem      = 16.0 // one rem of a page
	svgText     = 13.0
	svgCharWide = 0.56 // mean width of a character, in ems of the font
	svgLine     = 17.0
)

// SVG writes the figure as a file of its own: width px wide, the theme's
// colours, per cents resolved to px and texts wrapped beside the drawings.
func (f Figure) SVG(width float64, theme Theme) string {
	var b strings.Builder
	inner := width - 2*svgMargin
	lab, val := f.LabelRem*svgRem, f.ValueRem*svgRem
	if lab == 0 {
		lab = 13.5 * svgRem
	}
	if val == 0 {
		val = 7 * svgRem
	}
	if f.NoValues {
		val = -12
	}
	y := svgMargin
	if f.Title != "" {
		y += 14
		text(&b, svgMargin, y, f.Title, theme.Hex("ink"), 15, "start", true)
		y += 14
	}
	y = legendSVG(&b, f.Legend, svgMargin, y, inner, theme)
	gap := f.Gap
	if gap == 0 {
		gap = 5
	}
	for _, r := range f.Rows {
		x, w := svgMargin+r.Pad, inner-r.Pad
		h := r.Draw.Height
		if !r.spanning() {
			x, w = svgMargin+lab+12, inner-lab-val-24
			lines := wrap(strings.TrimSpace(r.Label+" "+r.LabelNote), lab)
			h = max(h, float64(len(lines))*svgLine)
			if r.Total {
				line(&b, svgMargin, y, width-svgMargin, y, theme.Hex("ink"), 1, "")
				y += 4
			}
			top := y + (h-float64(len(lines))*svgLine)/2
			for i, l := range lines {
				text(&b, svgMargin, top+float64(i)*svgLine+13, l, theme.Hex("ink"), svgText, "start", r.Total)
			}
			text(&b, width-svgMargin, y+h/2+4.5, strings.TrimSpace(r.Value+" "+r.ValueNote), theme.Hex("ink"), svgText, "end", r.Total)
		}
		dy := y + (h-r.Draw.Height)/2
		for _, m := range r.Draw.marks {
			m.svg(&b, x, dy, w, theme)
		}
		y += h + gap
		y = legendSVG(&b, r.Legend, x, y, w, theme)
	}
	for _, l := range wrap(f.Caption, inner) {
		y += 15
		text(&b, svgMargin, y, l, theme.Hex("mut"), 12.5, "start", false)
	}
	y += svgMargin
	head := `<svg xmlns="http://www.w3.org/2000/svg" width="` + num(width) + `" height="` + num(y) + `" viewBox="0 0 ` + num(width) + " " + num(y) +
		`" font-family="Inter, Segoe UI, Helvetica Neue, Lato, Roboto, Arial, DejaVu Sans, sans-serif"` + " role=\"img\" aria-label=\"" + html.EscapeString(f.Title) + "\">\n" +
		`<defs><pattern id="hw" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="5" height="5" fill="` +
		theme.Hex("bg") + `"/><rect width="2" height="5" fill="` + theme.Hex("wait") + `"/></pattern></defs>` + "\n" +
		`<rect width="100%" height="100%" fill="` + theme.Hex("bg") + `"/>` + "\n"
	return head + b.String() + "</svg>\n"
}

func legendSVG(b *strings.Builder, keys []Key, x0, y, width float64, theme Theme) float64 {
	if len(keys) == 0 {
		return y
	}
	x := x0
	for _, k := range keys {
		w := 34 + runeWidth(k.Name, 12.5)
		if x > x0 && x+w > x0+width {
			x, y = x0, y+19
		}
		fill, stroke := k.Paint.hex(theme), ""
		if k.Open {
			fill, stroke = theme.Hex("panel"), ` stroke="`+theme.Hex("faint")+`"`
		}
		b.WriteString(`<rect x="` + num(x) + `" y="` + num(y+3) + `" width="11" height="11" rx="2" fill="` + fill + `"` + stroke + "/>\n")
		text(b, x+17, y+13, k.Name, theme.Hex("mut"), 12.5, "start", false)
		x += w
	}
	return y + 26
}

func (m mark) svg(b *strings.Builder, x0, y0, w float64, t Theme) {
	px := func(x float64) float64 { return x0 + x*w/100 }
	switch m.shape {
	case shapeRect:
		b.WriteString(`<rect x="` + num(px(m.x)) + `" y="` + num(y0+m.y) + `" width="` + num(m.x2*w/100) + `" height="` + num(m.y2) + `" fill="` + m.fill.hex(t) + `"`)
		if m.stroke != "" {
			b.WriteString(` stroke="` + m.stroke.hex(t) + `"`)
		}
		b.WriteString("/>\n")
	case shapeLine:
		dash := ""
		if m.dash {
			dash = "4 3"
		}
		line(b, px(m.x), y0+m.y, px(m.x2), y0+m.y2, m.stroke.hex(t), m.width, dash)
	case shapeDot:
		b.WriteString(`<circle cx="` + num(px(m.x)) + `" cy="` + num(y0+m.y) + `" r="` + num(m.x2) + `" fill="` + m.fill.hex(t) + "\"/>\n")
	case shapeText:
		colour := t.Hex("mut")
		if m.strong {
			colour = t.Hex("ink")
		}
		size := 12.0
		if m.small {
			size = 11
		}
		text(b, px(m.x)+m.dx, y0+m.y, m.text, colour, size, [...]string{"start", "middle", "end"}[m.anchor], false)
	case shapePath:
		b.WriteString(`<g transform="translate(` + num(x0) + " " + num(y0) + `) scale(` + num6(w/pathGrid) + ` 1)"><path fill="` + m.fill.hex(t) + `"`)
		if m.stroke != "" {
			b.WriteString(` stroke="` + m.stroke.hex(t) + `" stroke-width="` + num(m.width) + `" vector-effect="non-scaling-stroke"`)
		}
		if m.opacity > 0 {
			b.WriteString(` opacity="` + num(m.opacity) + `"`)
		}
		b.WriteString(` d="` + m.data() + "\"/></g>\n")
	}
}

func line(b *strings.Builder, x1, y1, x2, y2 float64, stroke string, width float64, dash string) {
	b.WriteString(`<line x1="` + num(x1) + `" y1="` + num(y1) + `" x2="` + num(x2) + `" y2="` + num(y2) + `" stroke="` + stroke + `" stroke-width="` + num(width) + `"`)
	if dash != "" {
		b.WriteString(` stroke-dasharray="` + dash + `"`)
	}
	b.WriteString("/>\n")
}

func text(b *strings.Builder, x, y float64, s, fill string, size float64, anchor string, bold bool) {
	if s == "" {
		return
	}
	b.WriteString(`<text x="` + num(x) + `" y="` + num(y) + `" font-size="` + num(size) + `" fill="` + fill + `"`)
	if anchor != "start" {
		b.WriteString(` text-anchor="` + anchor + `"`)
	}
	if bold {
		b.WriteString(` font-weight="650"`)
	}
	b.WriteString(">" + html.EscapeString(s) + "</text>\n")
}

func runeWidth(s string, size float64) float64 {
	return float64(len([]rune(s))) * size * svgCharWide
}

// wrap breaks s at spaces into lines of at most width px.
func wrap(s string, width float64) []string {
	var lines []string
	cur := ""
	for _, word := range strings.Fields(s) {
		switch {
		case cur == "":
			cur = word
		case runeWidth(cur+" "+word, svgText) > width:
			lines, cur = append(lines, cur), word
		default:
			cur += " " + word
		}
	}
	if cur != "" {
		lines = append(lines, cur)
	}
	return lines
}

// num6 writes a scale factor.
func num6(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
