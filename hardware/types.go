package hardware

// Accelerator is one chip of the catalogue: GPU, TPU, FPGA, ASIC, edge part or
// CPU socket. Rates are dense (no structured sparsity).
type Accelerator struct {
	ID, Vendor, Kind    string // Kind: gpu tpu fpga asic edge cpu
	Year                int
	ProcessNm           float64
	Peak                [NumDTypes]Value // FLOP/s (OP/s for INT8), dense
	Memory              Value            // B, the vendor's label
	DeviceMemory        Value            // B that the driver reports, less than the label where error correction takes memory
	ReservedMemory      Value            // B of it that the driver keeps from processes
	MemoryType          string
	MemoryBandwidth     Value // B/s
	OnChip              Value // B of on-chip memory
	OnChipBandwidth     Value // B/s; known where it was measured
	ScaleUpLink         string
	ScaleUpBandwidth    Value // B/s, both directions summed, per chip
	ScaleUpDomain       Value // chips
	HostLink            string
	HostBandwidth       Value // B/s, one way
	TDP, Idle           Value // W
	Price               Value // USD
	Notes, Source, Date string
}

// Server is one node type: chips, NICs, CPUs, power and price.
type Server struct {
	ID, Vendor, Name         string
	AcceleratorID            string // empty for storage nodes
	AcceleratorCount         int
	ScaleUp                  string
	ScaleUpSwitches          int
	ComputeNICs, StorageNICs int
	NIC                      Value // B/s per NIC, one way
	CPU                      string
	CPUSockets, Cores        int
	RAM                      Value // B
	LocalNVMe                Value // B
	PowerMax, PowerTypical   Value // W
	RackUnits                float64
	Cooling                  string
	Price                    Value // USD as listed; see Catalogue.ServerPrice for servers without one
	Notes, Source, Date      string
}

// Interconnect is a link, switch, NIC, cable or optical module.
type Interconnect struct {
	ID, Class, Standard, Vendor string // Class: link torus-link nic switch scaleup-switch cable optic network
	Ports                       int
	PortBandwidth               Value // B/s per port, one way
	Aggregate                   Value // B/s, one way
	HopLatency                  Value // s
	PowerTypical, PowerMax      Value // W
	Reach                       Value // m
	Price                       Value // USD
	Notes, Source, Date         string
}

// Drive is a storage device or a cloud volume class.
type Drive struct {
	ID, Kind, Interface, Vendor, Model string // Kind: hdd ssd tape dram cxl cloud filesystem
	Capacity                           Value  // B
	SeqRead, SeqWrite                  Value  // B/s
	RandRead, RandWrite                Value  // operations per second of 4 KiB
	ReadLatency, WriteLatency          Value  // s at queue depth 1
	DWPD                               Value  // drive writes per day
	PowerActive, PowerIdle             Value  // W
	PricePerTB                         Value  // USD/TB for devices, USD/TB-month for cloud
	Notes, Source, Date                string
}

// Instance is a rented machine with its hourly list prices.
type Instance struct {
	ID, Provider, Name                 string
	AcceleratorID                      string
	AcceleratorCount, VCPUs            int
	PerChip                            bool // prices are per chip (TPU rows), not per machine
	RAM                                Value
	Network                            Value // B/s
	Fabric                             string
	LocalNVMe                          Value
	OnDemand, OneYear, ThreeYear, Spot Value // USD/h
	Region, PriceDate                  string
	Notes, Source                      string
}

// Price is the list price by the way of buying: on-demand, one-year, three-year or spot.
func (i *Instance) Price(purchase string) Value {
	switch purchase {
	case "on-demand":
		return i.OnDemand
	case "one-year":
		return i.OneYear
	case "three-year":
		return i.ThreeYear
	case "spot":
		return i.Spot
	}
	return Value{}
}

// Model is a model card.
type Model struct {
	ID, Family, Kind                      string
	Params, ActiveParams                  Value // parameters
	Layers, Hidden, Heads, KVHeads        int
	HeadDim, FFN, Vocab, MaxSeq           int
	Experts, ExpertsActive, SharedExperts int
	Attention                             string // MHA GQA MQA MLA …
	TiedEmbeddings                        bool
	GatedFFN                              bool // three matrices per FFN; derived from the parameter count
	MoEEvery                              int  // experts in every n-th layer, dense FFN in the others; 0 or 1: in all
	FirstDenseLayers, DenseFFN            int  // MoE models whose first layers are dense
	MLA                                   *MLA
	Vision                                *Vision // of models that take images
	Window                                int     // sliding-window width of local layers, 0: none
	FlopsPerSample                        Value   // forward FLOP per token, image or denoising step
	Notes, Source                         string
}

// Vision is the encoder of a model that takes images: a transformer over patches and what
// brings its output to the width of the language model.
type Vision struct {
	Layers, Hidden, FFN int
	Gated               bool // three matrices per layer's MLP
	Patches             int  // that the encoder runs over for the largest image
	Tokens              int  // that the largest image takes in the prompt
	Params              Value
}

// MLA holds the widths of multi-head latent attention.
type MLA struct{ QLora, KVLora, QKNope, QKRope, VHead int }

// Fact is one row of the operations facts.
type Fact struct {
	ID, Context string
	Value       Value
}

// Entry is one line of `aisim catalog list`.
type Entry struct{ ID, Kind, Summary string }

// Field is one line of `aisim catalog show`.
type Field struct {
	Name  string
	Text  string // for fields that are not numbers
	Value Value
}
