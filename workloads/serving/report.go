package serving

import (
	"math"
	"strconv"

	"aisim/internal/result"
)

// latencyRow is a row of the table of latencies.
type latencyRow struct {
	name  string
	d     *Distribution
	slo   SLO
	limit float64
	class string
}

// Serving is the outcome as reports take it; Load is filled by LoadCurve.
func (o *Outcome) Serving(slo SLO) *result.Serving {
	s := &result.Serving{TTFTParts: o.TTFTParts, Hours: o.Hours}
	rows := []latencyRow{{"first token", &o.TTFT, slo, slo.TTFTSec, ""}, {"time per output token", &o.TPOT, slo, slo.TPOTSec, ""}, {"whole request", &o.E2E, slo, 0, ""}}
	if o.TPOT.Count == 0 {
		rows = rows[2:]
		rows[0].limit = slo.TTFTSec
	}
	if o.ITL.Count > 0 {
		rows = append(rows, latencyRow{"between tokens", &o.ITL, slo, 0, ""})
	}
	for i := range o.Classes {
		k := &o.Classes[i]
		rows = append(rows, latencyRow{"first token, " + k.ID, &k.TTFT, k.SLO, k.SLO.TTFTSec, k.ID})
		if k.TPOT.Count > 0 {
			rows = append(rows, latencyRow{"time per output token, " + k.ID, &k.TPOT, k.SLO, k.SLO.TPOTSec, k.ID})
		}
		rows = append(rows, latencyRow{"whole request, " + k.ID, &k.E2E, k.SLO, 0, k.ID})
		if k.ITL.Count > 0 {
			rows = append(rows, latencyRow{"between tokens, " + k.ID, &k.ITL, k.SLO, 0, k.ID})
		}
	}
	for _, r := range rows {
		if r.d.Count == 0 {
			continue
		}
		row := result.LatencyRow{Name: r.name, Class: r.class, P10: r.d.P10, P50: r.d.P50, P90: r.d.P90, P95: r.d.P95, P99: r.d.P99, P999: r.d.P999, Limit: r.limit}
		if r.limit > 0 {
			row.At = percentName(r.slo.attainment())
		}
		s.Latency = append(s.Latency, row)
		if r.class == "" {
			s.Cumulative = append(s.Cumulative, r.d.cdf(r.name))
		}
	}
	return s
}

// cdf samples the cumulative distribution every percent, finer in the tail.
func (d *Distribution) cdf(name string) result.CDF {
	c := result.CDF{Name: name, Unit: "s"}
	add := func(percent float64) {
		c.Value = append(c.Value, d.Quantile(percent/100))
		c.Percent = append(c.Percent, percent)
	}
	for i := range 100 {
		add(float64(i))
	}
	for i := range 10 {
		add(99 + float64(i)/10)
	}
	add(99.99)
	add(100)
	c.Percent, c.Value = dedupe(c.Percent, c.Value)
	return c
}

// dedupe drops points that repeat the percent before them.
func dedupe(percent, value []float64) (p, v []float64) {
	for i := range percent {
		if i == 0 || percent[i] > percent[i-1] {
			p, v = append(p, percent[i]), append(v, value[i])
		}
	}
	return p, v
}

func percentName(share float64) string {
	return "p" + trimFloat(share*100)
}

// trimFloat prints a percentage with at most one decimal.
func trimFloat(x float64) string {
	return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64)
}
