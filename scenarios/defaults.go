package scenarios

import (
	"fmt"
	"math"
	"strconv"

	"aisim/hardware"
	"aisim/internal/units"
	"aisim/workloads"
)

// Shares of the 419 unplanned interruptions of Llama 3's pre-training by cause:
// Llama 3 report (arXiv 2407.21783), table 5, counts. GPU: faulty GPU 148, HBM3
// 72, SRAM 19, system processor 17, thermal 6, silent data corruption 6. Host:
// unplanned maintenance 32, SSD 3, power supply 3, chassis 2, IO board 2, CPU 2,
// memory 2. Software: bugs 54, NCCL watchdog 7, dependency 2.
var causeShares = Components{GPU: 268.0 / 419, NIC: 7.0 / 419, Switch: 35.0 / 419, Host: 46.0 / 419, Software: 63.0 / 419}

const causeSource = "split by cause as in the Llama 3 report (arXiv 2407.21783), table 5, 419 interruptions"

// complete fills in the defaults that follow from other values, and returns the
// problems that this meets.
func complete(sc *Scenario) []*Problem {
	c := &completer{sc: sc}
	c.fabric()
	c.faults()
	c.economics()
	if e := sc.Edge; e != nil && e.Update == nil {
		c.drop("edge.wan.outage")
	}
	for i := range sc.Workloads {
		c.workload(&sc.Workloads[i])
	}
	return c.problems
}

type completer struct {
	sc       *Scenario
	problems []*Problem
}

// derive notes a derived default under the reason that the dictionary states.
func (c *completer) derive(path, pattern, value string) {
	why := keyByPath[pattern].Why
	if why == "" {
		why = keyByPath[pattern].Derived
	}
	c.sc.source.defaults = append(c.sc.source.defaults, assumed{path, value, why})
}

// drop forgets a default that nothing rests on.
func (c *completer) drop(path string) {
	kept := c.sc.source.defaults[:0]
	for _, d := range c.sc.source.defaults {
		if d.key != path {
			kept = append(kept, d)
		}
	}
	c.sc.source.defaults = kept
}

func (c *completer) fabric() {
	f := &c.sc.Cluster.Fabric
	switch f.Topology {
	case "fat-tree", "rail-optimised", "rail-only":
	default:
		return
	}
	if f.Levels == 0 && len(f.Oversubscription) > 0 {
		f.Levels = len(f.Oversubscription) + 1
	}
	if len(f.Oversubscription) == 0 {
		for i := 1; i < f.Levels; i++ {
			f.Oversubscription = append(f.Oversubscription, 1)
		}
		c.derive("cluster.fabric.oversubscription", "cluster.fabric.oversubscription", "1 at every level")
	}
}

func (c *completer) faults() {
	f := c.sc.Faults
	if f == nil {
		return
	}
	switch {
	case f.NodeFailuresPer1000NodeDays != nil:
		r := *f.NodeFailuresPer1000NodeDays
		f.Components = &Components{r * causeShares.GPU, r * causeShares.NIC, r * causeShares.Switch, r * causeShares.Host, r * causeShares.Software}
		c.sc.source.defaults = append(c.sc.source.defaults, assumed{"faults.components", fmt.Sprintf("gpu %.3g, nic %.3g, switch %.3g, host %.3g, software %.3g per 1,000 node-days",
			f.Components.GPU, f.Components.NIC, f.Components.Switch, f.Components.Host, f.Components.Software), causeSource})
	case f.Components != nil:
		total := f.Components.Total()
		f.NodeFailuresPer1000NodeDays = &total
	default:
		c.problems = append(c.problems, c.sc.ProblemAt("faults", "", "", "write node_failures_per_1000_node_days = 3.8, or a components table; leave [faults] out if nothing is to fail",
			"says no failure rate"))
		return
	}
	if f.Policy != "hot-spare" {
		c.drop("faults.hot_recovery")
	}
	if !c.sc.IsSet("faults.spares") {
		// Nodes under repair are Poisson with this mean (M/G/∞); software needs no repair.
		mean := float64(c.sc.Cluster.Nodes) * (f.Components.Total() - f.Components.Software) / 1000 * f.RepairSec / day
		f.Spares = int(math.Ceil(mean + 3*math.Sqrt(mean)))
		c.derive("faults.spares", "faults.spares", strconv.Itoa(f.Spares))
	}
}

// economics drops the prices that nothing is multiplied by.
func (c *completer) economics() {
	e := &c.sc.Economics
	if e.Staff == nil || e.Staff.Dim != units.People {
		c.drop("economics.staff_cost")
	}
	if e.Mode == "rent" {
		for _, key := range []string{"years", "electricity", "cost_of_capital", "residual", "maintenance", "depreciation", "colocation"} {
			c.drop("economics." + key)
		}
	}
	if r := e.Rent; r != nil {
		if r.EgressBytes == 0 {
			c.drop("economics.rent.egress_price")
		}
		if r.StorageBytes == 0 {
			c.drop("economics.rent.storage_price")
		}
	}
}

func (c *completer) workload(w *Workload) {
	at := "workload." + w.ID
	if w.Architecture != nil {
		c.architecture(w.Architecture, at+".architecture")
	}
	switch w.Kind {
	case "training":
		c.training(w, at)
	case "serving":
		c.serving(w, at)
	}
}

func (c *completer) architecture(a *Architecture, at string) {
	if a.KVHeads == 0 {
		a.KVHeads = a.Heads
		c.derive(at+".kv_heads", "workload.architecture.kv_heads", strconv.Itoa(a.KVHeads))
	}
	if a.HeadDim == 0 {
		if a.Hidden%a.Heads != 0 {
			c.problems = append(c.problems, c.sc.ProblemAt(at+".heads", "", "", "give head_dim", fmt.Sprintf("hidden %d does not divide by %d heads", a.Hidden, a.Heads)))
			return
		}
		a.HeadDim = a.Hidden / a.Heads
		c.derive(at+".head_dim", "workload.architecture.head_dim", strconv.Itoa(a.HeadDim))
	}
}

func (c *completer) training(w *Workload, at string) {
	language := speaksTokens(w)
	if !c.sc.IsSet(at + ".zero") {
		switch {
		case !language:
			w.ZeRO = 0
		case contains([]string{"pytorch-fsdp", "llm-foundry", "maxtext"}, w.Framework):
			w.ZeRO = 3
		default:
			w.ZeRO = 1
		}
		c.derive(at+".zero", "workload.zero", strconv.Itoa(w.ZeRO))
	}
	if !c.sc.IsSet(at + ".sequence_parallel") {
		w.SequenceParallel = w.Parallelism.Tensor > 1
		c.derive(at+".sequence_parallel", "workload.sequence_parallel", strconv.FormatBool(w.SequenceParallel))
	}
	if !c.sc.IsSet(at+".straggler") && c.sc.Faults != nil {
		w.Straggler = c.sc.Faults.Straggler
	}
	if d := w.Dataset; d != nil && d.SampleBytes == nil && d.TokenBytes == nil {
		if w.Generic != nil {
			v := w.Generic.SampleBytes
			d.SampleBytes = &v
		} else if language {
			v := 4.0
			d.TokenBytes = &v
			c.sc.source.defaults = append(c.sc.source.defaults, assumed{at + ".dataset.token_size", "4 B", "token numbers above 65,535 need 32 bits"})
		}
	}
}

func (c *completer) serving(w *Workload, at string) {
	if !speaksTokens(w) { // no engine, no cache: neither is an assumption of the answer
		c.drop(at + ".engine")
		w.KVPrecision = w.Precision
	}
	if w.Trace == "" {
		c.drop(at + ".rescale")
	}
	if w.KVPrecision == "" {
		w.KVPrecision = "bf16"
		if w.Precision == "fp16" || w.Precision == "fp32" {
			w.KVPrecision = w.Precision
		}
		c.derive(at+".kv_precision", "workload.kv_precision", w.KVPrecision)
	}
	if !c.sc.IsSet(at + ".warm") {
		w.Warm = w.LoadFrom == ""
		c.derive(at+".warm", "workload.warm", strconv.FormatBool(w.Warm))
	}
	if w.SLO != nil && w.SLO.Attainment == 0 {
		w.SLO.Attainment = w.SLO.Percentile / 100
		c.derive(at+".slo.attainment", "workload.slo.attainment", units.Exact(w.SLO.Attainment, units.Ratio))
	}
}

// speaksTokens says whether the model is a transformer over tokens, as far as
// the scenario and the catalogue tell.
func speaksTokens(w *Workload) bool {
	if w.Generic != nil {
		return false
	}
	if w.Architecture != nil {
		return true
	}
	m, err := hardware.Default().Model(w.Model)
	if err != nil {
		return true
	}
	a, err := workloads.FromCard(m)
	return err != nil || a.Generic == nil
}
