//go:build nvml && cgo

package sample

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxh100"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/server"
)

// The mock of a DGX H100 has eight devices; power and clocks are given to one of them, because it
// answers with neither.
func TestNVMLOnMockMachine(t *testing.T) {
	api := dgxh100.New()
	dev := api.Devices[3].(*server.Device)
	dev.GetPowerUsageFunc = func() (uint32, nvml.Return) { return 512_000, nvml.SUCCESS }
	dev.GetClockInfoFunc = func(c nvml.ClockType) (uint32, nvml.Return) {
		return map[nvml.ClockType]uint32{nvml.CLOCK_SM: 1755, nvml.CLOCK_MEM: 2619}[c], nvml.SUCCESS
	}
	dev.GetCurrentClocksEventReasonsFunc = func() (uint64, nvml.Return) { return 4 | 64, nvml.SUCCESS }
	dev.GetUtilizationRatesFunc = func() (nvml.Utilization, nvml.Return) { return nvml.Utilization{Gpu: 97, Memory: 40}, nvml.SUCCESS }
	at := time.Unix(1000, 0)
	s, err := newLibrary(api, time.Millisecond, func() time.Time { at = at.Add(time.Second / 16); return at })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	w := NewWatch(nil)
	if err := s.Run(ctx, w); err != nil {
		t.Fatal(err)
	}
	sum := w.Summaries()
	if len(sum) != 8 || sum[0].Name == "" || sum[0].UUID == "" || sum[0].Watts.Known {
		t.Fatalf("%+v", sum)
	}
	near := func(got, want float64) bool { return math.Abs(got/want-1) < 1e-9 } // means over samples: to rounding
	if d := sum[3]; !near(d.Watts.V, 512) || !near(d.SMClockHz.V, 1755e6) || !near(d.Busy.V, 0.97) || !near(d.Throttled["sw_power_cap"], 1) || !near(d.Throttled["hw_thermal_slowdown"], 1) {
		t.Errorf("%+v", d)
	}
	if d := sum[3]; d.Samples > 2 && (d.Joules.V < 0.99*512*d.Sec.V || d.Joules.V > 1.01*512*d.Sec.V) {
		t.Errorf("%g J in %g s at 512 W", d.Joules.V, d.Sec.V)
	}
}

func TestNVMLWithoutDriver(t *testing.T) {
	api := dgxh100.New()
	api.InitFunc = func() nvml.Return { return nvml.ERROR_LIBRARY_NOT_FOUND }
	if _, err := newLibrary(api, time.Second, time.Now); !errors.Is(err, ErrNoDriver) {
		t.Error(err)
	}
}
