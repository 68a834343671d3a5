package ingest

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// sane is a sink that fails on records that no reader may make.
type sane struct {
	t *testing.T
	n int
}

func (s *sane) Record(r Record) error {
	s.n++
	if r.Body == nil || r.Kind != r.Body.Kind() || r.Source.Tool == "" {
		s.t.Fatalf("%+v", r)
	}
	s.finite(reflect.ValueOf(r.Body).Elem())
	if s.n%64 == 1 {
		_ = r.Text()
	}
	return nil
}

func (s *sane) finite(v reflect.Value) {
	for i := range v.NumField() {
		switch x := v.Field(i).Interface().(type) {
		case Num:
			if math.IsNaN(x.V) || math.IsInf(x.V, 0) || !x.Known && x.V != 0 {
				s.t.Fatalf("%s is %+v", v.Type().Field(i).Name, x)
			}
		case Dist, End:
			s.finite(v.Field(i))
		}
	}
}

func (s *sane) Problem(p Problem) {
	if p.What == "" || p.File == "" {
		s.t.Fatalf("%+v", p)
	}
}

// seeds are the transcripts of a family and, where they are at hand, the heads of real
// outputs.
func seeds(f *testing.F, names ...string) {
	for _, n := range names {
		if strings.Contains(n, "/") {
			files, _ := filepath.Glob(filepath.Join(shared, n))
			for _, file := range files {
				if b, err := os.ReadFile(file); err == nil {
					f.Add(b[:min(len(b), 6000)])
				}
			}
			continue
		}
		b, err := os.ReadFile("testdata/formats/" + n)
		if err != nil {
			f.Fatal(err)
		}
		for _, c := range strings.Split(string(b), "read\n")[1:] {
			in, _, _ := strings.Cut(c, "\n----")
			f.Add([]byte(in))
		}
	}
}

func fuzz(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Read("fuzz", bytes.NewReader(b), NewContradictions(&sane{t: t})); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzCollectives(f *testing.F) { seeds(f, "collectives.txt", "nccl-tests/*.txt"); fuzz(f) }

func FuzzLinks(f *testing.F) {
	seeds(f, "links.txt", "nvbandwidth/*", "perftest/*.txt", "cuda-bandwidthtest/*.txt", "gpcnet/*.txt", "gpu-copy-bw/*.txt", "rocm-bandwidth/*.txt")
	fuzz(f)
}

func FuzzDevices(f *testing.F) {
	seeds(f, "devices.txt", "nvidia-smi-xml/*.xml", "rocm-smi/*.json", "ibswinfo/*.out", "dcgm-exporter/*.csv")
	f.Add([]byte("# idle :: query (-q)\n==============NVSMI LOG==============\nTimestamp  : x\nGPU 0\n    A\n        B : 1 W\n    Clocks\n        SM : 3 MHz\n"))
	f.Add([]byte("# gpu pwr sm\n# Idx W %\n 0 3 -\n# gpu pid type sm\n# Idx # C/G %\n 0 1 C 3\n"))
	fuzz(f)
}

func FuzzCompute(f *testing.F) {
	seeds(f, "traces.txt", "stream/*.txt", "gpu-stream/*.txt", "gpu-burn/*.txt", "hpl/*.txt", "cublaslt/*.txt", "dist-inference/*.txt")
	f.Add([]byte("gemm_dtype,m,n,k,latency_ms\nbfloat16,8192,4096,1024,0.12\nfp8,1,2\nint8,x,2,3,4\n"))
	f.Add([]byte("M, N, K, dtype, tflops\n16,16,16,bf16,1\n"))
	fuzz(f)
}

func FuzzStorage(f *testing.F) { seeds(f, "storage.txt", "fio/*.json", "mlperf/*.json"); fuzz(f) }

func FuzzServing(f *testing.F) { seeds(f, "serving.txt"); fuzz(f) }

func FuzzMLPerf(f *testing.F) { seeds(f, "mlperf.txt", "mlperf/*.txt"); fuzz(f) }

func FuzzJobs(f *testing.F) { seeds(f, "jobs.txt", "slurm/*"); fuzz(f) }

func FuzzFabric(f *testing.F) { seeds(f, "fabric.txt", "ibnetdiscover/*", "perfquery/*.out"); fuzz(f) }

func FuzzTraces(f *testing.F) { seeds(f, "traces.txt", "kineto/*.gz", "pytorch-et/*.gz"); fuzz(f) }

func FuzzOwn(f *testing.F) {
	f.Add([]byte(`{"schema":"aisim.ingest/v1","records":[{"kind":"kernel","source":{"tool":"gemm","file":"a","line":3},"body":{"name":"gemm","m":4,"times_s":{"mean":1e-3}}}]}`))
	fuzz(f)
}

func FuzzChakra(f *testing.F) {
	f.Add([]byte("\x07\x0a\x050.0.4\x10\x08\x01\x12\x02mm\x18\x04\x22\x01\x01\x30\x05\x38\x0c"))
	f.Fuzz(func(t *testing.T, b []byte) {
		f := &feed{file: "fuzz", sink: &sane{t: t}, tally: map[string]*Tally{}}
		if err := readChakra(f, newInput(bytes.NewReader(b))); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"1", "-0.5", "1e22", "123456789012345678", "N/A", "1,5", "631.95 W", "16x", "(300Mhz)", "[Not Supported]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := parseFloat([]byte(s)); err == nil && math.IsNaN(v) {
			t.Fatalf("%q is %v", s, v)
		}
		_, _, _ = quantity([]byte(s))
		binarySize(s)
		slurmDuration(s)
	})
}
