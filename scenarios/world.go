package scenarios

import (
	"fmt"
	"math"
	"os"

	"aisim/hardware"
	"aisim/hardware/profile"
	"aisim/internal/result"
	"aisim/storage"
	"aisim/topology"
	"aisim/topology/collective"
	"aisim/workloads"
	"aisim/workloads/serving"
	"aisim/workloads/training"
)

// computeGroup names the hosts that carry the workloads; each store has its own group.
const computeGroup = "compute"

// World is a scenario resolved against the catalogue: the machine wired, the
// workloads placed on it. It is read-only once made, so that many goroutines may
// sample futures from it, each on a Bench of its own.
type World struct {
	Scenario  *Scenario
	Catalogue *hardware.Catalogue
	Server    *hardware.Server      // with the scenario's overrides
	Chip      *hardware.Accelerator // with the scenario's overrides
	Profile   *profile.Profile
	Given     []*profile.Profile // of the user: those of Options that the world rests on
	Graph     *topology.Graph
	NIC       hardware.Value // B/s per NIC, one way
	NICs      int            // per node
	Placed    []Placed
	Warnings  []result.Warning

	pools        []*PromptPool   // by workload of the scenario, nil without one
	routes       *storage.Routes // shared by the stores of all futures
	holds        *queueHolds
	demandSD     float64
	networkClass string
	stretch      float64 // of the network's transfers, from the packet rung; 1 without it
}

// Placed is a workload on its nodes. One of Training and Serving is set.
type Placed struct {
	*Workload
	Arch      workloads.Architecture
	FirstNode int
	NodeCount int
	Chips     []topology.NodeID
	DType     hardware.DType
	Training  *training.Config
	Serving   *serving.Config
	Requests  *RequestSource // of a service
	Prefill   *PromptPool    // of a service whose prompts others compute, nil else
	Bear      float64        // accelerators whose cost it bears: a part of those that it shares

	each int   // replicas on one chip, more than 1 on instances of GPUs
	at   []int // the chips of its replicas by number on its nodes, where several services stand on them
}

// Options are what a caller adds to a scenario.
type Options struct {
	Profiles []*profile.Profile // replace the embedded one of the chip that they name
	Requests int                // of each service that a future simulates at most; 0 for all of its duration
	DemandSD float64            // standard deviation of the load of all services, relative to what is asked for
	Untried  bool               // no future is played: the caller plays one anyway and takes its errors
}

// Assemble resolves a scenario. What cannot be built is an error of Problems with
// the place in the scenario that asked for it.
func Assemble(sc *Scenario, opt Options) (*World, error) {
	w, err := wired(sc, opt)
	if err != nil {
		return nil, err
	}
	w.demandSD, w.holds = opt.DemandSD, &queueHolds{}
	var problems []*Problem
	nodes := sc.Placement()
	for i := range sc.Workloads {
		p, err := w.place(i, nodes[i])
		if err != nil {
			problems = append(problems, w.asProblems("workload."+sc.Workloads[i].ID, err)...)
			continue
		}
		if p.Requests != nil {
			p.Requests.most = opt.Requests
		}
		w.Placed = append(w.Placed, p)
	}
	if err := Problems(problems...); err != nil {
		return nil, err
	}
	if err := w.settle(); err != nil {
		return nil, err
	}
	if err := w.comparePackets(); err != nil {
		return nil, err
	}
	if opt.Untried {
		return w, nil
	}
	// One future is played out before anybody waits for many: what does not fit in
	// memory, has no route or overflows a store is found here.
	f, err := w.NewBench().Sample(0).Play(nil)
	if err != nil {
		return nil, err
	}
	if _, err := f.CompliancePlan(); err != nil {
		return nil, err
	}
	if _, err := f.QueueHolds(); err != nil {
		return nil, err
	}
	if _, err := f.Pipelines(); err != nil {
		return nil, err
	}
	if _, err := f.Offloads(); err != nil {
		return nil, err
	}
	if _, err := f.Updates(); err != nil {
		return nil, err
	}
	return w, nil
}

// Wire builds the fabric of a scenario and nothing else, so that the fabric of a machine
// that its workloads do not fit can be looked at.
func Wire(sc *Scenario, opt Options) (*topology.Graph, error) {
	w, err := wired(sc, opt)
	if err != nil {
		return nil, err
	}
	return w.Graph, nil
}

func wired(sc *Scenario, opt Options) (*World, error) {
	w := &World{Scenario: sc, Catalogue: hardware.Default(), routes: new(storage.Routes), stretch: 1}
	if err := w.resolveMachine(opt); err != nil {
		return nil, err
	}
	if err := w.resolvePools(opt); err != nil {
		return nil, err
	}
	return w, w.wire()
}

// resolveMachine looks the server up and puts the overrides in.
func (w *World) resolveMachine(opt Options) error {
	sc := w.Scenario
	server, err := w.Catalogue.Server(sc.Cluster.Server)
	if err != nil {
		return Problems(sc.ProblemAt("cluster.server", sc.Cluster.Server, "", "aisim catalog list --kind server", err.Error()))
	}
	if server.AcceleratorID == "" || server.AcceleratorCount == 0 {
		return Problems(sc.ProblemAt("cluster.server", sc.Cluster.Server, "a server with accelerators", "", "the server has none"))
	}
	chip, err := w.Catalogue.Accelerator(server.AcceleratorID)
	if err != nil {
		return Problems(sc.ProblemAt("cluster.server", sc.Cluster.Server, "", "", err.Error()))
	}
	o := &sc.Cluster.Override
	set := func(v *hardware.Value, to *float64, unit string) {
		if to != nil {
			*v = hardware.Value{V: *to, Unit: unit, Kind: result.Assumed, Source: hardware.OverrideSource}
		}
	}
	set(&chip.Peak[hardware.BF16], o.PeakBF16FlopsPerSec, "FLOP/s")
	if o.PeakBF16FlopsPerSec != nil {
		set(&chip.Peak[hardware.FP16], o.PeakBF16FlopsPerSec, "FLOP/s")
	}
	set(&chip.Peak[hardware.FP8], o.PeakFP8FlopsPerSec, "FLOP/s")
	set(&chip.Memory, o.MemoryBytes, "B")
	set(&chip.MemoryBandwidth, o.MemoryBytesPerSec, "B/s")
	if o.ScaleUpBytesPerSec != nil {
		both := 2 * *o.ScaleUpBytesPerSec // the catalogue sums both directions
		set(&chip.ScaleUpBandwidth, &both, "B/s")
	}
	if o.ScaleUpDomain != nil {
		n := float64(*o.ScaleUpDomain)
		set(&chip.ScaleUpDomain, &n, "")
	}
	set(&server.NIC, o.NICBytesPerSec, "B/s")
	set(&server.PowerMax, o.PowerWatts, "W")
	set(&server.Price, o.PriceUSD, "USD")
	set(&server.RAM, o.HostMemoryBytes, "B")
	if o.NICs != nil {
		server.ComputeNICs = *o.NICs
	}
	w.Server, w.Chip, w.NIC, w.NICs = server, chip, server.NIC, server.ComputeNICs
	for _, p := range opt.Profiles {
		if p.Hardware == chip.ID {
			w.Profile = p
			w.Given = append(w.Given, p)
		} else if w.measuredDrives(p) {
			w.Given = append(w.Given, p)
		}
	}
	if w.Profile == nil {
		if w.Profile, err = profile.For(chip.ID); err != nil {
			return Problems(sc.ProblemAt("cluster.server", sc.Cluster.Server, "", "give one with --profile", err.Error()))
		}
	}
	return w.checkCap()
}

// checkCap refuses a power cap that the accelerators cannot follow.
func (w *World) checkCap() error {
	watts := w.Scenario.Cluster.PowerCapWatts
	if watts == nil {
		return nil
	}
	dev, err := hardware.NewDevice(w.Chip, w.Profile, hardware.NominalDraw)
	if err != nil {
		return Problems(w.Scenario.ProblemAt("cluster.power_cap", fmt.Sprintf("%g W", *watts), "", "", err.Error()))
	}
	low, high := dev.CapRange()
	switch {
	case high == 0:
		return Problems(w.Scenario.ProblemAt("cluster.power_cap", fmt.Sprintf("%g W", *watts), "", "leave the key out", fmt.Sprintf("the power limit of %s is not known, so a cap says nothing of its clock", w.Chip.ID)))
	case *watts < low || *watts > high:
		return Problems(w.Scenario.ProblemAt("cluster.power_cap", fmt.Sprintf("%g W", *watts), fmt.Sprintf("%.0f W to %.0f W", math.Ceil(low), high), "", fmt.Sprintf("%s draws up to %.0f W, and its clock cannot follow a cap below the range", w.Chip.ID, high)))
	}
	return nil
}

// wire builds the graph of hosts, stores and switches.
func (w *World) wire() error {
	sc := w.Scenario
	f := &sc.Cluster.Fabric
	spec := topology.Spec{Topology: f.Topology, Levels: f.Levels, Oversubscription: f.Oversubscription, Routing: f.Routing, FailedLinks: f.FailedLinks}
	w.networkClass = "roce"
	if f.Switch != "" {
		sw, err := w.Catalogue.Interconnect(f.Switch)
		if err != nil {
			return Problems(sc.ProblemAt("cluster.fabric.switch", f.Switch, "", "", err.Error()))
		}
		spec.Radix, spec.SwitchBytesPerSec, spec.SwitchLatencySec = sw.Ports, sw.PortBandwidth.V, sw.HopLatency.V
		if sw.PortBandwidth.V > w.NIC.V && w.NIC.V > 0 { // a fast port breaks out into several NIC-speed ports
			n := math.Floor(sw.PortBandwidth.V / w.NIC.V)
			spec.Radix, spec.SwitchBytesPerSec = int(float64(sw.Ports)*n), sw.PortBandwidth.V/n
		}
		w.networkClass = profile.LinkClass(sw.Standard)
		if !sw.HopLatency.Known() && f.SwitchLatencySec == nil {
			spec.SwitchLatencySec = switchLatencySec
		}
	}
	if f.Radix != nil {
		spec.Radix = *f.Radix
	}
	if f.Topology == "file" {
		text, err := os.ReadFile(f.File)
		if err != nil {
			return Problems(sc.ProblemAt("cluster.fabric.file", f.File, "", "", err.Error()))
		}
		spec.File = string(text)
		w.networkClass = "ib"
	}
	if sc.Edge != nil && f.Topology == "single-switch" {
		spec.Radix = 0 // one switch at each site; together they have as many ports as it takes
	}
	spec.LinkLatencySec = cableLatencySec
	if f.LinkLatencySec != nil {
		spec.LinkLatencySec = *f.LinkLatencySec
	}
	if f.SwitchLatencySec != nil {
		spec.SwitchLatencySec = *f.SwitchLatencySec
	}
	spec.Hosts = []topology.HostGroup{{Name: computeGroup, Count: sc.Cluster.Nodes, ChipsPerHost: w.Server.AcceleratorCount, NICs: w.NICs, NICBytesPerSec: w.NIC.V, ScaleUp: scaleUp(w.Server, w.Chip, sc.Cluster.Nodes, f)}}
	for _, p := range w.pools {
		if p != nil && !p.Own {
			spec.Hosts = append(spec.Hosts, topology.HostGroup{Name: p.group, Count: p.Nodes, ChipsPerHost: p.Server.AcceleratorCount, NICs: p.Server.ComputeNICs, NICBytesPerSec: p.Server.NIC.V, ScaleUp: scaleUp(p.Server, p.Chip, p.Nodes, f)})
		}
	}
	for i := range sc.Storage {
		if st := &sc.Storage[i]; st.ownServers() {
			count, rate, err := w.storePorts(st)
			if err != nil {
				return Problems(sc.ProblemAt("storage."+st.ID+".nics", "", "", "", err.Error()))
			}
			spec.Hosts = append(spec.Hosts, topology.HostGroup{Name: storeGroup(st.ID), Count: st.Nodes, NICs: count, NICBytesPerSec: rate})
		}
	}
	g, err := topology.Build(spec)
	if err != nil {
		return Problems(w.fabricProblem(err))
	}
	w.Graph = g
	return nil
}

// scaleUp is the fabric between the chips of some alike servers.
func scaleUp(server *hardware.Server, chip *hardware.Accelerator, nodes int, f *Fabric) topology.ScaleUp {
	domain := max(1, int(chip.ScaleUpDomain.V))
	up := topology.ScaleUp{DomainChips: min(max(domain, server.AcceleratorCount), nodes*server.AcceleratorCount), BytesPerSec: chip.ScaleUpBandwidth.V / 2, LatencySec: scaleUpLatencySec, Kind: "switch"}
	switch {
	case f.Topology == "torus":
		up.Kind, up.Dims, up.DomainChips = "torus", f.Dims, product(f.Dims)
	case up.BytesPerSec == 0 || domain == 1: // chips meet over the host's bus
		up.BytesPerSec, up.DomainChips, up.Kind = chip.HostBandwidth.V, server.AcceleratorCount, "switch"
	case domain < server.AcceleratorCount:
		up.DomainChips = domain
	case up.DomainChips%server.AcceleratorCount != 0 || domain > 576: // pods of torus chips joined by a tree stay within the server
		up.DomainChips = server.AcceleratorCount
	}
	if server.AcceleratorCount == 1 && f.Topology != "torus" {
		up = topology.ScaleUp{Kind: "none"}
	}
	return up
}

// Latencies that no catalogue row gives.
const (
	cableLatencySec   = 25e-9  // 5 m of cable at 4.5–5 ns/m (operations facts, fibre_delay)
	switchLatencySec  = 300e-9 // a switch whose sheet gives none: middle of the catalogue's 90–700 ns
	scaleUpLatencySec = 0      // counted in the link class's constants, which are measured end to end
)

// storeGroup names the hosts of a store so that no id can clash with another group.
func storeGroup(id string) string { return "store-" + id }

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// fabricProblem points at the key of the fabric that an error of the builder is about.
func (w *World) fabricProblem(err error) *Problem {
	key := "cluster.fabric"
	for _, k := range []string{"oversubscription", "radix", "routing", "levels", "failed_links", "dims", "file"} {
		if w.Scenario.IsSet("cluster.fabric."+k) && mentions(err, k) {
			key = "cluster.fabric." + k
			break
		}
	}
	return w.Scenario.ProblemAt(key, "", "", "aisim topology describe SCENARIO shows what the keys make", err.Error())
}

// asProblems keeps problems that have a place and gives the others one.
func (w *World) asProblems(key string, err error) []*Problem {
	var inv *Invalid
	if asInvalid(err, &inv) {
		return inv.Problems
	}
	var out []*Problem
	for _, e := range flatten(err) {
		at := key
		msg := e.Error()
		hint := ""
		if ce, ok := e.(*training.ConfigError); ok {
			at, msg = key+"."+ce.Field, ce.Reason
		}
		switch e.(type) {
		case *training.MemoryError, *serving.MemoryError:
			at, hint = key+".parallelism", "the message names the nearest configuration that fits"
		}
		out = append(out, w.Scenario.ProblemAt(at, "", "", hint, msg))
	}
	return out
}

// links draws the constants of the chip's own link and of the network.
func (w *World) links(draw hardware.Draw) collective.Links {
	return w.linksOf(w.Chip, w.Profile, draw)
}

func (w *World) linksOf(chip *hardware.Accelerator, prof *profile.Profile, draw hardware.Draw) collective.Links {
	pick := func(class string) profile.LinkParams {
		p, ok := prof.Links[class]
		if !ok {
			class, p = "other", prof.Links["other"]
		}
		return hardware.DrawLinks(map[string]profile.LinkParams{class: p}, draw)[class]
	}
	up := profile.LinkClass(chip.ScaleUpLink)
	if up == "" {
		up = "pcie"
	}
	net := pick(w.networkClass)
	net.Efficiency, net.P2P, net.AllToAll = net.Efficiency/w.stretch, net.P2P/w.stretch, net.AllToAll/w.stretch
	return collective.Links{ScaleUp: pick(up), Network: net}
}

// Machine says in words what the scenario is about: "16,384 × nvidia-h100-sxm in 2,048
// dgx-h100 on a 3-level fat-tree".
func (w *World) Machine() string {
	f := &w.Scenario.Cluster.Fabric
	net := f.Topology
	if f.Topology == "fat-tree" {
		names, _ := w.Graph.Switches()
		net = fmt.Sprintf("%d-level fat-tree", len(names))
	}
	if f.Topology == "torus" {
		net = fmt.Sprintf("torus of %v", f.Dims)
	}
	machine := fmt.Sprintf("%d × %s in %d × %s", w.Scenario.Cluster.Nodes*w.Server.AcceleratorCount, w.Chip.ID, w.Scenario.Cluster.Nodes, w.Server.ID)
	for _, p := range w.pools {
		if p != nil && !p.Own {
			machine += fmt.Sprintf(" and %d × %s in %d × %s", p.Nodes*p.Server.AcceleratorCount, p.Chip.ID, p.Nodes, p.Server.ID)
		}
	}
	return machine + ", " + net
}

// Chips is the number of accelerators of the machine, those of pools on other servers too.
func (w *World) Chips() int {
	n := w.Scenario.Cluster.Nodes * w.Server.AcceleratorCount
	for _, p := range w.pools {
		if p != nil && !p.Own {
			n += len(p.Chips)
		}
	}
	return n
}
