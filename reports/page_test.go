package reports

import (
	"bytes"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"aisim/internal/result"
	"aisim/reports/number"
)

// walk visits every element of a page.
func walk(n *html.Node, f func(*html.Node)) {
	f(n)
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		walk(c, f)
	}
}

func attr(n *html.Node, key string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val, true
		}
	}
	return "", false
}

func textOf(n *html.Node) string {
	var b strings.Builder
	walk(n, func(x *html.Node) {
		if x.Type == html.TextNode {
			b.WriteString(x.Data)
		}
	})
	return b.String()
}

var (
	urlRef = regexp.MustCompile(`url\(([^)]*)\)`)
)

// void are the elements that need no end.
var void = map[string]bool{"meta": true}

// checkPage holds a page to the acceptance list of the specification.
func checkPage(t *testing.T, page []byte) {
	t.Helper()
	s := string(page)
	for _, bad := range []string{"http:", "https:", "<script", "<link", "@import", "<img", "NaN", "undefined", "<iframe", "<object"} {
		if strings.Contains(s, bad) {
			i := strings.Index(s, bad)
			t.Errorf("the page holds %q: …%s…", bad, s[max(0, i-60):min(len(s), i+60)])
		}
	}
	for _, m := range urlRef.FindAllStringSubmatch(s, -1) {
		if !strings.HasPrefix(m[1], "#") {
			t.Errorf("url(%s) refers outside the page", m[1])
		}
	}
	// Every element that is opened is closed, in order (html.Parse would mend it).
	var open []string
	z := html.NewTokenizer(bytes.NewReader(page))
	for {
		tt := z.Next()
		if tt == html.ErrorToken {
			break
		}
		name, _ := z.TagName()
		switch n := string(name); {
		case tt == html.StartTagToken && !void[n]:
			open = append(open, n)
		case tt == html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != n {
				t.Fatalf("</%s> closes %v", n, open[max(0, len(open)-3):])
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("left open: %v", open)
	}
	doc, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	level, csp := 0, ""
	ids := map[string]int{}
	var anchors []string
	walk(doc, func(n *html.Node) {
		if n.Type != html.ElementNode {
			return
		}
		if id, ok := attr(n, "id"); ok {
			ids[id]++
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") {
				t.Errorf("an event handler: <%s %s>", n.Data, a.Key)
			}
			if a.Key == "href" || a.Key == "src" {
				if !strings.HasPrefix(a.Val, "#") {
					t.Errorf("<%s %s=%q> leads out of the page", n.Data, a.Key, a.Val)
				}
				anchors = append(anchors, strings.TrimPrefix(a.Val, "#"))
			}
		}
		switch n.Data {
		case "meta":
			if v, _ := attr(n, "http-equiv"); v == "Content-Security-Policy" {
				csp, _ = attr(n, "content")
			}
		case "h1", "h2", "h3":
			l := int(n.Data[1] - '0')
			if l > level+1 {
				t.Errorf("<%s> %q follows a heading of level %d", n.Data, textOf(n), level)
			}
			level = l
			if strings.TrimSpace(textOf(n)) == "" {
				t.Errorf("an empty <%s>", n.Data)
			}
			if n.Data == "h2" && len([]rune(textOf(n))) > longestTitle {
				t.Errorf("a heading of %d characters: %q", len([]rune(textOf(n))), textOf(n))
			}
		case "svg":
			label, _ := attr(n, "aria-label")
			hidden, _ := attr(n, "aria-hidden")
			role, _ := attr(n, "role")
			if hidden != "true" && (label == "" || role != "img") {
				t.Errorf("an svg without role and label: %.80q", textOf(n))
			}
		}
	})
	if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "script-src") {
		t.Errorf("policy %q", csp)
	}
	for _, a := range anchors {
		if ids[a] == 0 {
			t.Errorf("a link to #%s leads nowhere", a)
		}
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("id %q stands %d times", id, n)
		}
	}
}

func TestPages(t *testing.T) {
	for name, run := range fixtures() {
		t.Run(name, func(t *testing.T) {
			page := HTML(run, Extra{Command: "aisim run x -o out --seed 1"})
			checkPage(t, page)
			if len(page) > 400<<10 {
				t.Errorf("%d bytes", len(page))
			}
			if !bytes.Equal(page, HTML(run, Extra{Command: "aisim run x -o out --seed 1"})) {
				t.Error("two writings differ")
			}
		})
	}
}

// TestKeyFiguresAreWhole: unit, interval (or why there is none) and mark in each.
func TestKeyFiguresAreWhole(t *testing.T) {
	for _, name := range []string{"training", "serving", "uncalibrated", "noprices", "rented"} {
		run := fixtures()[name]
		list := keyFigures(run, &run.Workloads[0])
		if len(list) != 6 {
			t.Errorf("%s: %d key figures", name, len(list))
		}
		for _, k := range list {
			if k.none != "" {
				continue
			}
			if k.format().Unit == "" {
				t.Errorf("%s: %s has no unit", name, k.name)
			}
			if pedigreeNames[pedigreeOf(k.number)] == "" {
				t.Errorf("%s: %s has no mark", name, k.name)
			}
			if iv := intervalText(k.number); !strings.Contains(iv, number.Dash) && !strings.Contains(iv, "no interval: ") {
				t.Errorf("%s: %s has interval %q", name, k.name, iv)
			}
		}
	}
}

func section2(run *result.Run, id string) string {
	s := string(HTML(run, Extra{}))
	i := strings.Index(s, `<section id="`+id+`"`)
	if i < 0 {
		return ""
	}
	j := strings.Index(s[i:], "</section>")
	return s[i : i+j]
}

func TestFailureCases(t *testing.T) {
	has := func(name, want string, yes bool) {
		t.Helper()
		if strings.Contains(ascii(string(HTML(fixtures()[name], Extra{}))), want) != yes {
			t.Errorf("%s: %q should be there: %v", name, want, yes)
		}
	}
	has("incomplete", "Incomplete: stopped at 31 of 54 days", true)
	has("incomplete", "No goal is set", false)
	has("uncalibrated", "No measurements of H100", true)
	has("uncalibrated", "second banner", true)
	if strings.Count(string(HTML(uncalibratedRun(), Extra{})), `class="ban"`) != maxBanners {
		t.Error("uncalibrated: more banners than two")
	}
	has("uncalibrated", "third banner", true) // moved to the warnings
	has("nofit", "4.1 GiB over", true)
	has("noprices", "no prices given", true)
	has("noprices", "USD per M tokens", false)
	has("refused", "Measure a GEMM", true)
	has("rented", "rented", true)
	for _, id := range []string{"step", "pipeline", "fabric", "goodput", "storage", "ledger", "sensitivity"} {
		if section2(noFitRun(), id) != "" {
			t.Errorf("nofit: section %s is printed", id)
		}
	}
	for _, id := range []string{"memory", "assumptions", "warnings", "reproduce"} {
		if section2(noFitRun(), id) == "" {
			t.Errorf("nofit: section %s is missing", id)
		}
	}
	if s := section2(refusedRun(), "sensitivity"); !strings.Contains(s, "There is no unit cost to move") {
		t.Error("refused: the section does not print its reason")
	}
	// What later work brings is left out, never faked.
	for name, run := range fixtures() {
		s := string(HTML(run, Extra{}))
		for _, id := range []string{`id="alternatives"`, `id="uncertainty"`, "goal met", "P = "} {
			if strings.Contains(s, id) {
				t.Errorf("%s: %q is printed", name, id)
			}
		}
	}
	if !strings.Contains(string(HTML(uncalibratedRun(), Extra{})), `height="5" fill="url(#hw)"`) {
		t.Error("uncalibrated: interval strips are not hatched")
	}
}

// cellsOf are the texts of one column of the first table of a section.
func cellsOf(t *testing.T, fragment string, column int) (parts []float64, totals []float64) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(fragment))
	if err != nil {
		t.Fatal(err)
	}
	var table *html.Node
	walk(doc, func(n *html.Node) {
		if n.Data == "table" && table == nil {
			table = n
		}
	})
	walk(table, func(n *html.Node) {
		if n.Data != "tr" {
			return
		}
		var cells []*html.Node
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			if c.Data == "td" {
				cells = append(cells, c)
			}
		}
		if column >= len(cells) {
			return
		}
		v, err := strconv.ParseFloat(strings.NewReplacer(",", "", number.Gap+"%", "").Replace(strings.TrimSpace(textOf(cells[column]))), 64)
		if err != nil {
			t.Fatalf("cell %q", textOf(cells[column]))
		}
		if c, _ := attr(n, "class"); c == "sum" {
			totals = append(totals, v)
		} else {
			parts = append(parts, v)
		}
	})
	return parts, totals
}

func addUp(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s
}

// TestPrintedSums: ledger, energy, step, goodput and bars add up as printed.
func TestPrintedSums(t *testing.T) {
	run := trainingRun()
	ledger := section2(run, "ledger")
	for _, column := range []int{2, 3} {
		parts, totals := cellsOf(t, ledger, column)
		if len(totals) != 1 || math.Abs(addUp(parts)-totals[0]) > 1e-9*100 {
			t.Errorf("ledger column %d: %v sums to %v, the total reads %v", column, parts, addUp(parts), totals)
		}
	}
	energy := ledger[strings.Index(ledger, "Energy, from device"):]
	energy = "<table><thead><tr><th>" + energy
	for _, column := range []int{1, 2} {
		parts, totals := cellsOf(t, energy, column)
		// parts: four of IT and the facility; totals: IT, meter
		if len(parts) != 5 || len(totals) != 2 {
			t.Fatalf("energy: %v %v", parts, totals)
		}
		if it := addUp(parts[:4]); math.Abs(it-totals[0]) > 1e-9 || math.Abs(totals[0]+parts[4]-totals[1]) > 1e-9 {
			t.Errorf("energy column %d: IT %v of %v, meter %v of %v", column, totals[0], it, totals[1], totals[0]+parts[4])
		}
	}
	if !strings.Contains(ledger, "no remainder") {
		t.Error("IT and facility equal the meter, but the page does not say so")
	}
	run.Energy.MWMean += 0.5
	if s := section2(run, "ledger"); !strings.Contains(s, "Not itemised") || strings.Contains(s, "no remainder") {
		t.Error("a remainder is not a line")
	}

	value := regexp.MustCompile(`<div class="r">\D?([0-9.]+)`)
	for _, c := range []struct {
		id    string
		parts func(rows []float64) (sum, total float64)
	}{
		{"step", func(r []float64) (float64, float64) { return addUp(r[:len(r)-1]), r[len(r)-1] }},
		{"goodput", func(r []float64) (float64, float64) { return r[0] - addUp(r[1:len(r)-1]), r[len(r)-1] }},
	} {
		var rows []float64
		for _, m := range value.FindAllStringSubmatch(strings.ReplaceAll(section2(trainingRun(), c.id), number.Minus, "-"), -1) {
			v, err := strconv.ParseFloat(m[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, v)
		}
		if sum, total := c.parts(rows); math.Abs(sum-total) > 1e-9 {
			t.Errorf("%s: rows %v make %v, the total reads %v", c.id, rows, sum, total)
		}
	}
	f, _ := whereFigure(trainingRun())
	percent := regexp.MustCompile(`(\d+)` + number.Gap + `%$`)
	for _, r := range f.Rows {
		sum := 0
		for _, k := range r.Legend {
			n, _ := strconv.Atoi(percent.FindStringSubmatch(k.Name)[1])
			sum += n
		}
		if sum != 100 {
			t.Errorf("%s sums to %d %%", r.Label, sum)
		}
	}
}

// TestFlagshipIsSmallAndFast: under 400 KiB and under 50 ms to write, here with
// room for a busy machine.
func TestFlagshipIsSmallAndFast(t *testing.T) {
	run := trainingRun()
	run.Workloads[0].Stages = pipelineStages(16, 32, 8, 6.1) // 8,192 spans
	best := time.Hour
	var page []byte
	for range 5 {
		start := time.Now()
		page = HTML(run, Extra{})
		best = min(best, time.Since(start))
	}
	t.Logf("%d bytes in %v", len(page), best)
	if len(page) > 400<<10 {
		t.Errorf("%d bytes, at most 400 KiB", len(page))
	}
	if best > 200*time.Millisecond {
		t.Errorf("took %v", best)
	}
}

func TestTimelineStaysBounded(t *testing.T) {
	w := &trainingRun().Workloads[0]
	w.Stages = pipelineStages(64, 128, 4, 60)
	f, _, ok := pipelineFigure(w, Extra{})
	if !ok {
		t.Fatal("no figure")
	}
	marks := 0
	for _, r := range f.Rows {
		marks += strings.Count(r.Draw.HTML(), "h-")
	}
	if marks > maxMarks+200 {
		t.Errorf("%d marks, at most %d", marks, maxMarks)
	}
	if !strings.Contains(f.Caption, "idlest of 64 stages") {
		t.Error(f.Caption)
	}
}

func TestHostileNamesStayText(t *testing.T) {
	run := hostileRun()
	doc, err := html.Parse(bytes.NewReader(HTML(run, Extra{Command: run.Scenario.Name})))
	if err != nil {
		t.Fatal(err)
	}
	count := func(run *result.Run) map[string]int {
		n := map[string]int{}
		d, _ := html.Parse(bytes.NewReader(HTML(run, Extra{})))
		walk(d, func(x *html.Node) {
			if x.Type == html.ElementNode && x.Data != "span" && x.Data != "b" {
				n[x.Data]++
			}
		})
		return n
	}
	calm := trainingRun()
	calm.Banners = []string{"x"}
	calm.Scenario.Description = "x"
	a, b := count(calm), count(run)
	for _, k := range []string{"script", "img", "h1", "h2", "h3", "section", "table"} {
		if a[k] != b[k] {
			t.Errorf("<%s> %d times, %d with a hostile name", k, a[k], b[k])
		}
	}
	if strings.ContainsAny(textOf(doc), "\u202e\u202b\u2066") {
		t.Error("a direction override reached the page")
	}
}
