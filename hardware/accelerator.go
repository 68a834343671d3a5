package hardware

import "aisim/internal/result"

var peakColumns = [NumDTypes]string{
	FP64: "fp64_tflops", FP32: "fp32_tflops", TF32: "tf32_tflops", BF16: "bf16_dense_tflops",
	FP8: "fp8_dense_tflops", INT8: "int8_dense_tops", FP4: "fp4_dense_tflops",
}

// Accelerator returns the chip with the id. Peaks hold what the table states,
// with two rules: chips whose 16-bit figure is the fp16 rate have no BF16 peak,
// and chips with bf16 matrix units run fp16 at the same rate (true of every
// such part in the table), marked derived.
func (c *Catalogue) Accelerator(id string) (*Accelerator, error) {
	r, err := c.record(KindAccelerator, id)
	if err != nil {
		return nil, err
	}
	a := &Accelerator{
		ID: r.id, Vendor: r.text["vendor"], Kind: r.text["class"],
		Year: r.count("year"), ProcessNm: r.number["process_nm"],
		Memory: r.value("memory_gib"), MemoryType: r.text["memory_type"], MemoryBandwidth: r.value("mem_bw_GBps"),
		DeviceMemory: r.value("device_mib"), ReservedMemory: r.value("reserved_mib"),
		OnChip: r.value("onchip_mib"), OnChipBandwidth: r.value("onchip_bw_GBps"),
		ScaleUpLink: r.text["scaleup_link"], ScaleUpBandwidth: r.value("scaleup_bw_GBps_per_chip_bidirectional"),
		ScaleUpDomain: r.value("scaleup_domain"),
		HostLink:      r.text["host_link"], HostBandwidth: r.value("host_bw_GBps"),
		TDP: r.value("tdp_w"), Idle: r.value("idle_w"), Price: r.value("typical_price_usd"),
		Notes: r.note, Source: r.source, Date: r.date,
	}
	for dt, column := range peakColumns {
		if column != "" {
			a.Peak[dt] = r.value(column)
		}
	}
	if r.text["sixteen_bit"] == "fp16" {
		a.Peak[FP16], a.Peak[BF16] = a.Peak[BF16], Value{}
	} else if v := a.Peak[BF16]; v.Known() {
		v.Kind = derivedFrom(v.Kind)
		v.Note = "fp16 at the bf16 rate"
		a.Peak[FP16] = v
	}
	if slices, ok := dspSlices[a.ID]; ok && !a.Peak[INT8].Known() {
		a.Peak[INT8] = Value{V: slices.count * int8PerSlice * slices.rate, Unit: "OP/s", Kind: result.Derived, RelSD: slices.sd, Date: a.Date, Source: a.Source,
			Note: "2.715 GOP/s per DSP slice, as U200, U250 and U280 state"}
	}
	if watts, ok := estimatedWatts[a.ID]; ok && !a.TDP.Known() {
		a.TDP = Value{V: watts, Unit: "W", Kind: result.Assumed, RelSD: 0.25, Date: a.Date, Note: "the maker publishes none",
			Source: "an estimate of HIT-JimmyXiao/AI_hardware_performerance_data_analysis:ml_hardware.csv (Epoch AI CC-BY), kept in the notes of the accelerators table"}
	}
	return a, nil
}

// estimatedWatts are the chip powers that the accelerators table keeps in its
// notes as a third party's estimate.
var estimatedWatts = map[string]float64{"google-tpu-v5p": 540, "google-tpu-v6e": 380, "google-tpu-v7": 960}

// int8PerSlice is what a DSP slice of an UltraScale+ card does in 8 bits by AMD's
// counting: 18.6 TOP/s over 6,840 slices of U200, 33.3 over 12,288 of U250, 24.5 over
// 9,024 of U280.
const int8PerSlice = 2.715e9

// dspSlices are those of cards for which AMD states no 8-bit rate. The slices of Versal
// multiply three pairs where those of UltraScale+ multiply two.
var dspSlices = map[string]struct{ count, rate, sd float64 }{
	"amd-alveo-u50": {5952, 1, 0.05}, "amd-alveo-u55c": {9024, 1, 0.05}, "amd-alveo-v80": {10848, 1.5, 0.25},
}
