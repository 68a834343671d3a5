package hardware

import (
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"aisim/hardware/profile"
)

var rewrite = flag.Bool("rewrite", false, "write docs/calibration-ledger.md")

// ledgerFile is generated: go test ./hardware -run Ledger -rewrite
const ledgerFile = "../docs/calibration-ledger.md"

// ledgerOps are what the effect of a constant is told on: one operator of each class.
var ledgerOps = []struct {
	name string
	sec  func(*Device) float64
}{
	{"GEMM 8192³", func(d *Device) float64 { return d.GEMM(8192, 8192, 8192, ledgerType(d)).Sec }},
	{"GEMM 16×8192×8192", func(d *Device) float64 { return d.GEMM(16, 8192, 8192, ledgerType(d)).Sec }},
	{"GEMM 128×512×512", func(d *Device) float64 { return d.GEMM(128, 512, 512, ledgerType(d)).Sec }},
	{"1 GB streamed", func(d *Device) float64 { return d.Elementwise(1e9).Sec }},
	{"prefill of 4,096, 32 heads", func(d *Device) float64 { return d.Attention(ledgerAttention(d, 128)).Sec }},
	{"the same, head 64", func(d *Device) float64 { return d.Attention(ledgerAttention(d, 64)).Sec }},
	{"its backward pass", func(d *Device) float64 { s := ledgerAttention(d, 128); s.Backward = true; return d.Attention(s).Sec }},
	{"the same unfused", func(d *Device) float64 { s := ledgerAttention(d, 128); s.Unfused = true; return d.Attention(s).Sec }},
	{"decode of 64 × 4,096", func(d *Device) float64 {
		return d.Decode(DecodeShape{Batch: 64, Heads: 32, KVHeads: 8, HeadDim: 128, KVTokens: 64 * 4096, KVBytes: 2, DType: ledgerType(d)}).Sec
	}},
	{"decode of 256 × 256", func(d *Device) float64 {
		return d.Decode(DecodeShape{Batch: 256, Heads: 32, KVHeads: 8, HeadDim: 128, KVTokens: 256 * 256, KVBytes: 2, DType: ledgerType(d)}).Sec
	}},
	{"8 experts of 64 rows", func(d *Device) float64 { return d.GroupedGEMM(8, 64, 4096, 4096, ledgerType(d), 2).Sec }},
	{"convolutions, 8 GFLOP", func(d *Device) float64 { return d.Generic(8.2e9, 44e6, ledgerType(d)).Sec }},
	{"power at half load", func(d *Device) float64 { return d.Power(0.5) }},
	{"idle power", func(d *Device) float64 { return d.Power(0) }},
	{"copy from the host", func(d *Device) float64 { return 1e9 / d.HostBytesPerSec }},
	{"memory that can be used", func(d *Device) float64 { return d.MemBytes }},
}

func ledgerAttention(d *Device, head float64) AttentionShape {
	return AttentionShape{Batch: 1, Heads: 32, KVHeads: 8, HeadDim: head, Query: 4096, Causal: true, DType: ledgerType(d)}
}

// ledgerType is the first format that a chip has, from the commonest on.
func ledgerType(d *Device) DType {
	for _, dt := range []DType{BF16, FP16, INT8, FP8, FP4, FP32, FP64} {
		if d.Peak[dt] > 0 {
			return dt
		}
	}
	return BF16
}

// effect is what 10 % more of a constant does to the operator that feels it most.
func effect(t *testing.T, chip *Accelerator, key string) string {
	base, err := profile.For(chip.ID)
	if err != nil {
		t.Fatal(err)
	}
	before, err := NewDevice(chip, base, nil)
	if err != nil {
		return "not modelled: " + err.Error()
	}
	if dt, ok := strings.CutPrefix(key, "gemm."); ok {
		if dt == "any" {
			return "formats without a figure of their own"
		}
		format, err := ParseDType(dt)
		if err != nil || before.Peak[format] == 0 {
			return "the chip states no rate in it"
		}
		return "GEMM and what is made of it, −9.1 %, in " + dt
	}
	most, what := 0.0, ""
	for _, turn := range []float64{1, -1} { // at the end of its range 10 % less, the other way round
		moved := *base
		p := base.Eff.Get(key)
		p.V *= 1 + 0.1*turn
		if moved.Eff.Set(key, p) != nil || math.Abs(most) > 5e-4 {
			continue
		}
		after, err := NewDevice(chip, &moved, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range ledgerOps {
			a, b := op.sec(before), op.sec(after)
			if a <= 0 || math.IsInf(a, 0) || math.IsNaN(a) || math.IsNaN(b) {
				continue
			}
			if change := (b/a - 1) * turn; math.Abs(change) > math.Abs(most)+1e-9 {
				most, what = change, op.name
			}
		}
	}
	if math.Abs(most) < 5e-4 {
		return "none on this chip: another constant or its own reading decides"
	}
	return fmt.Sprintf("%s %+.1f %%", what, 100*most)
}

func ledger(t *testing.T) string {
	sections, links, err := profile.Sections()
	if err != nil {
		t.Fatal(err)
	}
	cat := Default()
	var b strings.Builder
	b.WriteString(`# Calibration ledger

Written by ` + "`go test ./hardware -run Ledger -rewrite`" + `; not to be edited. Every constant of the embedded operator and link
profiles with its value, the relative standard deviation of what is not known about it, its source and reason, and
its effect: what 10 % more of it does to the time (or watts, or bytes) of the operator that feels it most, on the first
chip that it holds for; then those of matrix libraries and of the forms of other chips, which make chips fits. The
constants of storage are in docs/models/storage.md, those of engines and frameworks in docs/models/serving.md and training.md.

## The rung that each chip reaches

Fitted efficiency: measurements of the chip itself. Datasheet roofline: its stated rates and the efficiencies of its
family, with the family's wider interval; every result on such a chip says so. Library: whose table of multiplications a kernel
by itself stands on (validate kernels). A measured grid comes with a profile of the user's (calibrate fit).

| chip | family | rung | GEMM | sd | memory | sd | library |
|---|---|---|---|---|---|---|---|
`)
	first := map[string]*Accelerator{} // of a family, or of a chip's own section
	fitted, all := 0, 0
	for _, e := range cat.Entries(KindAccelerator) {
		a, err := cat.Accelerator(e.ID)
		if err != nil {
			t.Fatal(err)
		}
		p, err := profile.For(e.ID)
		if err != nil {
			fmt.Fprintf(&b, "| %s | - | none: refused | | | | | |\n", e.ID)
			continue
		}
		d, err := NewDevice(a, p, nil)
		if err != nil {
			fmt.Fprintf(&b, "| %s | %s | refused: %v | | | | | |\n", e.ID, p.Family, err)
			continue
		}
		all++
		if p.Rung == profile.RungFitted {
			fitted++
		}
		for _, key := range []string{p.Family, e.ID} {
			if first[key] == nil {
				first[key] = a
			}
		}
		dt := ledgerType(d)
		m := p.Eff.Matmul(dt.String())
		_, from := d.Library(dt)
		origin := [...]string{"own table", "its generation's", "shared constants", "none"}[from]
		fmt.Fprintf(&b, "| %s | %s | %s | %.3g (%s) | %.0f %% | %.3g | %.0f %% | %s |\n", e.ID, p.Family, p.Rung, m.V, dt, 100*m.RelSD, p.Eff.Memory.V, 100*p.Eff.Memory.RelSD, origin)
	}
	fmt.Fprintf(&b, "\n%d of %d chips stand on measurements of their own.\n\n## Operators\n", fitted, all)
	h100, err := cat.Accelerator("nvidia-h100-sxm")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sections {
		on := h100
		switch {
		case len(s.Chips) > 0:
			fmt.Fprintf(&b, "\n**%s**", strings.Join(s.Chips, ", "))
			for _, id := range s.Chips {
				if first[id] != nil {
					on = first[id]
					break
				}
			}
		case s.Family == "":
			fmt.Fprintf(&b, "\n### Defaults\n\n%s", s.Source)
		default:
			fmt.Fprintf(&b, "\n### %s\n\n%s", s.Family, s.Source)
			if first[s.Family] != nil {
				on = first[s.Family]
			}
		}
		b.WriteString("\n\n| constant | value | sd | source and reason | effect of 10 % more |\n|---|---|---|---|---|\n")
		for _, c := range s.Stated {
			fmt.Fprintf(&b, "| %s | %.4g | %.0f %% | %s | %s |\n", c.Key, c.Param.V, 100*c.Param.RelSD, c.Param.Source, effect(t, on, c.Key))
		}
	}
	libraryLedger(t, &b)
	formLedger(t, &b)
	b.WriteString("\n## Links\n\nShares of the stated one-way rate; hardware/profile/links.toml has the fixed times, docs/models/collectives.md the equations.\n\n" +
		"| class | kind | ring | pair | all-to-all | in switch | start | sd of rates | sd of fixed times | source and reason |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, l := range links {
		fmt.Fprintf(&b, "| %s | %s | %.3g | %.3g | %.3g | %.3g | %.3g µs | %.0f %% | %.0f %% | %s |\n", l.Class, l.Kind, l.Efficiency, l.P2P, l.AllToAll, l.InNetwork, l.BaseSec*1e6, 100*l.RelSD, 100*l.LatencySD, l.Source)
	}
	return b.String()
}

// libraryLedger is the table of the constants of matrix libraries.
func libraryLedger(t *testing.T, b *strings.Builder) {
	b.WriteString("\n## Matrix libraries\n\nBy chip (hardware/library.toml) and those that generations share, as logarithms over rough values (hardware/library_shared.toml).\n" +
		"Effect: of 10 % more on the shape that feels it most, on the chip whose rows they are.\n\n| chips | formats | constant | value | source | effect |\n|---|---|---|---|---|---|\n")
	chip := map[string]string{"nvidia-v100": "nvidia-v100-sxm2-16", "nvidia-t4": "nvidia-t4", "nvidia-a100-sxm": "nvidia-a100-sxm-80", "nvidia-h100-sxm": "nvidia-h100-sxm", "nvidia-b200": "nvidia-b200-sxm", "nvidia-h800": "nvidia-h800-sxm"}
	for _, f := range LibraryFits() {
		d, err := Default().Device(chip[f.Tables], nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		d = d.Isolated()
		dt := ledgerType(d)
		if len(f.Formats) > 0 {
			if dt, err = ParseDType(f.Formats[0]); err != nil {
				t.Fatal(err)
			}
		}
		if f.Blocks {
			dt = FP8
		}
		formats := strings.Join(f.Formats, ", ")
		if f.Blocks {
			formats = "fp8 by blocks"
		}
		for _, c := range f.Constants() {
			if *c.V == 0 {
				continue
			}
			was := *c.V
			most, what := 0.0, "none"
			before := f.Of(d, dt, d.BestGEMM(dt))
			*c.V = 1.1 * was
			after := f.Of(d, dt, d.BestGEMM(dt))
			*c.V = was
			for _, s := range [][3]float64{{8192, 8192, 8192}, {16, 8192, 8192}, {128, 512, 512}, {2048, 2048, 2048}, {64, 64, 65536}} {
				if change := after.Sec(s[0], s[1], s[2], dt.Bytes(), 2)/before.Sec(s[0], s[1], s[2], dt.Bytes(), 2) - 1; math.Abs(change) > math.Abs(most)+1e-9 {
					most, what = change, fmt.Sprintf("%g×%g×%g %+.1f %%", s[0], s[1], s[2], 100*change)
				}
			}
			fmt.Fprintf(b, "| %s | %s | %s | %.4g | %s | %s |\n", strings.Join(f.Chips, ", "), formats, c.Key, was, f.Source, what)
		}
	}
	shared := sharedFitted()
	for i, key := range SharedKeys {
		fmt.Fprintf(b, "| generations share | 16 bits | %s | %.3f | operator tables of A100, H100 and B200 | |\n", key, shared[i])
	}
}

// formLedger is the table of the constants of other chips.
func formLedger(t *testing.T, b *strings.Builder) {
	text, err := os.ReadFile("../calibration/validate/forms.toml")
	if err != nil {
		t.Fatal(err)
	}
	b.WriteString("\n## Forms of other chips\n\ncalibration/validate/forms.toml; the forms are in docs/models/validation-other-chips.md.\n\n| form | constant | value | source |\n|---|---|---|---|\n")
	form, source := "", ""
	for _, line := range strings.Split(string(text), "\n") {
		if name, rows, ok := strings.Cut(line, "] # "); ok && strings.HasPrefix(name, "[") {
			form, source = strings.Trim(name, "[\""), rows
		} else if key, v, ok := strings.Cut(line, " = "); ok {
			fmt.Fprintf(b, "| %s | %s | %s | %s of other-chips.csv |\n", form, strings.Trim(key, "\""), v, source)
		}
	}
}

// The ledger is what the embedded profiles say.
func TestLedger(t *testing.T) {
	want := ledger(t)
	if *rewrite {
		if err := os.WriteFile(ledgerFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(ledgerFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Errorf("%s is not what the profiles say: go test ./hardware -run Ledger -rewrite", ledgerFile)
	}
}
