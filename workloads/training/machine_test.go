package training

import (
	"testing"

	"aisim/hardware"
	"aisim/hardware/profile"
	"aisim/topology"
	"aisim/topology/collective"
	"aisim/workloads"
)

func model(t testing.TB, id string) workloads.Architecture {
	t.Helper()
	m, err := hardware.Default().Model(id)
	if err != nil {
		t.Fatal(err)
	}
	a, err := workloads.FromCard(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// cluster describes a test machine.
type cluster struct {
	chip           string
	nodes, perNode int
	domain         int // chips of a scale-up domain, 0: perNode
	nic            float64
	network        string // link class
	levels, radix  int
	over           []float64
	failed         []string
	scaleUp        float64 // factor
	torus          []int
	straight       bool // ecmp routing
}

func h100(nodes int) cluster {
	return cluster{chip: "nvidia-h100-sxm", nodes: nodes, perNode: 8, nic: 50e9, network: "ib"}
}

func a100(nodes int) cluster {
	return cluster{chip: "nvidia-a100-sxm-80", nodes: nodes, perNode: 8, nic: 25e9, network: "ib"}
}

func (c cluster) build(t testing.TB) Machine {
	t.Helper()
	m, err := c.machine()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (c cluster) machine() (Machine, error) {
	d, err := hardware.Default().Device(c.chip, nil, nil)
	if err != nil {
		return Machine{}, err
	}
	if c.scaleUp == 0 {
		c.scaleUp = 1
	}
	h := topology.HostGroup{Name: "compute", Count: c.nodes, ChipsPerHost: c.perNode, NICs: c.perNode, NICBytesPerSec: c.nic,
		ScaleUp: topology.ScaleUp{DomainChips: c.domain, BytesPerSec: d.ScaleUpBytesPerSec * c.scaleUp, Kind: "switch"}}
	if c.perNode == 1 && c.domain == 0 {
		h.ScaleUp = topology.ScaleUp{Kind: "none"}
	}
	s := topology.Spec{Hosts: []topology.HostGroup{h}, Topology: "fat-tree", Levels: c.levels, Radix: c.radix, Oversubscription: c.over,
		LinkLatencySec: 0.1e-6, SwitchLatencySec: 0.2e-6, FailedLinks: c.failed}
	if s.Radix == 0 {
		s.Radix = 64
	}
	if c.straight {
		s.Routing = "ecmp"
	}
	if c.torus != nil {
		s.Hosts[0].NICs = 0
		s.Hosts[0].ScaleUp = topology.ScaleUp{DomainChips: c.nodes * c.perNode, BytesPerSec: d.ScaleUpBytesPerSec * c.scaleUp, Kind: "torus", Dims: c.torus}
		s.Topology = "torus"
	}
	g, err := topology.Build(s)
	if err != nil {
		return Machine{}, err
	}
	links, err := profile.Links()
	if err != nil {
		return Machine{}, err
	}
	comm := collective.New(g, collective.Links{ScaleUp: links[d.ScaleUpClass], Network: links[c.network]}, collective.Options{})
	return Machine{Device: d, Comm: comm, Graph: g, Chips: g.Chips("compute"), NodesCount: c.nodes, ChipsPerNode: c.perNode, HostMemBytes: 2e12}, nil
}

func flagship(t testing.TB) (Config, Machine) {
	c := h100(2048)
	c.levels, c.over = 3, []float64{1, 7}
	return Config{Arch: model(t, "llama3.1-405b"), Parallel: Parallel{TP: 8, PP: 16, VP: 8}, Batch: Batch{Global: 2048, Micro: 1, Seq: 8192},
		Precision: hardware.BF16, ZeRO: 1, Recompute: RecomputeSelective, SequenceParallel: true, Framework: "megatron-core"}, c.build(t)
}

func show(t testing.TB, s *Step) {
	t.Helper()
	t.Logf("step %.4f s, MFU %.3f (full %.3f) bubble %.3f pacing %d", s.Seconds, s.MFU, s.MFU*s.FullFlops/s.ModelFlops, s.Bubble, s.PacingStage)
	for _, p := range s.Parts {
		t.Logf("  %-36s %s %9.4f s  hidden %.4f", p.Name, p.Kind, p.Seconds, p.HiddenSeconds)
	}
	for _, r := range s.ByResource {
		t.Logf("  by %-12s %8.4f s %.3f  elastic %8.4f", r.Resource, r.Seconds, r.Seconds/s.Seconds, r.ElasticSeconds)
	}
	for i, c := range s.Memory {
		if i == 0 || i == len(s.Memory)-1 || i == 1 {
			t.Logf("  mem %-24s %.1f of %.1f GiB %v", c.Name, c.TotalGiB, c.UsableGiB, c.Parts)
		}
	}
	t.Logf("  level bytes %v input %.3g checkpoint %.4g rungs %v", s.LevelBytes, s.InputBytes, s.CheckpointBytes, s.RungShares)
}

func BenchmarkFlagship(b *testing.B) {
	cfg, m := flagship(b)
	if _, err := Plan(cfg, m); err != nil {
		b.Fatal(err)
	}
	b.Run("plan", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Plan(cfg, m); err != nil {
				b.Fatal(err)
			}
		}
	})
	j, err := Prepare(cfg, m)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("step", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := j.Step(); err != nil {
				b.Fatal(err)
			}
		}
	})
	g, err := m.Graph.WithCapacity(map[string]float64{"leaf": 1.1})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("other capacities", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			other := m
			other.Graph, other.Comm = g, m.Comm.On(g, m.Comm.Links())
			k, err := j.On(other)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := k.Step(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
