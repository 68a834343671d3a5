package storage

import (
	"aisim/hardware"
	"aisim/internal/result"
)

// Constant is one fitted or assumed number of a model with its source.
type Constant struct {
	Name   string
	Value  float64
	Unit   string
	Kind   result.Pedigree
	RelSD  float64 // relative standard deviation
	Source string
}

// Constants are the numbers of the Ceph model that no data sheet gives.
type Constants struct {
	ReadEta          Constant // share of the nodes' line rate that reads reach, clients elsewhere
	WriteEta         Constant // the same for writes of three nodes, replication included
	WriteEtaFall     Constant // what WriteEta loses with every e-fold of nodes, up to 32
	GatewayEta       Constant // the same for reads through the S3 gateway
	ColocatedEta     Constant // the same for reads with clients on the storage nodes, at a core factor of 1
	ColocatedGateway Constant // the same through gateways
	WireEta          Constant // share of any link's rate left after framing
	SmallReadCPUSec  Constant // core time of a 4 KiB read
	SmallWriteCPUSec Constant // core time of a 4 KiB write, per copy
	ReadCPUSecPerB   Constant // core time per byte of 4 MiB reads
	WriteCPUSecPerB  Constant // core time per byte and copy of 4 MiB writes
	ShardCPUSecPerB  Constant // core time per byte of erasure-coded shards written
	ShardOps         Constant // cost of an access as part of an erasure-coded operation over one of its own
	GatewayPut       Constant // gateway core time per byte of a 4 MiB object
	GatewayGet       Constant
	GatewaySmallPut  Constant // gateway core time of a 4 KiB object
	GatewaySmallGet  Constant
	GatewayPutMore   Constant // gateway core time per byte beyond the first 4 MiB of an object
	EncodeBytesPerS  Constant // data bytes that one core encodes per second with two coding shards
	OSDThreads       Constant // cores that one OSD can keep busy
	NodeReadIOPS     Constant // requests per second of one node, whatever its drives
	MetaBytesPerOp   Constant // log and database bytes of one write on one drive
	DeferredAccess   Constant // accesses of a rotating disk per small write, its log elsewhere
	DeferredLog      Constant // the same with the log on the disk, over DeferredAccess
	RTTSec           Constant // one network round trip
	ReadSoftSec      Constant // software time of an unloaded read, without wire and drive
	WriteSoftSec     Constant // the same per serial stage of a write
}

const reefPost = "ceph.io, Reef freeze RBD performance (2023), 60 OSDs on 10 nodes, EPYC 7742, 100 GbE"

// NominalConstants are the published values. A core is one of an EPYC 7742;
// CephSpec.CoreFactor scales others.
func NominalConstants() Constants {
	c := func(name string, v float64, unit string, kind result.Pedigree, sd float64, source string) Constant {
		return Constant{name, v, unit, kind, sd, source}
	}
	m, d, a := result.Measured, result.Derived, result.Assumed
	return Constants{
		ReadEta:          c("ceph.read_eta", 0.89, "ratio", d, 0.04, "30, 100 and 320 OSDs on 3, 10 and 32 nodes with separate clients reach 90, 92, 85 % of server line rate (ceph.io, read in a summary)"),
		WriteEta:         c("ceph.write_eta", 0.64, "ratio", d, 0.06, "the same clusters: three-copy writes reach 64, 59, 54 % of server line rate, limited by the commit pipeline; 60 % with clients on 10 nodes, 55 % on 63"),
		WriteEtaFall:     c("ceph.write_eta_fall", 0.042, "1", d, 0.25, "slope of the same figures over the logarithm of the nodes"),
		GatewayEta:       c("ceph.gateway_eta", 0.96, "ratio", d, 0.02, "GET through RGW on 4 and 12 nodes of 2 × 100 GbE: 0.94–0.98 of the line rate"),
		ColocatedEta:     c("ceph.colocated_eta", 0.535, "ratio", d, 0.08, "librbd reads with clients on the storage nodes: 0.51 (local bytes left out) at 10 nodes of EPYC 7742, 0.69 at 63 of EPYC 9454P, taken in proportion to the core's speed (1 and 1.25); "+reefPost),
		ColocatedGateway: c("ceph.colocated_gateway_eta", 0.76, "ratio", d, 0.06, "GET of 4 MB with gateways and clients on the 10 nodes: 95 of 125 GB/s; "+reefPost),
		WireEta:          c("wire_eta", 0.96, "ratio", d, 0.02, "TCP/IP framing and messenger: best share of the line rate seen (RGW GET 0.94–0.98)"),
		SmallReadCPUSec:  c("ceph.cpu_read_4k", 133e-6, "core-s", m, 0.07, "7,500 reads of 4 KiB per busy core; "+reefPost),
		SmallWriteCPUSec: c("ceph.cpu_write_4k", 285e-6, "core-s per copy", m, 0.07, "3,500 writes of 4 KiB per busy core and copy; "+reefPost),
		ReadCPUSecPerB:   c("ceph.cpu_read_4m", 0.9e-9, "core-s/B", m, 0.15, "1–1.5 cores at 1.18 GB/s per OSD; "+reefPost),
		WriteCPUSecPerB:  c("ceph.cpu_write_4m", 1.75e-9, "core-s/B per copy", d, 0.25, "three copies are put 1–6 % faster than EC 2+2 through gateways; busy OSDs show 2.4–3.2 at 3–4 cores for 1.25 GB/s, which counts cores that poll; "+reefPost),
		ShardCPUSecPerB:  c("ceph.cpu_shard_4m", 2.8e-9, "core-s/B", d, 0.15, "PUT of 4 MiB on 4 and 12 nodes, EC 2+2 and 8+3, less the gateway (Ceph 19.2)"),
		ShardOps:         c("ceph.shard_ops", 1.35, "1", d, 0.10, "4 KiB reads of EC 6+2 are 7.5 times slower than of copies with 6 accesses, writes 5.2 times (63 nodes)"),
		GatewayPut:       c("ceph.rgw_put", 9.0e-9, "core-s/B", m, 0.12, "RGW PUT of 4 MiB: 6.4–9.9 core-s/GB of object"),
		GatewaySmallPut:  c("ceph.rgw_put_4k", 1.0/662, "core-s", m, 0.10, "662 PUT of 4 KiB per second and RGW core"),
		GatewaySmallGet:  c("ceph.rgw_get_4k", 1.0/1033, "core-s", m, 0.10, "1,033 GET of 4 KiB per second and RGW core"),
		GatewayPutMore:   c("ceph.rgw_put_more", 5.1e-9, "core-s/B", d, 0.20, "PUT of 32 MiB objects is 1.3 times as fast as of 4 MiB on the same 12 nodes"),
		GatewayGet:       c("ceph.rgw_get", 1.7e-9, "core-s/B", m, 0.15, "RGW GET of 4 MiB: 0.60 GB/s per RGW core"),
		EncodeBytesPerS:  c("ceph.encode", 7.5e9, "B/core-s", a, 0.25, "ISA-L Reed–Solomon 6+2: 5–10 GB/s per core, general knowledge"),
		OSDThreads:       c("ceph.osd_threads", 16, "cores", m, 0.08, "an OSD stops scaling at 14–16 threads; "+reefPost),
		NodeReadIOPS:     c("ceph.node_iops", 430e3, "1/s", m, 0.06, "a node stops at 405 to 440 thousand random reads per second whatever its drives and processor (2× Xeon 8180, EPYC 7742, EPYC 9454P); "+reefPost),
		MetaBytesPerOp:   c("ceph.meta_per_write", 13.6e3, "B", a, 0.30, "write amplification of 4 KiB writes above 4.3 per copy (Lee et al., MSST 2017, by excerpt)"),
		DeferredAccess:   c("ceph.hdd_accesses", 2.05, "1", d, 0.10, "340 three-copy writes of 4 KiB per second on 4 disks of 7,200 rpm with log and database on flash (mClock study, 2021)"),
		DeferredLog:      c("ceph.hdd_log", 1.08, "1", d, 0.05, "315 per second with the log on the disks; the same study"),
		RTTSec:           c("ceph.rtt", 32e-6, "s", m, 0.15, "ping 25–39 µs; "+reefPost),
		ReadSoftSec:      c("ceph.read_soft", 21e-6, "s", d, 0.30, "0.13 ms read of 4 KiB at depth 1 less one round trip and 77 µs of drive; "+reefPost),
		WriteSoftSec:     c("ceph.write_soft", 167e-6, "s", d, 0.10, "0.417 ms three-copy write of 4 KiB at depth 1 less two round trips and one drive write of 18 µs, over its two serial stages; "+reefPost),
	}
}

// all lists the constants in a fixed order.
func (c *Constants) all() []*Constant {
	return []*Constant{
		&c.ReadEta, &c.WriteEta, &c.WriteEtaFall, &c.GatewayEta, &c.ColocatedEta, &c.ColocatedGateway, &c.WireEta,
		&c.SmallReadCPUSec, &c.SmallWriteCPUSec, &c.ReadCPUSecPerB, &c.WriteCPUSecPerB, &c.ShardCPUSecPerB, &c.ShardOps,
		&c.GatewayPut, &c.GatewayGet, &c.GatewaySmallPut, &c.GatewaySmallGet, &c.GatewayPutMore, &c.EncodeBytesPerS, &c.OSDThreads, &c.NodeReadIOPS,
		&c.MetaBytesPerOp, &c.DeferredAccess, &c.DeferredLog, &c.RTTSec, &c.ReadSoftSec, &c.WriteSoftSec,
	}
}

// Draw returns the constants with every value drawn under its name; shares of a
// line rate stay at or below 1. A nil draw changes nothing.
func (c Constants) Draw(draw hardware.Draw) Constants {
	drawAll(c.all(), draw)
	return c
}

func drawAll(all []*Constant, draw hardware.Draw) {
	if draw == nil {
		return
	}
	for _, p := range all {
		v := draw(p.Name, hardware.Value{V: p.Value, Unit: p.Unit, Kind: p.Kind, Source: p.Source, RelSD: p.RelSD})
		if p.Unit == "ratio" && v > 1 {
			v = 1
		}
		p.Value = v
	}
}

// smallIOBytes and largeIOBytes are the two sizes that the CPU costs were measured at.
const (
	smallIOBytes = 4096.0
	largeIOBytes = 4 << 20
)

// cpuLine splits the two measured CPU costs into a cost per operation and a
// cost per byte: t(4 KiB) = a + 4096·b, t(4 MiB)/4 MiB = c.
func cpuLine(smallSec, largeSecPerByte float64) (perOpSec, perByteSec float64) {
	perByteSec = (largeSecPerByte*largeIOBytes - smallSec) / (largeIOBytes - smallIOBytes)
	if perByteSec < 0 {
		perByteSec = 0
	}
	return smallSec - perByteSec*smallIOBytes, perByteSec
}
