package validate

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"aisim/hardware"
)

// operatorReader turns a row into calls. Shape are the columns without which it is not
// the reader of a table.
type operatorReader struct {
	shape []string
	read  func(*operatorReading, Row) error
}

// operatorReaders are the layouts of the collectors of ai-dynamo/aiconfigurator and of
// microsoft/vidur.
var operatorReaders = []operatorReader{
	{[]string{"gemm_dtype", "m", "n", "k", "latency_ms"}, (*operatorReading).gemm},
	{[]string{"batch_size", "isl", "num_heads", "num_key_value_heads", "head_dim", "attn_dtype", "kv_cache_dtype", "step", "latency_ms"}, (*operatorReading).attention},
	{[]string{"moe_dtype", "num_tokens", "hidden_size", "inter_size", "topk", "num_experts", "moe_tp_size", "moe_ep_size", "distribution", "latency_ms"}, (*operatorReading).experts},
	{[]string{"n_head", "n_kv_head", "n_embd", "n_expanded_embd", "num_tokens", "num_tensor_parallel_workers", "mlp_up_proj.median"}, (*operatorReading).layer},
}

// operatorReading collects the calls of a file by operator and format.
type operatorReading struct {
	device *hardware.Device
	chip   string
	grids  []*operatorGrid
	index  map[[2]string]*operatorGrid
}

// readOperators reads a table. Its chip is in a column chip or system, else in its name.
func readOperators(t OperatorTable) ([]*operatorGrid, error) {
	table, err := ReadTable(t.Text)
	if err != nil {
		return nil, err
	}
	has := map[string]bool{}
	for _, c := range table.Columns {
		has[c] = true
	}
	for _, reader := range operatorReaders {
		all := true
		for _, c := range reader.shape {
			all = all && has[c]
		}
		if !all {
			continue
		}
		if len(table.Rows) == 0 {
			return nil, fmt.Errorf("no rows under the header")
		}
		r := &operatorReading{index: map[[2]string]*operatorGrid{}}
		if err := r.chipOf(table.Rows[0], t.Name); err != nil {
			return nil, err
		}
		for _, row := range table.Rows {
			if err := reader.read(r, row); err != nil {
				return nil, err
			}
		}
		return r.grids, nil
	}
	return nil, fmt.Errorf("not a table of operators: its columns are none of GEMM (gemm_dtype, m, n, k), attention, experts or layers")
}

func (r *operatorReading) chipOf(row Row, name string) error {
	for _, text := range []string{row.Text("chip"), row.Text("system"), filepath.Base(name)} {
		id, _ := chipOf(strings.ReplaceAll(text, "_", " "))
		if id == "" {
			continue
		}
		d, err := hardware.Default().Device(id, nil, nil)
		if err != nil {
			return err
		}
		r.chip, r.device = id, d.Isolated()
		return nil
	}
	return fmt.Errorf("no chip of the catalogue in the column chip or in the name of the file: add the column or rename it (h100_sxm_gemm.csv)")
}

// numbers reads positive cells.
func numbers(row Row, columns ...string) ([]float64, error) {
	out := make([]float64, len(columns))
	for i, c := range columns {
		v, ok, err := row.Number(c)
		if err != nil {
			return nil, err
		}
		if !ok || v < 0 {
			return nil, fmt.Errorf("line %d: %s is %q, want a number from 0 up", row.Line, c, row.Text(c))
		}
		out[i] = v
	}
	return out, nil
}

// add takes in a call. Curve is its time on any device, of which the reading has the chip's own.
func (r *operatorReading) add(row Row, op, format string, prior, size []float64, sec float64, on func(*hardware.Device) float64, roof float64) error {
	curve := on(r.device)
	if !(sec > 0) {
		return fmt.Errorf("line %d: the time of %s is %g s, want a positive number", row.Line, op, sec)
	}
	for _, s := range size {
		if !(s > 0) {
			return fmt.Errorf("line %d: a size of %s is %g, want a positive number", row.Line, op, s)
		}
	}
	if math.IsInf(curve, 0) || !(curve > 0) {
		return fmt.Errorf("line %d: no curve of %s in %s on %s", row.Line, op, format, r.chip)
	}
	key := [2]string{op, format}
	g := r.index[key]
	if g == nil {
		g = &operatorGrid{chip: r.chip, device: r.device, op: op, format: format, prior: prior}
		r.index[key] = g
		r.grids = append(r.grids, g)
	}
	g.calls = append(g.calls, operatorCall{line: row.Line, size: size, sec: sec, curve: curve, roof: roof, on: on})
	return nil
}

// format reads the number format of a table's cell.
func (r *operatorReading) format(row Row, text string) (hardware.DType, error) {
	dt, err := hardware.ParseDType(text)
	if err == nil {
		err = r.device.Supports(dt)
	}
	if err != nil {
		return 0, fmt.Errorf("line %d: %w", row.Line, err)
	}
	return dt, nil
}

func (r *operatorReading) gemm(row Row) error {
	v, err := numbers(row, "m", "n", "k", "latency_ms")
	if err != nil {
		return err
	}
	dt, err := r.format(row, row.Text("gemm_dtype"))
	if err != nil {
		return err
	}
	return r.matrix(row, "GEMM", row.Text("gemm_dtype"), dt, v[0], v[1], v[2], v[3]*1e-3)
}

func (r *operatorReading) matrix(row Row, op, format string, dt hardware.DType, m, n, k, sec float64) error {
	out := math.Max(2, dt.Bytes())
	curve := func(d *hardware.Device) float64 {
		if lib, from := d.Library(dt); from != hardware.OriginNone {
			return lib.Sec(m, n, k, dt.Bytes(), out)
		}
		return d.GEMM(m, n, k, dt).Sec
	}
	bytes := (m*k+k*n)*dt.Bytes() + m*n*out
	return r.add(row, op, format, hardware.GEMMPrior[:], []float64{m, n, k}, sec, curve, r.roof(2*m*n*k, bytes, dt))
}

func (r *operatorReading) roof(flops, bytes float64, dt hardware.DType) float64 {
	return r.device.LaunchSec + math.Max(flops/r.device.Peak[dt], bytes/r.device.MemBytesPerSec)
}

// attention tables hold prefill (step: cached tokens before it) and decode of one token.
func (r *operatorReading) attention(row Row) error {
	v, err := numbers(row, "batch_size", "isl", "num_heads", "num_key_value_heads", "head_dim", "step", "latency_ms")
	if err != nil {
		return err
	}
	batch, query, heads, kvHeads, dim, past, sec := v[0], v[1], v[2], v[3], v[4], v[5], v[6]*1e-3
	if w, _, _ := row.Number("window_size"); w > 0 {
		return fmt.Errorf("line %d: window_size %g: no curve of sliding windows", row.Line, w)
	}
	dt, err := r.format(row, row.Text("attn_dtype"))
	if err != nil {
		return err
	}
	cache, err := hardware.ParseDType(row.Text("kv_cache_dtype"))
	if err != nil {
		return fmt.Errorf("line %d: %w", row.Line, err)
	}
	if kvHeads == 0 {
		kvHeads = heads
	}
	format := fmt.Sprintf("%s, cache in %s", dt, cache)
	context := past + query
	qo := batch * query * heads * dim * 2 * dt.Bytes()
	kv := 2 * batch * context * kvHeads * dim * cache.Bytes()
	if query == 1 && past > 0 {
		shape := hardware.DecodeShape{Batch: batch, Heads: heads, KVHeads: kvHeads, HeadDim: dim, KVTokens: batch * context, KVBytes: cache.Bytes(), DType: dt}
		curve := func(d *hardware.Device) float64 { return d.Decode(shape).Sec }
		return r.add(row, "attention decode", format, nil, []float64{batch, context, heads, kvHeads, dim}, sec, curve, r.roof(4*batch*heads*context*dim, qo+kv, dt))
	}
	shape := hardware.AttentionShape{Batch: batch, Heads: heads, KVHeads: kvHeads, HeadDim: dim, Query: query, Past: past, Causal: true, DType: dt, KVBytes: cache.Bytes()}
	flops := 4 * batch * heads * dim * query * (past + query/2)
	curve := func(d *hardware.Device) float64 { return d.Attention(shape).Sec }
	return r.add(row, "attention prefill", format, nil, []float64{batch, query, heads, kvHeads, dim, 1 + past/query}, sec, curve, r.roof(flops, qo+kv, dt))
}

// experts is a fused mixture: routing, and two grouped matrix multiplications.
func (r *operatorReading) experts(row Row) error {
	v, err := numbers(row, "num_tokens", "hidden_size", "inter_size", "topk", "num_experts", "moe_tp_size", "moe_ep_size", "latency_ms")
	if err != nil {
		return err
	}
	for _, x := range v {
		if x == 0 {
			return fmt.Errorf("line %d: sizes of a mixture are 0", row.Line)
		}
	}
	dt, weightBytes := hardware.BF16, 0.5 // int4_wo: four-bit weights, arithmetic in 16 bits
	if text := row.Text("moe_dtype"); text != "int4_wo" {
		if dt, err = r.format(row, text); err != nil {
			return err
		}
		weightBytes = dt.Bytes()
	}
	tokens, hidden, inner, topk, experts, tp, ep := v[0], v[1], v[2]/v[5], v[3], v[4], v[5], v[6]
	active := experts / ep * (1 - math.Pow(1-topk/experts, tokens))
	rows := tokens * topk / ep / active
	curve := func(d *hardware.Device) float64 {
		up, down := d.GroupedGEMM(active, rows, 2*inner, hidden, dt, weightBytes), d.GroupedGEMM(active, rows, hidden, inner, dt, weightBytes)
		return d.Gate(tokens, experts, topk).Sec + up.Sec + down.Sec
	}
	weights := 3 * active * inner * hidden * weightBytes
	flops := 6 * tokens * topk / ep * inner * hidden
	format := row.Text("moe_dtype") + ", " + row.Text("distribution")
	return r.add(row, "experts", format, nil, []float64{tokens, hidden, inner, topk, experts, tp, ep}, v[7]*1e-3, curve, r.roof(flops, weights, dt))
}

// layer is a row of all operators of a transformer layer at one number of tokens.
func (r *operatorReading) layer(row Row) error {
	v, err := numbers(row, "n_head", "n_kv_head", "n_embd", "n_expanded_embd", "num_tokens", "num_tensor_parallel_workers")
	if err != nil {
		return err
	}
	heads, kvHeads, hidden, inner, tokens, tp := v[0], v[1], v[2], v[3], v[4], v[5]
	if heads < 1 || kvHeads < 1 || tp < 1 || tokens < 1 {
		return fmt.Errorf("line %d: heads, tokens and workers must be positive", row.Line)
	}
	dt := hardware.FP16
	if err := r.device.Supports(dt); err != nil {
		return fmt.Errorf("line %d: %w", row.Line, err)
	}
	dim := hidden / heads
	qkv, up := (heads+2*kvHeads)*dim/tp, inner/tp
	if strings.EqualFold(row.Text("use_gated_mlp"), "true") {
		up *= 2
	}
	sec := func(op string) (float64, bool, error) {
		t, ok, err := row.Number(op + ".median")
		return t * 1e-3, ok && t > 0, err
	}
	for _, p := range []struct {
		op   string
		n, k float64
	}{{"attn_pre_proj", qkv, hidden}, {"attn_post_proj", hidden, hidden / tp}, {"mlp_up_proj", up, hidden}, {"mlp_down_proj", hidden, inner / tp}} {
		t, ok, err := sec(p.op)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := r.matrix(row, "GEMM of a layer", dt.String(), dt, tokens, p.n, p.k, t); err != nil {
			return err
		}
	}
	// Values that each operator reads and writes per token. Normalisation and rotation run at
	// a half of the rate of a stream on A100 and H100 alike: counted as more passes.
	for _, e := range []struct {
		op     string
		values float64
	}{{"input_layernorm", 5 * hidden}, {"post_attention_layernorm", 5 * hidden}, {"attn_rope", 4 * (heads + kvHeads) * dim / tp},
		{"mlp_act", 2.5 * up}, {"add", 3 * hidden}, {"emb", 2 * hidden}} {
		t, ok, err := sec(e.op)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		bytes := tokens * e.values * dt.Bytes()
		curve := func(d *hardware.Device) float64 { return d.Elementwise(bytes).Sec }
		if e.op == "emb" {
			curve = func(d *hardware.Device) float64 { return d.Embedding(tokens, hidden, dt.Bytes()).Sec }
		}
		if err := r.add(row, "layer's "+e.op, dt.String(), nil, []float64{tokens, tp}, t, curve, r.roof(0, bytes, dt)); err != nil {
			return err
		}
	}
	return nil
}
