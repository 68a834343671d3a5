package validate

import (
	_ "embed"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"

	"aisim/calibration/fit"
)

// form is a formula of a family of chips whose constants come from rows of the family: make
// chips fits them, and the held-out pass fits them again without the source that it leaves out.
type form struct {
	name string
	keys []formKey
}

// formKey is a constant: where a fit starts and what it is drawn to, which is what would be
// taken for it had nothing of the family been measured.
type formKey struct {
	key   string
	start float64
}

var (
	coralForm = &form{"coral", []formKey{{"fixed_sec", 2e-3}, {"sec_per_gflop", 0.5e-3}, {"sec_per_mb_spilled", 2e-3}, {"boxes_sec", 3e-3}}}
	// Jetson: fixed clock cycles per token, passes of the weights; of vision the fixed time, the share of peak and the passes of the weights.
	jetsonDecodeForm = &form{"jetson decode", []formKey{{"fixed_cycles", 7e6}, {"weights", 1}}}
	jetsonVisionForm = &form{"jetson vision", []formKey{{"fixed_sec", 0.3e-3}, {"share_of_peak", 0.35}, {"boxes_sec", 0.6e-3}}}
	// Neuron decoders: passes of weights and cache at the stated bandwidth of a core.
	neuronDecodeForm   = &form{"neuron decode", []formKey{{"weights", 1.3}, {"cache", 2.5}, {"layer_sec", 0.15e-3}, {"sequence_sec", 5e-6}}}
	neuronPrefillForm  = &form{"neuron prefill", []formKey{{"attention_share", 0.03}, {"linear_share", 0.8}, {"layer_sec", 0.6e-3}, {"all_reduce_bytes_per_sec", 20e9}}}
	neuron2EncoderForm = &form{"neuron v2 encoder", []formKey{{"share_of_peak", 0.3}, {"half_batch", 0.4}, {"width_exponent", 0.5}, {"diffusion_share", 0.25}}}
	neuron2VisionForm  = &form{"neuron v2 vision", []formKey{{"fixed_sec", 0.1e-3}, {"share_of_peak", 0.35}}}
	neuron1EncoderForm = &form{"neuron v1 encoder", []formKey{{"fixed_sec", 6e-3}, {"sample_sec", 1.5e-3}, {"together", 1.5}}}
	neuron1VisionForm  = &form{"neuron v1 vision", []formKey{{"share_of_peak", 0.3}, {"share_fp32", 0.12}}}
	gpuVisionForm      = &form{"gpu vision", []formKey{{"launches_sec", 1.5e-3}, {"attention_launches_sec", 2e-3}, {"share_of_peak", 0.3}}}
	servedForm         = &form{"nim request", []formKey{{"request_sec", 0.01}}}
	// MLPerf: exponent of power over clock, what tensor parallelism leaves over host links, share of the
	// time of decoders that memory limits.
	mlperfForm = &form{"mlperf", []formKey{{"clock_exponent", 2.5}, {"links_share", 0.8}, {"memory_share", 0.4}}}
	// DPU builds: what convolutions reach of the peak, and what of the time besides them on the
	// smallest boards remains; behind them the host of VCK190.
	dpuForm = &form{"dpu", []formKey{
		{"B.efficiency", 0.75}, {"DPUCAHX8H.efficiency", 0.65}, {"DPUCAHX8H.rest", 0.2}, {"DPUCAHX8H-DWC.efficiency", 0.65}, {"DPUCAHX8H-DWC.rest", 0.2},
		{"DPUCADF8H.efficiency", 0.65}, {"DPUCADF8H.rest", 0.2}, {"DPUCADX8G.efficiency", 0.65}, {"DPUCADX8G.rest", 0.2}, {"AIE.efficiency", 0.5}, {"AIE.rest", 0.15},
		{"AIE.sec_per_pixel", 5e-9}, {"AIE.sec_per_pixel_mask", 20e-9}, {"AIE.boxes_sec", 2e-3},
	}}
	forms = []*form{coralForm, jetsonDecodeForm, jetsonVisionForm, neuronDecodeForm, neuronPrefillForm, neuron2EncoderForm, neuron2VisionForm, neuron1EncoderForm, neuron1VisionForm, gpuVisionForm, mlperfForm, servedForm, dpuForm}
)

//go:embed forms.toml
var formsTOML string

// formValues are the shipped constants by form.
var formValues = sync.OnceValue(func() map[string][]float64 {
	read := map[string]map[string]float64{}
	if _, err := toml.Decode(formsTOML, &read); err != nil {
		panic("validate: invariant: forms.toml: " + err.Error())
	}
	out := map[string][]float64{}
	for _, f := range forms {
		x := make([]float64, len(f.keys))
		for i, k := range f.keys {
			if x[i] = read[f.name][k.key]; !(x[i] > 0) {
				x[i] = k.start
			}
		}
		out[f.name] = x
	}
	return out
})

func (f *form) values() []float64 { return formValues()[f.name] }

// formRow is a measured row of a form.
type formRow struct {
	at       func(x []float64) float64 // in the row's unit
	scale    Scale
	measured float64
}

const (
	formSpread = 0.02  // below which errors count evenly
	formPull   = 0.002 // towards the start, per e-fold: what decides a constant that no row speaks of
)

// fitted are the constants that fit rows best, from those given on.
func (f *form) fitted(rows []formRow, from []float64) []float64 {
	x := make([]float64, len(from))
	for i, v := range from {
		x[i] = math.Log(v)
	}
	exp := make([]float64, len(x))
	loss := func(x []float64) float64 {
		for i := range x {
			exp[i] = f.bounded(i, x[i])
		}
		sum := 0.0
		for _, r := range rows {
			e := math.Log(r.at(exp) / r.measured)
			sum += math.Sqrt(e*e + formSpread*formSpread)
		}
		sum /= float64(len(rows))
		for i := range x {
			away := x[i] - math.Log(f.keys[i].start)
			sum += formPull * away * away
		}
		if math.IsNaN(sum) {
			return math.Inf(1)
		}
		return sum
	}
	for range 4 {
		x, _ = fit.Simplex(loss, x, 0.15, 60*len(x))
	}
	out := make([]float64, len(x))
	for i := range x {
		out[i] = f.bounded(i, x[i])
	}
	return out
}

// mostEfficient is what the best networks reach of a DPU's peak: .92 on ZCU104, .89 on ZCU102.
const mostEfficient = 0.92

// bounded is a constant from its logarithm: shares of a stated rate are at most 1.
func (f *form) bounded(i int, x float64) float64 {
	v := math.Exp(x)
	switch key := f.keys[i].key; {
	case strings.Contains(key, "share"):
		v = math.Min(v, 1)
	case strings.HasSuffix(key, "efficiency"):
		v = math.Min(v, mostEfficient)
	}
	return v
}

// starts are the constants that are known before any row.
func (f *form) starts() []float64 {
	x := make([]float64, len(f.keys))
	for i, k := range f.keys {
		x[i] = k.start
	}
	return x
}

// FitForms fits the constants of every form on a table of other chips and writes formsTOML.
func FitForms(table io.Reader) ([]byte, error) {
	k, err := newOtherChips()
	if err != nil {
		return nil, err
	}
	t, err := ReadTable(table, k.Columns()...)
	if err != nil {
		return nil, err
	}
	chips := k.(*otherChips)
	chips.study(t)
	rows := map[*form][]formRow{}
	for _, row := range t.Rows {
		if use := row.Text("use"); use != "" && use != UseGate {
			continue
		}
		_, e, c := chips.predicted(row, NewCase(row.Text("id"), UseGate))
		if c.Error != nil && e.form != nil {
			rows[e.form] = append(rows[e.form], formRow{e.at, c.scale, *c.Measured})
		}
	}
	var b strings.Builder
	b.WriteString("# Constants of the forms of calibration/validate/forms.go, fitted by make chips on the gate rows of\n# other-chips.csv. rows: how many of them speak of the form; median: of |error|, in sample.\n")
	for _, f := range forms {
		if len(rows[f]) == 0 {
			continue
		}
		x := f.fitted(rows[f], f.starts())
		var errors []float64
		for _, r := range rows[f] {
			errors = append(errors, math.Abs(*errorOf(r.scale, r.at(x), r.measured)))
		}
		fmt.Fprintf(&b, "\n[%q] # rows %d, median %.1f %%\n", f.name, len(rows[f]), 100**middle(errors))
		for i, key := range f.keys {
			fmt.Fprintf(&b, "%q = %.4g\n", key.key, x[i])
		}
	}
	return []byte(b.String()), nil
}
