// Package sample watches accelerators while a user's own job runs: clocks, power, energy,
// utilisation, memory, PCIe and NVLink traffic and the reasons for lower clocks.
//
// Three samplers have one interface: nvidia-smi as a process (the default: no cgo, a static
// binary), NVML itself (build tag nvml, with cgo), and a recorded file that replays. All hand
// on device records of calibration/ingest.
package sample

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"aisim/calibration/ingest"
)

// Sampler hands device records to a sink until the context ends or it has no more.
type Sampler interface {
	Name() string
	Run(ctx context.Context, sink ingest.Sink) error
}

// ErrNoDriver says that there is nothing to sample here.
var ErrNoDriver = errors.New("no NVIDIA driver answers")

// smiFields are asked of nvidia-smi: what exists from driver 470 on under these names.
var smiFields = []string{"timestamp", "index", "uuid", "name", "pstate", "clocks.current.sm", "clocks.current.memory", "clocks.max.sm",
	"power.draw", "enforced.power.limit", "temperature.gpu", "temperature.memory", "utilization.gpu", "utilization.memory", "memory.used", "memory.total",
	"pcie.link.gen.current", "pcie.link.width.current", "ecc.errors.uncorrected.volatile.total", "clocks_throttle_reasons.active", "driver_version"}

// SMI samples through `nvidia-smi --query-gpu … -lms`, and PCIe traffic through `nvidia-smi dmon`.
type SMI struct {
	Every time.Duration
}

// Name says which sampler it is.
func (s SMI) Name() string { return "nvidia-smi" }

// Run starts nvidia-smi and reads it until the context ends.
func (s SMI) Run(ctx context.Context, sink ingest.Sink) error {
	path, err := exec.LookPath("nvidia-smi")
	if err != nil {
		return fmt.Errorf("%w: nvidia-smi is not on PATH", ErrNoDriver)
	}
	if out, err := exec.CommandContext(ctx, path, "-L").CombinedOutput(); err != nil || !strings.Contains(string(out), "GPU ") {
		what, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("%w: nvidia-smi says %q", ErrNoDriver, what)
	}
	both := make(chan error, 2)
	locked := &oneByOne{sink: sink, turn: make(chan struct{}, 1)}
	go func() {
		both <- s.read(ctx, locked, path, "--query-gpu="+strings.Join(smiFields, ","), "--format=csv", "-lms", strconv.FormatInt(max(1, s.Every.Milliseconds()), 10))
	}()
	go func() { // whole seconds are what dmon has
		both <- s.read(ctx, locked, path, "dmon", "-s", "t", "-d", strconv.Itoa(max(1, int(s.Every.Seconds()))))
	}()
	main, traffic := <-both, <-both
	if locked.records == 0 {
		return errors.Join(main, traffic, errors.New("nvidia-smi printed no samples"))
	}
	return nil // the end of the time ends the processes; drivers without dmon still gave samples
}

func (s SMI) read(ctx context.Context, sink ingest.Sink, path string, args ...string) error {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = time.Second
	cmd.Env = append(cmd.Environ(), "LC_ALL=C")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	_, bad := ingest.Read("nvidia-smi "+args[0], out, sink)
	err = cmd.Wait()
	if ctx.Err() != nil {
		err = nil // it was ended by the end of the time
	}
	return errors.Join(bad, err)
}

// oneByOne lets two readers share a sink.
type oneByOne struct {
	sink    ingest.Sink
	turn    chan struct{}
	records int
}

func (o *oneByOne) Record(r ingest.Record) error {
	o.turn <- struct{}{}
	defer func() { <-o.turn }()
	o.records++
	return o.sink.Record(r)
}

func (o *oneByOne) Problem(p ingest.Problem) {
	o.turn <- struct{}{}
	defer func() { <-o.turn }()
	o.sink.Problem(p)
}

// Replay hands on a recorded file.
type Replay struct {
	File string
	Open func() (io.ReadCloser, error)
}

// Name says which sampler it is.
func (r Replay) Name() string { return "replay of " + r.File }

// Run reads the file.
func (r Replay) Run(ctx context.Context, sink ingest.Sink) error {
	f, err := r.Open()
	if err != nil {
		return err
	}
	defer f.Close()
	n := &counted{Sink: sink, ctx: ctx}
	if _, err := ingest.Read(r.File, f, n); err != nil {
		return err
	}
	if n.devices == 0 {
		return fmt.Errorf("%s holds no samples of devices", r.File)
	}
	return nil
}

type counted struct {
	ingest.Sink
	ctx     context.Context
	devices int
}

func (c *counted) Record(r ingest.Record) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	if r.Kind == ingest.KindDevice {
		c.devices++
	}
	return c.Sink.Record(r)
}

// Summary is what the samples of one device come to.
type Summary struct {
	Index        ingest.Num         `json:"index,omitzero"`
	UUID         string             `json:"uuid,omitempty"`
	Name         string             `json:"name,omitempty"`
	Samples      int                `json:"samples"`
	Sec          ingest.Num         `json:"span_s,omitzero"` // between first and last
	Watts        ingest.Num         `json:"mean_watts,omitzero"`
	MaxWatts     ingest.Num         `json:"max_watts,omitzero"`
	LimitWatts   ingest.Num         `json:"power_limit_watts,omitzero"`
	Joules       ingest.Num         `json:"energy_joules,omitzero"` // of the counter, or power over time
	SMClockHz    ingest.Num         `json:"mean_sm_clock_hz,omitzero"`
	MinClockHz   ingest.Num         `json:"min_sm_clock_hz,omitzero"`
	MaxClockHz   ingest.Num         `json:"max_sm_clock_hz,omitzero"` // that the device can
	Busy         ingest.Num         `json:"busy_ratio,omitzero"`
	MemUsedBytes ingest.Num         `json:"max_mem_used_bytes,omitzero"`
	Celsius      ingest.Num         `json:"max_temperature_celsius,omitzero"`
	PCIeRx       ingest.Num         `json:"pcie_rx_bytes_per_s,omitzero"`
	PCIeTx       ingest.Num         `json:"pcie_tx_bytes_per_s,omitzero"`
	NVLink       ingest.Num         `json:"nvlink_bytes_per_s,omitzero"`
	Throttled    map[string]float64 `json:"throttled_ratio,omitempty"` // share of samples by reason
}

// Watch keeps the running figures of the devices that pass through it.
type Watch struct {
	to      ingest.Sink
	devices map[string]*device
}

type device struct {
	Summary
	watts, clock, busy, rx, tx, link mean
	throttle                         map[string]int
	withReasons                      int
	first, last, lastWatts           float64
	energyFrom, energyTo             ingest.Num
	energy                           float64
	timed                            int
}

type mean struct {
	sum float64
	n   int
}

func (m *mean) add(v ingest.Num) {
	if v.Known {
		m.sum, m.n = m.sum+v.V, m.n+1
	}
}

func (m *mean) value() ingest.Num {
	if m.n == 0 {
		return ingest.Num{}
	}
	return ingest.Is(m.sum / float64(m.n))
}

// NewWatch sums up what goes to a sink; nil for none.
func NewWatch(to ingest.Sink) *Watch { return &Watch{to: to, devices: map[string]*device{}} }

// Problem hands a problem on.
func (w *Watch) Problem(p ingest.Problem) {
	if w.to != nil {
		w.to.Problem(p)
	}
}

// Record takes a sample into account and hands it on.
func (w *Watch) Record(r ingest.Record) error {
	if d, ok := r.Body.(*ingest.Device); ok {
		w.take(d)
	}
	if w.to != nil {
		return w.to.Record(r)
	}
	return nil
}

func (w *Watch) take(s *ingest.Device) {
	key := "?"
	switch {
	case s.Index.Known:
		key = strconv.FormatFloat(s.Index.V, 'f', 0, 64)
	case s.UUID != "" || s.BusID != "":
		key = s.UUID + s.BusID
	case s.Name != "":
		key = s.Name
	}
	d := w.devices[key]
	if d == nil {
		d = &device{throttle: map[string]int{}, first: math.NaN()}
		w.devices[key] = d
	}
	d.Samples++
	d.Index, d.UUID, d.Name = d.Index.Or(s.Index), cmp.Or(d.UUID, s.UUID), cmp.Or(d.Name, s.Name)
	watts := s.InstantWatts.Or(s.PowerWatts).Or(s.AvgPowerWatts)
	d.watts.add(watts)
	d.clock.add(s.SMClockHz)
	d.busy.add(s.BusyRatio)
	d.rx.add(s.PCIeRxBytesPerSec)
	d.tx.add(s.PCIeTxBytesPerSec)
	d.link.add(s.NVLinkBytesPerSec)
	most := func(to *ingest.Num, v ingest.Num) {
		if v.Known && (!to.Known || v.V > to.V) {
			*to = v
		}
	}
	most(&d.MaxWatts, watts)
	most(&d.Celsius, s.Celsius)
	most(&d.MemUsedBytes, s.MemUsedBytes)
	most(&d.MaxClockHz, s.MaxSMClockHz)
	d.LimitWatts = s.LimitWatts.Or(d.LimitWatts)
	if v := s.SMClockHz; v.Known && (!d.MinClockHz.Known || v.V < d.MinClockHz.V) {
		d.MinClockHz = v
	}
	if watts.Known { // a full sample, not one of traffic alone
		d.withReasons++
		for _, reason := range s.Throttle {
			d.throttle[reason]++
		}
	}
	if s.EnergyJoules.Known {
		d.energyFrom, d.energyTo = d.energyFrom.Or(s.EnergyJoules), s.EnergyJoules
	}
	now, ok := instant(s)
	if !ok || !watts.Known {
		return
	}
	if math.IsNaN(d.first) {
		d.first = now
	} else if now > d.last {
		d.energy += (now - d.last) * (watts.V + d.lastWatts) / 2
	}
	d.last, d.lastWatts = now, watts.V
	d.timed++
}

// instant is when a sample was taken, in seconds of any day: nvidia-smi prints local time.
func instant(s *ingest.Device) (float64, bool) {
	if s.TimeSec.Known {
		return s.TimeSec.V, true
	}
	for _, layout := range []string{"2006/01/02 15:04:05.000", "2006/01/02 15:04:05", time.ANSIC} {
		if t, err := time.Parse(layout, s.Time); err == nil {
			return float64(t.UnixNano()) / 1e9, true
		}
	}
	return 0, false
}

// Summaries are the devices in order of their index, then name.
func (w *Watch) Summaries() []Summary {
	var out []Summary
	for _, d := range w.devices {
		s := d.Summary
		s.Watts, s.SMClockHz, s.Busy, s.PCIeRx, s.PCIeTx, s.NVLink = d.watts.value(), d.clock.value(), d.busy.value(), d.rx.value(), d.tx.value(), d.link.value()
		if d.timed > 1 {
			s.Sec, s.Joules = ingest.Is(d.last-d.first), ingest.Is(d.energy)
		}
		if d.energyTo.V > d.energyFrom.V {
			s.Joules = ingest.Is(d.energyTo.V - d.energyFrom.V)
		}
		for reason, n := range d.throttle {
			if s.Throttled == nil {
				s.Throttled = map[string]float64{}
			}
			s.Throttled[reason] = float64(n) / float64(d.withReasons)
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Summary) int {
		return cmp.Or(cmp.Compare(a.Index.V, b.Index.V), cmp.Compare(a.Name, b.Name), cmp.Compare(a.UUID, b.UUID))
	})
	return out
}
