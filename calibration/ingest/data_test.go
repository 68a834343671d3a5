package ingest

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// kept is a sink that keeps everything.
type kept struct {
	records  []Record
	problems []Problem
}

func (k *kept) Record(r Record) error { k.records = append(k.records, r); return nil }
func (k *kept) Problem(p Problem)     { k.problems = append(k.problems, p) }

func readString(t testing.TB, text string) (*kept, Report) {
	t.Helper()
	k := &kept{}
	r, err := Read("test", strings.NewReader(text), NewContradictions(k))
	if err != nil {
		t.Fatal(err)
	}
	return k, r
}

const shared = "../../../shared/data/calibration"

// shared files: tool, records, and values looked up in the file by eye.
var sharedFiles = []struct {
	file, tool string
	records    int
	problems   int
	check      func(*testing.T, []Record)
}{
	{"chakra/feeder_tests_trace.tar.gz", "chakra", 3665, 0, func(t *testing.T, r []Record) { // 1 metadata, 3643 comp, 21 collective
		count(t, r, map[Kind]int{KindEvent: 1, KindCollective: 21, KindKernel: 3643})
		deps := 0
		sized := 0
		for _, x := range r {
			switch b := x.Body.(type) {
			case *Kernel:
				deps += len(b.Deps)
			case *Collective:
				if b.Bytes.Known {
					sized++
				}
			}
		}
		if deps < 180000 || sized != 7 {
			t.Errorf("%d dependencies (of 185542 with those of collectives), %d collectives with size", deps, sized)
		}
	}},
	{"cublaslt/cublaslt_ncu.txt", "cublaslt-gemm nsight-compute", 2, 0, func(t *testing.T, r []Record) {
		k := r[0].Body.(*Kernel)
		near(t, "m", k.M, 2208)
		near(t, "time", k.DurationSec, 358.154755e-6)
		near(t, "rate", k.FlopPerSec, 141.598150e12)
		n := r[1].Body.(*Kernel)
		near(t, "ncu duration", n.DurationSec, 406240e-9)
		near(t, "SMs", more(n.More, "# SMs"), 152)
		near(t, "SM frequency", more(n.More, "SM Frequency"), 1239496049.13)
		if len(n.Grid) != 3 || n.Grid[0] != 9 || n.Block[0] != 384 {
			t.Error(n.Grid, n.Block)
		}
	}},
	{"cuda-bandwidthtest/d2h_shmoo.txt", "cuda-bandwidthtest", 81, 0, func(t *testing.T, r []Record) {
		l := r[1].Body.(*Link)
		near(t, "size", l.Bytes, 2000)
		near(t, "rate", l.BytesPerSec, 0.5e9)
		if l.LatencySec.Known || l.From != "gpu" || l.Device != "Tesla V100-PCIE-32GB" {
			t.Errorf("%+v", l)
		}
	}},
	{"cuda-bandwidthtest/h2d_shmoo.txt", "cuda-bandwidthtest", 81, 0, nil},
	{"dcgm-exporter/dcp-metrics-included.csv", "dcgm-exporter", 1, 0, nil},
	{"dcgm-exporter/default-counters.csv", "dcgm-exporter", 1, 0, nil},
	{"dist-inference/dist_inference.txt", "dist-inference", 100, 0, func(t *testing.T, r []Record) { near(t, "step 18", r[18].Body.(*Event).Value, 2.67155e-3) }},
	{"fio/local_randrw_fio-3.33.json", "fio", 3, 0, func(t *testing.T, r []Record) {
		s := r[0].Body.(*Storage)
		near(t, "iops", s.OpsPerSec, 1999.0005)
		near(t, "rate", s.BytesPerSec, 8187906)
		near(t, "p99", s.CompleteSec.At(99), 177152e-9)
		near(t, "block", s.BlockBytes, 4096)
		near(t, "mean", s.LatencySec.Mean, 99315.58275e-9)
	}},
	{"fio/nvme_randrw_fio-3.16.json", "fio", 3, 0, func(t *testing.T, r []Record) {
		s := r[1].Body.(*Storage)
		near(t, "rate", s.BytesPerSec, 348450387)
		near(t, "p99.9", s.LatencySec.At(99.9), 2605056e-9)
		near(t, "depth of the global options", s.QueueDepth, 64)
		near(t, "jobs", s.Workers, 4)
	}},
	{"gpcnet/network_load_test.txt", "gpcnet", 28, 0, func(t *testing.T, r []Record) { near(t, "latency", r[0].Body.(*Link).LatencySec, 0.01) }},
	{"gpu-burn/a100x8_double_tc.txt", "gpu-burn", 8, 0, func(t *testing.T, r []Record) {
		k := r[1].Body.(*Kernel)
		near(t, "rate", k.FlopPerSec, 17093e9)
		near(t, "temperature", k.Celsius, 59)
		near(t, "errors", k.Errors, 0)
		if k.Device != "NVIDIA A100-SXM4-80GB" || k.DType != "fp64 tensor" {
			t.Errorf("%+v", k)
		}
	}},
	{"gpu-copy-bw/a100_superbench_gpu_copy.txt", "gpu-copy", 57, 0, func(t *testing.T, r []Record) {
		l := r[6].Body.(*Link)
		near(t, "rate", l.BytesPerSec, 258.397e9)
		if l.From != "gpu0" || l.To != "gpu1" || l.Engine != "sm" {
			t.Errorf("%+v", l)
		}
	}},
	{"gpu-stream/b200_superbench_gpu_stream.txt", "gpu-stream", 32, 0, func(t *testing.T, r []Record) {
		m := r[9].Body.(*Memory)
		near(t, "rate", m.BytesPerSec, 7407.27e9)
		near(t, "array", m.ArrayBytes, 4<<30)
		near(t, "peak", m.PeakBytesPerSec, 8192e9)
	}},
	{"hpl/hpl_results.txt", "hpl", 1, 0, func(t *testing.T, r []Record) { near(t, "rate", r[0].Body.(*Kernel).FlopPerSec, 8126.1e9) }},
	{"ibnetdiscover/p-option_edr_test.out", "ibnetdiscover", 9, 0, func(t *testing.T, r []Record) {
		near(t, "4x EDR", r[0].Body.(*Edge).BytesPerSec, 12.5e9)
		if e := r[7].Body.(*Edge); e.BytesPerSec.Known || e.State != "down" || e.From.Name != "ib-i4l1s01" {
			t.Errorf("%+v", e)
		}
	}},
	{"ibnetdiscover/superbench_faked_hdr.topo", "ibnetdiscover", 53, 0, func(t *testing.T, r []Record) {
		nodes := 0
		for _, x := range r {
			if x.Body.(*Edge).Type == "node" {
				nodes++
			}
		}
		if nodes != 18 {
			t.Errorf("%d nodes", nodes)
		}
		near(t, "4x HDR", r[1].Body.(*Edge).BytesPerSec, 25e9)
	}},
	{"ibswinfo/test1.out", "ibswinfo", 1, 0, func(t *testing.T, r []Record) { near(t, "power", r[0].Body.(*Device).PowerWatts, 143) }},
	{"kineto/alexnet_trace.json.gz", "kineto", 877, 0, func(t *testing.T, r []Record) { // 1 rank, 8 devices, 867 ph X without Trace, 1 name
		classes(t, r, map[string]int{"kernel": 79, "memcpy": 16, "memset": 3, "operator": 359, "runtime": 361, "sync": 41, "annotation": 8})
		for _, x := range r {
			if k, ok := x.Body.(*Kernel); ok && k.Class == "memcpy" {
				near(t, "copy", k.Bytes, 92928)
				near(t, "rate", k.BytesPerSec, 7.744e9)
				near(t, "start", k.StartSec, 1695835572.943613)
				break
			}
		}
	}},
	{"kineto/mi250_minitoy_rocm62.json.gz", "kineto", 118, 0, func(t *testing.T, r []Record) {
		classes(t, r, map[string]int{"kernel": 14, "memcpy": 2, "operator": 70, "runtime": 21, "annotation": 3, "gpu annotation": 2})
	}},
	{"kineto/timeline_analysis_sampled_rank-0.json.gz", "kineto", 4811, 0, func(t *testing.T, r []Record) { // 1154 kernels, of which NCCL's are collectives
		c := 0
		for _, x := range r {
			if b, ok := x.Body.(*Collective); ok {
				c++
				if b.Op == "" || !b.TimeSec.Known {
					t.Errorf("%+v", b)
				}
			}
		}
		classes(t, r, map[string]int{"kernel": 1154 - c, "memcpy": 40, "memset": 10, "operator": 2329, "runtime": 1204, "annotation": 73})
		if c == 0 {
			t.Error("no collectives")
		}
	}},
	{"mlperf/storage_v1.0_ddn_cosmoflow_h100_summary.json", "mlperf-storage", 1, 0, func(t *testing.T, r []Record) {
		s := r[0].Body.(*Storage)
		near(t, "rate", s.BytesPerSec, 33870.97750831802e6)
		near(t, "AU of the third epoch", more(s.More, "train_au_percentage epoch 2"), 70.32475816535452)
	}},
	{"mlperf/training_v5.0_nvidia_nyx_n1_sd_result_0.txt", "mlperf", 49, 0, func(t *testing.T, r []Record) {
		e := r[len(r)-1].Body.(*Event)
		near(t, "time to train", more(e.More, "time_to_train"), (1745141643627-1745140714841)/1e3)
		near(t, "throughput", more(r[23].Body.(*Event).More, "throughput"), 1800.7048114357926)
	}},
	{"nccl-tests/a100x8_allgather_v2.txt", "nccl-tests", 68, 0, opIs("all_gather")},
	{"nccl-tests/a100x8_allreduce_v2.txt", "nccl-tests", 68, 0, func(t *testing.T, r []Record) {
		opIs("all_reduce")(t, r)
		c := r[66].Body.(*Collective)
		near(t, "bytes", c.Bytes, 8589934592)
		near(t, "time", c.TimeSec, 63896e-6)
		near(t, "busbw", c.BusBytesPerSec, 235.26e9)
		near(t, "ranks", c.Ranks, 8)
		if c.Wrong.Known || c.Placement != "out-of-place" || c.Device != "A100-SXM4-40GB" {
			t.Errorf("%+v", c)
		}
	}},
	{"nccl-tests/a100x8_alltoall_v2.txt", "nccl-tests", 68, 0, opIs("all_to_all")},
	{"nccl-tests/a100x8_reduce_v2.txt", "nccl-tests", 68, 0, opIs("reduce")},
	{"nccl-tests/a100x8_reducescatter_v2.txt", "nccl-tests", 68, 0, opIs("reduce_scatter")},
	{"nvbandwidth/gh200_v0.6.txt", "nvbandwidth", 21, 2, func(t *testing.T, r []Record) {
		near(t, "cell", r[4].Body.(*Link).BytesPerSec, 299.33e9)
		if l := r[6].Body.(*Link); l.From != "gpu0" || l.To != "cpu0" {
			t.Errorf("%+v", l)
		}
	}},
	{"nvbandwidth/v0.5_1gpu_verbose.json", "nvbandwidth", 32, 0, func(t *testing.T, r []Record) {
		near(t, "cell", r[0].Body.(*Link).BytesPerSec, 12.3964e9)
		if l := r[4].Body.(*Link); l.Status != "Waived" || l.BytesPerSec.Known {
			t.Errorf("%+v", l)
		}
	}},
	{"nvidia-smi-capture/linux-x86_64__nvidia-h100-80gb-hbm3__590.48.01.txt", "nvidia-smi", 60, 0, func(t *testing.T, r []Record) {
		loads := 0
		for _, x := range r {
			d, ok := x.Body.(*Device)
			if !ok || d.Section != "load" {
				continue
			}
			loads++
			if x.Source.Line == 2105 {
				near(t, "power", d.PowerWatts, 631.95)
				near(t, "instant", d.InstantWatts, 625.68)
				near(t, "clock", d.SMClockHz, 1980e6)
				near(t, "used", d.MemUsedBytes, 19818<<20)
				near(t, "busy", d.BusyRatio, 1)
				if d.FanRatio.Known {
					t.Error("an [N/A] fan has a speed")
				}
			}
		}
		if loads != 7 { // -q, --query-gpu, five of dmon
			t.Errorf("%d samples under load", loads)
		}
	}},
	{"nvidia-smi-capture/linux-x86_64__nvidia-h200__590.48.01.txt", "nvidia-smi", 60, 0, nil},
	{"nvidia-smi-capture/linux-x86_64__nvidia-l40s__595.80.txt", "nvidia-smi", 44, 0, nil},
	{"nvidia-smi-xml/a100-sxm4-v12.xml", "nvidia-smi", 5, 0, func(t *testing.T, r []Record) {
		d := r[0].Body.(*Device)
		near(t, "power", d.PowerWatts, 67.03)
		near(t, "tx", d.PCIeTxBytesPerSec, 4e6)
		near(t, "MIG", more(d.More, "mig_devices"), 4)
		if d.BusyRatio.Known {
			t.Error("N/A utilisation is known")
		}
	}},
	{"nvidia-smi-xml/gtx-1660-ti.xml", "nvidia-smi", 1, 0, func(t *testing.T, r []Record) {
		d := r[0].Body.(*Device)
		near(t, "power", d.PowerWatts, 8.93)
		if strings.Join(d.Throttle, ",") != "gpu_idle" {
			t.Error(d.Throttle)
		}
	}},
	{"nvidia-smi-xml/rtx-3080-v13.xml", "nvidia-smi", 1, 0, func(t *testing.T, r []Record) {
		d := r[0].Body.(*Device)
		near(t, "average", d.AvgPowerWatts, 139.62)
		near(t, "instant", d.InstantWatts, 142.33)
	}},
	{"nvidia-smi-xml/rtx-4000-sff-ada-v13.xml", "nvidia-smi", 5, 0, func(t *testing.T, r []Record) {
		near(t, "power cap time", more(r[0].Body.(*Device).More, "clocks_event_reasons_counters/clocks_event_reasons_counters_sw_power_cap"), 4251.825415)
	}},
	{"nvidia-smi-xml/tesla-t4.xml", "nvidia-smi", 3, 0, nil},
	{"perfquery/switch_2ports.out", "perfquery", 2, 0, func(t *testing.T, r []Record) {
		near(t, "tx", r[0].Body.(*Counters).TxBytes, 4*36298026860928)
		near(t, "wait", more(r[1].Body.(*Counters).Values, "PortXmitWait"), 36510964)
	}},
	{"perftest/ib_write_bw_loopback_all_sizes.txt", "perftest", 23, 0, func(t *testing.T, r []Record) {
		l := r[22].Body.(*Link)
		near(t, "rate", l.BytesPerSec, 23240.68*(1<<20))
		near(t, "messages", l.MessagesPerSec, 2905)
	}},
	{"pytorch-et/benchmark_simple_add_et.json.gz", "pytorch-et", 38, 0, func(t *testing.T, r []Record) {
		if k := r[1].Body.(*Kernel); k.Name != "aten::empty" || !strings.Contains(k.Types, "GenericList[Int,Int]") {
			t.Errorf("%+v", k)
		}
	}},
	{"rocm-bandwidth/h2d_hipBusBandwidth.txt", "hip-bus-bandwidth", 46, 0, func(t *testing.T, r []Record) {
		near(t, "rate", r[15].Body.(*Link).BytesPerSec, 22.2706e9)
		near(t, "size", r[15].Body.(*Link).Bytes, 4096<<10)
		near(t, "time", r[45].Body.(*Link).LatencySec, 21.6897e-3)
	}},
	{"rocm-smi/mi100_rocm571.json", "rocm-smi", 21, 0, func(t *testing.T, r []Record) { near(t, "power", r[0].Body.(*Device).AvgPowerWatts, 39) }},
	{"rocm-smi/mi100_rocm602.json", "rocm-smi", 10, 0, func(t *testing.T, r []Record) {
		d := r[0].Body.(*Device)
		near(t, "clock", d.SMClockHz, 300e6)
		near(t, "PCIe", d.PCIeGen, 4)
		near(t, "memory", d.MemTotalBytes, 34342961152)
	}},
	{"rocm-smi/vega-20-WKS-GL-XE.json", "rocm-smi", 29, 0, func(t *testing.T, r []Record) { near(t, "weight", r[4].Body.(*Edge).Weight, 72) }},
	{"slurm/local_scontrol_show_job_array_22.05.8.txt", "slurm-scontrol", 4, 0, func(t *testing.T, r []Record) {
		if j := r[0].Body.(*Job); j.ID != "10" || j.LimitSec.Known || j.EndLocal != "" {
			t.Errorf("%+v", j)
		}
	}},
	{"slurm/local_sinfo_22.05.8.json", "slurm", 4, 0, func(t *testing.T, r []Record) {
		if e := r[1].Body.(*Edge); e.State != "down+not_responding" {
			t.Errorf("%+v", e)
		}
	}},
	{"slurm/local_squeue_array_22.05.8.json", "slurm", 4, 0, nil},
	{"slurm/sacct_parsable_snowman.txt", "slurm-sacct", 242, 1, func(t *testing.T, r []Record) {
		j := r[8].Body.(*Job)
		near(t, "GPUs", j.GPUs, 1)
		near(t, "elapsed", j.ElapsedSec, 15*3600+28*60+22)
		near(t, "limit", j.LimitSec, 86400+23*3600+59*60)
		near(t, "CPU", j.CPUSec, 15*3600+33*60+59)
		if j.GPUType != "v100" || j.CancelledBy != "10314909" {
			t.Errorf("%+v", j)
		}
		if s := r[9].Body.(*Job); s.Step != "batch" || s.MaxRSSBytes.V != 1294440*1024 {
			t.Errorf("%+v", s)
		}
	}},
	{"slurm/sdiag_24.05.json", "slurm", 13, 0, func(t *testing.T, r []Record) {
		near(t, "cycle", more(r[0].Body.(*Counters).Values, "schedule_cycle_max"), 1666e-6)
	}},
	{"slurm/sinfo_21.08.json", "slurm", 4, 0, nil},
	{"slurm/slurmrestd_jobs.json", "slurm", 3, 0, nil},
	{"slurm/slurmrestd_nodes.json", "slurm", 3, 0, nil},
	{"slurm/squeue_21.08.json", "slurm", 2, 0, func(t *testing.T, r []Record) { // the second job is of a newer parser
		j := r[1].Body.(*Job)
		near(t, "limit", j.LimitSec, 1439*60)
		if j.StartSec.Known {
			t.Error("a pending job has started")
		}
	}},
	{"stream/stream_5.10_neoverse.txt", "stream", 4, 0, func(t *testing.T, r []Record) {
		m := r[3].Body.(*Memory)
		near(t, "triad", m.BytesPerSec, 105256e6)
		near(t, "array", m.ArrayBytes, 960e6)
	}},
}

func near(t *testing.T, what string, got Num, want float64) {
	t.Helper()
	if !got.Known || math.Abs(got.V-want) > 1e-9*math.Abs(want) {
		t.Errorf("%s is %v, expected %v", what, got, want)
	}
}

func more(fields []Field, name string) Num {
	for _, f := range fields {
		if f.Name == name {
			return f.Value
		}
	}
	return Num{}
}

func count(t *testing.T, r []Record, want map[Kind]int) {
	t.Helper()
	got := map[Kind]int{}
	for _, x := range r {
		got[x.Kind]++
	}
	for k, n := range want {
		if got[k] != n {
			t.Errorf("%d records of %s, expected %d", got[k], k, n)
		}
	}
}

func classes(t *testing.T, r []Record, want map[string]int) {
	t.Helper()
	got := map[string]int{}
	for _, x := range r {
		if k, ok := x.Body.(*Kernel); ok {
			got[k.Class]++
		}
	}
	for c, n := range want {
		if got[c] != n {
			t.Errorf("%d of class %s, expected %d", got[c], c, n)
		}
	}
}

func opIs(op string) func(*testing.T, []Record) {
	return func(t *testing.T, r []Record) {
		t.Helper()
		for _, x := range r {
			if c := x.Body.(*Collective); c.Op != op || !c.TimeSec.Known || !c.Ranks.Known {
				t.Fatalf("line %d: %+v", x.Source.Line, c)
			}
		}
	}
}

func TestSharedFiles(t *testing.T) {
	if _, err := os.Stat(shared); err != nil {
		t.Skip("shared data absent: calibration")
	}
	listed := map[string]bool{}
	for _, c := range sharedFiles {
		listed[c.file] = true
		t.Run(c.file, func(t *testing.T) {
			k := &kept{}
			report, err := File(filepath.Join(shared, c.file), NewContradictions(k))
			if err != nil {
				t.Fatal(err)
			}
			var tools []string
			for _, x := range report.Tools {
				tools = append(tools, x.Tool)
			}
			if got := strings.Join(tools, " "); got != c.tool || len(k.records) != c.records || report.Records != c.records || len(k.problems) != c.problems {
				t.Fatalf("%s, %d records, problems %v; expected %s, %d, %d problems", got, len(k.records), k.problems, c.tool, c.records, c.problems)
			}
			if c.check != nil {
				c.check(t, k.records)
			}
		})
	}
	// every file of the folder is listed, and what describes them is not recognised
	files, _ := filepath.Glob(shared + "/*/*")
	for _, f := range files {
		rel, _ := filepath.Rel(shared, f)
		if strings.HasSuffix(f, "SOURCE.md") {
			if r, err := File(f, &kept{}); err != nil || r.Recognised {
				t.Errorf("%s is taken for a measurement: %v %v", rel, r, err)
			}
		} else if !listed[filepath.ToSlash(rel)] {
			t.Errorf("%s is not tested", rel)
		}
	}
}
