package hardware

import "math"

// The bridge between a confidential virtual machine and its accelerator: every byte that
// crosses is encrypted into a bounce buffer and out again, with nothing beside it, while
// work on the device runs as fast as ever (a matrix product on a B300 at 0.998 of its
// speed, arXiv 2606.23969).
//
// BridgeBytesPerSec is the B300's host link of 121 GB/s (catalogue) over the 34-fold slowdown of
// loading a model there (arXiv 2606.23969). BridgeCrossingSec is what a small copy takes more: 44
// times (the same source) some 7 µs, the latter assumed.
const (
	BridgeBytesPerSec = 121e9 / 34
	BridgeCrossingSec = 43 * 7e-6
)

// Confidential is the device behind such a bridge.
func (d *Device) Confidential() *Device {
	out := *d
	if out.HostBytesPerSec > 0 {
		out.HostBytesPerSec = math.Min(out.HostBytesPerSec, BridgeBytesPerSec)
	}
	return &out
}
