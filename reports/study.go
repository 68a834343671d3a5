package reports

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"aisim/internal/result"
	"aisim/reports/figure"
	"aisim/reports/number"
)

// The parts that the reports of compare, plan and sweep share.

// sheet opens a page in the dress of the run's report.
func sheet(command, title string, eyes []string) *page {
	p := &page{}
	p.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">",
		`<meta http-equiv="Content-Security-Policy" content="`, csp, `">`,
		`<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">`,
		"<title>", esc(title), " · aisim</title>\n<style>", style(), studyStyle, "</style></head>\n<body>", hatchDef, "\n<main>\n<header>",
		`<div class="eye"><span>`, esc(command), "</span>")
	for _, e := range eyes {
		if e != "" {
			p.raw("<span>", esc(clip(e, 110)), "</span>")
		}
	}
	p.raw("</div><h1>", esc(clip(title, longestTitle)), "</h1></header>\n")
	return p
}

// studyStyle adds what the run's report does not need.
const studyStyle = `.badge{display:inline-block;font-size:12.5px;font-weight:650;border:1.5px solid var(--usd);color:var(--usd);border-radius:3px;padding:1px 8px;vertical-align:2px;margin-right:8px;white-space:nowrap}
.badge.no{border-color:var(--fail);color:var(--fail)}.badge.open{border-color:var(--mut);color:var(--mut)}
th.ph:not(.n){padding-left:16px}td.strip{padding-left:16px;min-width:8rem;vertical-align:middle}tr.best td{font-weight:650}td.n+td:not(.n),th.n+th:not(.n){padding-left:14px}.scroll+dl{margin-top:10px}
`

// badge is a verdict in a box: kind is "", "no" or "open".
func (p *page) badge(kind, text string, say words) {
	p.raw(`<p class="say"><span class="badge `, kind, `">`, esc(text), "</span>", say.html(), "</p>\n")
}

// close ends a sheet with the line that makes it again.
func (p *page) close(foot string) []byte {
	p.raw(`<section><p class="cap">`, esc(foot), "</p></section></main></body></html>\n")
	return []byte(p.String())
}

// chance is a probability as "P = 0.97" or "P > 0.99".
func chance(p float64) string {
	s := number.Probability(p)
	if strings.HasPrefix(s, "<") || strings.HasPrefix(s, ">") {
		return "P " + s
	}
	return "P = " + s
}

// plain is an unnumbered section.
func (p *page) plain(name, finding, question, body string) {
	p.raw(`<section><div class="sec"><aside><span class="n">`, esc(name), "</span><h2>", esc(finding), "</h2>")
	if question != "" {
		p.raw("<p>", esc(question), "</p>")
	}
	p.raw("</aside><div>", body, "</div></div></section>\n")
}

// stripOf draws intervals one under the other on a scale of their own: the first with an
// open dot.
func stripOf(values []result.Number, label string) figure.Drawing {
	lo, hi := values[0].Low, values[0].High
	for _, n := range values {
		lo, hi = min(lo, n.Low, n.Value), max(hi, n.High, n.Value)
	}
	pad := (hi - lo) * 0.06
	if pad == 0 {
		pad = max(1e-12, hi*0.05)
	}
	a := figure.Linear(lo-pad, hi+pad)
	d := figure.Drawing{Height: float64(8*len(values)) + 2, Label: label}
	for k, n := range values {
		y := float64(8*k) + 5
		d.Line(a.At(n.Low), y, a.At(n.High), y, "faint", 1.4)
		d.Dot(a.At(n.Value), y, 3.4, "comp")
		if k == 0 {
			d.Dot(a.At(n.Value), y, 2, "bg")
		}
	}
	return d
}

// bridgeFigure is a waterfall from one amount to another.
func bridgeFigure(from, to string, a, b float64, unit string, steps []result.BridgeStep) figure.Figure {
	f := number.For(max(a, b), max(a, b), max(a, b), unit)
	f.Unit, _, _ = strings.Cut(f.Unit, " per ") // the heading says per what
	most, at := max(a, b), a
	for _, s := range steps {
		at += s.Amount.Value
		most = max(most, at)
	}
	axis := figure.Linear(0, most*1.02)
	bar := func(x1, x2 float64, fill figure.Paint, label string) figure.Drawing {
		d := figure.Drawing{Height: 14, Label: label}
		lo, hi := min(axis.At(x1), axis.At(x2)), max(axis.At(x1), axis.At(x2))
		d.Rect(lo, 2, max(0.3, hi-lo), 10, fill)
		return d
	}
	fig := figure.Figure{LabelRem: 11, ValueRem: 6, PrintLabelRem: 9.4, PrintValueRem: 4.6}
	fig.Rows = append(fig.Rows, figure.Row{Label: from, Value: f.With(a), Draw: bar(0, a, "ink", from+" "+f.With(a))})
	at = a
	for _, s := range steps {
		next := at + s.Amount.Value
		fig.Rows = append(fig.Rows, figure.Row{Label: upperFirst(s.Cause), Value: f.Signed(s.Amount.Value), Draw: bar(at, next, figure.Paint(s.Kind), s.Cause+" "+f.Signed(s.Amount.Value))})
		at = next
	}
	fig.Rows = append(fig.Rows, figure.Row{Label: to, Value: f.With(b), Total: true, Draw: bar(0, b, "ink", to+" "+f.With(b))})
	return fig
}

// writeStudy writes the files of a study into a folder, in order.
func writeStudy(dir string, files []file) (Written, error) {
	var w Written
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return w, fmt.Errorf("reports: %w", err)
	}
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return w, fmt.Errorf("reports: %w", err)
		}
		if err := writeFile(path, f.data); err != nil {
			return w, err
		}
		w.Files = append(w.Files, f.name)
	}
	return w, nil
}

type file struct {
	name string
	data []byte
}

func jsonFile(name string, v any) (file, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(v); err != nil {
		return file{}, fmt.Errorf("reports: write %s: %w", name, err)
	}
	return file{name, b.Bytes()}, nil
}

func csvFile(name string, rows [][]string) file {
	var b bytes.Buffer
	_ = csv.NewWriter(&b).WriteAll(rows) // a buffer takes everything
	return file{name, b.Bytes()}
}
