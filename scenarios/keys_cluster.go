package scenarios

import "aisim/internal/units"

var topKeys = []Key{
	{Path: "version", Doc: "Version of this language.", Required: true, Range: within(1, 1), Example: `1`},
	{Path: "name", Doc: "Title of the scenario, as reports print it.", Required: true, Example: `"Llama 3.1 405B pre-training on 16,384 H100"`},
	{Path: "description", Doc: "What the scenario is for.", Default: `""`},
	{Path: "seed", Doc: "Seed of every random stream. The same scenario, profile, seed and version give the same bytes.", Default: `1`},
	{Path: "replicas", Doc: "Runs over other draws of the seeds and of the catalogue's uncertainties, from which the 90 % intervals come.", Range: within(1, 1000), Default: `33`},
	{Path: "include", Doc: "Files that are read first and then overridden by this one, relative to it; \"builtin:ID\" names a built-in scenario. Tables are merged key by key, entries of [[storage]] and [[workload]] by their id; of keys that exclude each other the later one wins.", Items: within(0, 16), Example: `["prices.toml", "builtin:llama3-70b-serving"]`},
}

var clusterKeys = []Key{
	{Path: "cluster", Doc: "The machine: alike servers on one fabric.", Required: true},
	{Path: "cluster.server", Doc: "Server, by catalogue id (`aisim catalog list --kind server`).", Required: true, Ref: "server", Example: `"dgx-h100"`},
	{Path: "cluster.nodes", Doc: "Number of servers that compute.", Required: true, Range: within(1, 131072), Example: `2048`},

	{Path: "cluster.override", Doc: "Values that replace those of the catalogue for the server and its accelerators."},
	{Path: "cluster.override.peak_bf16", Doc: "Dense BF16 peak per accelerator.", Dim: units.FlopsPerSec, Range: above(0, 1e18), Derived: "the catalogue's", Example: `"989 TFLOP/s"`},
	{Path: "cluster.override.peak_fp8", Doc: "Dense FP8 peak per accelerator.", Dim: units.FlopsPerSec, Range: above(0, 1e18), Derived: "the catalogue's", Example: `"1979 TFLOP/s"`},
	{Path: "cluster.override.memory", Doc: "Device memory per accelerator.", Dim: units.Bytes, Range: above(0, 1<<50), Derived: "the catalogue's", Example: `"80 GiB"`},
	{Path: "cluster.override.memory_bandwidth", Doc: "Device memory bandwidth per accelerator.", Dim: units.BytesPerSec, Range: above(0, 1e16), Derived: "the catalogue's", Example: `"3.35 TB/s"`},
	{Path: "cluster.override.scaleup_bandwidth", Doc: "Scale-up (NVLink, ICI) bandwidth per accelerator, one way.", Dim: units.BytesPerSec, Range: above(0, 1e15), Derived: "the catalogue's", Example: `"450 GB/s"`},
	{Path: "cluster.override.scaleup_domain", Doc: "Accelerators that reach each other over the scale-up link.", Range: within(1, 16384), Derived: "the catalogue's", Example: `8`},
	{Path: "cluster.override.nics", Doc: "Network ports per server for computing.", Range: within(1, 256), Derived: "the catalogue's", Example: `8`},
	{Path: "cluster.override.nic", Doc: "Speed of each network port, one way.", Dim: units.BytesPerSec, Range: above(0, 1e13), Derived: "the catalogue's", Example: `"400 Gb/s"`},
	{Path: "cluster.override.power", Doc: "Greatest power draw of a server.", Dim: units.Power, Range: above(0, 1e6), Derived: "the catalogue's", Example: `"10.2 kW"`},
	{Path: "cluster.override.price", Doc: "Purchase price of a server.", Dim: units.Money, Range: within(0, 1e9), Derived: "the catalogue's", Example: `"270000 USD"`},
	{Path: "cluster.override.host_memory", Doc: "Host memory per server.", Dim: units.Bytes, Range: above(0, 1<<50), Derived: "the catalogue's", Example: `"2 TiB"`},

	{Path: "cluster.fabric", Doc: "The scale-out network between the servers."},
	{Path: "cluster.fabric.topology", Doc: "Shape of the network. In a rail-optimised tree the n-th port of every server goes to the n-th leaf of its group; rail-only leaves the rails unconnected; file takes a fabric as it stands.", Enum: []string{"fat-tree", "rail-optimised", "rail-only", "dragonfly+", "single-switch", "torus", "file"}, Default: `"fat-tree"`, Why: "the commonest shape of AI clusters"},
	{Path: "cluster.fabric.levels", Doc: "Levels of switches of a tree, or of each rail.", Only: "fat-tree rail-optimised rail-only", Range: within(1, 4), Derived: "one more than oversubscription has entries, else the fewest that hold the nodes", Example: `3`},
	{Path: "cluster.fabric.switch", Doc: "Switch, by catalogue id (`aisim catalog list --kind interconnect`). Not needed for a torus.", Only: "fat-tree rail-optimised rail-only dragonfly+ single-switch file", Ref: "switch", Example: `"qm9700-ndr"`},
	{Path: "cluster.fabric.radix", Doc: "Ports per switch, in place of the catalogue's.", Only: "fat-tree rail-optimised rail-only dragonfly+ single-switch", Range: within(2, 4096), Derived: "the catalogue's", Example: `64`},
	{Path: "cluster.fabric.oversubscription", Doc: "Downlink over uplink capacity of each level of switches but the last, leaves first: `[1.0, 7.0]` is full bandwidth from leaf to spine and a seventh from spine to core. Of a dragonfly+ the first is of the leaves, the second of the spines towards the other groups.", Only: "fat-tree rail-optimised rail-only dragonfly+", Dim: units.Ratio, Range: within(1, 64), Items: within(1, 3), Derived: "1 at every level", Why: "a full-bisection network", Example: `[1.0, 7.0]`},
	{Path: "cluster.fabric.routing", Doc: "How flows choose among equal paths: by hash, by destination, or spread over all.", Enum: []string{"ecmp", "d-mod-k", "adaptive"}, Default: `"adaptive"`, Why: "default of InfiniBand NDR and of Spectrum-X fabrics"},
	{Path: "cluster.fabric.model", Doc: "Fidelity of the network model: closed forms, max–min fair flows on the real graph, or flows corrected by one ring step played packet by packet (up to 4,096 ports).", Enum: []string{"analytic", "flow", "packet"}, Default: `"flow"`},
	{Path: "cluster.fabric.link_latency", Doc: "Propagation delay of one link.", Dim: units.Time, Range: within(0, 1), Derived: "the link profile's", Example: `"100 ns"`},
	{Path: "cluster.fabric.switch_latency", Doc: "Port-to-port delay of one switch.", Dim: units.Time, Range: within(0, 1), Derived: "the catalogue's", Example: `"200 ns"`},
	{Path: "cluster.fabric.file", Doc: "Fabric to take as it stands, relative to the scenario file: aisim's text format or the output of ibnetdiscover. Its hosts take the place of the servers in order.", Only: "file", File: true, Example: `"ibnetdiscover.out"`},
	{Path: "cluster.fabric.dims", Doc: "Extent of each dimension of a torus of accelerators; the product is their number.", Only: "torus", Range: within(1, 4096), Items: within(1, 6), Example: `[8, 8, 8]`},
	{Path: "cluster.fabric.failed_links", Doc: "Links that are down for the whole run, both directions, named as `aisim topology describe` prints them.", Items: within(0, 1024), Example: `["leaf-3:spine-2"]`},
}

var storageKeys = []Key{
	{Path: "storage", Doc: "A store that workloads read from and write to over the same fabric.", Items: within(0, 64)},
	{Path: "storage.id", Doc: "Name that workloads and --set refer to.", Required: true, Example: `"checkpoints"`},
	{Path: "storage.kind", Doc: "A Ceph pool on servers of its own, an object store behind the fabric, or the drives inside the compute servers.", Required: true, Enum: []string{"ceph", "object", "nvme"}, Example: `"ceph"`},
	{Path: "storage.nodes", Doc: "Number of storage servers.", Only: "ceph", Range: within(1, 10000), Example: `68`},
	{Path: "storage.server", Doc: "Storage server, by catalogue id.", Only: "ceph", Ref: "server", Default: `"storage-nvme-24"`, Why: "a 2U server with 24 NVMe bays, catalogue"},
	{Path: "storage.drives", Doc: "Drives in each server: storage servers for Ceph, compute servers for nvme.", Only: "ceph nvme"},
	{Path: "storage.drives.type", Doc: "Drive, by catalogue id (`aisim catalog list --kind drive`).", Required: true, Ref: "drive", Example: `"nvme4-pm9a3"`},
	{Path: "storage.drives.per_node", Doc: "Drives per server.", Required: true, Range: within(1, 256), Example: `10`},
	{Path: "storage.pool", Doc: "How the pool protects its objects.", Only: "ceph"},
	{Path: "storage.pool.profile", Doc: "Copies (`rep-N`) or an erasure code (`ec-K+M`).", Default: `"rep-3"`, Why: "Ceph's own default", Example: `"ec-6+2"`},
	{Path: "storage.pool.failure_domain", Doc: "No two shards of an object share one of these.", Enum: []string{"host", "rack"}, Default: `"host"`, Why: "Ceph's own default"},
	{Path: "storage.nics", Doc: "Network ports of each storage server.", Only: "ceph"},
	{Path: "storage.nics.count", Doc: "Ports per storage server.", Required: true, Range: within(1, 64), Example: `2`},
	{Path: "storage.nics.speed", Doc: "Speed of each port, one way.", Required: true, Dim: units.BytesPerSec, Range: above(0, 1e13), Example: `"200 Gb/s"`},
	{Path: "storage.cores", Doc: "CPU cores per storage server that serve the store.", Only: "ceph", Range: within(1, 2048), Derived: "the server's", Example: `32`},
	{Path: "storage.object_size", Doc: "Size of the objects that data are cut into.", Only: "ceph object", Dim: units.Bytes, Range: within(4096, 1<<40), Default: `"4 MiB"`, Why: "Ceph's own default object size; parts of uploads to object stores are of that order"},
	{Path: "storage.fill", Doc: "Share of the usable capacity that is taken before the run.", Only: "ceph nvme", Dim: units.Ratio, Range: within(0, 0.95), Default: `0`, Why: "an empty store"},
	{Path: "storage.bandwidth", Doc: "What the object store delivers to all clients together.", Only: "object", Dim: units.BytesPerSec, Range: above(0, 1e15), Example: `"400 GB/s"`},
	{Path: "storage.per_client", Doc: "What the object store delivers to one node.", Only: "object", Dim: units.BytesPerSec, Range: above(0, 1e13), Derived: "the node's network port", Example: `"10 GB/s"`},
	{Path: "storage.latency", Doc: "Time to the first byte.", Only: "object", Dim: units.Time, Range: within(0, 60), Default: `"100 ms"`, Why: "S3 Standard first byte, catalogue aws-s3-standard"},
	{Path: "storage.price", Doc: "Price of what is kept in the object store.", Only: "object", Dim: units.MoneyPerGBMonth, Range: within(0, 10), Default: `"0.023 USD/GB-month"`, Why: "S3 Standard list price 2025, catalogue aws-s3-standard"},
}

var faultKeys = []Key{
	{Path: "faults", Doc: "What breaks. Without this table nothing does."},
	{Path: "faults.node_failures_per_1000_node_days", Doc: "Interruptions of the job per 1,000 node-days, split over the causes as in the Llama 3 report, table 5.", Group: "failure rate", Dim: units.Ratio, Range: within(0, 100000), Example: `3.8`},
	{Path: "faults.components", Doc: "Interruptions by cause, each per 1,000 node-days, in place of the total.", Group: "failure rate"},
	{Path: "faults.components.gpu", Doc: "Accelerators and their memory.", Dim: units.Ratio, Range: within(0, 100000), Default: `0`},
	{Path: "faults.components.nic", Doc: "Network ports of the servers.", Dim: units.Ratio, Range: within(0, 100000), Default: `0`},
	{Path: "faults.components.switch", Doc: "Switches and cables.", Dim: units.Ratio, Range: within(0, 100000), Default: `0`},
	{Path: "faults.components.host", Doc: "The rest of the server.", Dim: units.Ratio, Range: within(0, 100000), Default: `0`},
	{Path: "faults.components.software", Doc: "Software; needs a restart, no repair.", Dim: units.Ratio, Range: within(0, 100000), Default: `0`},
	{Path: "faults.detection", Doc: "From a failure to its notice.", Dim: units.Time, Range: within(0, 7*day), Default: `"10 min"`, Why: "time-out of PyTorch's NCCL watchdog; ByteRobust (arXiv 2509.16293) detects network faults in 30 s"},
	{Path: "faults.recovery", Doc: "From the notice to the first new step, without reading the checkpoint: drain, reschedule, start, initialise.", Dim: units.Time, Range: within(0, 7*day), Default: `"11 min"`, Why: "median retry interval of a 504 × B200 cluster over 73 days (SKT/Upstage report)"},
	{Path: "faults.repair", Doc: "From a hardware failure to the node's return.", Dim: units.Time, Range: within(0, 365*day), Default: `"24 h"`, Why: "assumed: next-business-day service"},
	{Path: "faults.spares", Doc: "Nodes of the cluster's size over and above that stand by; a job waits for a repair when none is left.", Range: within(0, 100000), Derived: "the nodes under repair on average plus three standard deviations", Why: "Poisson arrivals of failures"},
	{Path: "faults.straggler", Example: `0.05`, Doc: "The slowest node computes so much slower than the others; workload.straggler overrides it.", Dim: units.Ratio, Range: within(0, 10), Derived: "the framework profile's"},

	{Path: "edge", Doc: "Spreads the nodes evenly over sites behind WAN links. Without this table there is one site."},
	{Path: "edge.sites", Doc: "Number of sites; cluster.nodes must divide by it.", Required: true, Range: within(1, 100000), Example: `12`},
	{Path: "edge.devices_per_site", Doc: "Accelerators in use at each site.", Range: within(1, 1000000), Derived: "all that the site's servers hold", Example: `4`},
	{Path: "edge.wan", Doc: "The link of each site.", Required: true, Example: `{ bandwidth = "1 Gb/s" }`},
	{Path: "edge.wan.bandwidth", Doc: "Speed of the link, each way.", Required: true, Dim: units.BytesPerSec, Range: above(0, 1e13), Example: `"1 Gb/s"`},
	{Path: "edge.wan.latency", Doc: "One-way delay.", Dim: units.Time, Range: within(0, 10), Default: `"10 ms"`, Why: "assumed: metropolitan access; the catalogue's facts give 2 ms within a city and 30 ms across a continent"},
	{Path: "edge.wan.availability", Doc: "Share of time that the link is up.", Dim: units.Ratio, Range: above(0, 1), Default: `0.999`, Why: "assumed: a business access line"},
}
