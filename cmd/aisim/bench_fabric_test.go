package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// Every pattern prints the fields of the contract on flows and on packets, with one hash
// for every number of workers.
func TestBenchFabric(t *testing.T) {
	for _, b := range fabricBenches {
		for _, model := range []string{"flow", "packet"} {
			hash := ""
			for _, workers := range []string{"1", "2", "4"} {
				out, _ := aisim(t, 0, "bench", b.name, "--radix", "4", "--bytes", "256KiB", "--model", model, "--workers", workers, "--format", "json")
				var r map[string]any
				if err := json.Unmarshal([]byte(out), &r); err != nil {
					t.Fatal(err)
				}
				for _, key := range []string{"events", "wall_seconds", "peak_bytes", "simulated_seconds", "flow_seconds_min", "flow_seconds_mean", "flow_seconds_max"} {
					if v, ok := r[key].(float64); !ok || v <= 0 {
						t.Errorf("%s %s: %s is %v", b.name, model, key, r[key])
					}
				}
				if v, ok := r["packets"].(float64); !ok || (v > 0) != (model == "packet") {
					t.Errorf("%s %s: packets is %v", b.name, model, r["packets"])
				}
				if r["events"].(float64) < r["messages"].(float64) {
					t.Errorf("%s %s: %v events for %v messages", b.name, model, r["events"], r["messages"])
				}
				if got := fmt.Sprint(r["hash"]); hash == "" {
					hash = got
				} else if got != hash {
					t.Errorf("%s %s: hash %s with %s workers, %s with 1", b.name, model, got, workers, hash)
				}
			}
		}
	}
}

func TestBenchFabricRefusals(t *testing.T) {
	for word, args := range map[string][]string{
		"--radix is 7":              {"--radix", "7"},
		"--radix is 200":            {"--radix", "200"},
		`--bytes is "many"`:         {"--bytes", "many"},
		`--bytes is "0"`:            {"--bytes", "0"},
		`no model is called "wind"`: {"--model", "wind"},
		"--workers is -1":           {"--workers", "-1"},
		`no routing is called "x"`:  {"--routing", "x"},
	} {
		out, errs := aisim(t, exitUsage, append([]string{"bench", "ring"}, args...)...)
		if out != "" || !strings.Contains(errs, word) {
			t.Errorf("%v: stdout %q, stderr %s", args, out, errs)
		}
	}
	out, errs := aisim(t, exitFailed, "bench", "ring", "--radix", "8", "--bytes", "100")
	if out != "" || !strings.Contains(errs, "128 chunks") {
		t.Errorf("a vector smaller than the ring: stdout %q, stderr %s", out, errs)
	}
	out, _ = aisim(t, 0, "bench", "permutation", "--radix", "4", "--format", "text")
	if !strings.Contains(out, "simulated time") {
		t.Error(out)
	}
}
