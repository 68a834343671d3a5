package storage

import (
	"fmt"
	"math"

	"aisim/internal/result"
)

// LustreSpec says what a Lustre file system is built of.
type LustreSpec struct {
	FileServers         // object storage servers (OSS)
	Profile     string  // RAID of the drives behind each server, see ParseRAID
	StripeCount int     // targets (OSTs) that one file is striped over [1]
	StripeBytes float64 // [1 MiB]

	MetadataServers int     // like the others, a target of two mirrored drives each [1]
	FilesPerSec     float64 // that one of them opens or creates [lustre.files]
}

// Lustre's own defaults (stripe size and count of lfs setstripe; the pages of one bulk
// request on current releases).
const (
	defaultStripeBytes = 1 << 20
	lustreRPCBytes     = 4 << 20
	mdtDrives          = 2 // aisim's assumption: one mirror
)

// lustre is a checked LustreSpec with what follows from it.
type lustre struct {
	LustreSpec
	raid    RAID
	targets int // OSTs per server
	k       lustreConstants
}

type lustreConstants struct {
	PortEta     Constant // share of the servers' line rate that bulk requests reach
	WireEta     Constant
	Stream      Constant // what one client moves of one file
	Files       Constant // opens or creates per second of one metadata server
	MetaRPCSec  Constant // one request to a metadata server
	MetaRPCs    Constant // of one file
	MetaFlight  Constant // such requests that a client keeps in flight
	BulkSoftSec Constant // software and wire of one bulk request
}

func nominalLustre() lustreConstants {
	ceph := NominalConstants()
	return lustreConstants{
		PortEta:     Constant{"lustre.port_eta", ceph.ReadEta.Value, "ratio", result.Assumed, 0.06, "taken over from reads of Ceph by separate clients: no port-bound Lustre is in the tables"},
		WireEta:     ceph.WireEta,
		Stream:      Constant{"lustre.stream", 5e9, "B/s", result.Assumed, 0.4, "one stream of one client moves 2 to 10 GB/s, general knowledge"},
		Files:       Constant{"lustre.files", 30e3, "1/s", result.Assumed, 0.5, "10⁴ to 10⁵ creates per second and metadata target, general knowledge; geometric middle"},
		MetaRPCSec:  Constant{"lustre.meta_rpc", 0.5e-3, "s", result.Assumed, 0.4, "0.2 to 1 ms, general knowledge; a busy system opens a file in 2.3 ms and fails to in 1.1 ms (catalogue lustre-open-small)"},
		MetaRPCs:    Constant{"lustre.meta_rpcs", 2, "1", result.Assumed, 0.1, "open with its layout, and close"},
		MetaFlight:  Constant{"lustre.meta_in_flight", 8, "1", result.Assumed, 0.1, "Lustre's default max_rpcs_in_flight"},
		BulkSoftSec: Constant{"lustre.bulk_rpc", ceph.RTTSec.Value + ceph.ReadSoftSec.Value, "s", result.Assumed, 0.4, "taken over from an unloaded Ceph read: round trip and software"},
	}
}

func (k *lustreConstants) all() []*Constant {
	return []*Constant{&k.PortEta, &k.WireEta, &k.Stream, &k.Files, &k.MetaRPCSec, &k.MetaRPCs, &k.MetaFlight, &k.BulkSoftSec}
}

// NewLustre checks the specification and builds the file system. It refuses, with the
// arithmetic, drives that do not divide into targets and stripes wider than the targets.
func NewLustre(spec LustreSpec) (*System, error) {
	l := &lustre{LustreSpec: spec, k: nominalLustre()}
	fail := func(format string, args ...any) (*System, error) {
		return nil, fmt.Errorf("storage %q: "+format, append([]any{spec.ID}, args...)...)
	}
	drawAll(l.k.all(), spec.Draw)
	if l.StripeCount == 0 {
		l.StripeCount = 1
	}
	if l.StripeBytes == 0 {
		l.StripeBytes = defaultStripeBytes
	}
	if l.MetadataServers == 0 {
		l.MetadataServers = 1
	}
	if l.FilesPerSec == 0 {
		l.FilesPerSec = l.k.Files.Value
	}
	if err := l.check(); err != nil {
		return fail("%w", err)
	}
	switch {
	case !(l.StripeBytes >= 64<<10) || math.Mod(l.StripeBytes, 64<<10) != 0:
		return fail("stripes of %g B: Lustre takes multiples of 65536", l.StripeBytes)
	case l.MetadataServers < 1:
		return fail("%d metadata servers: at least 1", l.MetadataServers)
	case !positive(l.FilesPerSec):
		return fail("%g files per second and metadata server: must be above 0", l.FilesPerSec)
	}
	var err error
	if l.raid, err = ParseRAID(l.Profile); err != nil {
		return fail("%w", err)
	}
	if l.targets, err = l.raid.Targets(l.DrivesPerNode); err != nil {
		return fail("%w", err)
	}
	if n := l.Nodes * l.targets; l.StripeCount < 1 || l.StripeCount > n {
		return fail("stripe count %d: %d servers × %d targets of %s = %d; allowed 1 to %d", l.StripeCount, l.Nodes, l.targets, l.raid, n, n)
	}
	s := &System{id: l.ID, kind: Lustre, m: l}
	if l.raid.Parity == 1 {
		s.warnings = append(s.warnings, fmt.Sprintf("%s survives one lost drive of a target", l.raid))
	}
	s.warnings = append(s.warnings, "a file is on its servers alone: while one is down and its partner has not taken over, I/O to its targets waits")
	return s, nil
}

// The pools of Lustre and Gluster; Gluster has no metadata servers.
const (
	filesIn = iota
	filesOut
	filesDrives
	filesMetadata
)

func (l *lustre) pools() []pool {
	n := float64(l.Nodes)
	return []pool{
		filesIn:       {"storage NICs in", KeyNetwork, n * l.NICBytesPerSec},
		filesOut:      {"storage NICs out", KeyNetwork, n * l.NICBytesPerSec},
		filesDrives:   {"drives", KeyDrives, n * float64(l.DrivesPerNode)},
		filesMetadata: {"metadata servers", KeyCPU, float64(l.MetadataServers) * l.FilesPerSec},
	}
}

// stripes are the targets that a file is on.
func (l *lustre) stripes(file float64) float64 {
	return math.Min(float64(l.StripeCount), math.Ceil(file/l.StripeBytes))
}

// request is one bulk request to one target: what the operation has there, 4 MiB at most.
func (l *lustre) request(io float64) float64 {
	each := io / l.stripes(io)
	return each / math.Ceil(each/lustreRPCBytes)
}

func (l *lustre) weights(op Op, objectBytes float64, dst []float64) {
	io, file := l.sizes(objectBytes)
	port := filesOut
	if op == Write {
		port = filesIn
	}
	dst[port] = 1 / l.k.PortEta.Value
	b := l.request(io)
	dst[filesDrives] = l.raid.driveSec(&l.Drive, op, b) / b
	dst[filesMetadata] = 1 / file
}

// perClient is the least of a stream's pace, the given ceiling, the opens that fit in flight
// and the share of the fullest target and of the fullest server. New files take the targets in turn, so that of
// c clients with s stripes each the fullest of M holds ⌈c·s/M⌉.
func (l *lustre) perClient(op Op, objectBytes float64, clients int) Stage {
	io, file := l.sizes(objectBytes)
	out := Stage{"client stream", KeyNetwork, l.k.Stream.Value}
	if l.PerClientBytesPerSec > 0 {
		out = narrower(out, Stage{"client ceiling", KeyNetwork, l.PerClientBytesPerSec})
	}
	out = narrower(out, Stage{"opens in flight", KeyCPU, file * l.k.MetaFlight.Value / (l.k.MetaRPCs.Value * l.k.MetaRPCSec.Value)})
	s := l.stripes(file)
	fullest := func(n int) float64 { return math.Ceil(float64(clients) * s / float64(n)) }
	b := l.request(io)
	drives := float64(l.DrivesPerNode/l.targets) * b / l.raid.driveSec(&l.Drive, op, b)
	out = narrower(out, Stage{"fullest storage target", KeyDrives, s * drives / fullest(l.Nodes*l.targets)})
	return narrower(out, Stage{"fullest storage server", KeyNetwork, s * l.NICBytesPerSec * l.k.PortEta.Value / fullest(l.Nodes)})
}

func (l *lustre) wire(Op, float64) (internal, overhead float64) { return 0, 1 / l.k.WireEta.Value }

func (l *lustre) informative(Op, float64) []Stage { return nil }

// latency is the open, one bulk request with its access of the drives, and the transfer.
func (l *lustre) latency(op Op, bytes, load float64) float64 {
	io, _ := l.sizes(bytes)
	b := l.request(io)
	busy := l.raid.driveSec(&l.Drive, op, b) / float64(l.DrivesPerNode/l.targets)
	wait := load / (2 * (1 - load))
	return l.k.MetaRPCs.Value*l.k.MetaRPCSec.Value + wait/l.FilesPerSec +
		l.k.BulkSoftSec.Value + l.Drive.latencySec(op) + busy*(1+wait) + b/l.NICBytesPerSec
}

func (l *lustre) capacity() Capacity {
	return l.capacityOf(float64(l.raid.Data)/float64(l.raid.Data+l.raid.Parity), localFullRatio)
}

func (l *lustre) drives() int { return l.Nodes*l.DrivesPerNode + l.MetadataServers*mdtDrives }

func (l *lustre) watts(util float64) float64 {
	return l.wattsOf(l.Nodes+l.MetadataServers, l.drives(), util)
}

func (l *lustre) devices() []Device {
	return []Device{
		{Role: "storage server", ID: l.Server, Count: l.Nodes},
		{Role: "metadata server", ID: l.Server, Count: l.MetadataServers},
		{Role: "drive", ID: l.Drive.ID, Count: l.drives()},
	}
}

func (l *lustre) assumptions() []result.Assumption {
	return append(l.assume(l.k.all()), result.Assumption{Name: "lustre.metadata", Pedigree: result.Assumed,
		Value:  fmt.Sprintf("%d metadata servers like the storage servers, two mirrored drives each, %.3g files/s each", l.MetadataServers, l.FilesPerSec),
		Source: "storage/lustre.go"})
}

func (l *lustre) scaled(f Scaling) model {
	n := *l
	n.Drive = l.Drive.scaled(factor(f.Drives))
	n.NICBytesPerSec *= factor(f.Network)
	n.FilesPerSec *= factor(f.CPU)
	return &n
}
