// Package hardware holds what does the work: the catalogue of chips, servers,
// links, drives, clouds, model cards, grids and operations facts, and the
// performance and power models of devices.
//
// # Catalogue
//
// Default returns the catalogue that is embedded from catalogue/*.toml. Each
// file is made by catalogue/gen from one table, row for row, and read on first
// use. Every number is a Value: SI base units, what it rests on (measured,
// datasheet, derived, assumed), source, date and relative standard deviation.
// What a table does not state is absent, never filled in; the few rules that do
// fill in (a server's price or power, a chip's idle power) mark their result
// assumed and say so in its source.
//
// # Devices
//
// A Device is a roofline with an efficiency per class of operators:
//
//	t = t0 + (tc^p + tm^p)^(1/p)
//	tc = FLOP / (peak · e · shape),  tm = bytes / (bandwidth · f)
//
// The shape term of a GEMM deals output tiles to cores in waves; that of
// attention follows the blocks of fused kernels. Constants come from package
// profile, by chip where it was measured and by family elsewhere; Device.Rung
// says which. Costs hold inside long steps; Device.Isolated gives those of a
// kernel alone.
//
// An operator in a number format that the chip has no units for costs +Inf;
// Device.Supports gives the reason as an error. Uncertainty enters through Draw.
//
// Grid interpolates measured calls of one operator in utilisation space; Capped is a
// device under a power limit. Left out: library and version effects, batching inside
// Generic. Equations, constants and errors: docs/models/hardware.md, kernels.md, power.md.
package hardware
