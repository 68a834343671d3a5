package validate

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"aisim/hardware"
)

// What rows of kernels say of shapes and formats, in the spellings of the tables that people keep.

var (
	// pairText is a size with its name: M=4096, n: 4096, seqlen 2k, batch=4.
	pairText = regexp.MustCompile(`(?i)([a-z][a-z_]*)\s*[=: ]\s*(\d+)(k?)\b`)
	// tripleText are three sizes in a row: 4096x4096x4096, (4096, 4096, 4096).
	tripleText = regexp.MustCompile(`(?i)(?:\b([mnk])\s*x\s*([mnk])\s*x\s*([mnk])\b)?[^\dmnk]*\b(\d+)\s*[x×*,]\s*(\d+)\s*[x×*,]\s*(\d+)\b`)
	gluedText  = regexp.MustCompile(`(?i)\bm(\d+)n(\d+)k(\d+)\b`)
	causalText = regexp.MustCompile(`(?i)(non-?|not )?causal\s*[=: ]?\s*(yes|no|true|false|1|0)?`)
	tokensText = regexp.MustCompile(`(?i)(\d+)k tokens`)
	hiddenText = regexp.MustCompile(`(?i)hidden[_ ]?(?:dim(?:ension)?|size)?\s*[=: ]?\s*(\d+)`)
)

// sizeNames are the names of sizes that mean one.
var sizeNames = map[string]string{
	"groups": "groups", "group": "groups", "num_groups": "groups", "g": "groups", "experts": "groups", "num_experts": "groups", "batch_count": "groups", "count": "groups",
	"m_per_group": "m_per_group", "mpergroup": "m_per_group",
	"batch": "batch", "b": "batch", "batch_size": "batch", "bs": "batch",
	"seq": "seq", "seqlen": "seq", "seq_len": "seq", "s": "seq", "sequence": "seq", "sequence_length": "seq", "ctx": "seq", "context": "seq", "kv_len": "seq", "past": "seq",
	"head_dim": "head_dim", "headdim": "head_dim", "hdim": "head_dim", "d": "head_dim", "dim": "head_dim", "dhead": "head_dim",
	"heads": "heads", "h": "heads", "num_heads": "heads", "nheads": "heads", "q_heads": "heads", "kv_heads": "kv_heads", "num_kv_heads": "kv_heads", "kvheads": "kv_heads", "hkv": "kv_heads",
	"m": "m", "n": "n", "k": "k", "tokens": "tokens", "num_tokens": "tokens", "rows": "tokens", "hidden": "hidden", "hidden_size": "hidden", "cols": "hidden", "width": "hidden", "vocab": "vocab",
	"c": "c", "w": "w", "r": "r", "stride": "stride", "pad": "pad", "padding": "pad",
}

// sizes reads all named sizes of a shape; names keep their case in sizes of convolutions only.
func sizes(shape string) map[string]float64 {
	out := map[string]float64{}
	for _, m := range pairText.FindAllStringSubmatch(shape, -1) {
		name, ok := sizeNames[strings.ToLower(m[1])]
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			continue
		}
		if m[3] != "" {
			v *= 1024
		}
		if _, twice := out[name]; !twice {
			out[name] = v
		}
	}
	return out
}

// matrices is a multiplication: how many of the shape m, n, k.
type matrices struct {
	count   float64
	m, n, k float64
}

// gemmShape reads m, n, k and how many such multiplications run together.
func gemmShape(shape string) (x matrices, err error) {
	s := sizes(shape)
	x = matrices{count: 1, m: s["m"], n: s["n"], k: s["k"]}
	if per := s["m_per_group"]; per > 0 {
		x.m = per
	}
	if x.m == 0 || x.n == 0 || x.k == 0 {
		if g := gluedText.FindStringSubmatch(shape); g != nil {
			x.m, x.n, x.k = decimal(g[1]), decimal(g[2]), decimal(g[3])
		} else if t := tripleText.FindStringSubmatch(shape); t != nil {
			order := "mnk"
			if t[1] != "" {
				order = strings.ToLower(t[1] + t[2] + t[3])
			}
			for i, name := range order {
				v := decimal(t[4+i])
				switch name {
				case 'm':
					x.m = v
				case 'n':
					x.n = v
				case 'k':
					x.k = v
				}
			}
		}
	}
	if x.m == 0 || x.n == 0 || x.k == 0 {
		return x, fmt.Errorf("the row gives no shape (%q): M, N and K are needed, only a class of rates could be checked", shape)
	}
	for _, name := range []string{"groups", "batch"} {
		if v := s[name]; v > 0 {
			x.count = v
		}
	}
	for _, v := range []float64{x.m, x.n, x.k, x.count} {
		if v < 1 || v > 1<<31 {
			return x, fmt.Errorf("shape %q: %g is out of range", shape, v)
		}
	}
	return x, nil
}

func decimal(s string) float64 { v, _ := strconv.ParseFloat(s, 64); return v }

// causal reads a mask; ok is false where the shape says nothing of it.
func causal(shape string) (causal, ok bool) {
	m := causalText.FindStringSubmatch(shape)
	switch {
	case m == nil:
		return false, false
	case m[1] != "":
		return false, true
	}
	v := strings.ToLower(m[2])
	return v != "no" && v != "false" && v != "0", true
}

// operandType reads a matrix format: how wide operands are and which units work.
func operandType(text string, d *hardware.Device) (dt hardware.DType, bytes, out float64, err error) {
	t := strings.NewReplacer("torch.", "", "float8", "fp8", "float64", "fp64", "float32", "fp32", "float16", "fp16", "bfloat16", "bf16", "cuda_r_", "").Replace(strings.ToLower(strings.TrimSpace(text)))
	switch {
	case strings.Contains(t, "fp32 mul"):
		return hardware.FP32, 2, 4, nil // 16-bit operands on the 32-bit units
	case hasPrefix(t, "fp8", "mxfp8", "e4m3", "e5m2"):
		return hardware.FP8, 1, 2, nil
	case hasPrefix(t, "nvfp4", "fp4", "mxfp4", "e2m1"):
		return hardware.FP4, 0.5, 2, nil
	case hasPrefix(t, "int8", "i8", "s8", "w8a8"):
		return hardware.INT8, 1, 4, nil
	case hasPrefix(t, "bf16", "b16"):
		return hardware.BF16, 2, 2, nil
	case hasPrefix(t, "fp16", "half", "f16", "16-bit", "16 bit", "hfp16"):
		if d.Peak[hardware.FP16] == 0 {
			return hardware.BF16, 2, 2, nil
		}
		return hardware.FP16, 2, 2, nil
	case hasPrefix(t, "tf32"):
		return hardware.TF32, 4, 4, nil
	case hasPrefix(t, "fp64", "double", "f64"):
		return hardware.FP64, 8, 8, nil
	case hasPrefix(t, "fp32", "float", "single", "f32"):
		return hardware.FP32, 4, 4, nil
	}
	return 0, 0, 0, fmt.Errorf("number format %q is not known: fp64, fp32, tf32, bf16, fp16, fp8, int8 or fp4 are", text)
}

func hasPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
