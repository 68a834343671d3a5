package jobs

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aisim/internal/measured"
)

func TestLayouts(t *testing.T) {
	for _, x := range []struct {
		name, text string
		want       []Job
		skipped    int
	}{
		{"swf", "; UnixStartTime: 0\n1 10 5 100 4 -1 -1 4 200 -1 1 7 1 1 2 -1 -1 -1\n2 20 -1 -1 -1 -1 -1 4 200 -1 5 7 1 1 2 -1 -1 -1\n",
			[]Job{{SubmitSec: 0, RunSec: 100, WallSec: 200, GPUs: 4}}, 1},
		{"philly", "timestamp,duration,num_gpus,gpu_time,cluster\n2017-10-09 07:01:55,66.0,2,132,a\n2017-10-09 07:00:55,10,1,10,b\n",
			[]Job{{SubmitSec: 0, RunSec: 10, GPUs: 1, Queue: 1}, {SubmitSec: 60, RunSec: 66, GPUs: 2}}, 0},
		{"sacct", "JobID|Submit|ElapsedRaw|TimelimitRaw|AllocTRES|User|Partition|State\n1|2024-01-01T00:00:00|3600|120|cpu=8,gres/gpu=8|u|p|COMPLETED\n1.batch|2024-01-01T00:00:00|3600|||u|p|COMPLETED\n2|2024-01-01T00:00:30|0|120||u|p|CANCELLED\n",
			[]Job{{SubmitSec: 0, RunSec: 3600, WallSec: 7200, GPUs: 8}}, 1},
		{"csv", "submit_s,duration_s,gpus,tenant,priority\n5,1-00:00:10,2,x,3\n",
			[]Job{{SubmitSec: 0, RunSec: 86410, GPUs: 2, Priority: 3}}, 0},
		{"gavel", "ResNet-18 (batch size 32)\tcmd\t-n\t1\t1000\t6.0\t2\n", []Job{{RunSec: 1000, GPUs: 2}}, 0},
	} {
		tr, err := Read(strings.NewReader(x.text), x.name, Limits{})
		if err != nil {
			t.Errorf("%s: %v", x.name, err)
			continue
		}
		if len(tr.Jobs) != len(x.want) || tr.Skipped != x.skipped {
			t.Errorf("%s: %+v, %d left out", x.name, tr.Jobs, tr.Skipped)
			continue
		}
		for i := range x.want {
			if tr.Jobs[i] != x.want[i] {
				t.Errorf("%s: job %d is %+v, want %+v", x.name, i, tr.Jobs[i], x.want[i])
			}
		}
	}
}

func TestBadInputNamesTheLine(t *testing.T) {
	for _, x := range []struct{ text, want string }{
		{"", "bad:1: empty file"},
		{"submit_s,gpus\n1,2\n", "bad:1: no column with the duration"},
		{"submit_s,duration_s,gpus\n1,2,3\n4,-5,6\n", "bad:3: duration -5"},
		{"submit_s,duration_s,gpus\n1,2,3\nx,5,6\n", `bad:3: submit time "x"`},
		{"submit_s,duration_s,gpus\n1,2,-3\n", `bad:2: "-3" GPUs`},
		{"submit_s,duration_s,gpus\n1,0,3\n", "no job in it ran (1 lines"},
		{"1 10 5 100 4 -1 -1 4 200 -1 1 7 1 1 2 -1 -1 -1\n1 2 x 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18\n", `bad:2: field 3 is "x"`},
		{"; c\n1 10 5 100\n", "bad:2: 4 fields"},
		{"a\tb\tc\td\te\tf\tg\n", `bad:1: total steps "e"`},
		{"\x1f\x8b\x00", "compressed input cannot be read"},
	} {
		_, err := Read(strings.NewReader(x.text), "bad", Limits{})
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%q: %v, want %s", x.text, err, x.want)
		}
	}
	if _, err := Read(strings.NewReader("submit_s,duration_s,gpus\n1,2,3\n1,2,3\n"), "bad", Limits{Jobs: 1}); err == nil {
		t.Error("the limit on jobs does not hold")
	}
}

func TestPodListsAreChecked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pods.csv")
	for text, want := range map[string]string{
		"name,cpu_milli,memory_mib,num_gpu,gpu_milli\np,1,1,2,500\n": ":2: 2 GPUs of 500",
		"name,cpu_milli,memory_mib,num_gpu,gpu_milli\np,1,1,1,x\n":   ":2: gpu_milli is \"x\"",
		"name,cpu_milli\np,1\n":                         ":1: no column memory_mib",
		"name,cpu_milli,memory_mib,num_gpu,gpu_milli\n": "no jobs",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadPods(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// The counts that the source of the Philly trace states.
func TestPhilly(t *testing.T) {
	tr, err := ReadFile(measured.Path(t, "jobs/philly-pollux/philly.csv.gz"), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	s := tr.Summarise()
	if s.Jobs+tr.Skipped != 82247 || s.MaxGPUs != 128 || len(tr.Queues) != 15 || s.GPUSeconds < 3.5e9 || s.GPUSeconds > 3.54e9 {
		t.Errorf("%+v, %d left out, %d queues", s, tr.Skipped, len(tr.Queues))
	}
}

func FuzzRead(f *testing.F) {
	f.Add("; SWF\n1 10 5 100 4 -1 -1 4 200 -1 1 7 1 1 2 -1 -1 -1\n")
	f.Add("submit_s,duration_s,gpus\n1,2,3\n")
	f.Add("JobID|Submit|ElapsedRaw|AllocTRES|State\n1|2024-01-01T00:00:00|3600|gres/gpu=8|COMPLETED\n")
	f.Add("a\tb\tc\t1\t5\t6\t1\n")
	f.Fuzz(func(t *testing.T, text string) {
		tr, err := Read(strings.NewReader(text), "fuzz", Limits{Jobs: 1000, LineBytes: 1 << 12})
		if err != nil {
			var line *Error
			if !errors.As(err, &line) {
				t.Fatalf("%v names no line", err)
			}
			return
		}
		for i, j := range tr.Jobs {
			if j.GPUs < 1 || !(j.RunSec > 0) || j.WallSec < 0 || i > 0 && j.SubmitSec < tr.Jobs[i-1].SubmitSec {
				t.Fatalf("job %d: %+v", i, j)
			}
		}
	})
}

// The generator that is fitted on Philly has its median, mean and sizes (job.go's summary of
// the trace: median 1,144 s, mean 13,136 s, 93.2 % of one GPU), and Gavel's has the mean of
// its two log-uniform parts.
func TestGenerators(t *testing.T) {
	g := Generator{Kind: "philly", PerHour: 30, Jobs: 100_000}
	tr, err := g.Generate(1)
	if err != nil {
		t.Fatal(err)
	}
	s := tr.Summarise()
	for what, x := range map[string][3]float64{"median": {s.RunP50Sec, 1144, 0.1}, "mean": {s.RunMeanSec, 13136, 0.1}, "one GPU": {s.OneGPU, 0.932, 0.01},
		"GPU-seconds a job": {s.GPUSeconds / float64(s.Jobs), 3.521e9 / 82247, 0.15}, "span": {s.SpanSec, 100_000 * 120, 0.02}} {
		if math.Abs(x[0]/x[1]-1) > x[2] {
			t.Errorf("philly: %s is %.4g, want %.4g within %.0f %%", what, x[0], x[1], 100*x[2])
		}
	}
	g.Kind = "gavel-multi"
	if tr, err = g.Generate(1); err != nil {
		t.Fatal(err)
	}
	logUniform := func(a, b float64) float64 { return 60 * (math.Pow(10, b) - math.Pow(10, a)) / ((b - a) * math.Ln10) }
	want := 0.8*logUniform(1.5, 3) + 0.2*logUniform(3, 4)
	if s = tr.Summarise(); math.Abs(s.RunMeanSec/want-1) > 0.03 || math.Abs(s.OneGPU-0.7) > 0.01 {
		t.Errorf("gavel: mean %.0f s, want %.0f; %.3f of one GPU", s.RunMeanSec, want, s.OneGPU)
	}
	for _, bad := range []Generator{{Kind: "x", PerHour: 1, Jobs: 1}, {Kind: "philly", Jobs: 1}, {Kind: "exponential", PerHour: 1, Jobs: 1}, {Kind: "philly", PerHour: 1}} {
		if _, err := bad.Generate(1); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}
