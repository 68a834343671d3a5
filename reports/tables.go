package reports

import (
	"bytes"
	"encoding/csv"
	"sort"
	"strconv"

	"aisim/internal/result"
)

// Table is one CSV of a run: full precision, the unit in each header.
type Table struct {
	Name string
	Head []string
	Rows [][]string
}

// CSV is the table as bytes, with lines that end in a line feed.
func (t Table) CSV() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write(t.Head)
	for _, r := range t.Rows {
		for i := range r {
			r[i] = csvText(r[i])
		}
		_ = w.Write(r)
	}
	w.Flush()
	return b.Bytes()
}

// csvText keeps a text from being run as a formula by a spreadsheet.
func csvText(s string) string {
	if s == "" {
		return s
	}
	switch s[0] {
	case '=', '@', '\t', '\r':
		return "'" + s
	case '+', '-':
		if _, err := strconv.ParseFloat(s, 64); err != nil {
			return "'" + s
		}
	}
	return s
}

func num(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// interval is the three cells of a Number and its pedigree.
func interval(n result.Number) []string {
	return []string{num(n.Value), num(n.Low), num(n.High), n.Unit, string(n.Pedigree)}
}

func row(head []string, tail ...string) []string {
	return append(append([]string(nil), head...), tail...)
}

// Tables are all tables that the run has data for, in a fixed order.
func Tables(run *result.Run) []Table {
	var out []Table
	add := func(name string, head []string, rows [][]string) {
		if len(rows) > 0 {
			out = append(out, Table{name, head, rows})
		}
	}
	add("metrics", []string{"workload", "metric", "value", "low", "high", "unit", "pedigree", "rung", "no_interval"}, metricRows(run))
	var step, memory, losses, latency, ttft, load, hours, timeline [][]string
	for i := range run.Workloads {
		w := &run.Workloads[i]
		for _, s := range w.Step {
			step = append(step, []string{w.ID, s.Name, string(s.Kind), num(s.Seconds), num(s.HiddenSeconds), strconv.FormatBool(s.Waiting)})
		}
		for _, m := range w.Memory {
			for _, p := range m.Parts {
				memory = append(memory, []string{w.ID, m.Name, strconv.Itoa(m.Ranks), p.Name, num(p.GiB), num(m.TotalGiB), num(m.UsableGiB)})
			}
		}
		for _, l := range w.Losses {
			losses = append(losses, []string{w.ID, l.Cause, string(l.Kind), num(l.Share), num(l.Low), num(l.High), num(l.GPUHours), l.Note})
		}
		for _, x := range w.Timeline {
			timeline = append(timeline, []string{w.ID, num(x.Start), num(x.End), x.What, x.Note})
		}
		if w.Serving == nil {
			continue
		}
		for _, l := range w.Serving.Latency {
			latency = append(latency, []string{w.ID, l.Name, l.Class, num(l.P10), num(l.P50), num(l.P90), num(l.P95), num(l.P99), num(l.P999), num(l.Limit), l.At})
		}
		for _, t := range w.Serving.TTFTParts {
			for _, s := range t.Parts {
				ttft = append(ttft, []string{w.ID, t.Percentile, s.Name, string(s.Kind), num(s.Seconds)})
			}
		}
		for _, p := range w.Serving.Load {
			load = append(load, []string{w.ID, num(p.RequestsPerSec), num(p.Attainment.Value), num(p.Attainment.Low), num(p.Attainment.High), num(p.TTFTP95), strconv.FormatBool(p.Asked)})
		}
		for _, h := range w.Serving.Hours {
			hours = append(hours, []string{w.ID, strconv.Itoa(h.Hour), num(h.RequestsPerSec), num(h.Attainment)})
		}
	}
	add("step", []string{"workload", "part", "kind", "time_s", "hidden_s", "waiting"}, step)
	add("losses", []string{"workload", "cause", "kind", "share_ratio", "low_ratio", "high_ratio", "accelerator_time_gpu_h", "note"}, losses)
	add("memory", []string{"workload", "class", "ranks_count", "use", "size_gib", "class_total_gib", "usable_gib"}, memory)
	add("latency", []string{"workload", "latency", "class", "p10_s", "p50_s", "p90_s", "p95_s", "p99_s", "p999_s", "limit_s", "limit_at"}, latency)
	add("ttft", []string{"workload", "percentile", "part", "kind", "time_s"}, ttft)
	add("load", []string{"workload", "load_requests_per_s", "attainment_ratio", "low_ratio", "high_ratio", "ttft_p95_s", "asked"}, load)
	add("hours", []string{"workload", "hour_h", "load_requests_per_s", "attainment_ratio"}, hours)
	add("timeline", []string{"workload", "start_s", "end_s", "what", "note"}, timeline)

	var rows [][]string
	for _, l := range run.Fabric {
		rows = append(rows, []string{l.Name, strconv.Itoa(l.Links), num(l.Gbps), num(l.CapacityTBs), num(l.Mean), num(l.P99), num(l.Max)})
	}
	add("fabric", []string{"level", "links_count", "link_gbit_per_s", "capacity_tb_per_s", "mean_ratio", "p99_ratio", "max_ratio"}, rows)
	rows = nil
	for _, t := range run.SwitchTiers {
		for p, pod := range t.Pods {
			for s, u := range pod {
				rows = append(rows, []string{t.Name, strconv.Itoa(p), strconv.Itoa(s), num(u)})
			}
		}
	}
	add("switches", []string{"tier", "pod_index", "switch_index", "busiest_link_ratio"}, rows)
	rows = nil
	for _, b := range run.Bottlenecks {
		rows = append(rows, []string{b.Workload, b.Resource, b.Name, string(b.Kind), num(b.Share), num(b.Seconds)})
	}
	add("bottlenecks", []string{"workload", "resource", "name", "kind", "share_ratio", "time_s"}, rows)
	rows = nil
	for _, e := range run.Elasticities {
		rows = append(rows, []string{e.Workload, e.Resource, e.Name, e.Metric, num(e.Step), num(e.Gain.Value), num(e.Gain.Low), num(e.Gain.High), num(e.Double), strconv.FormatBool(e.Free)})
	}
	add("elasticities", []string{"workload", "resource", "name", "metric", "step_ratio", "gain_ratio", "low_ratio", "high_ratio", "gain_when_doubled_ratio", "free"}, rows)
	rows = nil
	for _, list := range [][]result.Lever{run.Levers, run.NotWorth} {
		for _, l := range list {
			rows = append(rows, []string{l.Action, num(l.ObjectiveGain.Value), num(l.ObjectiveGain.Low), num(l.ObjectiveGain.High), num(l.UnitCostChange.Value), num(l.CapitalUSD), num(l.PWorth), l.Condition, strconv.FormatBool(l.Together)})
		}
	}
	add("levers", []string{"action", "objective_gain_ratio", "low_ratio", "high_ratio", "unit_cost_change_ratio", "capital_usd", "p_worth_ratio", "condition", "together"}, rows)
	rows = nil
	for _, s := range run.Storage {
		for _, st := range s.Stages {
			rows = append(rows, []string{s.Workload, s.Store, s.Use, num(s.Bytes), num(s.Seconds), num(s.Reached), num(s.GPUShare), st.Stage, num(st.BytesPerSec), strconv.FormatBool(st.Narrowest)})
		}
	}
	add("storage", []string{"workload", "store", "use", "size_b", "time_s", "reached_b_per_s", "gpu_time_ratio", "stage", "stage_b_per_s", "narrowest"}, rows)
	rows = nil
	for _, l := range run.Ledger.Lines {
		rows = append(rows, []string{l.Item, l.Basis, string(l.Kind), num(l.CapexUSD), num(l.Life), num(l.Rate), num(l.Residual), num(l.USD), num(l.Low), num(l.High), string(l.Pedigree), l.Source})
	}
	add("ledger", []string{"item", "basis", "kind", "capex_usd", "life_years", "rate_per_year_ratio", "residual_ratio", "cost_usd", "low_usd", "high_usd", "pedigree", "source"}, rows)
	rows = nil
	for _, u := range run.Ledger.Units {
		rows = append(rows, row([]string{u.Key, u.Name}, interval(u.Value)...))
	}
	add("unit_costs", []string{"key", "name", "value", "low", "high", "unit", "pedigree"}, rows)
	rows = nil
	for _, c := range run.Ledger.Carbon {
		rows = append(rows, row([]string{c.Name, c.Basis}, interval(c.Value)...))
	}
	add("carbon", []string{"name", "basis", "value", "low", "high", "unit", "pedigree"}, rows)
	rows = nil
	if run.Energy != nil {
		energyCSV(run.Energy, "", &rows)
	}
	add("energy", []string{"node", "parent", "power_mean_mw", "low_mw", "high_mw", "energy_mwh"}, rows)
	rows = nil
	for _, t := range run.Tornado {
		rows = append(rows, []string{t.Input, t.Unit, num(t.Low), num(t.High), num(t.AtLow), num(t.AtHigh), num(t.Base), t.CostUnit, string(t.Pedigree)})
	}
	add("sensitivity", []string{"input", "input_unit", "low", "high", "cost_at_low", "cost_at_high", "cost_base", "cost_unit", "pedigree"}, rows)
	rows = nil
	for _, r := range run.Rungs {
		rows = append(rows, []string{r.Rung, string(r.Pedigree), num(r.Share)})
	}
	add("rungs", []string{"rung", "pedigree", "share_ratio"}, rows)
	rows = nil
	for _, a := range run.Assumptions {
		rows = append(rows, []string{a.Name, a.Value, string(a.Pedigree), a.Source, num(a.Weight)})
	}
	add("assumptions", []string{"name", "value_with_unit", "pedigree", "source", "variance_share_ratio"}, rows)
	rows = nil
	if c := run.Compliance; c != nil {
		for _, r := range c.Rules {
			rows = append(rows, []string{r.Regime, r.Rule, r.Title, r.Basis, r.Status, strconv.Itoa(r.Checked), findings(r)})
		}
	}
	var shares [][]string
	for _, q := range run.Queues {
		for by, list := range [][]result.QueueClass{q.Tenants, q.Classes} {
			for _, c := range list {
				shares = append(shares, []string{q.ID, []string{"tenant", "size"}[by], c.Name, strconv.Itoa(c.Jobs), num(c.GPUHours), num(c.WaitMeanSec), num(c.WaitP50Sec), num(c.WaitP95Sec), num(c.JCTMeanSec), num(c.Slowdown), num(c.WithinSLO), num(c.CostUSD)})
			}
		}
	}
	add("queues", []string{"queue", "by", "name", "jobs", "gpu_hours", "wait_mean_s", "wait_p50_s", "wait_p95_s", "jct_mean_s", "slowdown", "within_slo", "cost_usd"}, shares)
	var stages [][]string
	for _, q := range run.Pipelines {
		for _, st := range q.Stages {
			stages = append(stages, []string{q.ID, st.ID, strconv.Itoa(st.Tasks), num(st.Start), num(st.End), st.Bound})
		}
	}
	add("pipelines", []string{"pipeline", "stage", "tasks", "start_s", "end_s", "bound_by"}, stages)
	var offload [][]string
	for _, o := range run.Offloads {
		for k, l := range o.Local {
			r := []string{o.Workload, num(l.RequestsPerSec), num(l.TTFTP95), num(l.Attainment.Value), "", ""}
			if k < len(o.Remote) {
				r[4], r[5] = num(o.Remote[k].TTFTP95), num(o.Remote[k].Attainment.Value)
			}
			offload = append(offload, r)
		}
	}
	add("offload", []string{"workload", "requests_per_s", "site_p95_s", "site_attainment_ratio", "region_p95_s", "region_attainment_ratio"}, offload)
	var functions [][]string
	for _, f := range run.Functions {
		functions = append(functions, []string{f.ID, strconv.Itoa(f.Requests), num(f.ColdShare), num(f.ColdSec), num(f.Instances), num(f.Busy), strconv.Itoa(f.Peak), num(f.ResponseP50), num(f.ResponseP99), num(f.USDPerHour), num(f.BreakEven)})
	}
	add("functions", []string{"function", "requests", "cold_ratio", "cold_start_s", "instances", "busy_instances", "peak_instances", "response_p50_s", "response_p99_s", "cost_usd_per_h", "break_even_requests_per_s"}, functions)
	var streams [][]string
	for _, x := range run.Streams {
		streams = append(streams, []string{x.ID, num(x.PerSec), num(x.Workers), strconv.Itoa(x.Peak), strconv.Itoa(x.Starts), num(x.Backlog), num(x.LagMeanSec), num(x.LagP99Sec), num(x.Within), num(x.USDPerHour)})
	}
	add("streams", []string{"stream", "elements_per_s", "workers", "peak_workers", "worker_starts", "backlog_peak", "lag_mean_s", "lag_p99_s", "within_lag_slo_ratio", "cost_usd_per_h"}, streams)
	add("data_protection", []string{"regime", "rule", "title", "basis", "status", "subjects", "findings"}, rows)
	rows = nil
	for _, w := range run.Warnings {
		rows = append(rows, []string{w.What, w.Why, w.Effect})
	}
	add("warnings", []string{"what", "why", "effect"}, rows)
	return out
}

func energyCSV(n *result.EnergyNode, parent string, rows *[][]string) {
	*rows = append(*rows, []string{n.Name, parent, num(n.MWMean), num(n.Low), num(n.High), num(n.MWh)})
	for i := range n.Children {
		energyCSV(&n.Children[i], n.Name, rows)
	}
}

// metricRows are the run's and every workload's metrics, sorted by key.
func metricRows(run *result.Run) [][]string {
	var rows [][]string
	put := func(workload string, m map[string]result.Number) {
		keys := make([]string, 0, len(m))
		for k := range m {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			n := m[k]
			rows = append(rows, []string{workload, k, num(n.Value), num(n.Low), num(n.High), n.Unit, string(n.Pedigree), n.Rung, n.NoInterval})
		}
	}
	for i := range run.Workloads {
		put(run.Workloads[i].ID, run.Workloads[i].Metrics)
	}
	put("", run.Metrics)
	return rows
}

// CSV is the run for `--format csv`: its metrics, one a line.
func CSV(run *result.Run) []byte {
	return Table{"metrics", []string{"workload", "metric", "value", "low", "high", "unit", "pedigree", "rung", "no_interval"}, metricRows(run)}.CSV()
}
