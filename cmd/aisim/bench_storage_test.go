package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// The benchmark prints the fields of the contract, with one hash for every number of workers.
func TestBenchStorage(t *testing.T) {
	hash := ""
	for _, workers := range []string{"1", "2", "3"} {
		out, _ := aisim(t, 0, "bench", "storage", "--nodes", "18", "--osds", "2", "--in-flight", "32", "--end", "0.01", "--fail-node", "2", "--fail-at", "0.002", "--detect", "0.001", "--peer", "0.0005", "--out", "0.001", "--fill", "0.00001", "--workers", workers)
		var r map[string]any
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"requests", "events", "wall_seconds", "peak_bytes", "simulated_seconds", "iops", "read_seconds_mean", "write_seconds_p99"} {
			if v, ok := r[key].(float64); !ok || v <= 0 {
				t.Errorf("%s is %v", key, r[key])
			}
		}
		if got := fmt.Sprint(r["hash"]); hash == "" {
			hash = got
		} else if got != hash {
			t.Errorf("hash %s with %s workers, %s with 1", got, workers, hash)
		}
	}
}

func TestBenchStorageRefusals(t *testing.T) {
	for word, args := range map[string][]string{
		`--bytes is "many"`:     {"--bytes", "many"},
		"--workers is -1":       {"--workers", "-1"},
		`--total is "all"`:      {"--total", "all"},
		"--nic-gbps is 0":       {"--nic-gbps", "0"},
		"--drive":               {"--drive", "drum"},
		"share of reads 2":      {"--reads", "2"},
		`scheduler "x"`:         {"--scheduler", "x"},
		"need 3 hosts":          {"--nodes", "2"},
		"failure of node 70":    {"--fail-node", "70"},
		"requests of 8388608 B": {"--bytes", "8MiB"},
	} {
		out, errs := aisim(t, exitUsage, append([]string{"bench", "storage"}, args...)...)
		if out != "" || !strings.Contains(errs, word) {
			t.Errorf("%v: stdout %q, stderr %s", args, out, errs)
		}
	}
}

// The scenario of the worked example can be read.
func TestStudyOfCeph(t *testing.T) {
	aisim(t, 0, "check", "../../docs/studies/ceph-4096.toml")
}
