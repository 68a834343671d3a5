package main

import (
	"regexp"
	"strconv"
	"strings"
)

// pedigree is what the generator knows of where a value comes from.
type pedigree struct {
	kind   string // measured | datasheet | derived | assumed
	source string
	date   string
	sd     float64 // 0: the rule of the kind
}

// rowPedigree reads a row's own words: ASSUMPTION and "derived" speak for
// themselves, a price list or a specification is the vendor's statement.
func rowPedigree(t table, row map[string]string) pedigree {
	p := pedigree{kind: "datasheet", source: row["source"], date: row[t.date]}
	src, notes := row["source"], row["notes"]
	switch t.kind {
	case "fact":
		q, ctx := row["quantity"], row["context"]
		switch {
		case strings.HasPrefix(src, "ASSUMPTION") || strings.Contains(ctx, ", assumption"):
			p.kind = "assumed"
		case strings.HasPrefix(src, "derived") || strings.HasPrefix(ctx, "DERIVED"):
			p.kind = "derived"
		case strings.HasPrefix(src, "measured:") || strings.Contains(ctx, "measured"):
			p.kind = "measured"
		case strings.Contains(ctx, "empirical") || strings.HasPrefix(q, "llm_cold_"):
			p.kind = "derived"
		}
		if lo, hi, ok := statedRange(ctx); ok {
			p.sd = rangeSD(lo, hi, row["value"])
		}
	case "power":
		switch {
		case strings.Contains(src, "engineering rule") || strings.Contains(notes, "assumption"):
			p.kind = "assumed"
		case row["scope"] == "embodied":
			p.kind, p.sd = "derived", 0.30 // life-cycle studies of alike machines differ by this much
		case row["metric"] == "grid_carbon_intensity":
			p.kind, p.sd = "derived", 0.05 // annual average of published generation
			if strings.Contains(notes, "OLD") {
				p.sd = 0.20 // 2016 mix, newer grids are cleaner
			}
		case row["metric"] == "electricity_price":
			p.sd = 0.10
		}
	case "model":
		switch {
		case strings.Contains(src, "derived"):
			p.kind = "derived"
		case strings.Contains(src, "approximate"):
			p.sd = 0.15
		}
	case "accelerator":
		if strings.Contains(notes, "ANNOUNCED") {
			p.sd = 0.15 // pre-release figures
		}
	case "interconnect":
		if strings.Contains(strings.ToLower(notes), "announced") || strings.Contains(notes, "specification only") {
			p.sd = 0.10
		}
	}
	return p
}

// valuePedigree gives the pedigree of one value where it differs from its row's.
func valuePedigree(t table, row map[string]string, col string, p pedigree) pedigree {
	src, notes := row["source"], row["notes"]
	switch {
	case strings.HasPrefix(col, "typical_price") || strings.HasPrefix(col, "price_usd"):
		p.date, p.sd = row[t.price], 0.10
		if i := strings.LastIndex(src, "price "); i >= 0 {
			p.source = strings.TrimPrefix(src[i:], "price ")
		}
		switch {
		case strings.Contains(notes, "ESTIMATE") || strings.Contains(src, "reseller range"):
			p.kind = "assumed"
		case strings.Contains(p.source, "Epoch AI"), strings.Contains(notes, "kit /8"), strings.Contains(notes, "/ 4"):
			p.kind = "derived"
		}
		if lo, hi, ok := statedRange(notes); ok {
			if t.kind == "interconnect" {
				p.kind = "derived" // the middle of a published range
			}
			p.sd = rangeSD(lo, hi, row[col])
		}
	case col == "spot_usd_h":
		p.sd = 0.25 // spot prices move with demand
	case strings.HasSuffix(col, "_usd_h"):
		p.sd = 0.10
		if strings.Contains(notes, "derived from") {
			p.kind = "derived"
		}
	case t.kind == "accelerator" && peakColumn(col) && strings.Contains(src, "DERIVED"):
		p.kind = "derived"
	case t.kind == "model" && col == "flops_per_sample":
		p.kind = "derived"
	case t.kind == "model" && (col == "params_b" || col == "active_params_b"):
		if p.kind == "datasheet" && !strings.Contains(notes, "nominal") && strings.HasPrefix(row["kind"], "llm") {
			p.kind = "derived" // computed from the card and checked against the published size
		}
	}
	for _, e := range exceptions {
		if e.id == row["id"] && e.col == col {
			p.kind, p.source = e.kind, e.source
			if e.sd > 0 {
				p.sd = e.sd
			}
		}
	}
	return p
}

func peakColumn(col string) bool {
	return strings.HasSuffix(col, "_tflops") || strings.HasSuffix(col, "_tops")
}

// exceptions are single values whose notes say that they rest on something
// else than their row.
var exceptions = []struct {
	id, col, kind, source string
	sd                    float64
}{
	{"nvidia-h200-sxm", "idle_w", "measured", "api.serialalice.pt/alice-benchmark: 80.3 W on one H200; second source 73.7 W", 0.05},
	{"google-tpu-v4", "idle_w", "measured", "ISCA 2023 TPU v4 paper, from memory: idle 90 W", 0.05},
	{"google-tpu-v4", "tdp_w", "measured", "ISCA 2023 TPU v4 paper, from memory: highest mean chip power 192 W", 0.05},
	{"aws-trainium2", "tdp_w", "assumed", "HIT-JimmyXiao/AI_hardware_performerance_data_analysis:ml_hardware.csv (Epoch AI CC-BY)", 0.15},
	{"aws-trainium3", "tdp_w", "assumed", "HIT-JimmyXiao/AI_hardware_performerance_data_analysis:ml_hardware.csv (Epoch AI CC-BY); press speaks of up to 1 kW", 0.20},
	{"huawei-ascend-910b", "bf16_dense_tflops", "datasheet", "HIT-JimmyXiao/AI_hardware_performerance_data_analysis:ml_hardware.csv (Epoch AI CC-BY); bins differ, 280-400", 0.10},
	{"huawei-ascend-910b", "mem_bw_GBps", "datasheet", "HIT-JimmyXiao/AI_hardware_performerance_data_analysis:ml_hardware.csv (Epoch AI CC-BY); bins differ, 800-1600", 0.15},
	{"nvidia-b300-sxm", "fp4_dense_tflops", "derived", "HGX 108 PFLOPS / 8; quoted 12600-15000", 0.06},
	{"cx5-edr", "power_typ_w", "datasheet", "docs.nvidia.com ConnectX5 OCP Specifications: the dual 25G OCP variant", 0.15},
	{"cx6-hdr", "power_typ_w", "assumed", "vendor datasheet, from memory; approximate", 0.15},
	{"cx7-ndr", "power_typ_w", "assumed", "vendor datasheet, from memory; approximate", 0.15},
	{"qm9700-ndr", "hop_latency_ns", "datasheet", "vendor datasheet, from memory; published figures range from under 150 to about 330 ns", 0.25},
	{"sb7800-edr", "hop_latency_ns", "datasheet", "vendor datasheet, from memory; port latency 90 ns", 0.10},
	{"ndr-optics-per-gpu-cost", "price_usd", "derived", "ascentoptics.com osfp-nvidia-infiniband guide: 1.5 M USD for 1024 H100", 0.25},
	{"eth-64x800g-priced", "price_usd", "derived", "luxoptx.com 800G cost analysis: public range 150000-250000", 0.15},
	{"lustre-open-small", "read_latency_us", "measured", "stas00/ml-engineering:storage/README.md", 0},
	{"dgx-a100-320", "price_usd", "datasheet", "vendor list price at launch, from memory", 0.10},
}

var rangeWords = regexp.MustCompile(`(?:range|between|reseller range|public range) ([0-9.]+)k?-([0-9.]+)`)

// statedRange finds "range A-B" in a note.
func statedRange(note string) (lo, hi float64, ok bool) {
	m := rangeWords.FindStringSubmatch(note)
	if m == nil {
		return 0, 0, false
	}
	lo, e1 := strconv.ParseFloat(m[1], 64)
	hi, e2 := strconv.ParseFloat(strings.TrimSuffix(m[2], "."), 64)
	return lo, hi, e1 == nil && e2 == nil && hi > lo && lo > 0
}

// rangeSD reads a published range as a 90 % interval of a normal: its width is
// 3.29 standard deviations. Values that lie outside the range (another unit)
// fall back to the ratio of the range's own middle.
func rangeSD(lo, hi float64, value string) float64 {
	mid := (lo + hi) / 2
	if v, err := strconv.ParseFloat(value, 64); err == nil && v >= lo && v <= hi {
		mid = v
	}
	sd := (hi - lo) / mid / 3.29
	return float64(int(sd*1000+0.5)) / 1000
}

// fp16Only says whether the bf16 column of an accelerator holds the fp16 rate
// of a chip without bf16 (catalogue README: P100, V100, T4, IPU, Groq, Jetson).
func fp16Only(row map[string]string) bool {
	n := row["notes"]
	if row["bf16_dense_tflops"] == "" {
		return false
	}
	if strings.Contains(n, "bf16 column") || strings.Contains(n, "in bf16 column") {
		return true
	}
	for _, prefix := range []string{"nvidia-p100", "nvidia-v100", "nvidia-t4", "graphcore-", "groq-", "nvidia-jetson", "intel-movidius"} {
		if strings.HasPrefix(row["id"], prefix) {
			return true
		}
	}
	return false
}
