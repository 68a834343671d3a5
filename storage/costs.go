package storage

import "math"

// Costs are what single accesses cost the parts of a Ceph pool: the constants of the model,
// resolved for one specification, for simulations that play every access.
type Costs struct {
	Protection      Protection
	Drive           Drive
	Nodes, PerNode  int // OSDs per node
	NodesPerRack    int
	FailureDomain   string
	PGs             int
	CoresPerNode    int
	OSDThreads      int
	ObjectBytes     float64
	StripeUnitBytes float64
	FullRatio, Fill float64
	// Rates of a node's ports that data reach, and of any port after framing.
	ReadBytesPerSec, WriteBytesPerSec float64
	WireEta                           float64
	RTTSec, ReadSoftSec, WriteSoftSec float64 // software on the way of an unloaded access
	readOp, readByte                  float64
	writeOp, writeByte                float64
	shardOps, encodeByte              float64
	meta, deferred                    float64
	nodeReads                         float64
}

// Costs resolves a specification; it refuses what NewCeph refuses.
func (spec CephSpec) Costs() (Costs, error) {
	s, err := NewCeph(spec)
	if err != nil {
		return Costs{}, err
	}
	c := s.m.(*ceph)
	k := &c.k
	ra, rb := cpuLine(k.SmallReadCPUSec.Value, k.ReadCPUSecPerB.Value)
	perByte := k.WriteCPUSecPerB.Value
	if !c.prot.Replicated {
		perByte = k.ShardCPUSecPerB.Value
	}
	wa, wb := cpuLine(k.SmallWriteCPUSec.Value, perByte)
	out := Costs{
		Protection: c.prot, Drive: c.Drive, Nodes: c.Nodes, PerNode: c.DrivesPerNode, NodesPerRack: c.NodesPerRack, FailureDomain: c.FailureDomain, PGs: c.PGs,
		CoresPerNode: c.Cores, OSDThreads: int(math.Max(1, math.Round(k.OSDThreads.Value))), ObjectBytes: c.ObjectBytes, StripeUnitBytes: c.StripeUnitBytes,
		FullRatio: c.FullRatio, Fill: c.Fill,
		ReadBytesPerSec: c.NICBytesPerSec * c.eta(Read), WriteBytesPerSec: c.NICBytesPerSec * c.eta(Write), WireEta: k.WireEta.Value,
		RTTSec: k.RTTSec.Value, ReadSoftSec: k.ReadSoftSec.Value / c.CoreFactor, WriteSoftSec: k.WriteSoftSec.Value / c.CoreFactor,
		readOp: ra / c.CoreFactor, readByte: rb / c.CoreFactor, writeOp: wa / c.CoreFactor, writeByte: wb / c.CoreFactor,
		shardOps: c.shardOps(), encodeByte: float64(c.prot.Parity) / 2 / k.EncodeBytesPerS.Value / c.CoreFactor,
		meta: k.MetaBytesPerOp.Value, deferred: 1, nodeReads: k.NodeReadIOPS.Value,
	}
	if c.Drive.Rotating {
		out.deferred = k.DeferredAccess.Value
		if !c.LogOnFlash {
			out.deferred *= k.DeferredLog.Value
		}
	}
	return out, nil
}

// ReadCoreSec is the core time of one read access of so many bytes. What a node's shared
// structures add when all its cores read shows as core time: 430,000 accesses
// per second and node at most.
func (c *Costs) ReadCoreSec(bytes float64) float64 {
	cores := math.Min(float64(c.CoresPerNode), float64(c.PerNode*c.OSDThreads))
	return math.Max(c.readOp*c.shardOps+c.readByte*bytes, cores/c.nodeReads*c.shardOps)
}

// WriteCoreSec is the core time of one copy or shard of so many bytes.
func (c *Costs) WriteCoreSec(bytes float64) float64 {
	return c.writeOp*c.shardOps + c.writeByte*bytes
}

// EncodeCoreSec is the core time of the encoder for data of so many bytes.
func (c *Costs) EncodeCoreSec(bytes float64) float64 {
	if c.Protection.Replicated {
		return 0
	}
	return bytes * c.encodeByte
}

// AccessSec is the time that one access occupies the drive, with what a write
// carries of log and database.
func (c *Costs) AccessSec(op Op, bytes float64) float64 {
	if op == Read {
		return c.Drive.accessSec(Read, bytes)
	}
	access := c.Drive.accessSec(Write, bytes+c.meta)
	if c.Drive.Rotating && bytes < deferredBytes {
		access *= c.deferred
	}
	return access
}

// Deferred tells whether a write is acknowledged from the log and applied later.
func (c *Costs) Deferred(bytes float64) bool { return c.Drive.Rotating && bytes < deferredBytes }
