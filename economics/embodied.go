package economics

// Embodied carbon by component (GreenSKU and ACT, as cluster-facts lists them).
const (
	DRAMKgPerGB    = 1.65 // DDR5 DIMM
	FlashKgPerTB   = 17.3 // SSD
	NICKg          = 58.1 // FPGA based: the largest there is
	CPUKg          = 30.7 // Genoa
	ServerMiscKg   = 375.0
	RackKg         = 500.0
	BuildingKg     = 9e6 // 50 MW, 2,500 racks
	BuildingWatts  = 50e6
	ServerYears    = 6.0
	RackYears      = 15.0
	BuildingYears  = 20.0
	FabKWhPerCM2N7 = 2.15
	FabKWhPerCM2N5 = 2.75
	FabKWhPerCM2N3 = 3.25
)

// Part is a component of a server with what making all of it emitted.
type Part struct {
	Name string
	Kg   float64
}

// ServerParts are the components of a server: accelerators are added by who knows them.
func ServerParts(cpus, dramGB, flashTB, nics float64) []Part {
	return []Part{{"CPUs", cpus * CPUKg}, {"DRAM", dramGB * DRAMKgPerGB}, {"flash", flashTB * FlashKgPerTB}, {"NICs", nics * NICKg}, {"chassis, board, supplies", ServerMiscKg}}
}

// Chip is what making one die emitted: (area/yield)·(CI·EPA + GPA + MPA) (ACT). areaCM2 is
// in cm², fabKWhPerCM2 by process, gridKgPerKWh of the fab; gases and materials are kg/cm².
func Chip(areaCM2, yield, fabKWhPerCM2, gridKgPerKWh, gasKgPerCM2, materialKgPerCM2 float64) float64 {
	return areaCM2 / yield * (gridKgPerKWh*fabKWhPerCM2 + gasKgPerCM2 + materialKgPerCM2)
}

// BuildingShare is the part of a hall's embodied carbon that falls to IT of so many watts.
func BuildingShare(watts float64) float64 { return BuildingKg * watts / BuildingWatts }
