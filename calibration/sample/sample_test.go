package sample

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aisim/calibration/ingest"
)

const recorded = `timestamp, index, name, clocks.current.sm [MHz], clocks.max.sm [MHz], power.draw [W], utilization.gpu [%], memory.used [MiB], clocks_throttle_reasons.active
2026/07/14 08:12:53.000, 0, NVIDIA H100 80GB HBM3, 1980 MHz, 1980 MHz, 100.00 W, 0 %, 0 MiB, 0x0000000000000001
2026/07/14 08:12:53.000, 1, NVIDIA H100 80GB HBM3, 1500 MHz, 1980 MHz, [N/A], 100 %, 1024 MiB, 0x0000000000000004
2026/07/14 08:12:55.000, 0, NVIDIA H100 80GB HBM3, 1200 MHz, 1980 MHz, 500.00 W, 100 %, 2048 MiB, 0x0000000000000004
2026/07/14 08:12:56.000, 0, NVIDIA H100 80GB HBM3, 1200 MHz, 1980 MHz, 500.00 W, 100 %, 1024 MiB, 0x0000000000000004
`

func replay(text string) Replay {
	return Replay{File: "recorded.csv", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

// By hand: (100+500)/2·2 s + 500·1 s = 1,100 J over 3 s; the device without a power reading has
// neither power nor energy.
func TestReplayIsSummedUp(t *testing.T) {
	w := NewWatch(nil)
	if err := replay(recorded).Run(context.Background(), w); err != nil {
		t.Fatal(err)
	}
	s := w.Summaries()
	if len(s) != 2 {
		t.Fatalf("%+v", s)
	}
	a, b := s[0], s[1]
	if a.Samples != 3 || math.Abs(a.Joules.V-1100) > 1e-6 || math.Abs(a.Sec.V-3) > 1e-6 || a.MinClockHz.V != 1200e6 || a.MaxWatts.V != 500 || a.MemUsedBytes.V != 2048<<20 {
		t.Errorf("%+v", a)
	}
	if math.Abs(a.Throttled["sw_power_cap"]-2.0/3) > 1e-9 {
		t.Errorf("throttled %v", a.Throttled)
	}
	if b.Watts.Known || b.Joules.Known || b.Busy.V != 1 {
		t.Errorf("%+v", b)
	}
}

func TestReplayOfNothing(t *testing.T) {
	if err := replay("hello\n").Run(context.Background(), NewWatch(nil)); err == nil || !strings.Contains(err.Error(), "no samples") {
		t.Error(err)
	}
}

// fake puts a program named nvidia-smi on PATH.
func fake(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "nvidia-smi"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// The sampler ends the tools when the time is over, and what both printed is there.
func TestSMISamplesUntilTheEnd(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no /bin/sh")
	}
	fake(t, `case "$1" in
-L) echo "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)";;
dmon) printf '# gpu  rxpci  txpci\n# Idx   MB/s   MB/s\n    0    120     60\n'; exec sleep 60;;
*) cat <<'END'
`+recorded+`END
exec sleep 60;;
esac
`)
	var kept []ingest.Record
	w := NewWatch(sink(func(r ingest.Record) { kept = append(kept, r) }))
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := (SMI{Every: 100 * time.Millisecond}).Run(ctx, w); err != nil {
		t.Fatal(err)
	}
	s := w.Summaries()
	if len(kept) != 5 || len(s) != 2 || s[0].PCIeRx.V != 120e6 || s[0].PCIeTx.V != 60e6 || s[0].Watts.V < 300 {
		t.Errorf("%d records, %+v", len(kept), s)
	}
}

type sink func(ingest.Record)

func (s sink) Record(r ingest.Record) error { s(r); return nil }
func (s sink) Problem(ingest.Problem)       {}

func TestSMIWithoutDriver(t *testing.T) {
	fake(t, "echo 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'; exit 9\n")
	err := SMI{Every: time.Second}.Run(context.Background(), NewWatch(nil))
	if !errors.Is(err, ErrNoDriver) || !strings.Contains(err.Error(), "could not communicate") {
		t.Error(err)
	}
	t.Setenv("PATH", t.TempDir())
	if err := (SMI{Every: time.Second}).Run(context.Background(), NewWatch(nil)); !errors.Is(err, ErrNoDriver) {
		t.Error(err)
	}
}
