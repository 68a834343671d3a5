package execution

import (
	"fmt"

	"aisim/topology/collective"
)

// SimAI is the machine of SimAI-Analytical, and its assumptions (aliyun/SimAI,
// astra-sim-alibabacloud): sizes in units of 2^30, collectives at a bus bandwidth by
// placement times a measured share of it, fixed times under 1 MiB, everything exposed
// that no overlap ratio hides, and a pipeline bubble of the layers but the embedding.
type SimAI struct {
	NVLink, NIC         float64 // GB/s of 2^30 B
	NICs, GPUsPerServer int
	Overlap             map[string]float64 // by group, 0..1: TP, DP, DP_EP, EP
}

// SimAIDefault is the machine of SimAI's example.
var SimAIDefault = SimAI{NVLink: 360, NIC: 48.5, NICs: 8, GPUsPerServer: 8}

// SimAIResult is in nanoseconds, whose fractions SimAI drops in each collective.
type SimAIResult struct {
	ComputeNs, ExposedNs, BubbleNs, TotalNs float64
	Groups                                  []string
	GroupNs                                 []float64
	Warnings                                []Warning
}

var simaiGroups = []string{"TP", "EP", "DP", "DP_EP"}

// simaiFixedUs are the times of calls under 1 MiB by ranks; SimAI takes 0 for all others.
var simaiFixedUs = map[int]float64{2: 10, 4: 12, 8: 15, 16: 66, 32: 135, 64: 200, 128: 320}

// simaiShares are shares of bus bandwidth that SimAI measured (inputs/ratio/*.csv), by
// bytes from 2^24 doubling to 2^34 and nodes 1, 2, 4, 8, 16.
var simaiShares = map[string][11][5]float64{
	"nvlink": {{.45, .55, .34, .16, .08}, {.55, .68, .6, .34, .16}, {.65, .74, .71, .62, .33}, {.69, .8, .74, .7, .65}, {.73, .84, .79, .78, .72}, {.76, .86, .86, .82, .75},
		{.77, .87, .87, .86, .83}, {.78, .87, .87, .87, .86}, {.79, .88, .88, .88, .87}, {.8, .88, .88, .88, .88}, {.81, .88, .88, .88, .88}},
	"nic": {{.45, .32, .24, .13, .05}, {.55, .47, .38, .24, .11}, {.65, .5, .53, .39, .21}, {.69, .67, .67, .54, .38}, {.73, .85, .77, .69, .57}, {.76, .89, .85, .78, .73},
		{.77, .92, .93, .9, .76}, {.78, .94, .94, .94, .92}, {.79, .95, .95, .95, .95}, {.8, .95, .96, .96, .96}, {.81, .96, .96, .96, .96}},
	"all-to-all": {{.44, .52, .67, .64, .62}, {.51, .63, .68, .67, .66}, {.6, .72, .83, .82, .66}, {.65, .76, .9, .85, .72}, {.7, .79, .92, .87, .75}, {.71, .8, .94, .89, .81},
		{.74, .81, .94, .92, .85}, {.76, .81, .95, .93, .88}, {.77, .8, .95, .94, .89}, {.78, .8, .95, .94, .9}, {.78, .8, .95, .94, .9}},
}

// simaiShare interpolates a table over bytes and divides by its last row.
func simaiShare(table string, bytes float64, nodes int) (float64, error) {
	column := 4 // 16 nodes stand for all other counts
	for i, n := range []int{1, 2, 4, 8, 16} {
		if n == nodes {
			column = i
		}
	}
	t := simaiShares[table]
	last := t[len(t)-1][column]
	low := float64(1 << 24)
	if bytes <= low {
		return t[0][column] / last, nil
	}
	for i := 1; i < len(t); i, low = i+1, low*2 {
		if bytes <= 2*low {
			a, b := t[i-1][column], t[i][column]
			return (a + (b-a)*(bytes-low)/low) / last, nil
		}
	}
	return 0, fmt.Errorf("%g bytes lie beyond SimAI's tables, which end at 16 GiB", bytes)
}

// Run is SimAI-Analytical's answer for a workload.
func (s SimAI) Run(l *Layers) (*SimAIResult, error) {
	size := func(key string) int { return max(1, l.Sizes[key]) }
	tp, ep, pp, vpp, ga, all := size("model_parallel_NPU_group"), size("ep"), size("pp"), size("vpp"), size("ga"), size("all_gpus")
	if all%(tp*pp) != 0 {
		return nil, fmt.Errorf("all_gpus %d is no multiple of model_parallel_NPU_group %d × pp %d", all, tp, pp)
	}
	dp := all / (tp * pp)
	ranks := map[string]int{"TP": tp, "EP": ep, "DP": dp, "DP_EP": dp / ep}
	out := &SimAIResult{Groups: simaiGroups, GroupNs: make([]float64, len(simaiGroups))}
	var w warnings
	var bubble float64
	for i := range l.List {
		layer := &l.List[i]
		for pass, p := range layer.Passes {
			out.ComputeNs += float64(p.ComputeNs)
			inBubble := layer.Name != "embedding_layer"
			if inBubble {
				bubble += float64(p.ComputeNs)
			}
			if p.Comm == "NONE" || p.Bytes == 0 {
				continue
			}
			op, suffix, err := p.op()
			if err != nil {
				return nil, err
			}
			g := 0
			switch {
			case suffix == "_DP_EP":
				g = 3
			case suffix == "_EP":
				g = 1
			case pass == 2 || suffix == "_DP":
				g = 2
			}
			name := simaiGroups[g]
			ns, err := s.collective(op, name, p.Bytes, ranks[name], tp, ep, dp)
			if err != nil {
				return nil, fmt.Errorf("layer %d %q: %w", i, layer.Name, err)
			}
			if ns == 0 && ranks[name] > 1 && p.Bytes > 1 {
				w.add(fmt.Sprintf("SimAI takes no time for calls under 1 MiB over %d ranks", ranks[name]), l.Kind, int64(i), layer.Name)
			}
			if inBubble && pass < 2 {
				bubble += ns
			}
			out.GroupNs[g] += ns * (1 - s.Overlap[name])
		}
	}
	for _, ns := range out.GroupNs {
		out.ExposedNs += ns
	}
	out.BubbleNs = bubble * float64(pp-1) / float64(ga*vpp)
	out.TotalNs = out.ComputeNs + out.ExposedNs + out.BubbleNs
	out.Warnings = w.list
	return out, nil
}

// collective is the time of one call.
func (s SimAI) collective(op collective.Op, group string, bytes float64, r, tp, ep, dp int) (float64, error) {
	if bytes > 1 && bytes < 1<<20 {
		return simaiFixedUs[r] * 1000, nil
	}
	nodes, gpus, nics := s.place(group, tp, ep, dp)
	bw, crosses := s.busBandwidth(op, nodes, gpus, nics)
	share, err := 1.0, error(nil)
	switch {
	case group == "DP" || group == "DP_EP":
	case op == collective.AllToAll:
		share, err = simaiShare("all-to-all", bytes, nodes)
	case group == "TP" && op != collective.AllReduce && crosses:
		share, err = simaiShare("nic", bytes, nodes)
	case group == "TP" && op != collective.AllReduce:
		share, err = simaiShare("nvlink", bytes, nodes)
	}
	if err != nil {
		return 0, err
	}
	factor := 1.0
	if op == collective.AllReduce {
		factor = 2
	}
	return float64(int64(bytes / (1 << 30) / (share * bw) * 1e9 * factor * float64(r-1) / float64(r))), nil
}

// place is the nodes, the GPUs of each and the NICs of each that a group has.
func (s SimAI) place(group string, tp, ep, dp int) (nodes, gpus, nics int) {
	per, q := s.GPUsPerServer, s.NICs
	share := func(width int) (int, int) { // of a group that takes one of width neighbours
		if width > per {
			return 1, max(1, q/per)
		}
		return per / width, max(1, q/width)
	}
	switch group {
	case "TP":
		if tp <= per {
			return 1, tp, q
		}
		return tp / per, per, q
	case "EP":
		if tp*ep <= per {
			return 1, per / tp, q
		}
		gpus, nics = share(tp)
		return tp * ep / per, gpus, nics
	case "DP":
		gpus, nics = share(tp)
		return dp, gpus, nics
	}
	gpus, nics = share(tp * ep)
	return max(1, dp/ep), gpus, nics
}

// busBandwidth is NCCL's rings over a placement, and whether NICs hold it up.
func (s SimAI) busBandwidth(op collective.Op, nodes, gpus, nics int) (float64, bool) {
	k, g, net := float64(nodes), float64(gpus), s.NIC*float64(nics)
	switch {
	case nodes == 1:
		return s.NVLink, false
	case op == collective.AllToAll:
		return net / g * (k*g - 1) / ((k - 1) * g), true
	case gpus == 1:
		return net, true
	case net > s.NVLink:
		return min(s.NVLink*g/(g-1), net), s.NVLink*g/(g-1) > net
	}
	return min(s.NVLink, net), net < s.NVLink
}
