package planner

import (
	"context"
	"fmt"
	"math"
	"strings"

	"aisim/internal/result"
	"aisim/scenarios"
)

// CompareOptions say how designs are compared.
type CompareOptions struct {
	Replicas, Workers int
	Progress          func(done, total int)
	Version, Revision string
}

// clearly is the probability from which a design counts as preferred.
const clearly = 0.75

// Compare plays the worlds under the same draws of everything that carries the same name:
// seeds, prices, efficiencies and failures. Differences are taken future by future, so
// that what the designs share cancels. The first world is what others are compared with.
func Compare(ctx context.Context, worlds []*scenarios.World, opt CompareOptions) (*result.Comparison, error) {
	c := &result.Comparison{Schema: result.CompareSchema, Version: opt.Version, Revision: opt.Revision, Complete: true,
		Seed: worlds[0].Scenario.Seed, Replicas: opt.Replicas, Changes: []result.KeyChange{}}
	done, total := 0, opt.Replicas*len(worlds)
	played := make([]*Played, len(worlds))
	for k, w := range worlds {
		base := done
		ticks := newTicker(func(n int) {
			if opt.Progress != nil {
				opt.Progress(base+n, total)
			}
		})
		var err error
		if played[k], err = Play(ctx, w, PlayOptions{Replicas: opt.Replicas, Workers: opt.Workers, Capacities: pairedCapacity, Progress: ticks}); err != nil {
			return nil, err
		}
		done += opt.Replicas
		sc := w.Scenario
		c.Designs = append(c.Designs, result.Design{Name: designName(k), Title: sc.Name,
			Scenario: result.ScenarioRef{Name: sc.Name, Description: sc.Description, Source: sc.Source(), SHA256: sc.SHA256(), Overrides: sc.Overrides(), Machine: machineWords(w)},
			Profile:  result.FileRef{Name: w.Profile.ID, SHA256: w.Profile.SHA256()}})
	}
	c.Changes = append(c.Changes, changes(worlds)...)
	for _, key := range shared(played) {
		c.Rows = append(c.Rows, compareRow(key, played))
	}
	decide(c, played)
	if c.Decision.Metric != "" {
		for k := range played[1:] {
			c.Bridge = append(c.Bridge, bridge(c.Decision.Metric, played[0], played[k+1], designName(k+1))...)
			flips, err := flips(c.Decision.Metric, played[0], played[k+1], designName(k+1))
			if err != nil {
				return nil, err
			}
			c.Flips = append(c.Flips, flips...)
		}
	}
	c.Parts = partRows(played)
	c.Ledger = ledgerRows(played)
	return c, nil
}

// designName is A, B, … Z, A1, B1 …
func designName(k int) string {
	s := string(rune('A' + k%26))
	if k >= 26 {
		s += fmt.Sprint(k / 26)
	}
	return s
}

// shared are the metrics that all designs have, in the order of the first.
func shared(played []*Played) []string {
	var out []string
	for _, key := range played[0].Keys {
		all := true
		for _, p := range played {
			u, ok := p.Units[key]
			all = all && ok && u == played[0].Units[key] && !math.IsNaN(p.Values(key)[0])
		}
		if all {
			out = append(out, key)
		}
	}
	return out
}

// Better says whether more (+1) or less (-1) of a metric is wanted, or neither (0).
func Better(key string) int {
	name := key[strings.IndexByte(key, '.')+1:]
	switch name {
	case result.MetricTokens, result.MetricSamples, result.MetricGoodput, result.MetricMFU, result.MetricModelFlopsPerGPU, result.MetricTokensPerSec,
		result.MetricPerAccelerator, result.MetricPerUser, result.MetricCapacity, result.MetricHeadroom, result.MetricSaturation, result.MetricGoodRequests, result.MetricGoodTokens, result.MetricAttainment, "completed", result.MetricOutputTokenPerSec, "mtbf":
		return 1
	case result.MetricUtilisation, result.MetricOffered, result.MetricOutputTokens, result.MetricSteps, result.MetricGPUHours, result.MetricCheckpointEvery, "checkpoint_bytes", "cache_peak", "cache_mean", "cache_blocks", "cache_tokens", "prefill_cache_peak", "prefill_utilisation", "prefill_share":
		return 0
	}
	return -1
}

func compareRow(key string, played []*Played) result.CompareRow {
	unit := played[0].Units[key]
	row := result.CompareRow{Metric: key, Unit: unit, Better: Better(key)}
	base := played[0].Values(key)
	for k, p := range played {
		v := p.Values(key)
		row.Values = append(row.Values, number(v, unit, "", ""))
		if k > 0 {
			row.Differences = append(row.Differences, difference(designName(k), unit, row.Better, base, v))
		}
	}
	return row
}

// difference is v against base, future by future.
func difference(design, unit string, better int, base, v []float64) result.Difference {
	n := len(base)
	abs, rel, wins, known := make([]float64, n), make([]float64, n), 0.0, 0.0
	for i := range base {
		abs[i] = v[i] - base[i]
		if rel[i] = v[i]/base[i] - 1; v[i] == base[i] {
			rel[i] = 0
		}
		if math.IsNaN(abs[i]) {
			continue
		}
		known++
		switch d := abs[i] * float64(better); {
		case d > 0:
			wins++
		case d == 0:
			wins += 0.5
		}
	}
	d := result.Difference{Design: design, Absolute: number(abs, unit, "", ""), Relative: number(rel, "ratio", "", ""), PBetter: wins / known}
	if math.IsNaN(d.Relative.Value) || math.IsInf(d.Relative.Value, 0) { // nothing to be relative to
		d.Relative = result.Number{Unit: "ratio", NoInterval: "the first design has none of it"}
	}
	d.Clear = d.Absolute.Low > 0 || d.Absolute.High < 0
	return d
}

// decide takes the design with the best decisive metric, and says how likely it is
// better than the first one (or the first than the best of the others).
func decide(c *result.Comparison, played []*Played) {
	key := played[0].Decisive()
	for _, p := range played {
		if p.Decisive() != key {
			key = ""
		}
	}
	if key == "" {
		key = result.MetricLedgerTotal
	}
	var row *result.CompareRow
	for i := range c.Rows {
		if c.Rows[i].Metric == key {
			row = &c.Rows[i]
		}
	}
	if row == nil {
		c.Decision.Text = "The designs have no price in common: they are compared by what they do alone."
		return
	}
	best := 0
	for k, v := range row.Values {
		if v.Value < row.Values[best].Value {
			best = k
		}
	}
	rival := 0
	if best == 0 {
		rival = 1
		for k := 2; k < len(row.Values); k++ {
			if row.Values[k].Value < row.Values[rival].Value {
				rival = k
			}
		}
	}
	d := difference("", row.Unit, -1, played[rival].Values(key), played[best].Values(key))
	c.Decision = result.Decision{Metric: key, Unit: row.Unit, Probability: d.PBetter}
	switch {
	case d.Absolute.Value == 0 && d.Absolute.Low == 0 && d.Absolute.High == 0:
		c.Decision.Text = fmt.Sprintf("No difference: %s is the same in every future.", key)
	case d.PBetter >= clearly:
		c.Decision.Preferred = designName(best)
		c.Decision.Text = fmt.Sprintf("%s preferred over %s, P = %.2f: %s is %.1f %% lower.", designName(best), designName(rival), d.PBetter, key, -100*d.Relative.Value)
	default:
		c.Decision.Text = fmt.Sprintf("No clear preference between %s and %s: %s is lower for %s with P = %.2f.", designName(rival), designName(best), key, designName(best), d.PBetter)
	}
}

// changes are the keys that are not the same in all scenarios.
func changes(worlds []*scenarios.World) []result.KeyChange {
	var order []string
	values := map[string][]string{}
	for k, w := range worlds {
		for _, g := range w.Scenario.Given() {
			if values[g[0]] == nil {
				values[g[0]] = make([]string, len(worlds))
				order = append(order, g[0])
			}
			values[g[0]][k] = g[1]
		}
	}
	var out []result.KeyChange
	for _, key := range order {
		v := values[key]
		switch key {
		case "name", "description", "seed", "replicas":
			continue
		}
		for _, x := range v[1:] {
			if x != v[0] {
				out = append(out, result.KeyChange{Key: key, Values: v})
				break
			}
		}
	}
	return out
}

// partRows are the parts of a step, or of the first token at p95, of the workloads that
// all designs have.
func partRows(played []*Played) []result.PartRow {
	var out []result.PartRow
	for i := range played[0].World.Placed {
		id := played[0].World.Placed[i].ID
		at := map[string]int{}
		for k, p := range played {
			for _, part := range parts(p, id) {
				j, ok := at[part.Name]
				if !ok {
					j, at[part.Name] = len(out), len(out)
					out = append(out, result.PartRow{Workload: id, Part: part.Name, Kind: part.Kind, Seconds: make([]float64, len(played))})
				}
				out[j].Seconds[k] += part.Seconds
			}
		}
	}
	return out
}

func parts(p *Played, id string) []result.StepPart {
	for i := range p.World.Placed {
		if p.World.Placed[i].ID != id {
			continue
		}
		if s := p.nominal.Steps[i]; s != nil {
			return s.Parts
		}
		for _, at := range p.nominal.Served[i].TTFTParts {
			if at.Percentile == "p95" {
				return at.Parts
			}
		}
	}
	return nil
}

// ledgerRows are the lines of the bills of all designs.
func ledgerRows(played []*Played) []result.LedgerRow {
	var out []result.LedgerRow
	at := map[string]int{}
	for k, p := range played {
		a := p.points[0].account
		if a.reason != "" {
			continue
		}
		for _, ln := range a.ledger.Lines {
			j, ok := at[ln.Item]
			if !ok {
				j, at[ln.Item] = len(out), len(out)
				out = append(out, result.LedgerRow{Item: ln.Item, Kind: ln.Kind, USD: make([]float64, len(played))})
			}
			out[j].USD[k] += ln.USD
		}
	}
	return out
}
