package validate

import (
	"math"
	"strings"

	"aisim/hardware"
)

// What is left of each class of kernels when its chip was not seen by any fit: its
// datasheet, one best GEMM, one STREAM figure and, for attention, the longest sequence
// without a mask are taken from the table; all else comes from other chips.
//
//   - library GEMM: the constants that A100, H100 and B200 share;
//   - DeepGEMM: the constants of the vendor's library, with the table's best rate;
//   - FlashAttention, unfused attention: the half lengths of the other chips;
//   - STREAM: shares of triad, medians of the other chips;
//   - best GEMM: the median fraction of peak of the other chips.

// unseenRow is a row that a class is held out by.
type unseenRow struct {
	c        *Case
	w        work
	row      Row
	device   *hardware.Device
	chip     string
	best     float64 // FLOP/s, of the chip in the row's format
	measured float64 // seconds
}

func (k *kernels) unseen(t *Table, r *Report) []HeldOut {
	byID := map[string]Row{}
	for _, row := range t.Rows {
		byID[row.Text("id")] = row
	}
	var classes []string
	rows := map[string][]*unseenRow{}
	for i := range r.Cases {
		c := &r.Cases[i]
		row, ok := byID[c.ID]
		if c.Use != UseGate || c.Error == nil || !ok {
			continue
		}
		id, _ := chipOf(row.Text("chip"))
		d, err := k.device(id)
		if err != nil {
			continue
		}
		scratch := NewCase(c.ID, c.Use)
		w, err := k.work(row, d, &scratch)
		if err != nil {
			continue
		}
		class := opClass(row.Text("kernel"))
		if rows[class] == nil {
			classes = append(classes, class)
		}
		rows[class] = append(rows[class], &unseenRow{c: c, w: w, row: row, device: d, chip: row.Text("chip"), measured: w.predicted / (1 + *c.Error)})
	}
	var out []HeldOut
	for _, class := range classes {
		if h, ok := k.holdOutChips(class, rows[class]); ok {
			out = append(out, h)
		}
	}
	return out
}

// holdOutChips predicts a class's rows without what their chip alone tells.
func (k *kernels) holdOutChips(class string, rows []*unseenRow) (HeldOut, bool) {
	h := HeldOut{Class: class, Cases: len(rows)}
	best, chips := map[string]float64{}, map[string]bool{}
	for _, u := range rows {
		chips[u.chip] = true
		key := u.chip + u.row.Text("dtype")
		best[key] = math.Max(best[key], u.w.flops/u.measured)
	}
	var fitted, held, predicted, measured []float64
	inside := 0.0
	for _, u := range rows {
		u.best = best[u.chip+u.row.Text("dtype")]
		sec, ok := k.unseenSec(class, u, rows)
		if !ok {
			continue
		}
		fitted, held = append(fitted, math.Abs(*u.c.Error)), append(held, math.Abs(sec/u.measured-1))
		predicted, measured = append(predicted, sec), append(measured, u.measured)
		if math.Abs(math.Log(sec/u.measured)) <= z90*u.spread(class) {
			inside++
		}
	}
	if len(held) == 0 {
		return h, false
	}
	h.Cases, h.Sources = len(held), len(chips)
	h.Fitted, h.HeldOut, h.HeldOutP90, h.Rank = middle(fitted), middle(held), quantile(held, 0.9), spearman(predicted, measured)
	h.Inside = ptr(inside / float64(len(held)))
	return h, true
}

func (k *kernels) unseenSec(class string, u *unseenRow, rows []*unseenRow) (float64, bool) {
	others := func(same func(o *unseenRow) (float64, bool)) (float64, bool) {
		var v []float64
		for _, o := range rows {
			if o.chip != u.chip {
				if x, ok := same(o); ok {
					v = append(v, x)
				}
			}
		}
		if len(v) == 0 {
			return 0, false
		}
		return *middle(v), true
	}
	switch class {
	case "library GEMM", "DeepGEMM":
		s, err := gemmShape(u.row.Text("shape"))
		if err != nil {
			return 0, false
		}
		dt, in, out, err := operandType(u.row.Text("dtype"), u.device)
		if err != nil {
			return 0, false
		}
		lib := hardware.SharedLibrary(u.device, dt, u.best, u.device.MemBytesPerSec*u.device.Eff.Memory.V)
		return lib.Batched(s.count, s.m, s.n, s.k, in, out), true
	case "best GEMM":
		peak := u.w.flops / u.w.roof // of the format, where the shape is bound by computing
		share, ok := others(func(o *unseenRow) (float64, bool) { return o.w.roof / o.measured, true })
		return u.w.flops / (peak * share), ok
	case "STREAM":
		own, ok := 0.0, false
		for _, o := range rows {
			if o.chip == u.chip && strings.Contains(o.row.Text("kernel"), "triad") {
				own, ok = o.measured/o.w.bytes, true
			}
		}
		if !ok || u.w.class == "triad" { // the figure that is given
			return 0, false
		}
		share, ok := others(func(o *unseenRow) (float64, bool) {
			for _, t := range rows {
				if t.chip == o.chip && t.w.class == "triad" {
					return (o.measured / o.w.bytes) / (t.measured / t.w.bytes), o.w.class == u.w.class
				}
			}
			return 0, false
		})
		return own * share * u.w.bytes, ok
	case "FlashAttention", "unfused attention":
		return k.unseenAttention(u, rows)
	}
	return 0, false
}

// unseenAttention takes the shape of the curve from other chips and its height from one
// call of the chip: the longest without a mask, of the same head dimension.
func (k *kernels) unseenAttention(u *unseenRow, rows []*unseenRow) (float64, bool) {
	kernel, dim := u.row.Text("kernel"), headOf(u)
	var given *unseenRow
	var others []*hardware.Device
	for _, o := range rows {
		switch {
		case o.row.Text("kernel") != kernel:
		case o.chip != u.chip:
			if len(others) == 0 || others[len(others)-1] != o.device {
				others = append(others, o.device)
			}
		case headOf(o) != dim, masked(o):
		case given == nil || o.w.flops > given.w.flops: // FLOP grow with the length
			given = o
		}
	}
	if given == nil || given == u || len(others) == 0 {
		return 0, false
	}
	mean := 0.0
	for _, d := range others {
		scratch := NewCase("", "")
		mine, err := k.work(u.row, d, &scratch)
		if err != nil {
			return 0, false
		}
		theirs, err := k.work(given.row, d, &scratch)
		if err != nil {
			return 0, false
		}
		mean += math.Log(mine.predicted/theirs.predicted) / float64(len(others))
	}
	return given.measured * math.Exp(mean), true
}

func headOf(u *unseenRow) float64 { return sizes(u.row.Text("shape"))["head_dim"] }

func masked(u *unseenRow) bool {
	m, _ := causal(u.row.Text("shape"))
	return m
}

// spread is the standard deviation of a prediction whose chip no fit saw.
func (u *unseenRow) spread(class string) float64 {
	switch class {
	case "library GEMM", "DeepGEMM":
		if s, err := gemmShape(u.row.Text("shape")); err == nil {
			return unseenSpread(s)
		}
	case "best GEMM":
		return 0.15
	}
	return u.w.sd
}
