package arrivals

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"aisim/sim"
	"aisim/workloads/trace"
)

// A ServeGen client is one tenant of a production service (Xiang et al., ServeGen, 2025): its
// rate and the burstiness of its arrivals change from window to window, and so do its lengths.
// A load is the sum of clients.

// Client is one tenant.
type Client struct {
	Name    string
	Rates   []RateWindow
	Lengths []LengthWindow // none: its file is not there
}

// RateWindow is how requests arrive from StartSec on until the next window.
type RateWindow struct {
	StartSec, PerSec float64
	Pattern          string  // "Gamma", "Weibull" or empty: Poisson
	Shape            float64 // of the gaps; their mean is 1/PerSec
}

// LengthWindow is how long requests are from StartSec on.
type LengthWindow struct {
	StartSec float64
	Parts    []LengthPart // of a prompt
	Output   Discrete
}

// LengthPart is text, or a number of images and the like with so many tokens each.
type LengthPart struct{ Tokens, Count Discrete }

// Discrete is a distribution over values; empty: nothing is known.
type Discrete struct{ Value, Cumulative []float64 }

// Draw returns one value.
func (d *Discrete) Draw(s *sim.Stream) float64 {
	u := s.Float64() * d.Cumulative[len(d.Cumulative)-1]
	return d.Value[min(sort.SearchFloat64s(d.Cumulative, u), len(d.Value)-1)]
}

// Mean is the mean value.
func (d *Discrete) Mean() float64 {
	sum, last := 0.0, 0.0
	for i, v := range d.Value {
		sum += v * (d.Cumulative[i] - last)
		last = d.Cumulative[i]
	}
	return sum / last
}

func (d *Discrete) empty() bool { return len(d.Value) == 0 }

// ServeGen is a load of clients from BeginSec of their records on, for DurationSec.
type ServeGen struct {
	Clients               []Client
	BeginSec, DurationSec float64
	RatePerSec            float64 // mean over that time, scaling all clients alike; 0: as recorded
	Prompt, Output        Lengths // of clients without lengths of their own
	MaxRequests           int     // error beyond it; 0 means 10 million
}

const (
	traceSuffix   = "-trace.csv"
	datasetSuffix = "-dataset.json"
	mostClients   = 100_000
)

// ReadServeGen reads the clients of a folder in order of their names: NAME-trace.csv with the
// windows of rates, NAME-dataset.json, if there is one, with those of lengths.
func ReadServeGen(folder string) ([]Client, error) {
	names, err := filepath.Glob(filepath.Join(folder, "*"+traceSuffix))
	if err != nil {
		return nil, err
	}
	switch {
	case len(names) == 0:
		return nil, fmt.Errorf("%s: no files NAME%s: expected the clients of ServeGen", folder, traceSuffix)
	case len(names) > mostClients:
		return nil, fmt.Errorf("%s: %d clients: at most %d", folder, len(names), mostClients)
	}
	slices.Sort(names)
	var out []Client
	for _, path := range names {
		base := strings.TrimSuffix(path, traceSuffix)
		c := Client{Name: filepath.Base(base)}
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		c.Rates, err = parseRates(path, f)
		f.Close()
		if err != nil {
			return nil, err
		}
		text, err := os.ReadFile(base + datasetSuffix)
		if err == nil {
			c.Lengths, err = parseLengths(base+datasetSuffix, text)
		} else if os.IsNotExist(err) {
			err = nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// parseRates reads rows of start second, rate, coefficient of variation, pattern and two
// parameters. The first parameter is the shape; the scale is left to the rate, since fitted
// Weibull scales do not give back the rate of their row.
func parseRates(file string, r io.Reader) ([]RateWindow, error) {
	var out []RateWindow
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" {
			continue
		}
		bad := func(format string, args ...any) error {
			return fmt.Errorf("%s:%d: %s: expected start second, rate, cv, pattern (Gamma, Weibull or nothing) and two parameters", file, n, fmt.Sprintf(format, args...))
		}
		f := strings.Split(text, ",")
		if len(f) < 5 {
			return nil, bad("%d fields", len(f))
		}
		var v [3]float64
		for k, s := range []string{f[0], f[1], f[4]} {
			var err error
			if v[k], err = strconv.ParseFloat(strings.TrimSpace(s), 64); err != nil || !(v[k] >= 0) || math.IsInf(v[k], 0) {
				return nil, bad("%q is no number from 0 upwards", s)
			}
		}
		w := RateWindow{StartSec: v[0], PerSec: v[1], Pattern: strings.TrimSpace(f[3]), Shape: v[2]}
		switch {
		case w.Pattern != "" && w.Pattern != "Gamma" && w.Pattern != "Weibull":
			return nil, bad("pattern %q", w.Pattern)
		case w.Pattern != "" && w.PerSec > 0 && !(w.Shape >= 0.01 && w.Shape <= 1e4):
			return nil, bad("shape %v, allowed 0.01 to 10,000", w.Shape)
		case len(out) > 0 && !(w.StartSec > out[len(out)-1].StartSec):
			return nil, bad("window at %v s after one at %v s", w.StartSec, out[len(out)-1].StartSec)
		case w.PerSec > 1e7:
			return nil, bad("%v requests/s", w.PerSec)
		}
		out = append(out, w)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no windows", file)
	}
	return out, nil
}

// modes are the parts of prompts besides text.
var modes = []string{"image", "audio", "video"}

// parseLengths reads windows of {"START": {"input_tokens": "{tokens: probability, …}", …}}.
// Windows without requests are left out.
func parseLengths(file string, text []byte) ([]LengthWindow, error) {
	var raw map[string]map[string]string
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("%s: %w: expected an object of windows with distributions as text", file, err)
	}
	var out []LengthWindow
	for _, start := range slices.Sorted(maps.Keys(raw)) {
		tables, w := raw[start], LengthWindow{}
		var err error
		if w.StartSec, err = strconv.ParseFloat(start, 64); err != nil || !(w.StartSec >= 0) || math.IsInf(w.StartSec, 0) {
			return nil, fmt.Errorf("%s: window %q: expected a start in seconds", file, start)
		}
		get := func(key string) Discrete {
			d, e := parseDiscrete(tables[key])
			if e != nil && err == nil {
				err = fmt.Errorf("%s: window %s: %s: %w", file, start, key, e)
			}
			return d
		}
		prompt := get("input_tokens")
		if prompt.empty() {
			prompt = get("text_tokens")
		}
		w.Output = get("output_tokens")
		if !prompt.empty() {
			w.Parts = append(w.Parts, LengthPart{Tokens: prompt})
		}
		for _, m := range modes {
			if p := (LengthPart{get(m + "_tokens"), get(m + "_count")}); !p.Tokens.empty() && !p.Count.empty() {
				w.Parts = append(w.Parts, p)
			}
		}
		if err != nil {
			return nil, err
		}
		if len(w.Parts) > 0 && !w.Output.empty() {
			out = append(out, w)
		}
	}
	slices.SortFunc(out, func(a, b LengthWindow) int {
		if a.StartSec < b.StartSec {
			return -1
		}
		return 1
	})
	return out, nil
}

// parseDiscrete reads "{value: weight, …}"; nothing and "{}" are empty.
func parseDiscrete(text string) (Discrete, error) {
	text = strings.TrimSpace(text)
	var d Discrete
	if text == "" || text == "{}" {
		return d, nil
	}
	if !strings.HasPrefix(text, "{") || !strings.HasSuffix(text, "}") {
		return d, fmt.Errorf("%.20q is no {value: weight, …}", text)
	}
	sum := 0.0
	for pair := range strings.SplitSeq(text[1:len(text)-1], ",") {
		value, weight, ok := strings.Cut(pair, ":")
		v, err1 := strconv.ParseFloat(strings.TrimSpace(value), 64)
		p, err2 := strconv.ParseFloat(strings.TrimSpace(weight), 64)
		if !ok || err1 != nil || err2 != nil || !(v >= 0 && v <= DefaultMax) || !(p >= 0) || math.IsInf(p, 0) {
			return d, fmt.Errorf("%q is no value up to %d with a weight", strings.TrimSpace(pair), DefaultMax)
		}
		if p > 0 {
			sum += p
			d.Value, d.Cumulative = append(d.Value, v), append(d.Cumulative, sum)
		}
	}
	return d, nil
}

// Validate says what is impossible about a load.
func (g *ServeGen) Validate() error {
	switch {
	case len(g.Clients) == 0:
		return fmt.Errorf("arrivals: no clients")
	case !(g.BeginSec >= 0) || !(g.DurationSec > 0) || math.IsInf(g.BeginSec+g.DurationSec, 0):
		return fmt.Errorf("arrivals: clients from %v s for %v s: expected a time from 0 upwards and a positive duration", g.BeginSec, g.DurationSec)
	case !(g.RatePerSec >= 0) || math.IsInf(g.RatePerSec, 0):
		return fmt.Errorf("arrivals: rate %v requests/s: must not be negative", g.RatePerSec)
	case g.recorded() == 0:
		return fmt.Errorf("arrivals: no client sends anything from %v s to %v s", g.BeginSec, g.BeginSec+g.DurationSec)
	case g.MeanRate()*g.DurationSec > float64(g.most()):
		return fmt.Errorf("arrivals: about %.3g requests: at most %d", g.MeanRate()*g.DurationSec, g.most())
	}
	for i := range g.Clients {
		c := &g.Clients[i]
		if len(c.Lengths) > 0 {
			continue
		}
		for _, l := range []*Lengths{&g.Prompt, &g.Output} {
			if err := l.Validate(); err != nil {
				return fmt.Errorf("arrivals: client %s has no %s%s, and prompt and output do not say its lengths: %w", c.Name, c.Name, datasetSuffix, err)
			}
		}
	}
	return nil
}

func (g *ServeGen) most() int {
	if g.MaxRequests > 0 {
		return g.MaxRequests
	}
	return defaultMaxRequests
}

// recorded is the mean rate of the records over the time played.
func (g *ServeGen) recorded() float64 {
	sum := 0.0
	for i := range g.Clients {
		rates := g.Clients[i].Rates
		for k, w := range rates {
			end := math.Inf(1)
			if k+1 < len(rates) {
				end = rates[k+1].StartSec
			}
			if n := math.Min(end, g.BeginSec+g.DurationSec) - math.Max(w.StartSec, g.BeginSec); n > 0 {
				sum += n * w.PerSec
			}
		}
	}
	return sum / g.DurationSec
}

// MeanRate is the rate of the load in requests per second.
func (g *ServeGen) MeanRate() float64 {
	if g.RatePerSec > 0 {
		return g.RatePerSec
	}
	return g.recorded()
}

// Generate draws the requests of all clients in order of arrival. Each client has streams of
// its own, so that one more leaves the others as they were.
func (g *ServeGen) Generate(s sim.Stream) ([]trace.Request, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	scale := 1.0
	if g.RatePerSec > 0 {
		scale = g.RatePerSec / g.recorded()
	}
	var reqs []trace.Request
	for i := range g.Clients {
		c := &g.Clients[i]
		gaps, size := s.Child("gaps/"+c.Name), s.Child("lengths/"+c.Name)
		for k, t := 0, g.BeginSec; ; {
			var ok bool
			if k, t, ok = c.after(k, t, g.BeginSec+g.DurationSec, scale, &gaps); !ok {
				break
			}
			if len(reqs) == g.most() {
				return nil, fmt.Errorf("arrivals: more than %d requests", g.most())
			}
			q := trace.Request{ArriveSec: t - g.BeginSec}
			q.Prompt, q.Output = g.lengths(c, t, &size)
			reqs = append(reqs, q)
		}
	}
	if len(reqs) == 0 {
		return nil, fmt.Errorf("arrivals: no request arrived in %g s: lengthen the duration", g.DurationSec)
	}
	slices.SortStableFunc(reqs, func(a, b trace.Request) int {
		switch {
		case a.ArriveSec < b.ArriveSec:
			return -1
		case a.ArriveSec > b.ArriveSec:
			return 1
		}
		return 0
	})
	return reqs, nil
}

// after is the client's next arrival after time t in window k, and its window: a gap of unit
// mean of that window's pattern, used up at the rate of each window on the way.
func (c *Client) after(k int, t, end, scale float64, s *sim.Stream) (int, float64, bool) {
	for k+1 < len(c.Rates) && (c.Rates[k+1].StartSec <= t || c.Rates[k].PerSec == 0) {
		k++
	}
	gap := c.Rates[k].gap(s)
	for {
		w := &c.Rates[k]
		until := end
		if k+1 < len(c.Rates) {
			until = math.Min(end, c.Rates[k+1].StartSec)
		}
		from := math.Max(t, w.StartSec)
		rate := w.PerSec * scale
		if at := from + gap/rate; rate > 0 && at < until {
			return k, at, true
		}
		gap -= math.Max(0, until-from) * rate
		if t = math.Max(t, until); t >= end || k+1 == len(c.Rates) {
			return k, t, false
		}
		k++
	}
}

// gap draws a gap of unit mean.
func (w *RateWindow) gap(s *sim.Stream) float64 {
	switch w.Pattern {
	case "Gamma":
		return s.Gamma(w.Shape, 1/w.Shape)
	case "Weibull":
		return s.Weibull(w.Shape, 1/math.Gamma(1+1/w.Shape))
	}
	return s.Exp(1)
}

// lengths draws a prompt and an output of a client at time t: from the last window that began
// by then, or its first.
func (g *ServeGen) lengths(c *Client, t float64, s *sim.Stream) (prompt, output int32) {
	if len(c.Lengths) == 0 {
		return g.Prompt.Draw(s), g.Output.Draw(s)
	}
	k := max(0, sort.Search(len(c.Lengths), func(i int) bool { return c.Lengths[i].StartSec > t })-1)
	w := &c.Lengths[k]
	tokens := 0.0
	for i := range w.Parts {
		p := &w.Parts[i]
		n := 1
		if !p.Count.empty() {
			n = int(math.Min(p.Count.Draw(s), 1000))
		}
		for range n {
			tokens += p.Tokens.Draw(s)
		}
	}
	whole := Lengths{}
	return whole.bound(tokens), whole.bound(w.Output.Draw(s))
}
