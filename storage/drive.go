package storage

import (
	"fmt"
	"math"

	"aisim/hardware"
)

// Drive is the data sheet of one drive in SI units.
type Drive struct {
	ID               string  // catalogue id
	Rotating         bool    // a hard disk: every access pays its seek before the transfer
	Bytes            float64 // capacity
	ReadBytesPerSec  float64 // sequential
	WriteBytesPerSec float64
	ReadIOPS         float64 // 4 KiB random; 0 is unknown and sets no limit
	WriteIOPS        float64
	ReadLatencySec   float64 // one access of an idle drive
	WriteLatencySec  float64
	IdleWatts        float64
	ActiveWatts      float64
	Assumed          []string // what the sheet does not give and a class figure stands in for
	Source           string   // where the sheet comes from
}

// Latencies of an enterprise NVMe or SATA SSD with power-loss protection whose
// sheet gives none: the middle of the sheets that do (75–110 µs, 15–35 µs).
const (
	flashReadLatencySec  = 80e-6
	flashWriteLatencySec = 18e-6
)

// NewDrive reads a drive of the catalogue; nil draw takes nominal values. A
// device without a capacity or a bandwidth of its own is refused.
func NewDrive(h *hardware.Drive, draw hardware.Draw) (Drive, error) {
	if draw == nil {
		draw = hardware.NominalDraw
	}
	if h.Kind != "ssd" && h.Kind != "hdd" {
		return Drive{}, fmt.Errorf("drive %q: kind %q cannot carry a pool: want ssd or hdd", h.ID, h.Kind)
	}
	get := func(field string, v hardware.Value) float64 {
		if !v.Known() {
			return 0
		}
		return draw("drive."+h.ID+"."+field, v)
	}
	d := Drive{
		ID: h.ID, Rotating: h.Kind == "hdd", Source: h.Source,
		Bytes:           h.Capacity.V,
		ReadBytesPerSec: get("seq_read", h.SeqRead), WriteBytesPerSec: get("seq_write", h.SeqWrite),
		ReadIOPS: get("rand_read", h.RandRead), WriteIOPS: get("rand_write", h.RandWrite),
		ReadLatencySec: get("read_latency", h.ReadLatency), WriteLatencySec: get("write_latency", h.WriteLatency),
		IdleWatts: get("power_idle", h.PowerIdle), ActiveWatts: get("power_active", h.PowerActive),
	}
	if !d.Rotating {
		if d.ReadLatencySec == 0 {
			d.ReadLatencySec = flashReadLatencySec
			d.Assumed = append(d.Assumed, "read latency 80 us: middle of the sheets of its class")
		}
		if d.WriteLatencySec == 0 {
			d.WriteLatencySec = flashWriteLatencySec
			d.Assumed = append(d.Assumed, "write latency 18 us: middle of the sheets of its class")
		}
	}
	if d.ActiveWatts == 0 {
		d.Assumed = append(d.Assumed, "power unknown: counted as 0 W")
	}
	if d.IdleWatts == 0 {
		d.IdleWatts = d.ActiveWatts
	}
	return d, d.check()
}

func (d *Drive) check() error {
	switch {
	case !(d.Bytes > 0):
		return fmt.Errorf("drive %q: capacity %g B: must be above 0", d.ID, d.Bytes)
	case !(d.ReadBytesPerSec > 0) || !(d.WriteBytesPerSec > 0):
		return fmt.Errorf("drive %q: bandwidth read %g B/s, write %g B/s: both must be known and above 0", d.ID, d.ReadBytesPerSec, d.WriteBytesPerSec)
	case d.ReadIOPS < 0 || d.WriteIOPS < 0 || d.ReadLatencySec < 0 || d.WriteLatencySec < 0:
		return fmt.Errorf("drive %q: negative IOPS or latency", d.ID)
	}
	return nil
}

// accessSec is the time that one access of the given bytes occupies the drive:
// the longer of transfer and request time on flash, whose request rate is
// stated with its 4 KiB transfers inside; their sum on a rotating disk.
func (d *Drive) accessSec(op Op, bytes float64) float64 {
	bw, iops := d.ReadBytesPerSec, d.ReadIOPS
	if op == Write {
		bw, iops = d.WriteBytesPerSec, d.WriteIOPS
	}
	var request float64
	if iops > 0 {
		request = 1 / iops
	}
	if d.Rotating {
		return request + bytes/bw
	}
	return math.Max(request, bytes/bw)
}

func (d *Drive) latencySec(op Op) float64 {
	if op == Write {
		return d.WriteLatencySec
	}
	return d.ReadLatencySec
}

// scaled is the drive with bandwidth and request rate multiplied by f.
func (d Drive) scaled(f float64) Drive {
	d.ReadBytesPerSec *= f
	d.WriteBytesPerSec *= f
	d.ReadIOPS *= f
	d.WriteIOPS *= f
	return d
}

// Share is the part of a drive that one of several OSDs on it has.
func (d Drive) Share(f float64) Drive { return d.scaled(f) }
