package storage

import (
	"fmt"
	"math"

	"aisim/internal/result"
)

// GlusterSpec says what a Gluster volume is built of: one brick per drive, distributed by
// the hash of the file's name over sets of bricks that keep copies or a dispersed code.
type GlusterSpec struct {
	FileServers
	Profile string // rep-N (replicate) or ec-K+M (disperse)
}

// gluster is a checked GlusterSpec with what follows from it.
type gluster struct {
	GlusterSpec
	prot Protection
	sets int // of bricks; a file lies whole in one
	k    glusterConstants
}

type glusterConstants struct {
	PortEta   Constant // share of the servers' line rate that bricks reach
	WireEta   Constant
	Stream    Constant // what one mount moves of one file, in client bytes
	Encode    Constant // data bytes that one core of a client encodes per second with two coding fragments
	RPCSec    Constant // one round to the bricks of a set
	ReadRPCs  Constant // rounds of one file
	WriteRPCs Constant
	Flight    Constant // files that one mount works on at a time
	Marks     Constant // small writes on each brick beside the data of one file
}

func nominalGluster() glusterConstants {
	ceph := NominalConstants()
	return glusterConstants{
		PortEta:   Constant{"gluster.port_eta", ceph.ReadEta.Value, "ratio", result.Assumed, 0.06, "taken over from reads of Ceph by separate clients: no Gluster is in the tables"},
		WireEta:   ceph.WireEta,
		Stream:    Constant{"gluster.stream", 1.5e9, "B/s", result.Assumed, 0.4, "one FUSE mount copies 1 to 2 GB/s of one file, general knowledge"},
		Encode:    Constant{"gluster.encode", ceph.EncodeBytesPerS.Value, "B/core-s", result.Assumed, 0.4, ceph.EncodeBytesPerS.Source},
		RPCSec:    Constant{"gluster.rpc", ceph.RTTSec.Value + ceph.WriteSoftSec.Value, "s", result.Assumed, 0.4, "taken over from one serial stage of a Ceph write: round trip and software"},
		ReadRPCs:  Constant{"gluster.read_rpcs", 2, "1", result.Assumed, 0.1, "lookup, and read with open"},
		WriteRPCs: Constant{"gluster.write_rpcs", 5, "1", result.Assumed, 0.1, "lock, pre-op, write, post-op, unlock: about five small rounds, general knowledge; once per file when it streams"},
		Flight:    Constant{"gluster.in_flight", 16, "1", result.Assumed, 0.1, "Gluster's default of 16 I/O threads"},
		Marks:     Constant{"gluster.marks", 2, "1", result.Assumed, 0.1, "extended attributes before and after the data"},
	}
}

func (k *glusterConstants) all() []*Constant {
	return []*Constant{&k.PortEta, &k.WireEta, &k.Stream, &k.Encode, &k.RPCSec, &k.ReadRPCs, &k.WriteRPCs, &k.Flight, &k.Marks}
}

// Gluster's own numbers: the fragment of a dispersed stripe, and the space of a brick
// below which new files go elsewhere (cluster.min-free-disk).
const (
	fragmentBytes    = 512
	glusterFullRatio = 0.90
)

// NewGluster checks the specification and builds the volume. It refuses, with the
// arithmetic, bricks that do not divide into sets.
func NewGluster(spec GlusterSpec) (*System, error) {
	g := &gluster{GlusterSpec: spec, k: nominalGluster()}
	fail := func(format string, args ...any) (*System, error) {
		return nil, fmt.Errorf("storage %q: "+format, append([]any{spec.ID}, args...)...)
	}
	drawAll(g.k.all(), spec.Draw)
	if err := g.check(); err != nil {
		return fail("%w", err)
	}
	var err error
	if g.prot, err = ParseProtection(g.Profile); err != nil {
		return fail("%w", err)
	}
	if g.sets, err = GlusterSets(g.prot, g.Nodes, g.DrivesPerNode); err != nil {
		return fail("%w", err)
	}
	s := &System{id: g.ID, kind: Gluster, m: g}
	switch {
	case g.prot.Parity == 0:
		s.warnings = append(s.warnings, "one copy only: the loss of a drive loses data")
	case g.prot.Replicated && g.prot.Width() == 2:
		s.warnings = append(s.warnings, "two copies without an arbiter split their brain when the servers part")
	}
	return s, nil
}

// GlusterSets are the sets of bricks that so many drives make, the bricks of one on different
// servers; it refuses what is left over.
func GlusterSets(p Protection, nodes, drivesPerNode int) (int, error) {
	width, bricks := p.Width(), nodes*drivesPerNode
	if nodes < width {
		return 0, fmt.Errorf("%s puts %s on different servers, and there are %d: add %d", p, p.pieces(), nodes, width-nodes)
	}
	if bricks%width != 0 {
		return 0, fmt.Errorf("%d servers × %d drives = %d bricks do not divide into sets of %d (%s): %d = %d × %d + %d; change the servers or the drives",
			nodes, drivesPerNode, bricks, width, p, bricks, bricks/width, width, bricks%width)
	}
	return bricks / width, nil
}

func (g *gluster) pools() []pool {
	n := float64(g.Nodes)
	return []pool{
		filesIn:     {"storage NICs in", KeyNetwork, n * g.NICBytesPerSec},
		filesOut:    {"storage NICs out", KeyNetwork, n * g.NICBytesPerSec},
		filesDrives: {"drives", KeyDrives, n * float64(g.DrivesPerNode)},
	}
}

// padded is an operation in whole stripes, and tail what of it a dispersed write reads first.
func (g *gluster) padded(io float64) (padded, tail float64) {
	if g.prot.Replicated {
		return io, 0
	}
	stripe := float64(g.prot.Data) * fragmentBytes
	padded = math.Ceil(io/stripe) * stripe
	if padded > io {
		tail = stripe
	}
	return padded, tail
}

// sent is what crosses the client's port per byte of an operation, in its direction: the client itself sends
// every copy or fragment.
func (g *gluster) sent(op Op, io float64) float64 {
	padded, _ := g.padded(io)
	if op == Read {
		return padded / io
	}
	return padded / io / g.prot.Efficiency()
}

// driveSec is the time that one operation takes of all drives of its set. A mount hands 1 MiB at most to a brick.
func (g *gluster) driveSec(op Op, io, file float64) float64 {
	padded, tail := g.padded(io)
	width, k := float64(g.prot.Width()), float64(g.prot.Data)
	access := func(op Op, bytes float64) float64 {
		n := math.Ceil(bytes / accessBytes)
		return n * g.Drive.accessSec(op, bytes/n)
	}
	marks := io / file // of the file's once-only work
	if op == Read {
		return k*access(Read, padded/k) + marks*width*access(Read, csumBlockBytes)
	}
	sec := width*access(Write, padded/k) + marks*width*g.k.Marks.Value*access(Write, csumBlockBytes)
	if tail > 0 {
		sec += k * access(Read, tail/k)
	}
	return sec
}

func (g *gluster) weights(op Op, objectBytes float64, dst []float64) {
	io, file := g.sizes(objectBytes)
	_, tail := g.padded(io)
	if op == Read {
		dst[filesOut] = g.sent(op, io) / g.k.PortEta.Value
	} else {
		dst[filesIn] = g.sent(op, io) / g.k.PortEta.Value
		dst[filesOut] = tail / io / g.k.PortEta.Value
	}
	dst[filesDrives] = g.driveSec(op, io, file) / io
}

// perClient is the least of a mount's pace, the given ceiling, the client's encoder, the files
// that fit in flight, and the share of the fullest set of bricks and of the fullest servers: files fall on sets by their
// hash, so that of c clients the fullest of n sets has fullestBin(c, n) at a time.
func (g *gluster) perClient(op Op, objectBytes float64, clients int) Stage {
	io, file := g.sizes(objectBytes)
	out := Stage{"client stream", KeyNetwork, g.k.Stream.Value}
	if g.PerClientBytesPerSec > 0 {
		out = narrower(out, Stage{"client ceiling", KeyNetwork, g.PerClientBytesPerSec})
	}
	if op == Write && !g.prot.Replicated {
		out = narrower(out, Stage{"client encoder", KeyCPU, g.k.Encode.Value * 2 / float64(g.prot.Parity)})
	}
	out = narrower(out, Stage{"files in flight", KeyNetwork, file * g.k.Flight.Value / (g.rounds(op) * g.k.RPCSec.Value)})
	span := float64(g.span(op))
	servers := float64(g.Nodes) / span
	sets := servers * float64(g.DrivesPerNode)
	out = narrower(out, Stage{"fullest bricks", KeyDrives, span * io / g.driveSec(op, io, file) / fullestBin(clients, sets)})
	return narrower(out, Stage{"fullest storage servers", KeyNetwork, float64(g.prot.Data) * g.NICBytesPerSec * g.k.PortEta.Value / fullestBin(clients, servers)})
}

// span is the bricks that one file keeps busy: all of its set when written, one copy or the data fragments when read.
func (g *gluster) span(op Op) int {
	if op == Read {
		return g.prot.Data
	}
	return g.prot.Width()
}

func (g *gluster) rounds(op Op) float64 {
	if op == Write {
		return g.k.WriteRPCs.Value
	}
	return g.k.ReadRPCs.Value
}

func (g *gluster) wire(op Op, objectBytes float64) (internal, overhead float64) {
	io, _ := g.sizes(objectBytes)
	return 0, g.sent(op, io) / g.k.WireEta.Value
}

func (g *gluster) informative(Op, float64) []Stage { return nil }

// latency is the rounds to the bricks, the transfer and the access of one drive.
func (g *gluster) latency(op Op, bytes, load float64) float64 {
	io, file := g.sizes(bytes)
	busy := g.driveSec(op, io, file) / float64(g.span(op))
	return g.rounds(op)*g.k.RPCSec.Value + io*g.sent(op, io)/g.NICBytesPerSec + g.Drive.latencySec(op) + busy*(1+load/(2*(1-load)))
}

func (g *gluster) capacity() Capacity {
	return g.capacityOf(g.prot.Efficiency(), glusterFullRatio)
}

func (g *gluster) watts(util float64) float64 {
	return g.wattsOf(g.Nodes, g.Nodes*g.DrivesPerNode, util)
}

func (g *gluster) devices() []Device {
	return []Device{
		{Role: "storage server", ID: g.Server, Count: g.Nodes},
		{Role: "drive", ID: g.Drive.ID, Count: g.Nodes * g.DrivesPerNode},
	}
}

func (g *gluster) assumptions() []result.Assumption {
	return append(g.assume(g.k.all()), result.Assumption{Name: "gluster.placement", Pedigree: result.Derived,
		Value: fmt.Sprintf("%d sets of %d bricks, files by a uniform hash", g.sets, g.prot.Width()), Source: "expected fullest of random draws"})
}

func (g *gluster) scaled(f Scaling) model {
	n := *g
	n.Drive = g.Drive.scaled(factor(f.Drives))
	n.NICBytesPerSec *= factor(f.Network)
	return &n
}
