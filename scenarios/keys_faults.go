package scenarios

import "aisim/internal/units"

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
	{Path: "faults.spares", Doc: "Nodes of the cluster's size over and above that stand by; without one a job waits for a repair, or shrinks.", Range: within(0, 100000), Derived: "the nodes under repair on average plus three standard deviations", Why: "Poisson arrivals of failures"},
	{Path: "faults.straggler", Example: `0.05`, Doc: "The slowest node computes so much slower than the others; workload.straggler overrides it.", Dim: units.Ratio, Range: within(0, 10), Derived: "the framework profile's"},
	{Path: "faults.policy", Doc: "How training goes on after a failure of hardware: restart on a spare node, or after a repair; hot-spare, where spares run and wait; shrink to the data-parallel replicas that are whole while no spare is left, until a node comes back.", Enum: []string{"restart", "hot-spare", "shrink"}, Default: `"restart"`},
	{Path: "faults.hot_recovery", Doc: "From the notice to the first new step on hot spares, without reading the checkpoint.", Dim: units.Time, Range: within(0, day), Default: `"1 min"`, Why: "assumed: processes run, communicators are built anew"},
	{Path: "faults.crews", Doc: "Nodes that are repaired at a time; more wait.", Range: within(1, 10000), Derived: "all that are broken", Example: `2`},
	{Path: "faults.foreseen", Doc: "Share of the hardware failures of nodes that monitoring sees coming: training saves its state at once and goes on without the node.", Dim: units.Ratio, Range: within(0, 1), Default: `0`},
	{Path: "faults.domain", Doc: "Nodes that fail together because they share something: those from k × nodes to (k + 1) × nodes of the cluster.", Items: within(0, 8)},
	{Path: "faults.domain.kind", Doc: "What they share.", Required: true, Enum: []string{"leaf", "rack", "power"}, Example: `"rack"`},
	{Path: "faults.domain.nodes", Doc: "Nodes of one domain.", Required: true, Range: within(1, 131072), Example: `8`},
	{Path: "faults.domain.failures_per_1000_days", Doc: "Failures of one domain in 1,000 days.", Required: true, Dim: units.Ratio, Range: within(0, 1e6), Example: `2`},
	{Path: "faults.domain.repair", Doc: "Until the domain is back, all of its nodes at once.", Dim: units.Time, Range: within(0, 365*day), Default: `"4 h"`, Why: "assumed: a switch or a supply from the shelf"},
}
