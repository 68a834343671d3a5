package profile

import (
	"math"
	"strings"
	"testing"
)

func TestEmbeddedProfiles(t *testing.T) {
	families, err := Families()
	if err != nil {
		t.Fatal(err)
	}
	if len(families) < 12 {
		t.Errorf("%d families", len(families))
	}
	p, err := For("nvidia-h100-sxm")
	if err != nil {
		t.Fatal(err)
	}
	if p.Rung != RungFitted || p.Eff.Matmul("bf16").V != 0.803 || p.Eff.Matmul("fp16").V != 0.803 || p.Eff.Matmul("int8").V != 0.75 {
		t.Errorf("H100: rung %s, gemm %+v", p.Rung, p.Eff.GEMM)
	}
	if len(p.SHA256()) != 64 || p.Links["nvlink4"].Efficiency == 0 {
		t.Error("no digest or no links")
	}
	for _, q := range p.Eff.Params() {
		if q.Param.Source == "" {
			t.Errorf("%s has no source", q.Key)
		}
	}
	other, err := For("nvidia-h20")
	if err != nil {
		t.Fatal(err)
	}
	if other.Rung != RungDatasheet || other.Eff.Matmul("bf16").V != 0.73 {
		t.Errorf("H20 must stand on its family: %s %+v", other.Rung, other.Eff.Matmul("bf16"))
	}
	// 0.9 x the best measured GEMM is the rule for chips without a fit.
	if r := other.Eff.Matmul("bf16").V / p.Eff.Matmul("bf16").V; math.Abs(r-0.9) > 0.02 {
		t.Errorf("family over measured chip: %.3f, want 0.9", r)
	}
	p.Links["nvlink4"] = LinkParams{}
	if again, _ := For("nvidia-h100-sxm"); again.Links["nvlink4"].Efficiency == 0 {
		t.Error("a caller changed the embedded links")
	}
	if _, err := For("acme-warp-9"); err == nil || !strings.Contains(err.Error(), "acme-warp-9") {
		t.Errorf("unknown chip: %v", err)
	}
}

func TestLinks(t *testing.T) {
	links, err := Links()
	if err != nil {
		t.Fatal(err)
	}
	for _, class := range []string{"nvlink2", "nvlink3", "nvlink4", "nvlink5", "pcie", "ib", "roce", "efa", "ici", "xgmi", "ethernet", "other"} {
		if links[class].Source == "" {
			t.Errorf("no constants for %s", class)
		}
	}
	// Ring rates by the slopes of the largest all-gathers (calibration/fit); the notes, B1,
	// with the √ term alone, have 245 and 354 GB/s.
	if math.Abs(links["nvlink3"].Efficiency*300/245-1) > 0.07 || math.Abs(links["nvlink4"].Efficiency*450/354-1) > 0.07 {
		t.Errorf("ring rates %g %g", links["nvlink3"].Efficiency*300, links["nvlink4"].Efficiency*450)
	}
}

func TestLinkClass(t *testing.T) {
	for name, want := range map[string]string{
		"nvlink4": "nvlink4", "nvlink3-bridge": "nvlink3", "nvlink5 rack": "nvlink5", "ici-3d-torus": "ici", "infinity fabric mesh": "xgmi",
		"roce-100g": "gaudi-roce", "cx7-ndr": "ib", "qm9700-ndr": "ib", "InfiniBand NDR 8x400G": "ib", "eth-sn5600": "roce", "RoCE cluster network": "roce",
		"efa-v2": "efa", "EFA v2 3200 Gb/s": "efa", "tpu-dcn": "ethernet", "pcie5-x16": "pcie", "neuronlink-v3 torus": "neuronlink", "": "", "none": "", "ub-link": "other",
	} {
		if got := LinkClass(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
	links, err := Links()
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range linkNames {
		if _, ok := links[rule.class]; !ok {
			t.Errorf("%s maps to %s, which has no constants", rule.prefix, rule.class)
		}
	}
}

const userProfile = `schema = "aisim.profile/v1"
id = "my-h100"
hardware = "nvidia-h100-sxm"
source = "measured here"
date = "2026-09-01"
[eff]
gemm = { bf16 = { v = 0.77, sd = 0.01, source = "cublaslt bench" } }
memory = { v = 0.91, sd = 0.01, source = "stream" }
[[link]]
class = "ib"
efficiency = 0.9
p2p = 0.9
all_to_all = 0.7
low_eff = 0.5
kind = "measured"
source = "nccl-tests"
`

func TestLoad(t *testing.T) {
	p, err := Load(strings.NewReader(userProfile))
	if err != nil {
		t.Fatal(err)
	}
	if p.ID != "my-h100" || p.Rung != RungFitted || p.Eff.Matmul("bf16").V != 0.77 || p.Eff.Memory.V != 0.91 || p.Links["ib"].Efficiency != 0.9 {
		t.Errorf("loaded %+v", p)
	}
	if p.Eff.KV.V == 0 || p.Eff.Matmul("fp8").V == 0 {
		t.Error("what the file leaves out must come from the chip's own profile")
	}
	base, _ := For("nvidia-h100-sxm")
	if p.SHA256() == base.SHA256() {
		t.Error("the digest must be the file's")
	}
	for name, text := range map[string]string{
		"syntax":        "schema = ",
		"schema":        strings.Replace(userProfile, "profile/v1", "profile/v9", 1),
		"unknown key":   userProfile + "\n[mood]\n",
		"no source":     strings.Replace(userProfile, `, source = "stream"`, "", 1),
		"range":         strings.Replace(userProfile, "v = 0.91", "v = 91.0", 1),
		"nan":           strings.Replace(userProfile, "v = 0.91", "v = nan", 1),
		"sd":            strings.Replace(userProfile, "v = 0.91, sd = 0.01", "v = 0.91, sd = -1.0", 1),
		"format":        strings.Replace(userProfile, "bf16 =", "bf17 =", 1),
		"hardware":      strings.Replace(userProfile, "nvidia-h100-sxm", "acme-1", 1),
		"link range":    strings.Replace(userProfile, "efficiency = 0.9", "efficiency = 9.0", 1),
		"link kind":     strings.Replace(userProfile, `kind = "measured"`, `kind = "guess"`, 1),
		"rung":          strings.Replace(userProfile, "date =", "rung = \"oracle\"\ndate =", 1),
		"no id":         strings.Replace(userProfile, `id = "my-h100"`, `id = ""`, 1),
		"too large":     userProfile + strings.Repeat("#", maxProfileBytes),
		"not utf-8":     "schema = \"\xff\"",
		"wrong type":    strings.Replace(userProfile, "v = 0.91", `v = "fast"`, 1),
		"negative time": strings.Replace(userProfile, "low_eff = 0.5", "low_eff = 0.5\nhop_sec = -1.0", 1),
	} {
		if _, err := Load(strings.NewReader(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(userProfile)
	f.Add("schema = \"aisim.profile/v1\"\n")
	f.Add("[[link]]\nclass=1")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Load(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, q := range p.Eff.Params() {
			if math.IsNaN(q.Param.V) || math.IsInf(q.Param.V, 0) || q.Param.V < 0 {
				t.Fatalf("%s = %g accepted", q.Key, q.Param.V)
			}
		}
	})
}
