package reports

import (
	"html"
	"strings"

	"aisim/internal/result"
)

// page is a writer of markup. What comes from outside goes through esc.
type page struct{ strings.Builder }

func (p *page) raw(parts ...string) {
	for _, s := range parts {
		p.WriteString(s)
	}
}

func esc(s string) string { return html.EscapeString(s) }

// words is running text with some of it strong.
type words []word

type word struct {
	text   string
	strong bool
}

func (w *words) say(s string)    { *w = append(*w, word{text: s}) }
func (w *words) strong(s string) { *w = append(*w, word{text: s, strong: true}) }

// String is the text alone.
func (w words) String() string {
	var b strings.Builder
	for _, x := range w {
		b.WriteString(x.text)
	}
	return b.String()
}

// count is the number of words; a value and its unit are one.
func (w words) count() int {
	return len(strings.FieldsFunc(w.String(), func(r rune) bool { return r == ' ' }))
}

func (w words) html() string {
	var b strings.Builder
	for _, x := range w {
		if x.strong {
			b.WriteString("<b>" + esc(x.text) + "</b>")
		} else {
			b.WriteString(esc(x.text))
		}
	}
	return b.String()
}

// pedigreeNames are the words of the marks.
var pedigreeNames = map[result.Pedigree]string{
	result.Measured:  "measured",
	result.Derived:   "derived from measurements",
	result.Datasheet: "datasheet",
	result.Assumed:   "assumed",
}

// pedigreeOrder lists the marks from best known to least known.
var pedigreeOrder = []result.Pedigree{result.Measured, result.Derived, result.Datasheet, result.Assumed}

// mark draws a pedigree: full, half, empty circle and triangle.
func mark(k result.Pedigree) string {
	name, ok := pedigreeNames[k]
	if !ok {
		return `<svg class="mk" width="11" height="11" role="img" aria-label="pedigree not stated"><path d="M2 5.5h7" stroke="var(--mut)" stroke-width="1.3"/></svg>`
	}
	var d string
	ring := `<circle cx="5.5" cy="5.5" r="4.3" fill="none" stroke="var(--ink)" stroke-width="1.3"/>`
	switch k {
	case result.Measured:
		d = `<circle cx="5.5" cy="5.5" r="4.6" fill="var(--ink)"/>`
	case result.Derived:
		d = ring + `<path d="M5.5 1.2a4.3 4.3 0 0 1 0 8.6z" fill="var(--ink)"/>`
	case result.Datasheet:
		d = ring
	default:
		d = `<path d="M5.5 1.2 9.9 9.6H1.1z" fill="none" stroke="var(--ink)" stroke-width="1.3" stroke-linejoin="round"/>`
	}
	return `<svg class="mk" width="11" height="11" role="img" aria-label="` + name + `"><title>` + name + `</title>` + d + `</svg>`
}

// pedigreeOf is the mark of a number: the kind that carries most of its
// interval's variance, where that is known.
func pedigreeOf(n result.Number) result.Pedigree {
	best, share := n.Pedigree, -1.0
	for _, k := range pedigreeOrder {
		if s, ok := n.PedigreeShares[k]; ok && s > share {
			best, share = k, s
		}
	}
	return best
}

// column is one column of a table.
type column struct {
	head   string
	number bool
	wide   bool // left out on phones
	muted  bool
}

// cell is one cell; raw markup (a mark) is written as it is.
type cell struct {
	text, note string
	mark       result.Pedigree
	hasMark    bool
}

type tableRow struct {
	cells []cell
	total bool
}

// table writes a table in its own scrolling box.
func (p *page) table(class string, cols []column, rows []tableRow) {
	p.raw(`<div class="scroll"><table class="`, class, `"><thead><tr>`)
	for _, c := range cols {
		p.raw("<th", c.class(), ` scope="col">`, esc(c.head), "</th>")
	}
	p.raw("</tr></thead><tbody>")
	for _, r := range rows {
		if r.total {
			p.raw(`<tr class="sum">`)
		} else {
			p.raw("<tr>")
		}
		for i, c := range cols {
			var x cell
			if i < len(r.cells) {
				x = r.cells[i]
			}
			p.raw("<td", c.class(), ">")
			if x.hasMark {
				p.raw(mark(x.mark), " ")
			}
			p.raw(esc(x.text))
			if x.note != "" {
				p.raw(" <small>", esc(x.note), "</small>")
			}
			p.raw("</td>")
		}
		p.raw("</tr>\n")
	}
	p.raw("</tbody></table></div>\n")
}

func (c column) class() string {
	var k []string
	if c.number {
		k = append(k, "n")
	}
	if c.wide {
		k = append(k, "ph")
	}
	if c.muted {
		k = append(k, "mut")
	}
	if len(k) == 0 {
		return ""
	}
	return ` class="` + strings.Join(k, " ") + `"`
}

func txt(s string) cell             { return cell{text: s} }
func marked(k result.Pedigree) cell { return cell{mark: k, hasMark: true} }
func noted(s, note string) cell     { return cell{text: s, note: note} }
func cells(c ...cell) tableRow      { return tableRow{cells: c} }
func totalCells(c ...cell) tableRow { return tableRow{cells: c, total: true} }
