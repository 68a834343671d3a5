package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aisim/hardware"
	"aisim/hardware/profile"
)

// gemms are what a user's A100, that runs at a share of the shipped rate, would print.
func gemms(t *testing.T, dir, name string, share float64) {
	t.Helper()
	base, err := profile.For("nvidia-a100-sxm-80")
	if err != nil {
		t.Fatal(err)
	}
	dev, err := hardware.Default().Device("nvidia-a100-sxm-80", base, nil)
	if err != nil {
		t.Fatal(err)
	}
	dev = dev.Isolated()
	var b strings.Builder
	for _, m := range []float64{1024, 4096, 16384} {
		for _, n := range []float64{4096, 12288} {
			for _, k := range []float64{4096, 12288} {
				fmt.Fprintf(&b, `{"m":%g,"n":%g,"k":%g,"dtype":"bf16","tflops":%.4g}`+"\n", m, n, k, share*2*m*n*k/dev.GEMM(m, n, k, hardware.BF16).Sec/1e12)
			}
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The whole way of an operator: measurements to a profile, the profile to a prediction that
// names it, and new measurements to the profile's end.
func TestMeasurementsMoveThePrediction(t *testing.T) {
	dir := t.TempDir()
	gemms(t, filepath.Join(dir, "m"), "gemm.json", 0.7)
	file := filepath.Join(dir, "ours.cal.toml")
	out, _ := aisim(t, 0, "calibrate", "fit", filepath.Join(dir, "m"), "--hardware", "nvidia-a100-sxm-80", "-o", file)
	for _, want := range []string{"eff.gemm.bf16", "held out", "would narrow the interval"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in:\n%s", want, out)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"sha256 = ", "tool = \"aisim v0.0.0-test", "[[calibration.residual]]", "held_out_median", "[[calibration.measure]]"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in the profile:\n%s", want, text)
		}
	}
	if _, errs := aisim(t, exitUsage, "calibrate", "fit", filepath.Join(dir, "m"), "--hardware", "nvidia-a100-sxm-80", "-o", file); !strings.Contains(errs, "not overwritten") {
		t.Error(errs)
	}

	step := func(more ...string) (value, width float64, profiles []map[string]string) {
		out, _ := aisim(t, 0, append(runArgs("training", "--format", "json"), more...)...)
		var run struct {
			Profiles []map[string]string
			Metrics  map[string]struct{ Value, Low, High float64 }
		}
		if err := json.Unmarshal([]byte(out), &run); err != nil {
			t.Fatal(err)
		}
		m := run.Metrics["pretrain.step_time"]
		return m.Value, (m.High - m.Low) / m.Value, run.Profiles
	}
	before, wide, _ := step()
	after, narrow, profiles := step("--profile", file)
	prof, err := readProfile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(profiles) != 1 || profiles[0]["name"] != "ours" || profiles[0]["sha256"] != prof.SHA256() {
		t.Errorf("the result names %v, not the profile", profiles)
	}
	// GEMMs are some four fifths of this step: at 0.7 of the rate it takes 1.2 to 1.43 times as long.
	if r := after / before; r < 1.15 || r > 1.43 {
		t.Errorf("the step takes %.3g times as long on a chip with 0.7 of the rate", r)
	}
	if narrow == wide {
		t.Error("the interval did not move")
	}

	if out, _ := aisim(t, 0, "calibrate", "check", file, filepath.Join(dir, "m")); !strings.Contains(out, "drift of gemm bf16") {
		t.Error(out)
	}
	gemms(t, filepath.Join(dir, "later"), "gemm.json", 0.5)
	if out, errs := aisim(t, exitData, "calibrate", "check", file, filepath.Join(dir, "later")); !strings.Contains(out, "REJECTED") || !strings.Contains(errs, "measure again") {
		t.Errorf("%s%s", out, errs)
	}
	old := filepath.Join(dir, "old.cal.toml")
	aisim(t, 0, "calibrate", "fit", filepath.Join(dir, "m"), "--hardware", "nvidia-a100-sxm-80", "-o", old, "--date", "2020-02-02", "--format", "json")
	aisim(t, exitData, "calibrate", "check", old)
	if _, errs := aisim(t, exitUsage, append(runArgs("training"), "--profile", old, "--profile", file)...); !strings.Contains(errs, "two profiles") {
		t.Error(errs)
	}
}

func TestFitOfNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.cal.toml")
	aisim(t, exitData, "calibrate", "fit", filepath.Join(dir, "absent"), "--hardware", "nvidia-h100-sxm", "-o", file)
	aisim(t, exitData, "calibrate", "fit", dir, "--hardware", "nvidia-h100-sxm", "-o", file) // an empty folder
	gemms(t, filepath.Join(dir, "m"), "gemm.json", 1)
	if _, errs := aisim(t, exitData, "calibrate", "fit", filepath.Join(dir, "m"), "--hardware", "acme-9", "-o", file); !strings.Contains(errs, "acme-9") {
		t.Error(errs)
	}
	aisim(t, exitUsage, "calibrate", "fit", filepath.Join(dir, "m"), "-o", file)
	aisim(t, exitUsage, "calibrate", "fit", filepath.Join(dir, "m"), "--hardware", "nvidia-h100-sxm")
	if _, err := os.Stat(file); err == nil {
		t.Error("a refused fit left a file")
	}
}

// A drive's profile moves a scenario through the stores that have it.
func TestDriveProfileMovesTheStores(t *testing.T) {
	dir := t.TempDir()
	fio := func(rw string, bw float64) string {
		return fmt.Sprintf(`{"fio version":"fio-3.36","jobs":[{"jobname":"j","job options":{"rw":%q,"bs":"1M","iodepth":"32"},%q:{"io_bytes":1000000000,"bw_bytes":%g,"iops":1000,"runtime":1000,"total_ios":1000}}]}`, rw, rw, bw)
	}
	for rw, bw := range map[string]float64{"read": 1.2e9, "write": 0.5e9} {
		if err := os.WriteFile(filepath.Join(dir, rw+".json"), []byte(fio(rw, bw)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "drives.cal.toml")
	aisim(t, 0, "calibrate", "fit", dir, "--hardware", "nvme4-p5520", "-o", file)
	out, _ := aisim(t, 0, append(runArgs("mixed", "--format", "json"), "--profile", file)...)
	base, _ := aisim(t, 0, runArgs("mixed", "--format", "json")...)
	if !strings.Contains(out, `"drives"`) {
		t.Errorf("the result does not name the profile")
	}
	if cut := func(s string) string { return s[strings.Index(s, `"metrics"`):] }; cut(out) == cut(base) {
		t.Error("drives with a tenth of the rate changed nothing")
	}
}
