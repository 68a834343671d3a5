package reports

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"aisim/internal/result"
)

// sweepScript draws parallel coordinates and a scatter of the same points; a selection in
// either shows in both.
//
//go:embed sweep_explore.js
var sweepScript string

const sweepExploreStyle = `canvas{width:100%;display:block;touch-action:none}select{font:inherit;color:inherit;background:var(--bg);border:1px solid var(--rule);padding:2px 6px;margin:0 10px 0 4px;max-width:20rem}
button{font:inherit;color:inherit;background:var(--panel);border:1px solid var(--rule);padding:2px 10px}section h2{margin-bottom:6px}#rows td,#rows th{white-space:nowrap}`

// SweepExplore is explore.html of a sweep. It needs no library and reaches nowhere.
func SweepExplore(s *result.Sweep) []byte {
	type axis struct {
		Name   string     `json:"name"`
		Places []string   `json:"places,omitempty"` // of a variable that is no number
		Values []*float64 `json:"values"`           // by point; null where there is none
	}
	v := view(s)
	points := v.ok
	data := struct {
		Points []int  `json:"points"`
		Axes   []axis `json:"axes"`
		Shown  []int  `json:"shown"` // axes of the parallel coordinates
		X      int    `json:"x"`
		Y      int    `json:"y"`
	}{Points: points, X: len(s.Variables), Y: len(s.Variables)}
	if points == nil {
		data.Points = []int{}
	}
	for k, va := range s.Variables {
		a := axis{Name: va.Title}
		at, numeric := map[string]float64{}, true
		for i, p := range va.Places {
			x, err := strconv.ParseFloat(p, 64)
			numeric = numeric && err == nil
			if at[p] = x; !numeric {
				at[p] = float64(i)
			}
		}
		if !numeric {
			for i, p := range va.Places {
				at[p] = float64(i)
			}
			a.Places = va.Places
		}
		for _, i := range points {
			x := at[s.Points[i].Labels[k]]
			a.Values = append(a.Values, &x)
		}
		data.Axes = append(data.Axes, a)
		data.Shown = append(data.Shown, k)
	}
	for _, m := range s.Metrics {
		a := axis{Name: rowName(m.Key)}
		if m.Unit != "" && m.Unit != "ratio" {
			a.Name += ", " + m.Unit
		}
		varies := false
		for _, i := range points {
			x := value(s, i, m.Key)
			if math.IsNaN(x) {
				a.Values = append(a.Values, nil)
				continue
			}
			varies = varies || len(a.Values) > 0 && (a.Values[0] == nil || *a.Values[0] != x)
			a.Values = append(a.Values, &x)
		}
		if !varies {
			continue
		}
		switch m.Key {
		case v.cost:
			data.X = len(data.Axes)
			data.Shown = append(data.Shown, len(data.Axes))
		case v.does:
			data.Y = len(data.Axes)
			data.Shown = append(data.Shown, len(data.Axes))
		case result.MetricLedgerTotal, result.MetricFacilityPower:
			data.Shown = append(data.Shown, len(data.Axes))
		}
		data.Axes = append(data.Axes, a)
	}
	data.X, data.Y = min(data.X, len(data.Axes)-1), min(data.Y, len(data.Axes)-1)
	text, err := json.Marshal(data)
	if err != nil {
		panic("reports: invariant: finite numbers are JSON: " + err.Error())
	}
	p := &page{}
	p.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">",
		`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src `, scriptHash([]byte(sweepScript)), `; style-src 'unsafe-inline'">`,
		`<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">`,
		"<title>", esc(clip(s.Name, longestTitle)), " · explore</title>\n<style>", style(), sweepExploreStyle, "</style></head>\n<body><main><header>",
		`<div class="eye"><span>aisim explore</span><span>`, esc(fmt.Sprintf("%d of %d points can be built", len(points), len(s.Points))), "</span></div><h1>", esc(clip(s.Name, longestTitle)), "</h1>",
		`<p class="cap">Drag along an axis, or over the dots, to select; what is selected is strong in both drawings and listed below.</p></header>`,
		`<section><h2>Parallel coordinates</h2><canvas id="lines" height="360" role="img" aria-label="parallel coordinates of the points"></canvas></section>`,
		`<section><h2>Scatter</h2><p><label>right<select id="x"></select></label><label>up<select id="y"></select></label><button id="all">select all</button> <span id="count"></span></p><canvas id="dots" height="380" role="img" aria-label="scatter of the points"></canvas></section>`,
		`<section><h2>Selected points</h2><div class="scroll" tabindex="0"><table id="rows"></table></div><noscript>The drawings need scripts; the numbers stand in sweep.csv.</noscript></section></main>`,
		"\n", `<script type="application/json" id="data">`, string(text), "</script>\n<script>", sweepScript, "</script>\n</body></html>\n")
	return []byte(p.String())
}
