package ingest

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

type counted struct{ n int }

func (c *counted) Record(Record) error { c.n++; return nil }
func (c *counted) Problem(p Problem)   { panic(p.String()) }

// repeated is a head and then a block over and over, up to a size, without being in
// memory.
type repeated struct {
	head  []byte
	block func(i int) []byte
	left  int
	i     int
	buf   []byte
}

func (r *repeated) Read(p []byte) (int, error) {
	if len(r.buf) == 0 {
		if r.head != nil {
			r.buf, r.head = r.head, nil
		} else if r.left <= 0 {
			return 0, io.EOF
		} else {
			r.buf = r.block(r.i)
			r.i++
		}
	}
	k := copy(p, r.buf)
	r.buf = r.buf[k:]
	r.left -= k
	return k, nil
}

// generated are streams of each text format of a given size.
var generated = []struct {
	name string
	make func(size int) io.Reader
}{
	{"nccl-tests", func(size int) io.Reader {
		head := "# nThread 1 nGpus 8 minBytes 1 maxBytes 8589934592 step: 2(factor) warmup iters: 5 iters: 20 validation: 0\n"
		for i := range 8 {
			head += fmt.Sprintf("#   Rank  %d Pid 112372 on localhost device  %d [0x00] A100-SXM4-40GB\n", i, i)
		}
		head += "#       size         count    type   redop     time   algbw   busbw  error     time   algbw   busbw  error\n"
		var b []byte
		for range 512 {
			b = append(b, "   536870912     134217728   float     sum   4200.3  127.82  223.68    N/A   4184.0  128.32  224.55    N/A\n"...)
		}
		return &repeated{head: []byte(head), block: func(int) []byte { return b }, left: size}
	}},
	{"perftest", func(size int) io.Reader {
		head := "                    RDMA_Write BW Test\n#bytes     #iterations    BW peak[MB/sec]    BW average[MB/sec]   MsgRate[Mpps]\n"
		var b []byte
		for i := range 512 {
			b = fmt.Appendf(b, "%-10d 2000             22673.63            22411.35                  0.089645\n", 1<<(i%24))
		}
		return &repeated{head: []byte(head), block: func(int) []byte { return b }, left: size}
	}},
	{"nvidia-smi CSV", func(size int) io.Reader {
		head := "timestamp, index, uuid, name, pstate, clocks.current.sm [MHz], clocks.current.memory [MHz], power.draw [W], power.draw.instant [W], temperature.gpu, utilization.gpu [%], utilization.memory [%], memory.used [MiB], clocks_event_reasons.active, fan.speed [%]\n"
		var b []byte
		for range 256 {
			b = append(b, "2026/07/14 08:12:53.353, 0, GPU-00000000-0000-0000-0000-000000000000, NVIDIA H100 80GB HBM3, P0, 1980 MHz, 2619 MHz, 631.95 W, 625.68 W, 59, 100 %, 11 %, 19818 MiB, 0x0000000000000000, [N/A]\n"...)
		}
		return &repeated{head: []byte(head), block: func(int) []byte { return b }, left: size}
	}},
	{"dcgm-exporter", func(size int) io.Reader {
		var b []byte
		for _, f := range []string{"SM_CLOCK", "MEM_CLOCK", "GPU_TEMP", "POWER_USAGE", "GPU_UTIL", "FB_USED", "FB_FREE"} {
			b = fmt.Appendf(b, "# TYPE DCGM_FI_DEV_%s gauge\n", f)
			for i := range 8 {
				b = fmt.Appendf(b, "DCGM_FI_DEV_%s{gpu=\"%d\",UUID=\"GPU-604ac76c-d9cf-fef3-62e9-d92044ab6e5%d\",pci_bus_id=\"00000000:0%d:00.0\",device=\"nvidia%d\",modelName=\"NVIDIA H100 80GB HBM3\",Hostname=\"node001\"} 1980\n", f, i, i, i, i)
			}
		}
		return &repeated{block: func(int) []byte { return b }, left: size}
	}},
	{"mlperf", func(size int) io.Reader {
		var b []byte
		for range 256 {
			b = append(b, `:::MLLOG {"namespace": "", "time_ms": 1745140943949, "event_type": "POINT_IN_TIME", "key": "tracked_stats", "value": {"throughput": 1800.7048114357926, "train_step_time": 0.14216655521449867}, "metadata": {"file": "/sd/callbacks.py", "lineno": 470, "samples_count": 512000}}`+"\n"...)
		}
		return &repeated{block: func(int) []byte { return b }, left: size}
	}},
	{"sacct", func(size int) io.Reader {
		head := "JobID|JobName|User|Partition|State|Submit|Start|End|ElapsedRaw|AllocTRES|ReqTRES|NNodes|NCPUS|Timelimit|NodeList\n"
		var b []byte
		for range 256 {
			b = append(b, "7965768|A9E0GMQ7UDQT2YW|user427|gpulong|CANCELLED by 10314909|2024-04-04T19:29:45|2024-04-04T21:45:17|2024-04-05T13:13:39|55702|billing=8,cpu=8,gres/gpu:v100=1,gres/gpu=1,mem=10G,node=1|billing=1,cpu=1,gres/gpu=1,mem=10G,node=1|1|8|1-23:59:00|v100gpu16\n"...)
		}
		return &repeated{head: []byte(head), block: func(int) []byte { return b }, left: size}
	}},
	{"ibnetdiscover", func(size int) io.Reader {
		head := "vendid=0x2c9\nSwitch  41 \"S-0ff08c43215bae48\"         # \"MF0;rmd70-0101-0919-01ib0:MQM8700/U1\" enhanced port 0 lid 556 lmc 0\n"
		var b []byte
		for range 256 {
			b = append(b, "[1]     \"H-0ff08c4321664e96\"[1](ff08c4321664e96)                # \"RMD701091901003 ibp11s0f0\" lid 1181 4xHDR s=4 w=2 v=4 e=4\n"...)
		}
		return &repeated{head: []byte(head), block: func(int) []byte { return b }, left: size}
	}},
	{"foreign log", func(size int) io.Reader {
		var b []byte
		for i := range 256 {
			b = fmt.Appendf(b, "2026-01-01 00:00:00 INFO trainer step=%d loss=2.3412 grad_norm=0.41 tokens_per_s=12345 lr=3e-4 all good here\n", i)
		}
		return &repeated{block: func(int) []byte { return b }, left: size}
	}},
	{"kineto", func(size int) io.Reader {
		head := `{"schemaVersion": 1, "distributedInfo": {"backend": "nccl", "rank": 0, "world_size": 128}, "traceEvents": [{"ph": "M"}`
		var b []byte
		for range 128 {
			b = append(b, `, {"ph": "X", "cat": "kernel", "name": "void cub::DeviceScanInitKernel<cub::ScanTileState<int, true> >(cub::ScanTileState<int, true>, int)", "pid": 0, "tid": 23, "ts": 1682725898082364, "dur": 3.0, "args": {"External id": 6936015, "queued": 0, "device": 0, "context": 1, "stream": 23, "correlation": 6936015, "registers per thread": 16, "shared memory": 0, "blocks per SM": 0.027777778, "warps per SM": 0.11111111, "grid": [3, 1, 1], "block": [128, 1, 1], "est. achieved occupancy %": 0}}`+"\n"...)
		}
		return io.MultiReader(&repeated{head: []byte(head), block: func(int) []byte { return b }, left: size}, strings.NewReader("]}"))
	}},
}

// BenchmarkIngest reads 32 MB of each format: go test -bench Ingest -run ^$
func BenchmarkIngest(b *testing.B) {
	const size = 32 << 20
	for _, g := range generated {
		data, err := io.ReadAll(g.make(size))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(g.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := Read("bench", bytes.NewReader(data), &counted{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestMemoryIsBounded reads streams of 96 MB and looks at the heap in between.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 300 MB")
	}
	for _, name := range []string{"nccl-tests", "kineto", "foreign log"} {
		for _, g := range generated {
			if g.name != name {
				continue
			}
			peak := &heapPeak{}
			if _, err := Read(name, g.make(96<<20), NewContradictions(peak)); err != nil {
				t.Fatal(err)
			}
			if peak.bytes > 24<<20 {
				t.Errorf("%s: %d MiB are alive while reading", name, peak.bytes>>20)
			}
		}
	}
}

// heapPeak is what is alive at some records.
type heapPeak struct {
	n     int
	bytes uint64
}

func (h *heapPeak) Record(Record) error {
	if h.n++; h.n%100000 == 0 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		h.bytes = max(h.bytes, m.HeapAlloc)
	}
	return nil
}

func (h *heapPeak) Problem(Problem) {}
