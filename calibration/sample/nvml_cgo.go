//go:build nvml && cgo

package sample

import (
	"context"
	"fmt"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"aisim/calibration/ingest"
)

// library is NVML itself, on the interface of go-nvml so that its mock machines can stand in.
type library struct {
	api   nvml.Interface
	every time.Duration
	now   func() time.Time
}

// NVML samples through the driver's library. Nothing of it is called before its Init succeeded:
// without a driver any other call ends the process.
func NVML(every time.Duration, now func() time.Time) (Sampler, error) {
	return newLibrary(nvml.New(), every, now)
}

func newLibrary(api nvml.Interface, every time.Duration, now func() time.Time) (Sampler, error) {
	if r := api.Init(); r != nvml.SUCCESS {
		return nil, fmt.Errorf("%w: NVML says %v", ErrNoDriver, r)
	}
	return &library{api, every, now}, nil
}

func (l *library) Name() string { return "nvml" }

// Run samples all devices at the interval until the context ends.
func (l *library) Run(ctx context.Context, sink ingest.Sink) error {
	defer l.api.Shutdown()
	version, _ := l.api.SystemGetDriverVersion()
	count, r := l.api.DeviceGetCount()
	if r != nvml.SUCCESS || count == 0 {
		return fmt.Errorf("%w: NVML counts %d devices (%v)", ErrNoDriver, count, r)
	}
	traffic := make([]linkCount, count)
	tick := time.NewTicker(l.every)
	defer tick.Stop()
	for n := 1; ; n++ {
		for i := range count {
			dev, r := l.api.DeviceGetHandleByIndex(i)
			if r != nvml.SUCCESS {
				sink.Problem(ingest.Problem{File: "nvml", Line: n, Tool: "nvml", What: fmt.Sprintf("device %d: %v", i, r)})
				continue
			}
			d := l.look(dev, i, &traffic[i])
			if err := sink.Record(ingest.Record{Kind: d.Kind(), Source: ingest.Source{Tool: "nvml", Version: version, File: "nvml", Line: n}, Body: d}); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// linkCount is the NVLink counter at the look before.
type linkCount struct {
	bytes float64
	at    time.Time
}

// look asks a device for all that it tells; what it does not tell stays unknown.
func (l *library) look(dev nvml.Device, index int, link *linkCount) *ingest.Device {
	now := l.now()
	d := &ingest.Device{Index: ingest.Is(float64(index)), TimeSec: ingest.Is(float64(now.UnixNano()) / 1e9)}
	try := func(f func()) { // the mocks panic where they have no answer
		defer func() { _ = recover() }()
		f()
	}
	num := func(to *ingest.Num, scale float64, f func() (float64, nvml.Return)) {
		try(func() {
			if v, r := f(); r == nvml.SUCCESS {
				*to = ingest.Is(v * scale)
			}
		})
	}
	u32 := func(f func() (uint32, nvml.Return)) func() (float64, nvml.Return) {
		return func() (float64, nvml.Return) { v, r := f(); return float64(v), r }
	}
	try(func() { d.UUID, _ = dev.GetUUID() })
	try(func() { d.Name, _ = dev.GetName() })
	num(&d.SMClockHz, 1e6, u32(func() (uint32, nvml.Return) { return dev.GetClockInfo(nvml.CLOCK_SM) }))
	num(&d.MemClockHz, 1e6, u32(func() (uint32, nvml.Return) { return dev.GetClockInfo(nvml.CLOCK_MEM) }))
	num(&d.MaxSMClockHz, 1e6, u32(func() (uint32, nvml.Return) { return dev.GetMaxClockInfo(nvml.CLOCK_SM) }))
	num(&d.PowerWatts, 1e-3, u32(dev.GetPowerUsage))
	num(&d.LimitWatts, 1e-3, u32(dev.GetEnforcedPowerLimit))
	num(&d.EnergyJoules, 1e-3, func() (float64, nvml.Return) { v, r := dev.GetTotalEnergyConsumption(); return float64(v), r })
	num(&d.Celsius, 1, u32(func() (uint32, nvml.Return) { return dev.GetTemperature(nvml.TEMPERATURE_GPU) }))
	num(&d.PCIeTxBytesPerSec, 1e3, u32(func() (uint32, nvml.Return) { return dev.GetPcieThroughput(nvml.PCIE_UTIL_TX_BYTES) }))
	num(&d.PCIeRxBytesPerSec, 1e3, u32(func() (uint32, nvml.Return) { return dev.GetPcieThroughput(nvml.PCIE_UTIL_RX_BYTES) }))
	num(&d.PCIeGen, 1, func() (float64, nvml.Return) { v, r := dev.GetCurrPcieLinkGeneration(); return float64(v), r })
	num(&d.PCIeLanes, 1, func() (float64, nvml.Return) { v, r := dev.GetCurrPcieLinkWidth(); return float64(v), r })
	try(func() {
		if u, r := dev.GetUtilizationRates(); r == nvml.SUCCESS {
			d.BusyRatio, d.MemBusyRatio = ingest.Is(float64(u.Gpu)/100), ingest.Is(float64(u.Memory)/100)
		}
	})
	try(func() {
		if m, r := dev.GetMemoryInfo(); r == nvml.SUCCESS {
			d.MemTotalBytes, d.MemUsedBytes, d.MemFreeBytes = ingest.Is(float64(m.Total)), ingest.Is(float64(m.Used)), ingest.Is(float64(m.Free))
		}
	})
	try(func() {
		if mask, r := dev.GetCurrentClocksEventReasons(); r == nvml.SUCCESS {
			d.Throttle = ingest.ClockReasons(mask)
		}
	})
	try(func() { // KiB since the driver was loaded, all links together
		fields := []nvml.FieldValue{{FieldId: nvml.FI_DEV_NVLINK_THROUGHPUT_DATA_TX, ScopeId: ^uint32(0)}, {FieldId: nvml.FI_DEV_NVLINK_THROUGHPUT_DATA_RX, ScopeId: ^uint32(0)}}
		if r := dev.GetFieldValues(fields); r != nvml.SUCCESS {
			return
		}
		sum := 0.0
		for _, f := range fields {
			if nvml.Return(f.NvmlReturn) != nvml.SUCCESS {
				return
			}
			var v uint64
			for i := 7; i >= 0; i-- {
				v = v<<8 | uint64(f.Value[i])
			}
			sum += float64(v) * 1024
		}
		if sec := now.Sub(link.at).Seconds(); !link.at.IsZero() && sec > 0 && sum >= link.bytes {
			d.NVLinkBytesPerSec = ingest.Is((sum - link.bytes) / sec)
		}
		link.bytes, link.at = sum, now
	})
	return d
}
