package fit

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"aisim/hardware/profile"
	"aisim/topology"
	"aisim/topology/collective"
)

// Call is one measured collective inside a scale-up domain.
type Call struct {
	Op       collective.Op
	Chips    int
	Bytes    float64 // S as nccl-tests counts it
	Sec      float64
	InSwitch bool // the library could reduce in the switch (float types, NVLS on)
	Source   string
}

// Fabric is a scale-up generation to fit.
type Fabric struct {
	Class       string
	Kind        string // topology.ScaleUp.Kind
	BytesPerSec float64
	InSwitch    bool // the switches can reduce
	// Hosts, NICs per host and their rate, where the network between hosts is fitted; the
	// scale-up constants then stand still.
	Hosts, NICs    int
	NICBytesPerSec float64
	ScaleUp        profile.LinkParams
}

// Fabrics are the generations with tables to fit from.
func Fabrics() []Fabric {
	return []Fabric{
		{Class: "nvlink3", Kind: "switch", BytesPerSec: 300e9}, {Class: "nvlink4", Kind: "switch", BytesPerSec: 450e9, InSwitch: true},
		{Class: "nvlink5", Kind: "switch", BytesPerSec: 900e9, InSwitch: true}, {Class: "pcie", Kind: "switch", BytesPerSec: 15.75e9},
	}
}

// Bench predicts calls with the constants that it is given.
type Bench struct {
	fabric Fabric
	calls  []Call
	comms  map[int]*collective.Comm // by chips
	groups map[int][][]topology.NodeID
	prior  profile.LinkParams
	rates  bool // search the rates too: one machine's runs have too few domain sizes for Slopes
}

// NewBench makes a Bench on graphs of one domain each.
func NewBench(f Fabric, calls []Call) (*Bench, error) {
	b := &Bench{fabric: f, calls: calls, comms: map[int]*collective.Comm{}, groups: map[int][][]topology.NodeID{}}
	for _, c := range calls {
		if b.comms[c.Chips] != nil {
			continue
		}
		g, err := topology.Build(topology.Spec{Topology: "single-switch", LinkLatencySec: 1e-7, SwitchLatencySec: 3e-7,
			Hosts: []topology.HostGroup{{Name: "n", Count: max(1, f.Hosts), ChipsPerHost: c.Chips / max(1, f.Hosts), NICs: max(1, f.NICs), NICBytesPerSec: or(f.NICBytesPerSec, 1e9),
				ScaleUp: topology.ScaleUp{Kind: f.Kind, BytesPerSec: f.BytesPerSec}}}})
		if err != nil {
			return nil, fmt.Errorf("fit: %d chips: %w", c.Chips, err)
		}
		b.comms[c.Chips] = collective.New(g, collective.Ideal(), collective.Options{})
		b.groups[c.Chips] = [][]topology.NodeID{g.Chips("n")}
	}
	return b, nil
}

// Predict gives the time of every call under constants p, in order.
func (b *Bench) Predict(p profile.LinkParams, into []float64) ([]float64, error) {
	type key struct {
		op       collective.Op
		chips    int
		inSwitch bool
	}
	plans := map[key]*collective.Plan{}
	for _, c := range b.calls {
		k := key{c.Op, c.Chips, c.InSwitch}
		plan := plans[k]
		if plan == nil {
			q := p
			if !k.inSwitch {
				q.InNetwork = 0
			}
			comm := b.comms[c.Chips]
			on := collective.Links{ScaleUp: q, Network: collective.Ideal().Network}
			if b.fabric.Hosts > 1 {
				on = collective.Links{ScaleUp: b.fabric.ScaleUp, Network: p}
			}
			var err error
			plan, err = comm.On(comm.Graph(), on).Prepare(c.Op, b.groups[c.Chips], collective.PlanOptions{})
			if err != nil {
				return nil, err
			}
			plans[k] = plan
		}
		into = append(into, plan.Time(c.Bytes).Sec)
	}
	return into, nil
}

// robust is δ of the loss: errors below it are noise.
const robust = 0.02

// Loss is the mean of √(e²+δ²) − δ over the calls.
func (b *Bench) Loss(p profile.LinkParams) float64 {
	got, err := b.Predict(p, make([]float64, 0, len(b.calls)))
	if err != nil {
		return math.Inf(1)
	}
	sum := 0.0
	for i, t := range got {
		e := math.Log(t / b.calls[i].Sec)
		sum += math.Sqrt(e*e+robust*robust) - robust
	}
	return sum / float64(len(got))
}

// block is a set of constants that are fitted together, on the operations that feel them.
type block struct {
	name           string
	ops            []collective.Op
	params         func(*profile.LinkParams) []*float64
	switched, ring bool // calls that may, and that may not reduce in the switch
}

func blocks(f Fabric, rates bool) []block {
	if f.Hosts > 1 {
		return []block{{"network", []collective.Op{collective.AllReduce}, func(p *profile.LinkParams) []*float64 {
			return []*float64{&p.LowHopSec, &p.LowEff, &p.MidHopSec, &p.MidEff, &p.HopSec, &p.FillSqrtSec, &p.FillMaxSec}
		}, true, true}}
	}
	rings := []collective.Op{collective.AllReduce, collective.AllGather, collective.ReduceScatter}
	out := []block{
		{"ring", rings, func(p *profile.LinkParams) []*float64 {
			return []*float64{&p.BaseSec, &p.LowStepSec, &p.LowEff, &p.MidStepSec, &p.MidEff, &p.StepSec, &p.FillSqrtSec, &p.FillMaxSec}
		}, true, true},
		{"in-switch", rings[:1], func(p *profile.LinkParams) []*float64 {
			return []*float64{&p.InNetworkSec, &p.InNetworkFillSqrtSec, &p.InNetworkFillMaxSec}
		}, true, false},
		{"all-to-all", []collective.Op{collective.AllToAll}, func(p *profile.LinkParams) []*float64 {
			return []*float64{&p.AllToAll, &p.AllToAllLocal, &p.AllToAllStepSec, &p.AllToAllFillSqrtSec}
		}, true, true},
	}
	if rates {
		out = append([]block{
			{"rate", rings, func(p *profile.LinkParams) []*float64 { return []*float64{&p.Efficiency} }, !f.InSwitch, true},
			{"in-switch rate", rings[:1], func(p *profile.LinkParams) []*float64 { return []*float64{&p.InNetwork} }, f.InSwitch, false},
			{"pair", []collective.Op{collective.SendRecv}, func(p *profile.LinkParams) []*float64 { return []*float64{&p.P2P} }, true, true},
		}, out...)
	}
	return out
}

// Slopes sets the ring rate and the rate of a rank's own part from what the largest
// all-gathers and reduce-scatters cost per byte, Δt/ΔS = u·(n−1)/n + v/n between the two
// largest sizes of each series, where fixed times and chunk fills cancel.
func (b *Bench) Slopes(p profile.LinkParams) profile.LinkParams {
	type series struct {
		op     collective.Op
		chips  int
		in     bool
		source string
	}
	top := map[series][2]Call{}
	var order []series
	for _, c := range b.calls {
		if c.Op != collective.AllGather && c.Op != collective.ReduceScatter && c.Op != collective.SendRecv {
			continue
		}
		k := series{c.Op, c.Chips, c.InSwitch, c.Source}
		t, have := top[k]
		if !have {
			order = append(order, k)
		}
		switch {
		case c.Bytes > t[0].Bytes:
			t[0], t[1] = c, t[0]
		case c.Bytes > t[1].Bytes && c.Bytes < t[0].Bytes:
			t[1] = c
		}
		top[k] = t
	}
	var pairs, pairSum float64
	var aa, ab, bb, ay, by float64 // normal equations, weighted by 1/y²
	for _, k := range order {
		t := top[k]
		if t[0].Bytes < plateauBytes || t[1].Bytes <= 0 {
			continue
		}
		n := float64(k.chips)
		y := (t[0].Sec - t[1].Sec) / (t[0].Bytes - t[1].Bytes)
		if k.op == collective.SendRecv {
			pairs, pairSum = pairs+1, pairSum+y
			continue
		}
		x, z := (n-1)/n/y, 1/n/y
		aa, ab, bb, ay, by = aa+x*x, ab+x*z, bb+z*z, ay+x, by+z
	}
	if pairs > 0 {
		p.P2P = pairs / pairSum / b.fabric.BytesPerSec
	}
	det := aa*bb - ab*ab
	if det <= 0 {
		return p
	}
	u, v := (ay*bb-by*ab)/det, (aa*by-ab*ay)/det
	if u > 0 && v > 0 {
		p.Efficiency, p.Local = 1/u/b.fabric.BytesPerSec, 1/v/b.fabric.BytesPerSec
	}
	return p
}

// plateauBytes is the least size that counts as a plateau.
const plateauBytes = 256 << 20

// Fit improves the constants of a class on the bench's calls, from where p stands.
func (b *Bench) Fit(p profile.LinkParams, rounds int) (profile.LinkParams, error) {
	b.prior = p
	for range rounds {
		for _, bl := range blocks(b.fabric, b.rates) {
			if strings.HasPrefix(bl.name, "in-switch") && !b.fabric.InSwitch {
				continue
			}
			sub := *b
			sub.calls = nil
			for _, c := range b.calls {
				if slices.Contains(bl.ops, c.Op) && (c.InSwitch && bl.switched || !c.InSwitch && bl.ring) {
					sub.calls = append(sub.calls, c)
				}
			}
			if len(sub.calls) == 0 {
				continue
			}
			next, err := sub.minimise(p, bl.params)
			if err != nil {
				return p, fmt.Errorf("fit: %s, %s: %w", b.fabric.Class, bl.name, err)
			}
			p = next
		}
	}
	return p, nil
}

func (b *Bench) minimise(p profile.LinkParams, pick func(*profile.LinkParams) []*float64) (profile.LinkParams, error) {
	set := func(x []float64) profile.LinkParams {
		q := p
		for i, v := range pick(&q) {
			*v = math.Exp(x[i])
		}
		return q
	}
	all := pick
	pick = func(p *profile.LinkParams) []*float64 { // a constant of 0 stands for what the class does not have
		return slices.DeleteFunc(all(p), func(v *float64) bool { return !(*v > 0) })
	}
	var x []float64
	for _, v := range pick(&p) {
		x = append(x, math.Log(*v))
	}
	if len(x) == 0 {
		return p, nil
	}
	from := make([]float64, 0, len(x))
	for _, v := range pick(&b.prior) {
		from = append(from, math.Log(*v))
	}
	loss := func(x []float64) float64 {
		q := set(x)
		if !within(q) {
			return 10
		}
		// The prior: a constant that the calls say nothing about stays where it was.
		away := 0.0
		for i, v := range x {
			away += (v - from[i]) * (v - from[i])
		}
		return b.Loss(q) + prior*away
	}
	for _, size := range []float64{0.4, -0.4, 0.8, -0.8, 0.2, 0.1} { // a second, smaller start leaves shallow traps
		x, _ = Simplex(loss, x, size, 2500)
	}
	return set(x), nil
}

// prior is the weight of the squared distance, in logarithms, from where a search began.
const prior = 0.0015

// within holds the constants to what they can mean.
func within(p profile.LinkParams) bool {
	return p.Efficiency <= 1 && p.P2P <= 1 && p.AllToAll <= 1 && p.InNetwork <= 1.2 && p.LowEff <= 0.5 && p.MidEff <= 0.85 &&
		p.Local < 50 && p.AllToAllLocal < 50 && p.FillMaxSec < 0.01 && p.InNetworkFillMaxSec < 0.01
}

func or(a, b float64) float64 {
	if a > 0 {
		return a
	}
	return b
}
