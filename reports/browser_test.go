package reports

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"
)

// chromium runs a headless browser with no network of its own on args and
// returns what it printed. The test is skipped where there is no browser.
func chromium(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser is not started in short tests")
	}
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no chromium on this machine: pages are not drawn")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	base := []string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-features=NetworkTimeServiceQuerying,OptimizationHints", "--hide-scrollbars", "--enable-logging=stderr", "--user-data-dir=" + t.TempDir()}
	cmd := exec.CommandContext(ctx, path, append(base, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		t.Skipf("chromium does not run here: %v: %.300s", err, errs.String())
	}
	return out.String(), errs.String()
}

// put writes a page into a folder of the test's and returns its address.
func put(t *testing.T, name string, page []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, page, 0o644); err != nil {
		t.Fatal(err)
	}
	return "file://" + path
}

// ownHosts are the hosts that the browser asks on its own, whatever it shows:
// its clock and its updates. No page of ours may name them, which checkPage holds.
var ownHosts = map[string]bool{"clients2.google.com": true, "update.googleapis.com": true, "optimizationguide-pa.googleapis.com": true,
	"redirector.gvt1.com": true, "safebrowsingohttpgateway.googleapis.com": true, "android.clients.google.com": true, "accounts.google.com": true, "content-autofill.googleapis.com": true}

var requested = regexp.MustCompile(`"url":"(https?:[^"]*)"`)

// watch opens a page and returns its tree, its console and the addresses asked for.
func watch(t *testing.T, page []byte) (dom string, console, requests []string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "net.json")
	dom, errs := chromium(t, "--log-net-log="+log, "--virtual-time-budget=4000", "--window-size=1280,2000", "--dump-dom", put(t, "page.html", page))
	for _, line := range strings.Split(errs, "\n") {
		if strings.Contains(line, "CONSOLE") {
			console = append(console, line)
		}
	}
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range requested.FindAllSubmatch(data, -1) {
		if u, err := url.Parse(string(m[1])); err != nil || !ownHosts[u.Host] {
			requests = append(requests, string(m[1]))
		}
	}
	return dom, console, requests
}

// TestBrowserSeesFaults is the control of the next test: a page that loads and
// complains is noticed.
func TestBrowserSeesFaults(t *testing.T) {
	_, console, requests := watch(t, []byte(`<!doctype html><img src="http://127.0.0.1:9/x.png"><script>console.error("a fault")</script>`))
	if len(console) == 0 {
		t.Error("a console error went unseen")
	}
	if len(requests) == 0 {
		t.Error("a request went unseen")
	}
}

func TestBrowserQuiet(t *testing.T) {
	for _, name := range []string{"hostile"} {
		run := fixtures()[name]
		dom, console, requests := watch(t, HTML(run, Extra{}))
		if len(console)+len(requests) > 0 {
			t.Errorf("%s: report.html: console %v, requests %v", name, console, requests)
		}
		if !strings.Contains(dom, "</main>") {
			t.Errorf("%s: the page was not read to its end", name)
		}
		if !HasLibrary() {
			t.Log("explore.html is not tried: the charting library was not fetched (make assets)")
			continue
		}
		page, err := Explore(run)
		if err != nil {
			t.Fatal(err)
		}
		dom, console, requests = watch(t, page)
		if len(console)+len(requests) > 0 {
			t.Errorf("%s: explore.html: console %v, requests %v", name, console, requests)
		}
		if want, got := len(exploreCharts(forDisplay(run))), strings.Count(dom, "<canvas"); got != want {
			t.Errorf("%s: explore.html draws %d charts of %d", name, got, want)
		}
	}
}

// widestFont is what the layout must hold with: the widest of the font stack.
const widestFont = `<style>*{font-family:"DejaVu Sans",sans-serif!important}</style></head>`

// measure finds, in every frame, the elements outside .scroll that end beyond
// the frame's width.
const measure = `<script>
window.onload=function(){
 var out=[];
 document.querySelectorAll("iframe").forEach(function(f){
  var d=f.contentDocument,w=f.clientWidth,n=0;
  d.querySelectorAll("body *").forEach(function(e){
   n++;
   if(e.closest(".scroll")&&!e.classList.contains("scroll"))return;
   var r=e.getBoundingClientRect();
   if(r.width>0&&r.right>w+1)out.push(f.title+": <"+e.tagName+" class="+(e.getAttribute("class")||"")+"> ends at "+Math.round(r.right)+": "+(e.textContent||"").slice(0,50));
  });
  out.push(f.title+": "+n+" elements");
 });
 document.body.textContent=out.join("\n");
};
</script>`

func TestBrowserNothingOverflows(t *testing.T) {
	var b strings.Builder
	b.WriteString("<!doctype html><meta charset=utf-8>" + measure + "<body>")
	names := []string{"levers", "serving", "mixed", "hostile", "nofit", "refused", "bare", "noprices"}
	frames := 0
	for _, name := range names {
		page := strings.Replace(string(HTML(fixtures()[name], Extra{Command: "aisim run a-scenario-with-a-long-name.toml -o out --seed 1"})), "</head>", widestFont, 1)
		for _, w := range []int{320, 420, 768, 1280, 1920} {
			fmt.Fprintf(&b, `<iframe title="%s at %d" width="%d" height="900" style="border:0" srcdoc="%s"></iframe>`, name, w, w, html.EscapeString(page))
			frames++
		}
	}
	dom, _ := chromium(t, "--virtual-time-budget=20000", "--dump-dom", put(t, "frames.html", []byte(b.String())))
	_, body, _ := strings.Cut(dom, "<body>")
	body = html.UnescapeString(strings.TrimSuffix(strings.TrimSpace(body), "</body></html>"))
	seen, bad := 0, map[string]int{}
	for _, line := range strings.Split(body, "\n") {
		switch {
		case strings.HasSuffix(line, " elements"):
			seen++
		case strings.Contains(line, " ends at "):
			bad[line]++
		}
	}
	if seen != frames {
		t.Fatalf("%d frames measured of %d: %.300s", seen, frames, body)
	}
	var lines []string
	for l := range bad {
		lines = append(lines, l)
	}
	sort.Strings(lines)
	for i, l := range lines {
		if i == 25 {
			t.Errorf("and %d more", len(lines)-i)
			break
		}
		t.Error(l)
	}
}

// TestBrowserFirstPageIsOnePage prints the summaries alone, one after another:
// there must be as many sheets as summaries.
func TestBrowserFirstPageIsOnePage(t *testing.T) {
	names := []string{"training", "levers", "serving", "uncalibrated", "hostile"}
	var all strings.Builder
	for _, name := range names {
		page := string(HTML(fixtures()[name], Extra{}))
		head, body, _ := strings.Cut(page, "<main>")
		if all.Len() == 0 {
			all.WriteString(strings.Replace(head, "</head>", "<style>section{display:none!important}main+main{break-before:page}</style>"+widestFont, 1))
		}
		body, _, _ = strings.Cut(body, "</main>")
		all.WriteString("<main>" + body + "</main>")
	}
	pdf := filepath.Join(t.TempDir(), "page.pdf")
	chromium(t, "--no-pdf-header-footer", "--print-to-pdf="+pdf, put(t, "page.html", []byte(all.String())))
	data, err := os.ReadFile(pdf)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(data, -1)); n != len(names) {
		t.Errorf("%d first pages take %d sheets", len(names), n)
	}
}
