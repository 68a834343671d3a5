package storage

import (
	"fmt"
	"math"
	"strings"

	"aisim/hardware"
	"aisim/internal/result"
)

// Defaults of a Ceph pool. The first three are Ceph's own (rados object size of
// RBD and RGW, osd_pool_erasure_code_stripe_unit, mon_osd_full_ratio and
// mon_osd_nearfull_ratio); the rack is aisim's assumption.
const (
	defaultObjectBytes  = 4 << 20
	defaultStripeUnit   = 4096
	defaultFullRatio    = 0.95
	nearfullRatio       = 0.85
	defaultNodesPerRack = 16       // 2U nodes, switch and power in 42U
	idleShare           = 0.45     // of a storage server's power without load
	deferredBytes       = 64 << 10 // bluestore_prefer_deferred_size_hdd: smaller writes go through the log
)

// CephSpec says what a Ceph pool is built of. Zero values take the default in
// brackets; rates are one way, in bytes per second.
type CephSpec struct {
	ID             string
	Server         string // catalogue id of the node, for the ledger
	Nodes          int
	DrivesPerNode  int // one OSD per drive
	Drive          Drive
	NICBytesPerSec float64 // per node, all ports together
	Cores          int     // per node
	CoreFactor     float64 // speed of a core relative to an EPYC 7742's [1]

	Profile         string  // rep-N or ec-K+M
	FailureDomain   string  // host or rack [host]
	NodesPerRack    int     // [16]
	PGs             int     // [PGCount]
	BalancerOff     bool    // leave the binomial spread as it falls
	ObjectBytes     float64 // of one RADOS object; larger client objects are striped [4 MiB]
	StripeUnitBytes float64 // of erasure-coded pools [4096]
	FullRatio       float64 // of the fullest drive, at which writes stop [0.95]
	Fill            float64 // share of the usable bytes that other data takes already [0]

	LogOnFlash bool // log and database of rotating disks lie on flash

	Gateway   bool // clients speak S3 to gateways on the nodes instead of RADOS
	Colocated bool // clients run on the storage nodes and share their ports and cores

	NodeMaxWatts  float64 // of a node without its drives, all cores busy
	NodeIdleWatts float64 // [0.45 of it]

	Constants *Constants // [NominalConstants]
}

// UseServer fills the fields that are still zero from a catalogue server: cores,
// ports and power. The sheet's power covers drives of local NVMe; their
// share at this pool's drive is taken off, down to half of the sheet.
func (c *CephSpec) UseServer(s *hardware.Server, draw hardware.Draw) error {
	if draw == nil {
		draw = hardware.NominalDraw
	}
	if c.Server == "" {
		c.Server = s.ID
	}
	if c.Cores == 0 {
		c.Cores = s.Cores
	}
	if c.CoreFactor == 0 { // 0 again for a processor that is not known: NewCeph takes 1
		_, c.CoreFactor = coreSpeed(strings.ToLower(s.CPU))
	}
	ports := s.ComputeNICs
	if ports == 0 {
		ports = s.StorageNICs
	}
	if c.NICBytesPerSec == 0 {
		if !s.NIC.Known() || ports == 0 {
			return fmt.Errorf("storage %q: server %q: the catalogue names no network ports; give nics", c.ID, s.ID)
		}
		c.NICBytesPerSec = float64(ports) * s.NIC.V
	}
	if c.NodeMaxWatts == 0 && s.PowerMax.Known() {
		all := draw("server."+s.ID+".power_max", s.PowerMax)
		c.NodeMaxWatts = all
		if s.LocalNVMe.Known() && c.Drive.Bytes > 0 {
			c.NodeMaxWatts = math.Max(all/2, all-s.LocalNVMe.V/c.Drive.Bytes*c.Drive.ActiveWatts)
		}
	}
	return nil
}

// ceph is a checked CephSpec with what follows from it.
type ceph struct {
	CephSpec
	prot          Protection
	k             Constants
	osds          int
	capacityShare float64 // fullest OSD over the mean, by placement groups
	readShare     float64 // most read OSD over the mean, by primaries or data shards
}

// NewCeph checks the specification and builds the pool. It refuses, with the
// arithmetic, what cannot be placed.
func NewCeph(spec CephSpec) (*System, error) {
	c := &ceph{CephSpec: spec}
	fail := func(format string, args ...any) (*System, error) {
		return nil, fmt.Errorf("storage %q: "+format, append([]any{spec.ID}, args...)...)
	}
	if c.FailureDomain == "" {
		c.FailureDomain = DomainHost
	}
	def := func(p *float64, v float64) {
		if *p == 0 {
			*p = v
		}
	}
	def(&c.CoreFactor, 1)
	def(&c.ObjectBytes, defaultObjectBytes)
	def(&c.StripeUnitBytes, defaultStripeUnit)
	def(&c.FullRatio, defaultFullRatio)
	def(&c.NodeIdleWatts, idleShare*c.NodeMaxWatts)
	if c.NodesPerRack == 0 {
		c.NodesPerRack = defaultNodesPerRack
	}
	switch {
	case c.Nodes < 1 || c.Nodes > 100_000:
		return fail("nodes %d: allowed 1 to 100000", c.Nodes)
	case c.DrivesPerNode < 1 || c.DrivesPerNode > 1000:
		return fail("drives per node %d: allowed 1 to 1000", c.DrivesPerNode)
	case !positive(c.NICBytesPerSec):
		return fail("NIC rate %g B/s per node: must be above 0", c.NICBytesPerSec)
	case c.Cores < 1:
		return fail("cores %d per node: at least 1", c.Cores)
	case !positive(c.CoreFactor):
		return fail("core factor %g: must be above 0", c.CoreFactor)
	case !positive(c.ObjectBytes) || c.ObjectBytes < csumBlockBytes:
		return fail("object size %g B: at least 4096", c.ObjectBytes)
	case !positive(c.StripeUnitBytes) || math.Mod(c.StripeUnitBytes, csumBlockBytes) != 0:
		return fail("stripe unit %g B: must be a multiple of 4096", c.StripeUnitBytes)
	case !(c.FullRatio > 0 && c.FullRatio <= 1):
		return fail("full ratio %g: allowed above 0 to 1", c.FullRatio)
	case !(c.Fill >= 0 && c.Fill <= 0.95):
		return fail("fill %g: allowed 0 to 0.95", c.Fill)
	case c.NodesPerRack < 1:
		return fail("nodes per rack %d: at least 1", c.NodesPerRack)
	case c.PGs < 0:
		return fail("placement groups %d: at least 1", c.PGs)
	case c.NodeMaxWatts < 0 || c.NodeIdleWatts < 0 || c.NodeIdleWatts > c.NodeMaxWatts:
		return fail("node power idle %g W, full %g W: want 0 ≤ idle ≤ full", c.NodeIdleWatts, c.NodeMaxWatts)
	}
	if err := c.Drive.check(); err != nil {
		return fail("%w", err)
	}
	var err error
	if c.prot, err = ParseProtection(c.Profile); err != nil {
		return fail("%w", err)
	}
	if err := checkPlacement(c.prot, c.FailureDomain, c.Nodes, c.NodesPerRack); err != nil {
		return fail("%w", err)
	}
	c.k = NominalConstants()
	if spec.Constants != nil {
		c.k = *spec.Constants
	}
	for _, p := range c.k.all() {
		if !positive(p.Value) || p.Unit == "ratio" && p.Value > 1 {
			return fail("constant %s = %g %s: must be above 0, a ratio at most 1", p.Name, p.Value, p.Unit)
		}
	}
	c.osds = c.Nodes * c.DrivesPerNode
	if c.PGs == 0 {
		c.PGs = PGCount(c.osds, c.prot.Width())
	}
	perOSD := float64(c.PGs) * float64(c.prot.Width()) / float64(c.osds)
	c.capacityShare = BalancedShare(perOSD, c.osds)
	if c.BalancerOff {
		c.capacityShare = WorstShare(perOSD, c.osds)
	}
	c.readShare = WorstShare(float64(c.PGs)*float64(c.prot.Data)/float64(c.osds), c.osds)
	return &System{id: c.ID, kind: Ceph, m: c, warnings: c.warn()}, nil
}

func positive(v float64) bool { return v > 0 && !math.IsInf(v, 1) }

func (c *ceph) warn() []string {
	var w []string
	domains := c.Nodes
	if c.FailureDomain == DomainRack {
		domains = (c.Nodes + c.NodesPerRack - 1) / c.NodesPerRack
	}
	if domains == c.prot.Width() {
		w = append(w, fmt.Sprintf("%s fills all %d failure domains (%s): after the loss of one there is no place to rebuild until it is repaired", c.prot, domains, c.FailureDomain))
	}
	if c.prot.Parity == 0 {
		w = append(w, "one copy only: the loss of a drive loses data")
	}
	if c.prot.Parity == 1 && c.osds > 1 {
		w = append(w, fmt.Sprintf("%s survives one lost drive only, and takes no writes at its minimum size until it is rebuilt", c.prot))
	}
	if per := float64(c.PGs) * float64(c.prot.Width()) / float64(c.osds); per > 250 {
		w = append(w, fmt.Sprintf("%d placement groups × %d / %d OSDs = %.0f per OSD, above mon_max_pg_per_osd 250", c.PGs, c.prot.Width(), c.osds, per))
	}
	return w
}

// The pools of a Ceph system.
const (
	poolIn = iota
	poolOut
	poolCPU
	poolRequests
	poolDrives
	numCephPools
)

func (c *ceph) pools() []pool {
	n := float64(c.Nodes)
	cores := math.Min(n*float64(c.Cores), float64(c.osds)*c.k.OSDThreads.Value)
	if c.Gateway { // gateways use the cores that the OSDs' threads leave
		cores = n * float64(c.Cores)
	}
	return []pool{
		poolIn:       {"storage NICs in", KeyNetwork, n * c.NICBytesPerSec},
		poolOut:      {"storage NICs out", KeyNetwork, n * c.NICBytesPerSec},
		poolCPU:      {"storage CPU", KeyCPU, cores * c.CoreFactor},
		poolRequests: {"requests per node", KeyCPU, n * c.k.NodeReadIOPS.Value},
		poolDrives:   {"drives", KeyDrives, float64(c.osds)},
	}
}

// split is the size of one RADOS operation of a client object.
func (c *ceph) split(objectBytes float64) float64 {
	return objectBytes / math.Ceil(objectBytes/c.ObjectBytes)
}

func (c *ceph) weights(op Op, objectBytes float64, dst []float64) {
	io := c.split(objectBytes)
	t := c.prot.OneOp(op, io, c.StripeUnitBytes)
	eta := c.eta(op)
	in, out := t.NICInBytes, t.NICOutBytes
	if c.Gateway { // client to gateway to primary; one in N gateways is the primary's node
		away := (float64(c.Nodes) - 1) / float64(c.Nodes) * io
		in, out = in+away, out+away
	}
	if c.Colocated { // a client reaches its own node without the wire
		local := io / float64(c.Nodes)
		if op == Read {
			out -= local
			in += io - local
		} else {
			in -= local
			out += io - local
		}
	}
	dst[poolIn] = in / eta / io
	dst[poolOut] = out / eta / io
	dst[poolCPU] = (c.osdSec(t)+c.encodeSec(t))/io + c.gatewaySec(op, objectBytes)/objectBytes
	dst[poolRequests] = t.DeviceReads * c.shardOps() / io
	dst[poolDrives] = c.driveSec(t) / io
}

// eta is the share of the nodes' line rate that an operation reaches. Writes lose with
// the number of nodes, among which the slowest copy counts; reads by clients on the
// storage nodes go with the speed of the cores that serve both ends.
func (c *ceph) eta(op Op) float64 {
	switch {
	case c.Gateway && c.Colocated:
		return c.k.ColocatedGateway.Value
	case c.Gateway:
		return c.k.GatewayEta.Value
	case op == Write:
		return c.k.WriteEta.Value - c.k.WriteEtaFall.Value*math.Log(math.Max(3, math.Min(float64(c.Nodes), 32))/3)
	case c.Colocated:
		return math.Min(c.k.ColocatedEta.Value*c.CoreFactor, c.k.ReadEta.Value)
	}
	return c.k.ReadEta.Value
}

// shardOps is what an access costs beyond one of its own.
func (c *ceph) shardOps() float64 {
	if c.prot.Replicated {
		return 1
	}
	return c.k.ShardOps.Value
}

// osdSec is the core time of one operation on all OSDs that it touches.
func (c *ceph) osdSec(t Traffic) float64 {
	ra, rb := cpuLine(c.k.SmallReadCPUSec.Value, c.k.ReadCPUSecPerB.Value)
	perByte := c.k.WriteCPUSecPerB.Value
	if !c.prot.Replicated {
		perByte = c.k.ShardCPUSecPerB.Value
	}
	wa, wb := cpuLine(c.k.SmallWriteCPUSec.Value, perByte)
	return (t.DeviceReads*ra+t.DeviceWrites*wa)*c.shardOps() + t.DeviceReadBytes*rb + t.DeviceWriteBytes*wb
}

// gatewaySec is the core time of one whole object in its S3 gateway.
func (c *ceph) gatewaySec(op Op, objectBytes float64) float64 {
	if !c.Gateway {
		return 0
	}
	small, large, more := c.k.GatewaySmallGet.Value, c.k.GatewayGet.Value, c.k.GatewayGet.Value
	if op == Write {
		small, large, more = c.k.GatewaySmallPut.Value, c.k.GatewayPut.Value, c.k.GatewayPutMore.Value
	}
	perObject, perByte := cpuLine(small, large)
	first := math.Min(objectBytes, largeIOBytes)
	return perObject + first*perByte + (objectBytes-first)*more
}

// encodeSec is the core time of the encoder: its cost grows with the data and
// with the number of coding shards; the constant is for two.
func (c *ceph) encodeSec(t Traffic) float64 {
	return t.EncodeBytes * float64(c.prot.Parity) / 2 / c.k.EncodeBytesPerS.Value
}

// driveSec is the drive time of one operation, stretched by the share of the
// fullest drive: placement is uneven and the fullest one is full first.
func (c *ceph) driveSec(t Traffic) float64 {
	var sec float64
	if t.DeviceReads > 0 {
		sec += t.DeviceReads * c.Drive.accessSec(Read, t.DeviceReadBytes/t.DeviceReads) * c.readShare
	}
	if t.DeviceWrites > 0 {
		each := t.DeviceWriteBytes / t.DeviceWrites
		access := c.Drive.accessSec(Write, each+c.k.MetaBytesPerOp.Value)
		if c.Drive.Rotating && each < deferredBytes {
			access *= c.k.DeferredAccess.Value
			if !c.LogOnFlash {
				access *= c.k.DeferredLog.Value
			}
		}
		sec += t.DeviceWrites * access * c.capacityShare
	}
	return sec
}

func (c *ceph) perClient(Op, float64, int) Stage { return noLimit }

func (c *ceph) wire(op Op, objectBytes float64) (internal, overhead float64) {
	io := c.split(objectBytes)
	t := c.prot.OneOp(op, io, c.StripeUnitBytes)
	internal = t.InternalBytes / io
	if c.Gateway {
		internal += (float64(c.Nodes) - 1) / float64(c.Nodes)
	}
	return internal, 1 / c.k.WireEta.Value
}

func (c *ceph) informative(op Op, objectBytes float64) []Stage {
	io := c.split(objectBytes)
	t := c.prot.OneOp(op, io, c.StripeUnitBytes)
	if t.EncodeBytes == 0 {
		return nil
	}
	return []Stage{{"encode (all cores)", KeyCPU, c.pools()[poolCPU].capacity / (c.encodeSec(t) / io)}}
}

// latency is one round trip, its software and one drive access for a read, two
// serial stages with one commit for a write of several copies, plus transfer
// times, plus the wait at the OSD queue of every serial stage.
func (c *ceph) latency(op Op, bytes, load float64) float64 {
	io := c.split(bytes)
	t := c.prot.OneOp(op, io, c.StripeUnitBytes)
	var w [numCephPools]float64
	c.weights(op, bytes, w[:])
	opsPerSec := math.Inf(1)
	for i, p := range c.pools() {
		if w[i] > 0 {
			opsPerSec = math.Min(opsPerSec, p.capacity/(w[i]*io))
		}
	}
	wait := float64(c.osds) / opsPerSec * load / (2 * (1 - load))
	rtt := c.k.RTTSec.Value
	soft := c.k.ReadSoftSec.Value / c.CoreFactor
	fetch := func(stages float64) float64 {
		return stages*(rtt+soft+wait) + c.Drive.latencySec(Read) + t.DeviceReadBytes/math.Max(1, t.DeviceReads)/c.Drive.ReadBytesPerSec
	}
	stages := 1.0
	if c.prot.Width() > 1 && (op == Write || !c.prot.Replicated) {
		stages = 2
	}
	if c.Gateway {
		stages++
	}
	sec := io / c.NICBytesPerSec
	if op == Read {
		return sec + fetch(stages)
	}
	if t.DeviceReads > 0 {
		sec += fetch(1)
	}
	soft = c.k.WriteSoftSec.Value / c.CoreFactor
	return sec + stages*(rtt+soft+wait) + c.encodeSec(t)/c.CoreFactor +
		c.Drive.latencySec(Write) + t.DeviceWriteBytes/t.DeviceWrites/c.Drive.WriteBytesPerSec
}

func (c *ceph) capacity() Capacity {
	raw := float64(c.osds) * c.Drive.Bytes
	held := raw * c.prot.Efficiency() / c.capacityShare
	usable := held * math.Min(1, c.FullRatio)
	return Capacity{
		RawBytes: raw, UsableBytes: usable, NearfullBytes: held * math.Min(nearfullRatio, c.FullRatio),
		FreeBytes: usable * (1 - c.Fill), WorstShare: c.capacityShare,
	}
}

func (c *ceph) watts(util float64) float64 {
	node := c.NodeIdleWatts + (c.NodeMaxWatts-c.NodeIdleWatts)*util
	drive := c.Drive.IdleWatts + (c.Drive.ActiveWatts-c.Drive.IdleWatts)*util
	return float64(c.Nodes)*node + float64(c.osds)*drive
}

func (c *ceph) devices() []Device {
	return []Device{
		{Role: "storage server", ID: c.Server, Count: c.Nodes},
		{Role: "drive", ID: c.Drive.ID, Count: c.osds},
	}
}

func (c *ceph) assumptions() []result.Assumption {
	var out []result.Assumption
	for _, p := range c.k.all() {
		out = append(out, result.Assumption{Name: p.Name, Value: fmt.Sprintf("%.4g %s", p.Value, p.Unit), Pedigree: p.Kind, Source: p.Source})
	}
	for _, a := range c.Drive.Assumed {
		out = append(out, result.Assumption{Name: "drive " + c.Drive.ID, Value: a, Pedigree: result.Assumed, Source: "storage/drive.go"})
	}
	out = append(out, result.Assumption{Name: "ceph.core_factor", Value: fmt.Sprintf("%.3g × an EPYC 7742 core", c.CoreFactor), Pedigree: result.Assumed,
		Source: "the CPU costs were measured on EPYC 7742; scaled by SPECrate per core of the server's processor (storage/processor.go), 1 if it is not known"})
	out = append(out, result.Assumption{Name: "ceph.placement", Pedigree: result.Derived,
		Value:  fmt.Sprintf("fullest drive %.2f × mean for writes and capacity, %.2f × for reads, %d placement groups", c.capacityShare, c.readShare, c.PGs),
		Source: "binomial spread of placement groups, upmap balancer within 5 of the mean"})
	return out
}

func (c *ceph) scaled(f Scaling) model {
	n := *c
	n.Drive = c.Drive.scaled(factor(f.Drives))
	n.NICBytesPerSec *= factor(f.Network)
	n.CoreFactor *= factor(f.CPU)
	return &n
}
