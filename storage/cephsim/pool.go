package cephsim

import (
	"fmt"
	"math"

	"aisim/sim"
	"aisim/storage"
)

// Kinds of event.
const (
	evRequest sim.Kind = iota // a client's request reaches its primary
	evSub                     // a primary's message reaches a shard
	evAnswer                  // a shard's answer reaches the primary
	evReply                   // a client has its answer
	evIssue                   // a client issues a request
	evCore                    // a core is free again
	evWake                    // a limit of the scheduler has passed
	evEpoch                   // a new map has come and groups have peered
	evObject                  // a primary may move its next object
	evReserve                 // a backfill asks its target for a place
	evGrant                   // and gets it
	evRelease                 // a backfill gives it back
	evScrub                   // a chunk is due to be read
	evLose                    // OSDs fail

	// received is added to the kind of a message that had to wait for the receiver's port.
	received sim.Kind = 32
)

// Works are what an OSD does with an item.
const (
	workRead      = iota // of a copy, for a client
	workGather           // of the primary's own shard, the others being asked
	workShardRead        // of a shard, for a primary
	workWrite            // of the primary's own copy or shard, the others being sent theirs
	workShardWrite
	workModify // read of a read-modify-write at its primary
	workMove   // of an object to be rebuilt, at its primary
	workMoveRead
	workMoveWrite
	workScrub
	numWorks
)

// maxSlots bounds the requests of one host that are in flight at once.
const maxSlots = 1 << 20

// work is what one item of a kind takes.
type work struct {
	class          int
	cost           float64      // of the scheduler, bytes
	core, soft     sim.Duration // core time, and the software time until drive or wire
	drive, latency sim.Duration // occupation of the drive, and what comes on top without occupying it
	commit         sim.Duration // group commit after it
	deferred       bool         // acknowledged from the log
	write          bool
	driveBytes     int64
}

// port is a backlog of work that drains with time.
type port struct {
	until sim.Time
	busy  sim.Duration
}

// take adds work of length s that is ready at r, and returns its end.
func (p *port) take(now, r sim.Time, s sim.Duration) sim.Time {
	p.until = max(p.until, now) + s
	p.busy += s
	return max(r+s, p.until)
}

// osd is one OSD.
type osd struct {
	queue       queue
	drive       port
	sync        sim.Time // start of the group commit that gathers now
	threads     int32    // busy
	runnable    bool     // in its node's line
	down        bool     // as the node knows: set at its loss
	wakeAt      sim.Time // of the event that is on its way; 0: none
	stored      float64  // bytes
	driveReads  int64
	driveWrites int64
	readBytes   int64
	writeBytes  int64
	moves       moves
}

// pending is an operation that waits for shards, at its primary.
type pending struct {
	arg   uint64 // of the request; the group of a backfill
	ready sim.Time
	mask  uint32 // places still out
	osd   int32
	stage uint8 // the work of its primary
	turn  uint8 // generation of this entry
	used  bool
}

// node is one storage node.
type node struct {
	in, out port
	free    int32 // cores
	busy    sim.Duration
	line    []int32 // OSDs with work and no core, in turn: a ring as long as the node has OSDs
	head    int
	queued  int
	osds    []osd
	ops     []pending
	unused  []uint32
	epoch   int
	counts  counts
}

// counts are kept per entity and added in order.
type counts struct {
	messages, received int64 // data messages sent and received
	sent, arrived      int64 // their bytes
	lost               int64 // messages to OSDs that are gone
	refused            int64 // writes to full OSDs
	moved              int64 // objects rebuilt
	movedBytes         int64
	lastMove           sim.Time
	scrubbed           int64 // bytes
	finished           int64 // operations answered by a primary
}

// request is a client's, in its slot.
type request struct {
	start sim.Time
	pg    int32
	gen   uint8
	write bool
	live  bool
	stuck bool // its group cannot serve
}

// host is one client host.
type host struct {
	in, out  port
	requests []request
	unused   []uint32
	random   sim.Stream
	epoch    int
	issued   int64
	done     int64
	doneRead int64
	refused  int64
	resent   int64
	hash     uint64
	last     sim.Time // answer
	counts   counts
}

// Pool is a run in preparation.
type Pool struct {
	c       Config
	costs   storage.Costs
	works   [numWorks]work
	order   discipline
	nodes   []node
	hosts   []host
	epochs  []epoch
	racks   []rack
	rackOf  []int32 // of entities
	half    sim.Duration
	readLen wireLen // of a request's data as a client reads it
	putLen  wireLen // as it is sent to a primary
	pushLen wireLen // of a copy or shard that a primary sends
	pullLen wireLen // of a shard that a primary reads
	moveLen wireLen
	live    int  // fewest OSDs with which a group serves
	data    int  // data shards that a request touches
	partial bool // of a stripe: a write reads first
	object  float64
	full    float64 // bytes of a full OSD
	engine  *sim.Engine
	end     sim.Time // of the run: nothing is issued after it

	lost, backfillAt sim.Time // of a failure
	toMove           int64    // objects to be rebuilt
}

// rack carries what leaves and enters it when uplinks are oversubscribed, and keeps the latencies that its
// hosts saw.
type rack struct {
	up, down      port
	reads, writes sim.Histogram
	_             [64]byte // of other racks' caches
}

// wireLen is a message on the ports that it passes.
type wireLen struct {
	bytes              int64
	node, host, uplink sim.Duration // on a storage node's port, a client's, a rack's
}

// epoch is a state of the map, from a time on.
type epoch struct {
	at     sim.Time
	acting acting
	down   []bool
}

// ticks are whole ticks, rounded to the nearest.
func ticks(sec float64) sim.Duration { return sim.Duration(math.Round(sec * sim.TicksPerSecond)) }

// New prepares a run.
func New(c Config) (*Pool, error) {
	costs, err := c.check()
	if err != nil {
		return nil, err
	}
	p := &Pool{c: c, costs: costs, order: newDiscipline(&c), object: costs.ObjectBytes, half: ticks(costs.RTTSec / 2), end: ticks(c.EndSec)}
	if p.half < 2 {
		return nil, fmt.Errorf("cephsim: a round trip of %g s: want 1 ns or more", costs.RTTSec)
	}
	p.live = costs.Protection.Data
	if costs.Protection.Replicated {
		p.live = max(1, (costs.Protection.Width()+1)/2) // min_size: half of the copies, rounded up
	}
	healthy, err := place(&costs, nil)
	if err != nil {
		return nil, err
	}
	p.epochs = []epoch{{acting: healthy, down: make([]bool, costs.Nodes*costs.PerNode)}}
	p.buildWorks()
	p.buildWires()
	p.buildEntities()
	if err := p.fail(); err != nil {
		return nil, err
	}
	partitions := int(p.rackOf[len(p.rackOf)-1]) + 1
	p.racks = make([]rack, partitions)
	p.engine, err = sim.New(sim.Config{Entities: len(p.rackOf), Partitions: partitions, PartitionOf: func(e sim.Entity) int { return int(p.rackOf[e]) },
		Lookahead: p.half, Workers: c.Workers}, p)
	if err != nil {
		return nil, err
	}
	return p, p.schedule()
}

// buildWorks resolves what each kind of item takes.
func (p *Pool) buildWorks() {
	prot, size, unit := p.costs.Protection, p.c.RequestBytes, p.costs.StripeUnitBytes
	k := float64(prot.Data)
	shard, readShard := size, size
	p.data = prot.Data
	if !prot.Replicated {
		stripe := k * unit
		padded := math.Ceil(size/stripe) * stripe
		shard, readShard = padded/k, padded/k
		if p.partial = size < stripe; p.partial && p.c.FastEC {
			p.data = int(math.Ceil(size / unit))
			shard, readShard = unit, unit
		}
	}
	soft := func(op storage.Op) sim.Duration {
		if op == storage.Read {
			return ticks(p.costs.ReadSoftSec)
		}
		return ticks(p.costs.WriteSoftSec)
	}
	read := func(bytes float64, class int) work {
		return work{class: class, cost: p.order.cost(bytes), core: ticks(p.costs.ReadCoreSec(bytes)), soft: soft(storage.Read),
			drive: ticks(p.costs.AccessSec(storage.Read, bytes)), latency: p.driveLatency(storage.Read), driveBytes: int64(bytes)}
	}
	write := func(bytes float64, class int) work {
		return work{class: class, cost: p.order.cost(bytes), core: ticks(p.costs.WriteCoreSec(bytes)), soft: soft(storage.Write),
			drive: ticks(p.costs.AccessSec(storage.Write, bytes)), commit: p.driveLatency(storage.Write), deferred: p.costs.Deferred(bytes), write: true, driveBytes: int64(bytes)}
	}
	p.works[workRead] = read(size, clients)
	p.works[workGather] = read(readShard, clients)
	p.works[workShardRead] = p.works[workGather]
	p.works[workModify] = p.works[workGather]
	p.works[workWrite] = write(shard, clients)
	p.works[workWrite].core += ticks(p.costs.EncodeCoreSec(size))
	p.works[workWrite].soft += ticks(p.costs.EncodeCoreSec(size))
	p.works[workShardWrite] = write(shard, clients)
	moved := p.object / k
	p.works[workMove] = read(moved, bestEffort) // backfill counts as best effort
	p.works[workMoveRead] = p.works[workMove]
	p.works[workMoveWrite] = write(moved, bestEffort)
	p.works[workScrub] = read(scrubBytes, bestEffort)
}

// driveLatency is what an access waits beyond its time on the drive: none on a disk, whose seek is in it.
func (p *Pool) driveLatency(op storage.Op) sim.Duration {
	if p.costs.Drive.Rotating {
		if op == storage.Write {
			return ticks(logSyncSec)
		}
		return 0
	}
	if op == storage.Write {
		return ticks(p.costs.Drive.WriteLatencySec)
	}
	return ticks(p.costs.Drive.ReadLatencySec)
}

// logSyncSec is the sync of a log on flash with power-loss protection (the middle of the sheets
// of the catalogue); logs on the disk itself pay with drive time.
const logSyncSec = 18e-6

func (p *Pool) buildWires() {
	uplink := p.c.Spec.NICBytesPerSec * float64(p.costs.NodesPerRack) / p.c.Oversubscription
	wire := func(bytes, rate float64) wireLen {
		return wireLen{bytes: int64(bytes), node: ticks(bytes / rate), host: ticks(bytes / (p.c.ClientNIC * p.costs.WireEta)), uplink: ticks(bytes / (uplink * p.costs.WireEta))}
	}
	w, r := p.costs.WriteBytesPerSec, p.costs.ReadBytesPerSec
	p.readLen = wire(p.c.RequestBytes, r)
	p.putLen = wire(p.c.RequestBytes, w)
	p.pushLen = wire(float64(p.works[workShardWrite].driveBytes), w)
	p.pullLen = wire(float64(p.works[workGather].driveBytes), r)
	p.moveLen = wire(float64(p.works[workMoveWrite].driveBytes), w)
}

func (p *Pool) buildEntities() {
	n, h := p.costs.Nodes, p.c.ClientHosts
	p.rackOf = make([]int32, n+h)
	racks := (n + p.costs.NodesPerRack - 1) / p.costs.NodesPerRack
	for i := range p.rackOf {
		if i < n {
			p.rackOf[i] = int32(i / p.costs.NodesPerRack)
		} else {
			p.rackOf[i] = int32(min(racks+(i-n)/p.costs.NodesPerRack, sim.MaxPartitions-1))
		}
	}
	p.nodes = make([]node, n)
	width := float64(p.costs.Protection.Width())
	perOSD := float64(p.costs.PGs) * width / float64(n*p.costs.PerNode)
	held := p.costs.Drive.Bytes * p.costs.FullRatio * p.costs.Fill // of the mean OSD
	p.full = p.costs.Drive.Bytes * p.costs.FullRatio
	for i := range p.nodes {
		p.nodes[i] = node{free: int32(p.costs.CoresPerNode), osds: make([]osd, p.costs.PerNode), line: make([]int32, p.costs.PerNode)}
	}
	for _, o := range p.epochs[0].acting.osds {
		if o != none {
			p.osd(o).stored += held / perOSD
		}
	}
	p.hosts = make([]host, h)
	root := sim.NewStream(p.c.Seed, "cephsim")
	for i := range p.hosts {
		p.hosts[i] = host{random: root.Sub(uint64(i)), requests: make([]request, p.c.InFlight)}
		for s := range p.c.InFlight {
			p.hosts[i].unused = append(p.hosts[i].unused, uint32(p.c.InFlight-1-s))
		}
	}
}

func (p *Pool) osd(o int32) *osd {
	return &p.nodes[int(o)/p.costs.PerNode].osds[int(o)%p.costs.PerNode]
}

func (p *Pool) entity(o int32) sim.Entity { return sim.Entity(int(o) / p.costs.PerNode) }
func (p *Pool) local(o int32) uint16      { return uint16(int(o) % p.costs.PerNode) }
func (p *Pool) hostEntity(i int) sim.Entity {
	return sim.Entity(p.costs.Nodes + i)
}

// schedule puts the first events in.
func (p *Pool) schedule() error {
	for i := range p.hosts {
		e := p.hostEntity(i)
		h := &p.hosts[i]
		if p.c.InFlight == 0 {
			if err := p.engine.Schedule(ticks(h.random.Exp(1/p.c.ArrivalsPerSec)), e, evIssue, 0); err != nil {
				return err
			}
		}
		for s := range p.c.InFlight { // spread over a millisecond, so that no wave forms
			if err := p.engine.Schedule(ticks(h.random.Float64()*1e-3), e, evIssue, uint64(s)); err != nil {
				return err
			}
		}
		for k := range p.epochs[1:] {
			if err := p.engine.Schedule(p.epochs[k+1].at, e, evEpoch, uint64(k+1)); err != nil {
				return err
			}
		}
	}
	for i := range p.nodes {
		for k := range p.epochs[1:] {
			if err := p.engine.Schedule(p.epochs[k+1].at, sim.Entity(i), evEpoch, uint64(k+1)); err != nil {
				return err
			}
		}
	}
	return p.scheduleBackground()
}
