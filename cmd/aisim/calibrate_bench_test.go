package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkIngestCommand is the whole command, printing included, on 16 MB of a tool's output.
func BenchmarkIngestCommand(b *testing.B) {
	const size = 16 << 20
	var csv strings.Builder
	csv.WriteString("timestamp, index, uuid, name, pstate, clocks.current.sm [MHz], clocks.current.memory [MHz], power.draw [W], temperature.gpu, utilization.gpu [%], memory.used [MiB], clocks_event_reasons.active\n")
	for i := 0; csv.Len() < size; i++ {
		fmt.Fprintf(&csv, "2026/07/14 08:%02d:%02d.353, %d, GPU-3d3d3d3d-aaaa-bbbb-cccc-%012d, NVIDIA H100 80GB HBM3, P0, 1980 MHz, 2619 MHz, %d.%02d W, 61, 98 %%, 40536 MiB, 0x0000000000000004\n",
			i/60%60, i%60, i%8, i%8, 400+i%200, i%100)
	}
	for name, text := range map[string]string{"nccl-tests": strings.Repeat("./build/all_reduce_perf -g 2\n"+strings.ReplaceAll(ncclTable, "50,00   20,97   20,97", "50.00   20.97   20.97"), size/len(ncclTable)), "nvidia-smi": csv.String()} {
		file := filepath.Join(b.TempDir(), "big.txt")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
		for _, format := range []string{"text", "json"} {
			b.Run(name+"/"+format, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					p, _, _ := call("")
					p.stdout = io.Discard
					if err := p.ingest([]string{file}, format); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
