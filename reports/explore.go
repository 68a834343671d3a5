package reports

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"

	"aisim/internal/result"
	"aisim/reports/figure"
)

// exploreChart is one interactive chart with its static stand-in.
type exploreChart struct {
	id, title, note string
	height          int
	option          map[string]any
	static          string // shown where scripts do not run
}

// exploreScript draws every option of the page. Bars of timelines are drawn by a
// custom series: each value is [row, start, end].
const exploreScript = `(function(){
"use strict";
var dark=window.matchMedia("(prefers-color-scheme: dark)"),charts=[];
function bar(params,api){
 var y=api.coord([0,api.value(0)])[1],x0=api.coord([api.value(1),0])[0],x1=api.coord([api.value(2),0])[0];
 var h=Math.max(2,api.size([0,1])[1]*0.8),c=params.coordSys;
 var l=Math.max(x0,c.x),r=Math.min(Math.max(x1,x0+0.5),c.x+c.width);
 if(r<=l)return;
 return{type:"rect",shape:{x:l,y:y-h/2,width:r-l,height:h},style:api.style()};
}
function draw(){
 charts.forEach(function(c){c.dispose()});charts=[];
 document.querySelectorAll("[data-chart]").forEach(function(el){
  var o=JSON.parse(document.getElementById(el.getAttribute("data-chart")).textContent);
  (o.series||[]).forEach(function(s){if(s.type==="custom"){s.renderItem=bar;s.encode={x:[1,2],y:0,tooltip:[1,2]};}});
  o.animation=false;o.aria={enabled:true};o.backgroundColor="transparent";
  var c=echarts.init(el,dark.matches?"dark":null,{renderer:"canvas"});
  c.setOption(o);charts.push(c);
 });
}
window.addEventListener("resize",function(){charts.forEach(function(c){c.resize()})});
dark.addEventListener("change",draw);
draw();
})();
`

// Explore is explore.html: the charts of a run for engineers, in one file with
// the library inside it. It is an error when this build has no library.
func Explore(run *result.Run) ([]byte, error) {
	lib, err := library()
	if err != nil {
		return nil, err
	}
	run = forDisplay(run)
	charts := exploreCharts(run)
	p := &page{}
	// Only these two scripts may run, and nothing may be fetched.
	policy := "default-src 'none'; script-src " + scriptHash(lib) + " " + scriptHash([]byte(exploreScript)) +
		"; style-src 'unsafe-inline'; img-src data:"
	title := clip(orElse(run.Scenario.Name, "aisim run"), longestTitle)
	p.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">",
		`<meta http-equiv="Content-Security-Policy" content="`, policy, `">`,
		`<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">`,
		"<title>", esc(title), " · explore</title>\n<style>", style(), exploreStyle, "</style></head>\n<body>", hatchDef, "\n<main><header>",
		`<div class="eye"><span>aisim explore</span>`)
	p.eyes(run.Scenario.Machine)
	p.raw("</div><h1>", esc(title), "</h1>")
	if !run.Complete {
		p.raw(`<div class="ban" role="note">`, esc(incomplete(run)), "</div>")
	}
	p.raw(`<p class="cap">Drag or turn the wheel over a chart to zoom; a name in a legend hides its series. The decision stands in report.html.</p></header>`, "\n")
	for _, c := range charts {
		data, err := json.Marshal(c.option)
		if err != nil {
			return nil, fmt.Errorf("chart %s: %w", c.title, err)
		}
		p.raw(`<section id="`, c.id, `"><h2>`, esc(c.title), "</h2>")
		if c.note != "" {
			p.raw(`<p class="cap">`, esc(c.note), "</p>")
		}
		// json.Marshal escapes <, > and &, so a text cannot end the element.
		p.raw(`<div class="chart" style="height:`, strconv.Itoa(c.height), `px" data-chart="o-`, c.id, `" role="img" aria-label="`, esc(c.title), `"></div>`,
			`<script type="application/json" id="o-`, c.id, `">`, string(data), "</script>")
		if c.static != "" {
			p.raw("<noscript>", c.static, "</noscript>")
		}
		p.raw("</section>\n")
	}
	if len(charts) == 0 {
		p.raw(`<p class="say">This run has nothing to explore: no timeline, fabric or latency was recorded.</p>`)
	}
	p.raw("</main>\n<script>", string(lib), "</script>\n<script>", exploreScript, "</script>\n</body></html>\n")
	return []byte(p.String()), nil
}

const exploreStyle = `.chart{width:100%;margin-top:10px}section h2{margin-bottom:4px}`

func scriptHash(b []byte) string {
	sum := sha256.Sum256(b)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// exploreCharts are the charts that the run has data for.
func exploreCharts(run *result.Run) []exploreChart {
	var out []exploreChart
	add := func(c exploreChart, ok bool) {
		if ok {
			c.id = "c" + strconv.Itoa(len(out)+1)
			out = append(out, c)
		}
	}
	for i := range run.Workloads {
		w := &run.Workloads[i]
		add(stageChart(w))
		add(campaignChart(w))
		if w.Serving != nil {
			add(cdfChart(w))
			add(loadChart(w))
			add(hourChart(run, w))
		}
		add(gainChart(run, w))
	}
	add(fabricChart(run))
	for i := range run.SwitchTiers {
		add(tierChart(&run.SwitchTiers[i]))
	}
	return out
}

func lightHex(p figure.Paint) string { return figure.Light.Hex(string(p)) }
