package storage

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Need is what a Ceph pool has to do and hold.
type Need struct {
	ReadBytesPerSec, WriteBytesPerSec float64 // in requests of RequestBytes
	RequestBytes                      float64 // [4 MiB]
	KeepBytes                         float64 // of clients, at the start
	GrowthPerYear                     float64 // 0.3: 30 % more every year
	Years                             float64 // for which the growth has to fit
	LostNodes                         int     // with which rates and capacity still hold
	LostShards                        int     // that must lose no data [2]
	RebuildSec                        float64 // for a lost node; 0: any time
	BudgetUSD                         float64 // 0: no limit
}

// Choice is one way to build the pool: a node with its drives and what both cost.
type Choice struct {
	Spec     CephSpec // Nodes is worked out
	NodeUSD  float64  // without drives
	DriveUSD float64  // each
}

// Plan is a pool that meets a need.
type Plan struct {
	Spec                              CephSpec
	ReadBytesPerSec, WriteBytesPerSec float64 // with the lost nodes away
	FreeBytes                         float64 // likewise
	RebuildSec                        float64 // of one node, at the rate that recovery may take
	CostUSD                           float64
	USDPerGBPerSec                    float64 // cost of a GB/s delivered, of the scarcer of reads and writes
	Reasons                           []string
}

// recoveryShare is the share of a pool that recovery may take from busy clients: the
// reservation of mClock's balanced profile.
const recoveryShare = 0.5

// PlanCeph is the plans of the choices that meet a need, cheapest first, with the reason for
// each number of nodes. The error lists why none does.
func PlanCeph(need Need, choices []Choice) ([]Plan, error) {
	if need.RequestBytes == 0 {
		need.RequestBytes = defaultObjectBytes
	}
	if need.LostShards == 0 {
		need.LostShards = 2
	}
	for _, v := range []struct {
		name string
		v    float64
	}{{"reads", need.ReadBytesPerSec}, {"writes", need.WriteBytesPerSec}, {"bytes kept", need.KeepBytes}, {"growth", need.GrowthPerYear}, {"years", need.Years}, {"budget", need.BudgetUSD}, {"time to rebuild", need.RebuildSec}, {"lost nodes", float64(need.LostNodes)}} {
		if !(v.v >= 0) || math.IsInf(v.v, 0) {
			return nil, fmt.Errorf("storage plan: %s of %g: want 0 or more", v.name, v.v)
		}
	}
	if len(choices) == 0 {
		return nil, fmt.Errorf("storage plan: no choices: give at least one node with its drives")
	}
	var plans []Plan
	var why []string
	for _, c := range choices {
		p, err := c.plan(need)
		if err != nil {
			why = append(why, fmt.Sprintf("%s on %s: %v", c.Spec.Profile, c.Spec.Drive.ID, err))
			continue
		}
		plans = append(plans, p)
	}
	if len(plans) == 0 {
		return nil, fmt.Errorf("storage plan: no choice meets the need: %s", joinReasons(why))
	}
	slices.SortStableFunc(plans, func(a, b Plan) int { return cmp.Compare(a.CostUSD, b.CostUSD) })
	return plans, nil
}

func joinReasons(why []string) string {
	out := ""
	for i, w := range why {
		if i > 0 {
			out += "; "
		}
		out += w
	}
	return out
}

// plan is the smallest pool of one choice.
func (c Choice) plan(need Need) (Plan, error) {
	prot, err := ParseProtection(c.Spec.Profile)
	if err != nil {
		return Plan{}, err
	}
	if prot.Parity < need.LostShards {
		return Plan{}, fmt.Errorf("it survives %d lost shards, %d are wanted", prot.Parity, need.LostShards)
	}
	keep := need.KeepBytes * math.Pow(1+need.GrowthPerYear, need.Years)
	spec := c.Spec
	nodes := 0
	var reasons []string
	raise := func(what string, n int, why string) {
		if n > nodes {
			nodes = n
			reasons = append(reasons, fmt.Sprintf("%d nodes for %s (%s)", n, what, why))
		}
	}
	for _, w := range []struct {
		op   Op
		rate float64
	}{{Write, need.WriteBytesPerSec}, {Read, need.ReadBytesPerSec}} {
		if w.rate > 0 {
			n, why, err := spec.nodesFor(w.op, w.rate, 1, keep, need.RequestBytes)
			if err != nil {
				return Plan{}, err
			}
			raise(fmt.Sprintf("%.4g GB/s of %ss and %.4g TB", w.rate/1e9, w.op, keep/1e12), n, why)
		}
	}
	if nodes == 0 {
		n, why, err := spec.nodesFor(Read, 1, 1, keep, need.RequestBytes)
		if err != nil {
			return Plan{}, err
		}
		raise(fmt.Sprintf("%.4g TB", keep/1e12), n, why)
	}
	if need.LostNodes > 0 {
		raise(fmt.Sprintf("the same with %d away", need.LostNodes), nodes+need.LostNodes, "one for each")
	}
	for ; ; nodes++ {
		if nodes > maxNodesFor {
			return Plan{}, fmt.Errorf("%d nodes do not rebuild one within %.4g s", nodes-1, need.RebuildSec)
		}
		p, err := c.at(nodes, need)
		if err != nil {
			return Plan{}, err
		}
		if need.RebuildSec > 0 && p.RebuildSec > need.RebuildSec {
			if full := (p.RebuildSec / need.RebuildSec); full > 1.5 { // far away: in proportion
				nodes = int(float64(nodes) * math.Sqrt(full))
			}
			continue
		}
		if n := p.Spec.Nodes; need.RebuildSec > 0 && n > 0 {
			reasons = append(reasons, fmt.Sprintf("%d nodes rebuild one in %.4g s", n, p.RebuildSec))
		}
		if need.BudgetUSD > 0 && p.CostUSD > need.BudgetUSD {
			return Plan{}, fmt.Errorf("%d nodes cost %.4g USD, the budget is %.4g: %s", nodes, p.CostUSD, need.BudgetUSD, joinReasons(reasons))
		}
		p.Reasons = reasons
		return p, nil
	}
}

// at is the plan of a number of nodes.
func (c Choice) at(nodes int, need Need) (Plan, error) {
	p := Plan{Spec: c.Spec}
	left := c.Spec
	left.Nodes = nodes - need.LostNodes
	write, free, err := left.rate(Write, need.RequestBytes)
	if err != nil {
		return p, err
	}
	read, _, err := left.rate(Read, need.RequestBytes)
	if err != nil {
		return p, err
	}
	p.Spec.Nodes = nodes
	p.ReadBytesPerSec, p.WriteBytesPerSec, p.FreeBytes = read, write, free
	p.CostUSD = float64(nodes) * (c.NodeUSD + float64(c.Spec.DrivesPerNode)*c.DriveUSD)
	scarcer := math.Inf(1)
	for _, v := range [][2]float64{{need.ReadBytesPerSec, read}, {need.WriteBytesPerSec, write}} {
		if v[0] > 0 {
			scarcer = math.Min(scarcer, v[1])
		}
	}
	if !math.IsInf(scarcer, 1) {
		p.USDPerGBPerSec = p.CostUSD / (scarcer / 1e9)
	}
	if nodes < 2 {
		return p, nil
	}
	// A lost node's bytes are read (k of them per byte of a code), cross the wire and are written by the others,
	// at the share that recovery gets.
	prot, _ := ParseProtection(c.Spec.Profile)
	held := float64(c.Spec.DrivesPerNode) * c.Spec.Drive.Bytes * fullRatioOf(c.Spec) * math.Max(c.Spec.Fill, math.Min(1, need.KeepBytes/math.Max(1, free)))
	others := left
	others.Nodes = nodes - 1
	k := float64(prot.Data)
	per := math.Min(float64(others.Nodes)*c.Spec.NICBytesPerSec/k, float64(others.Nodes*c.Spec.DrivesPerNode)*math.Min(c.Spec.Drive.WriteBytesPerSec, c.Spec.Drive.ReadBytesPerSec/k)/2)
	p.RebuildSec = held / (recoveryShare * per)
	return p, nil
}

func fullRatioOf(s CephSpec) float64 {
	if s.FullRatio == 0 {
		return defaultFullRatio
	}
	return s.FullRatio
}
