package hardware

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// summary is the one line that a listing prints for a row.
func summary(kind string, r *record) string {
	var parts []string
	add := func(column, label string) {
		if v := r.value(column); v.Known() {
			parts = append(parts, strings.TrimSpace(FormatValue(v)+" "+label))
		}
	}
	word := func(column string) {
		if s := r.text[column]; s != "" {
			parts = append(parts, s)
		}
	}
	switch kind {
	case KindAccelerator:
		word("vendor")
		word("class")
		sixteen := "bf16"
		if r.text["sixteen_bit"] != "" {
			sixteen = "fp16"
		}
		add("bf16_dense_tflops", sixteen)
		if _, ok := r.number["bf16_dense_tflops"]; !ok {
			add("int8_dense_tops", "int8")
		}
		add("memory_gib", "")
		add("mem_bw_GBps", "")
		add("tdp_w", "")
	case KindServer:
		word("model")
		if r.text["accelerator_id"] != "" {
			parts = append(parts, fmt.Sprintf("%d × %s", r.count("accel_count"), r.text["accelerator_id"]))
		}
		add("power_max_kw", "")
		add("price_usd", "")
	case KindInterconnect:
		word("class")
		word("standard")
		if p := r.count("ports"); p > 1 {
			parts = append(parts, fmt.Sprintf("%d ports", p))
		}
		add("port_gbps_per_direction", "per port")
	case KindDrive:
		word("class")
		word("model")
		add("capacity_tb", "")
		add("seq_read_GBps", "read")
		add("seq_write_GBps", "write")
	case KindInstance:
		word("provider")
		word("instance")
		if n := r.count("accel_count"); n > 0 {
			parts = append(parts, fmt.Sprintf("%d × %s", n, r.text["accelerator_id"]))
		}
		add("on_demand_usd_h", "")
		word("region")
	case KindModel:
		word("family")
		word("class")
		if v := r.value("params_b"); v.Known() {
			parts = append(parts, fmt.Sprintf("%.4g B parameters", v.V/1e9))
		}
	case KindPower, KindFact:
		if kind == KindPower {
			word("name")
			word("metric")
		}
		if v := r.value("value"); v.Known() {
			parts = append(parts, FormatValue(v))
		}
		word("context")
	}
	return strings.Join(parts, ", ")
}

// FormatValue prints a value in a unit of a fitting size: "989 TFLOP/s",
// "80 GiB", "3.35 TB/s".
func FormatValue(v Value) string {
	if !v.Known() {
		return "unknown"
	}
	switch v.Unit {
	case "":
		if v.V >= 1e6 {
			return engineering(v.V, "")
		}
		return trim(v.V)
	case "B":
		if gib := v.V / (1 << 30); gib >= 0.01 && math.Abs(gib*64-math.Round(gib*64)) < 1e-6 {
			return trim(gib) + " GiB"
		}
		return engineering(v.V, "B")
	case "B/s", "FLOP/s", "OP/s", "W", "s", "FLOP", "1/s":
		return engineering(v.V, v.Unit)
	}
	return trim(v.V) + " " + v.Unit
}

func engineering(x float64, unit string) string {
	steps := []struct {
		scale  float64
		prefix string
	}{{1e18, "E"}, {1e15, "P"}, {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}, {1e-3, "m"}, {1e-6, "u"}, {1e-9, "n"}}
	if x == 0 {
		return strings.TrimSpace("0 " + unit)
	}
	for _, s := range steps {
		if math.Abs(x) >= s.scale*0.9995 {
			if s.prefix == "P" && unit == "FLOP/s" && x < 2e16 {
				return trim(x/1e12) + " T" + unit // chips are quoted in TFLOP/s
			}
			return strings.TrimSpace(trim(x/s.scale) + " " + s.prefix + unit)
		}
	}
	return trim(x) + " " + unit
}

// trim prints four significant digits, and all digits before the point.
func trim(x float64) string {
	if math.Abs(x) >= 1e4 && math.Abs(x) < 1e15 {
		return strconv.FormatFloat(math.Round(x), 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}
