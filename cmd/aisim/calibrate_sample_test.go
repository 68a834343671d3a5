package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const smiRecorded = `timestamp, index, name, power.draw [W], clocks.current.sm [MHz], utilization.gpu [%]
2026/07/14 08:12:53.000, 0, NVIDIA H100 80GB HBM3, 100.00 W, 1980 MHz, 0 %
2026/07/14 08:12:54.000, 0, NVIDIA H100 80GB HBM3, 300.00 W, 1980 MHz, 100 %
`

func TestSampleReplays(t *testing.T) {
	dir := t.TempDir()
	file, kept := filepath.Join(dir, "smi.csv"), filepath.Join(dir, "kept.json")
	if err := os.WriteFile(file, []byte(smiRecorded), 0o644); err != nil {
		t.Fatal(err)
	}
	first, _ := aisim(t, 0, "calibrate", "sample", "--replay", file, "-o", kept)
	if !strings.Contains(first, "200 J") {
		t.Errorf("100 and 300 W a second apart are 200 J:\n%s", first)
	}
	again, _ := aisim(t, 0, "calibrate", "sample", "--replay", kept)
	if body := func(s string) string { _, rest, _ := strings.Cut(s, "\n"); return rest }; body(first) != body(again) {
		t.Errorf("kept and replayed:\n%s\n%s", first, again)
	}
	aisim(t, exitUsage, "calibrate", "sample", "--replay", file, "-o", kept)
	aisim(t, exitData, "calibrate", "sample", "--replay", filepath.Join(dir, "absent"))
}

func TestSampleWithoutDriver(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	kept := filepath.Join(t.TempDir(), "x.json")
	if _, errs := aisim(t, exitData, "calibrate", "sample", "--for", "1s", "-o", kept); !strings.Contains(errs, "nvidia-smi is not on PATH") || !strings.Contains(errs, "--replay") {
		t.Error(errs)
	}
	if _, err := os.Stat(kept); err == nil {
		t.Error("an empty file was left")
	}
}
