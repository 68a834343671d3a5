package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestBenchLoader(t *testing.T) {
	for _, w := range []string{"unet3d", "resnet50", "cosmoflow"} {
		hash := ""
		for _, workers := range []string{"1", "2"} {
			out, _ := aisim(t, 0, "bench", "loader", "--workload", w, "--accelerators", "20", "--end", "3", "--store", "200 GB/s", "--workers", workers)
			var r map[string]any
			if err := json.Unmarshal([]byte(out), &r); err != nil {
				t.Fatal(err)
			}
			for _, key := range []string{"events", "wall_seconds", "peak_bytes", "simulated_seconds", "au", "samples_per_second", "knee"} {
				if v, ok := r[key].(float64); !ok || v <= 0 {
					t.Errorf("%s: %s is %v", w, key, r[key])
				}
			}
			if got := fmt.Sprint(r["hash"]); hash == "" {
				hash = got
			} else if got != hash {
				t.Errorf("%s: hash %s with %s workers, %s with 1", w, got, workers, hash)
			}
		}
	}
}

func TestBenchLoaderRefusals(t *testing.T) {
	for word, args := range map[string][]string{
		`no workload "bert"`: {"--workload", "bert"},
		`on "tpu"`:           {"--accelerator", "tpu"},
		"--store is":         {"--store", "fast"},
		"0 accelerators":     {"--accelerators", "0"},
		`framework "keras"`:  {"--framework", "keras"},
		"--workers is -2":    {"--workers", "-2"},
		"steps of":           {"--end", "0"},
	} {
		out, errs := aisim(t, exitUsage, append([]string{"bench", "loader"}, args...)...)
		if out != "" || !strings.Contains(errs, word) {
			t.Errorf("%v: stdout %q, stderr %s", args, out, errs)
		}
	}
}
