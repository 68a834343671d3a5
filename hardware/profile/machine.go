package profile

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// Chip is what was measured of a processor that the catalogue does not hold: the rates
// that its efficiencies are fractions of. Peaks are the best rates seen, not a data sheet.
type Chip struct {
	Name              string           `toml:"name"`
	Kind              string           `toml:"kind"`   // gpu tpu fpga asic edge cpu
	Family            string           `toml:"family"` // whose constants fill what was not measured
	Peak              map[string]Param `toml:"peak"`   // FLOP/s by number format
	MemoryBytes       Param            `toml:"memory_bytes"`
	MemoryBytesPerSec Param            `toml:"memory_bytes_per_sec"`
	CacheBytes        Param            `toml:"cache_bytes"`         // traffic of one operator that its caches keep
	CacheBytesPerSec  Param            `toml:"cache_bytes_per_sec"` // at which they do
}

// Drive is what was measured of a drive of the catalogue; what is absent stays as its
// sheet has it.
type Drive struct {
	ID               string `toml:"id"`
	ReadBytesPerSec  Param  `toml:"read_bytes_per_sec,omitempty"` // sequential
	WriteBytesPerSec Param  `toml:"write_bytes_per_sec,omitempty"`
	ReadIOPS         Param  `toml:"read_iops,omitempty"` // 4 KiB random, at depth
	WriteIOPS        Param  `toml:"write_iops,omitempty"`
	ReadLatencySec   Param  `toml:"read_latency_sec,omitempty"` // one access of an idle drive
	WriteLatencySec  Param  `toml:"write_latency_sec,omitempty"`
	CapacityBytes    Param  `toml:"capacity_bytes,omitempty"` // of a drive that the catalogue does not hold
}

// HostOp is a host operation over bytes (a cipher, a digest, a compressor, a copy, a
// connection): FixedSec + bytes/BytesPerSec, on one core.
type HostOp struct {
	Name        string `toml:"name"`
	FixedSec    Param  `toml:"fixed_sec,omitempty"`
	BytesPerSec Param  `toml:"bytes_per_sec"`
	Ratio       Param  `toml:"ratio,omitempty"` // bytes in over bytes out, of a compressor
}

// Sec is the time of the operation over bytes in seconds.
func (h HostOp) Sec(bytes float64) float64 { return h.FixedSec.V + bytes/h.BytesPerSec.V }

// Calibration says what a profile was made of and how well it fits.
type Calibration struct {
	Tool           string      `toml:"tool"` // version of the fit
	Inputs         []Input     `toml:"input"`
	Residuals      []Residual  `toml:"residual"`
	Ranges         []Range     `toml:"range"`
	Contradictions []string    `toml:"contradictions"`
	FarOff         []string    `toml:"far_off"` // measurements that the fit does not believe
	Unused         []Unused    `toml:"unused"`
	Measure        []Suggested `toml:"measure"`
}

// Input is a file that a calibration read.
type Input struct {
	File    string `toml:"file"`
	SHA256  string `toml:"sha256"`
	Tools   string `toml:"tools"`
	Records int    `toml:"records"`
}

// Residual says how well the constants reproduce one group of measurements: errors are
// predicted/measured − 1 on time, of the records fitted and of those held out.
type Residual struct {
	Group         string  `toml:"group"`
	Fitted        int     `toml:"fitted"`
	HeldOut       int     `toml:"held_out"`
	Median        float64 `toml:"median"` // of |error|
	P90           float64 `toml:"p90"`
	HeldOutMedian float64 `toml:"held_out_median"`
	HeldOutP90    float64 `toml:"held_out_p90"`
	Bias          float64 `toml:"bias"`   // median of the signed error, all records
	Before        float64 `toml:"before"` // median of |error| with the constants that were there before
	Outliers      int     `toml:"outliers"`
}

// Range is what was measured of one dimension of a group: outside it predictions extrapolate.
type Range struct {
	Group string  `toml:"group"`
	What  string  `toml:"what"`
	Low   float64 `toml:"low"`
	High  float64 `toml:"high"`
}

// Unused counts records that no constant of the profile stands on.
type Unused struct {
	What    string `toml:"what"`
	Records int    `toml:"records"`
	Reason  string `toml:"reason"`
}

// Suggested is a measurement that would narrow the interval.
type Suggested struct {
	Group   string  `toml:"group"`
	What    string  `toml:"what"`
	Shrinks float64 `toml:"shrinks"` // share of the group's predictive variance that it removes
}

// lookup is a constant with its key and allowed range.
type lookup = namedParam

func (d *Drive) named() []lookup {
	return []lookup{
		{"read_bytes_per_sec", &d.ReadBytesPerSec, 1, 1e14}, {"write_bytes_per_sec", &d.WriteBytesPerSec, 1, 1e14},
		{"read_iops", &d.ReadIOPS, 0.01, 1e10}, {"write_iops", &d.WriteIOPS, 0.01, 1e10},
		{"read_latency_sec", &d.ReadLatencySec, 1e-9, 100}, {"write_latency_sec", &d.WriteLatencySec, 1e-9, 100},
		{"capacity_bytes", &d.CapacityBytes, 1, 1e18},
	}
}

func (h *HostOp) named() []lookup {
	return []lookup{{"fixed_sec", &h.FixedSec, 1e-10, 10}, {"bytes_per_sec", &h.BytesPerSec, 1, 1e14}, {"ratio", &h.Ratio, 0.1, 1e6}}
}

func checkNamed(where string, params []lookup) error {
	for _, n := range params {
		if err := n.check(where); err != nil {
			return err
		}
	}
	return nil
}

// check refuses a constant outside of what can be meant, and one without source.
func (n namedParam) check(where string) error {
	p := *n.param
	if p == (Param{}) {
		return nil
	}
	if !(p.V >= n.lo && p.V <= n.hi) {
		return fmt.Errorf("%s.%s = %g: want %g to %g", where, n.key, p.V, n.lo, n.hi)
	}
	if !(p.RelSD >= 0 && p.RelSD <= 2) || math.IsNaN(p.RelSD) {
		return fmt.Errorf("%s.%s: sd = %g: want 0 to 2", where, n.key, p.RelSD)
	}
	if p.Source == "" {
		return fmt.Errorf("%s.%s: no source", where, n.key)
	}
	return nil
}

func (c *Chip) check() error {
	switch c.Kind {
	case "gpu", "tpu", "fpga", "asic", "edge", "cpu":
	default:
		return fmt.Errorf("chip.kind %q: one of gpu, tpu, fpga, asic, edge, cpu", c.Kind)
	}
	if len(c.Peak) == 0 || !c.MemoryBytesPerSec.Known() {
		return fmt.Errorf("chip: peak and memory_bytes_per_sec must be given")
	}
	params := []lookup{{"memory_bytes", &c.MemoryBytes, 1, 1e18}, {"memory_bytes_per_sec", &c.MemoryBytesPerSec, 1, 1e18},
		{"cache_bytes", &c.CacheBytes, 1, 1e12}, {"cache_bytes_per_sec", &c.CacheBytesPerSec, 1, 1e18}}
	for _, dt := range slices.Sorted(maps.Keys(c.Peak)) {
		if !formats[dt] || dt == "any" {
			return fmt.Errorf("chip.peak.%s: unknown number format", dt)
		}
		p := c.Peak[dt]
		params = append(params, lookup{"peak." + dt, &p, 1, 1e20})
	}
	return checkNamed("chip", params)
}

// formats are the keys of efficiencies by number format.
var formats = map[string]bool{"any": true, "fp64": true, "fp32": true, "tf32": true, "bf16": true, "fp16": true, "fp8": true, "int8": true, "fp4": true}
