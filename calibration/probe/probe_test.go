package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"aisim/calibration/ingest"
)

// script is a clock that tasks move, so that what is measured is what a test says.
type script struct {
	now        float64
	interrupts int64
}

func (s *script) options() Options {
	return Options{Clock: func() float64 { return s.now }, Interrupts: func() int64 { return s.interrupts }, Rounds: 5, WarmUp: 1, MinSec: 1, BudgetSec: 1000}
}

func measure(t *testing.T, s *script, tasks ...*Task) []Outcome {
	t.Helper()
	out, err := Measure(context.Background(), tasks, s.options())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The first turn does not count, nor the first repetitions of a turn; the median of the others does.
func TestWarmUpIsDiscarded(t *testing.T) {
	s := new(script)
	const turn = turnUntimed + turnTimed
	i := 0
	out := measure(t, s, &Task{Name: "a", Run: func() error {
		switch at := i % turn; {
		case i < turn:
			s.now += 50
		case at < turnUntimed:
			s.now += 20
		default:
			s.now += []float64{3, 2.9, 3.1, 3, 2.8}[at-turnUntimed]
		}
		i++
		return nil
	}})
	if m := out[0].Timing; m.Sec < 2.99 || m.Sec > 3.01 || m.Repeats != 5 || m.MaxSec > 3.2 || out[0].Refused != "" || i != 2*turn {
		t.Errorf("%+v after %d", out[0], i)
	}
}

// A device is used after a while of computing, which is not timed; what comes after is not, either.
func TestDevicesRest(t *testing.T) {
	s := new(script)
	rested, after := 0.0, 0
	opt := s.options()
	opt.Compute = func(sec float64) { rested += sec; s.now += sec }
	out, err := Measure(context.Background(), []*Task{{Name: "a", Single: true, Before: pace(0.5), Run: func() error { s.now += 0.1; return nil }, After: func() { after++; s.now += 7 }}}, opt)
	if err != nil {
		t.Fatal(err)
	}
	if m := out[0].Timing; m.Sec < 0.0999 || m.Sec > 0.1001 || rested < 0.5*float64(m.Repeats) || after < m.Repeats || out[0].Refused != "" {
		t.Errorf("%+v, rested %g s, %d after it", out[0], rested, after)
	}
}

// A short operation is repeated until the clock can tell it, and told per operation.
func TestShortOperationsAreRepeated(t *testing.T) {
	s := new(script)
	calls := 0
	out := measure(t, s, &Task{Name: "a", Run: func() error { s.now += 0.01; calls++; return nil }})
	if m := out[0].Timing; m.Sec < 0.0099 || m.Sec > 0.0101 || calls < 400 {
		t.Errorf("%+v after %d calls", m, calls)
	}
}

// A repetition that was interrupted does not count, however long it took.
func TestInterruptedRepetitionsDoNotCount(t *testing.T) {
	s := new(script)
	i := 0
	out := measure(t, s, &Task{Name: "a", Run: func() error {
		if i++; i%2 == 0 {
			s.interrupts++
			s.now += 40
			return nil
		}
		s.now += 2
		return nil
	}})
	if m := out[0].Timing; m.Sec != 2 || m.Repeats != 5 || m.Tried < 9 || out[0].Refused != "" {
		t.Errorf("%+v", out[0])
	}
}

// What scatters is refused and no record is made of it; so is what fails.
func TestScatterIsRefused(t *testing.T) {
	s := new(script)
	i := 0
	body := func(Timing) ingest.Body { return &ingest.Kernel{Name: "x"} }
	out := measure(t, s, &Task{Name: "a", Body: body, Run: func() error { i++; s.now += 1 + float64(i%5); return nil }},
		&Task{Name: "b", Body: body, Run: func() error { return errors.New("no such device") }},
		&Task{Name: "c", Body: body, Run: func() error { s.now += 2; return nil }})
	if out[0].Body != nil || !strings.Contains(out[0].Refused, "scatter") || out[1].Body != nil || out[1].Refused != "no such device" || out[2].Body == nil {
		t.Errorf("%+v", out)
	}
}

// The kernels of the probe do what their names say, and each makes a record that ingest prints.
func TestHostTasksRun(t *testing.T) {
	tasks, problems := Host(1, t.TempDir())
	defer Close(tasks)
	if len(problems) > 0 {
		t.Log(problems)
	}
	seen := map[ingest.Kind]int{}
	for _, task := range tasks {
		if err := task.Run(); err != nil {
			if strings.Contains(err.Error(), "page cache") {
				continue
			}
			t.Fatalf("%s: %v", task.Name, err)
		}
		b := task.Body(Timing{Sec: 1e-3, MinSec: 1e-3, MaxSec: 1e-3, Repeats: 1})
		seen[b.Kind()]++
		if text := (ingest.Record{Kind: b.Kind(), Body: b}).Text(); !strings.Contains(text, "=") {
			t.Error(text)
		}
	}
	for _, k := range []ingest.Kind{ingest.KindKernel, ingest.KindMemory, ingest.KindLink, ingest.KindStorage} {
		if seen[k] == 0 {
			t.Errorf("no record of %s", k)
		}
	}
	left, _ := filepath.Glob(filepath.Join(t.TempDir(), "*"))
	if len(left) > 0 {
		t.Error(left)
	}
}

// The text compresses as prose does, and comes back as it was.
func TestTextIsText(t *testing.T) {
	pack, err := Packer()
	if err != nil {
		t.Fatal(err)
	}
	text := Text(5, 1<<20)
	packed := pack(nil, text)
	if r := float64(len(text)) / float64(len(packed)); r < 2 || r > 5 {
		t.Errorf("ratio %g", r)
	}
	dec, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	if back, err := dec.DecodeAll(packed, nil); err != nil || !bytes.Equal(back, text) {
		t.Error("the text did not come back", err)
	}
}

// A tool on PATH is run, and what it prints is read by ingest with its operation, which the table
// of nccl-tests does not name.
func TestToolsAreRunAndRead(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no /bin/sh")
	}
	dir := t.TempDir()
	table := `#       size         count      type   redop    root     time   algbw   busbw  #wrong
#        (B)    (elements)                               (us)  (GB/s)  (GB/s)
     1048576        262144     float     sum      -1    50.00   20.97   20.97     N/A
`
	script := fmt.Sprintf("#!/bin/sh\necho '# nThread 1 nGpus 2 minBytes 8 maxBytes 4 step: 2(factor) warmup iters: 1 iters: 20 validation: 1 graph: 0'\ncat <<'END'\n%sEND\n", table)
	if err := os.WriteFile(filepath.Join(dir, "all_reduce_perf"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	ran := false
	for _, tool := range Tools(2, dir, 1) {
		if tool.Name != "all_reduce_perf" {
			continue
		}
		if tool.Installed() == "" {
			t.Fatal("it is on PATH")
		}
		out, err := tool.Measure(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		var got []ingest.Record
		if _, err := ingest.Read(tool.Output, bytes.NewReader(out), sink(func(r ingest.Record) { got = append(got, r) })); err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || got[0].Body.(*ingest.Collective).Op != "all_reduce" {
			t.Errorf("%+v of\n%s", got, out)
		}
		ran = true
	}
	if !ran {
		t.Error("all_reduce_perf is not among the tools")
	}
}

type sink func(ingest.Record)

func (s sink) Record(r ingest.Record) error { s(r); return nil }
func (s sink) Problem(ingest.Problem)       {}

// A device's times scatter: their median is known once there are enough of them, where a
// computation that scatters as much is refused.
func TestDevicesMayScatter(t *testing.T) {
	scatter := []float64{1, 2, 3, 4, 5, 2.5, 3.5}
	for _, single := range []bool{true, false} {
		s := new(script)
		i := 0
		opt := s.options()
		opt.BudgetSec = 2000
		out, err := Measure(context.Background(), []*Task{{Name: "a", Single: single, Run: func() error { i++; s.now += scatter[i%len(scatter)]; return nil }}}, opt)
		if err != nil {
			t.Fatal(err)
		}
		if refused := out[0].Refused != ""; refused == single {
			t.Errorf("single %v: %+v", single, out[0])
		}
		if single && (out[0].Timing.Sec < 2.5 || out[0].Timing.Sec > 3.5 || out[0].Timing.MedianSD() > 0.05) {
			t.Errorf("%+v", out[0].Timing)
		}
	}
}
