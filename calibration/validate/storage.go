package validate

import (
	"fmt"
	"math"
	"strings"

	"aisim/hardware"
	"aisim/storage"
)

func init() { Register("storage", newStorage) }

// stores predicts storage systems: throughput, latency, recovery, loaders.
type stores struct {
	catalogue *hardware.Catalogue
	points    []submission // of MLPerf Storage, of the whole table
}

func newStorage() (Kind, error) { return &stores{catalogue: hardware.Default()}, nil }

func (k *stores) Name() string { return "storage" }
func (k *stores) Columns() []string {
	return []string{"system", "workload", "metric", "value", "unit"}
}

func (k *stores) crossValidated() (group string, columns []string) {
	return "class", []string{"source"}
}

// storeAnswer is a prediction in the row's unit.
type storeAnswer struct {
	value, roof, sd float64
	rung, class     string
	scale           Scale
}

// Predict implements Kind.
func (k *stores) Predict(row Row, c Case) []Case {
	c.In("system", row.Text("system"))
	c.In("metric", row.Text("metric"))
	c.In("source", firstWord(row.Text("source")))
	v, ok, err := row.Number("value")
	if err != nil {
		return []Case{c.Fail(err)}
	}
	if !ok {
		return []Case{c.Refuse("the row has no measured value")}
	}
	metric, unit := row.Text("metric"), row.Text("unit")
	ask := &storeRow{Row: row, metric: strings.ToLower(metric), work: strings.ToLower(row.Text("workload")), system: row.Text("system"), c: &c}
	a, err := k.answer(ask)
	c.Measure(metric, unit, a.scale, v)
	if err != nil {
		return []Case{c.Refuse(err.Error())}
	}
	if a.class != "" {
		c.In("class", a.class)
	}
	// Changes in percent are ratios of two predictions: they are compared as ratios.
	if strings.HasSuffix(ask.metric, "_change") || strings.HasSuffix(ask.metric, "_gain") {
		c.Measure(metric+" (of the base)", unit, Size, 100+v)
		a.value, a.scale = 100+a.value, Size
		if a.roof != 0 {
			a.roof += 100
		}
	}
	if !(a.value > 0) || math.IsInf(a.value, 0) {
		return []Case{c.Refuse("the prediction is not finite")}
	}
	keep := c.scale
	if keep == Size && strings.Contains(unit, "percent") {
		c.scale = Rate // ratios count in the summary; sizes are groups of their own
	}
	c.Predict(Prediction{Value: a.value, Low: a.value * math.Exp(-z90*a.sd), High: a.value * math.Exp(z90*a.sd), Roofline: a.roof, Rung: a.rung})
	return []Case{c}
}

func firstWord(s string) string {
	if i := strings.IndexAny(s, " /"); i > 0 {
		return s[:i]
	}
	return s
}

// storeRow is a row with what is asked of it often.
type storeRow struct {
	Row
	metric, work, system string
	c                    *Case
}

func (r *storeRow) assume(format string, args ...any) {
	r.c.Assumed = append(r.c.Assumed, fmt.Sprintf(format, args...))
}

func (k *stores) answer(r *storeRow) (storeAnswer, error) {
	switch {
	case strings.Contains(r.work, "mlperf storage"):
		return k.loader(r)
	case strings.Contains(r.work, "checkpoint size"):
		return checkpointSize(r)
	case strings.Contains(r.metric, "_per_prefix"):
		return prefixLimit(r)
	case strings.HasPrefix(r.metric, "device_"):
		return deviceCount(r)
	case strings.Contains(r.work, "gdsio"), strings.Contains(r.work, "gpudirect"):
		return k.gpuDirect(r)
	case strings.Contains(r.system, "Ceph"), strings.Contains(r.system, "RHCS"):
		return k.ceph(r)
	}
	return storeAnswer{}, fmt.Errorf("%s: %s of %s: no model, or too little of the system is given", r.system, r.metric, r.work)
}

// checkpointParams are parameters of the models whose checkpoints MLPerf Storage writes.
var checkpointParams = []struct {
	name   string
	params float64
}{{"405b", 405.85e9}, {"1t", 1.38e12}, {"70b", 70.55e9}, {"8b", 8.03e9}}

func checkpointSize(r *storeRow) (storeAnswer, error) {
	for _, m := range checkpointParams {
		if strings.Contains(r.work, m.name) {
			unit := map[string]float64{"gib": 1 << 30, "gb": 1e9, "tib": 1 << 40, "tb": 1e12}[strings.ToLower(r.Text("unit"))]
			if unit == 0 {
				return storeAnswer{scale: Size}, fmt.Errorf("unit %q of a size is not known", r.Text("unit"))
			}
			b := storage.CheckpointBytes(m.params) / unit
			return storeAnswer{value: b, roof: m.params * 2 / unit, sd: 0.01, rung: "14 bytes per parameter", class: "checkpoint size", scale: Size}, nil
		}
	}
	return storeAnswer{scale: Size}, fmt.Errorf("the model of %q is not known", r.work)
}

// Documented request rates of one partitioned prefix of Amazon S3.
const s3PutPerPrefix, s3GetPerPrefix = 3500, 5500

func prefixLimit(r *storeRow) (storeAnswer, error) {
	v := float64(s3GetPerPrefix)
	if strings.HasPrefix(r.metric, "put") {
		v = s3PutPerPrefix
	}
	return storeAnswer{value: v, sd: 0.02, rung: "documented limit", class: "object store", scale: Rate}, nil
}

// deviceCount counts device accesses of an overwrite that stays inside one data shard
// of a fast erasure-coded pool: the parity delta reads and writes the shard and all
// parities, the partial write reads the other shards instead.
func deviceCount(r *storeRow) (storeAnswer, error) {
	a := storeAnswer{sd: 0.02, rung: "counted", class: "EC counts", scale: Size}
	var data, parity float64
	if _, err := fmt.Sscanf(strings.ToUpper(strings.SplitN(r.Text("replication"), " ", 2)[0]), "EC%f+%f", &data, &parity); err != nil {
		return a, fmt.Errorf("replication %q is no erasure code", r.Text("replication"))
	}
	const shards = 1
	switch {
	case strings.HasPrefix(r.metric, "device_writes"):
		a.value = shards + parity
	case strings.Contains(r.work, "delta"):
		a.value = shards + parity
	default:
		a.value = data - shards
	}
	a.roof = 1
	return a, nil
}

// directShare is what reads past the processor leave of the narrowest part's rate: 0.94 of
// what PCIe 4 carries after its framing, 0.92 of four drives' sheets, 0.93 of a 400 GbE port.
const directShare = 0.92

// gpuDirect is what GPUs read past the processor: the narrowest of the GPU's link, the
// drives and the network, whichever the row names.
func (k *stores) gpuDirect(r *storeRow) (storeAnswer, error) {
	a := storeAnswer{sd: 0.05, rung: "narrowest part", class: "GPUDirect", scale: Rate}
	unit := byteUnit(r.Text("unit"))
	if unit == 0 {
		return a, fmt.Errorf("unit %q of a rate is not known", r.Text("unit"))
	}
	// A link carries 0.98 of its line after encoding and headers (PCIe base specification).
	line := []struct {
		name string
		rate float64
	}{{"pcie3", 15.75e9}, {"pcie4", 31.5e9}, {"pcie5", 63e9}}
	named := r.metric + " " + r.work
	narrow := math.Inf(1)
	for _, l := range line {
		if strings.Contains(named, l.name) {
			narrow = 0.98 * l.rate
		}
	}
	if strings.Contains(named, "nfs") || strings.Contains(named, "rdma") || strings.Contains(named, "network") {
		if nic, ok := portRate(r.Text("network")); ok {
			narrow = math.Min(narrow, nic)
		}
	}
	if drives, _, err := r.Number("osds"); err == nil && drives > 0 && math.IsInf(narrow, 1) {
		d, err := k.drive(r.Text("device"))
		if err != nil {
			return a, err
		}
		narrow = drives * d.ReadBytesPerSec
		if strings.Contains(named, "write") {
			narrow = drives * d.WriteBytesPerSec
		}
	}
	if math.IsInf(narrow, 1) {
		return a, fmt.Errorf("neither link nor drives nor network are named in %q", r.metric)
	}
	a.value, a.roof = directShare*narrow/unit, narrow/unit
	return a, nil
}
