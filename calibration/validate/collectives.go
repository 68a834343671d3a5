package validate

import (
	"fmt"
	"math"
	"strings"

	"aisim/hardware"
	"aisim/hardware/profile"
	"aisim/topology"
	"aisim/topology/collective"
)

func init() { Register("collectives", newCollectives) }

// collectives predicts tables of nccl-tests and its kin.
type collectives struct {
	catalogue *hardware.Catalogue
	links     map[string]profile.LinkParams
	placed    map[string]*placement
}

func newCollectives() (Kind, error) {
	links, err := profile.Links()
	if err != nil {
		return nil, err
	}
	return &collectives{catalogue: hardware.Default(), links: links, placed: map[string]*placement{}}, nil
}

func (k *collectives) Name() string      { return "collectives" }
func (k *collectives) Columns() []string { return []string{"op", "chip"} }

// transfer is a row, understood.
type transfer struct {
	op         collective.Op
	way        way
	bytes      float64
	chips      int
	hosts      int
	both       bool // both directions are summed in the measured rate
	reach      bool // the row gives a plateau, not a size
	rateFactor float64
}

// way is how a row's bytes move.
type way uint8

const (
	byLibrary way = iota // a collective of a library
	byEngine             // copy engines, RDMA writes
	byCores              // one-sided copies by the chip's own cores
	byExperts            // expert-parallel dispatch or combine
)

// ops are the names of operations in tables.
var ops = map[string]collective.Op{
	"all_reduce": collective.AllReduce, "allreduce": collective.AllReduce, "all_gather": collective.AllGather, "allgather": collective.AllGather,
	"reduce_scatter": collective.ReduceScatter, "reducescatter": collective.ReduceScatter, "alltoall": collective.AllToAll, "all_to_all": collective.AllToAll,
	"broadcast": collective.Broadcast, "sendrecv": collective.SendRecv, "send_recv": collective.SendRecv,
}

func readTransfer(row Row) (transfer, error) {
	name := strings.TrimSuffix(strings.ToLower(strings.ReplaceAll(row.Text("op"), "-", "_")), "_perf") // nccl-tests' programs
	t := transfer{rateFactor: 1}
	words := strings.ReplaceAll(name, "_", " ")
	switch op, ok := ops[name]; {
	case ok:
		t.op = op
	case strings.Contains(words, "dispatch") || strings.Contains(words, "combine"):
		t.op, t.way = collective.AllToAll, byExperts
	case strings.Contains(words, "write bw") || strings.Contains(words, "read bw") || strings.Contains(words, "p2p") && strings.Contains(words, "copy"):
		t.op, t.way = collective.Copy, byEngine
	case strings.Contains(words, "p2p"):
		t.op, t.way = collective.Copy, byCores
	default:
		return t, fmt.Errorf("operation %q is not known", row.Text("op"))
	}
	// One direction's bytes and rate are counted unless the row sums both.
	t.both = strings.Contains(words, "bidirectional") && t.way == byEngine
	return t, nil
}

const assumedPlateau = 16 << 30

// Predict implements Kind.
func (k *collectives) Predict(row Row, c Case) []Case {
	c.In("op", row.Text("op"))
	c.In("source", row.Text("source"))
	c.In("chip", row.Text("chip"))
	c.In("family", family(row.Text("id")))
	numbers := map[string]float64{}
	for _, col := range []string{"chips", "nodes", "size_bytes", "busbw_GBps", "algbw_GBps", "time_us"} {
		v, ok, err := row.Number(col)
		if err == nil && ok && v < 0 {
			err = fmt.Errorf("line %d: %s is %g, want 0 or more", row.Line, col, v)
		}
		if err != nil {
			return []Case{c.Fail(err)}
		}
		numbers[col] = v
	}
	t, err := readTransfer(row)
	if err != nil {
		return []Case{c.Refuse(err.Error())}
	}
	switch {
	case numbers["time_us"] > 0:
		c.Measure("time_us", "us", Time, numbers["time_us"])
	case numbers["busbw_GBps"] > 0:
		c.Measure("busbw_GBps", "GB/s", Rate, numbers["busbw_GBps"])
	case numbers["algbw_GBps"] > 0:
		c.Measure("algbw_GBps", "GB/s", Rate, numbers["algbw_GBps"])
	default:
		return []Case{c.Refuse("the row has no measured time or bandwidth")}
	}
	id, assumed := chipID(row.Text("chip"))
	if id == "" {
		return []Case{c.Refuse(fmt.Sprintf("chip %q is not in the catalogue", row.Text("chip")))}
	}
	if assumed != "" {
		c.Assumed = append(c.Assumed, assumed)
	}
	a, err := k.catalogue.Accelerator(id)
	if err != nil {
		return []Case{c.Refuse(err.Error())}
	}
	if err := t.count(numbers, a, row, &c); err != nil {
		return []Case{c.Refuse(err.Error())}
	}
	perHost := t.chips / max(t.hosts, 1)
	w := wiresOf(row.Text("fabric"), row.Text("notes"), a, perHost)
	onBus := strings.Contains(a.ID, "sxm") && (strings.Contains(strings.ToLower(row.Text("chip")), "pcie") ||
		t.hosts == 1 && !w.namesScale && strings.Contains(strings.ToLower(row.Text("fabric")), "pcie"))
	if onBus {
		c.Assumed = append(c.Assumed, "PCIe "+a.HostLink+" as the only link between chips")
	}
	if lib := strings.ToLower(row.Text("algo")); strings.Contains(lib, "gloo") || strings.Contains(lib, "tcp sockets") {
		return []Case{c.Refuse(fmt.Sprintf("algo %q: collectives of host processors are not modelled", row.Text("algo")))}
	} else if strings.Contains(lib, "oneccl") || strings.Contains(lib, "hccl") || strings.Contains(lib, "nvshmem") {
		c.Assumed = append(c.Assumed, "constants of NCCL and RCCL for "+row.Text("algo"))
	}
	p, err := k.place(a, w, t.chips, t.hosts, onBus)
	if err != nil {
		return []Case{c.Refuse(err.Error())}
	}
	if len(p.chips) > p.domain || t.way == byEngine && w.namesRDMA && !w.namesScale {
		c.Assumed = append(c.Assumed, w.assumed...)
		c.Assumed = append(c.Assumed, "one non-blocking switch between the hosts")
	}
	c.In("size", sizeClass(t.bytes))
	c.In("scale", scaleClass(t.chips, p))
	c = k.predict(row, c, t, p, w)
	if c.Status == Predicted && c.scale == Rate && strings.Contains(strings.ToUpper(row.Text("notes")), "FLOOR") {
		right := *c.Predicted >= *c.Measured // a health check, not a mean
		c.Correct, c.scale, c.Error, c.RooflineError = &right, YesNo, nil, nil
	}
	return []Case{c}
}

// count fills in how many chips on how many hosts move how much.
func (t *transfer) count(v map[string]float64, a *hardware.Accelerator, row Row, c *Case) error {
	for _, col := range []string{"chips", "nodes"} {
		if v[col] != math.Trunc(v[col]) || v[col] > 1<<17 {
			return fmt.Errorf("%s is %g, want a whole number up to %d", col, v[col], 1<<17)
		}
	}
	t.chips, t.hosts = int(v["chips"]), int(v["nodes"])
	if t.chips == 0 && t.way != byLibrary {
		t.chips = 2
		if t.hosts == 0 {
			t.hosts = 1
		}
	}
	if bus, alg := v["busbw_GBps"], v["algbw_GBps"]; t.chips == 0 && bus > 0 && alg > 0 && t.op == collective.AllReduce && bus < 2*alg {
		t.chips = int(math.Round(2 / (2 - bus/alg)))
		c.Assumed = append(c.Assumed, fmt.Sprintf("%d chips, from bus over algorithm bandwidth", t.chips))
	}
	if t.chips < 2 {
		return fmt.Errorf("the row does not say how many chips took part")
	}
	if t.hosts == 0 {
		per := 8
		if a.Kind == "cpu" {
			per = 1
		}
		t.hosts = (t.chips + per - 1) / per
		c.Assumed = append(c.Assumed, fmt.Sprintf("%d hosts", t.hosts))
	}
	t.bytes = v["size_bytes"]
	if t.bytes == 0 && t.way == byExperts {
		tokens, bytes := 4096.0, 1.0
		if strings.Contains(strings.ToLower(row.Text("algo")+row.Text("notes")+row.Text("op")), "low") {
			tokens = 128
		}
		if strings.Contains(row.Text("op"), "combine") {
			bytes = 2
		}
		t.bytes = tokens * 8 * 7168 * bytes
		c.Assumed = append(c.Assumed, fmt.Sprintf("%g tokens to 8 experts each, hidden size 7168, %g B per element", tokens, bytes))
	}
	if t.bytes == 0 {
		t.bytes, t.reach = assumedPlateau, true
		c.Assumed = append(c.Assumed, "16 GiB, the plateau")
	}
	return nil
}

// predict runs the plan.
func (k *collectives) predict(row Row, c Case, t transfer, p *placement, w wires) Case {
	group := p.chips
	opt := collective.PlanOptions{}
	comm := p.comm
	switch t.way {
	case byLibrary:
		opt.Algorithm, opt.Protocol = algorithmOf(row.Text("algo"))
	case byEngine, byCores:
		if w.namesRDMA && !w.namesScale && len(p.chips) > 1 && p.domain == len(p.chips) {
			return rate(c, w.nicPerSec*k.links[w.class].CopyEfficiency(), w.nicPerSec, k.links[w.class], t)
		}
		group = p.chips[:2]
		if t.way == byCores {
			// Cores that load and store reach the ring's rate, without a library's handshake.
			l := comm.Links()
			l.ScaleUp.Copy = l.ScaleUp.Efficiency
			comm = comm.On(comm.Graph(), l)
		}
	case byExperts:
		opt.Algorithm = "direct"
		// One-sided writes: one hop, no handshake, no chunks.
		l := comm.Links()
		l.Network.AllToAllStepSec, l.Network.StepSec = 0, 0
		l.Network.HopSec = l.Network.LowHopSec / math.Sqrt(float64(len(p.chips)-1))
		l.Network.FillSqrtSec, l.Network.AllToAllFillSqrtSec = 0, 0
		comm = comm.On(comm.Graph(), l)
		if c.scale == Rate {
			l, line := k.links[p.scaleUp], p.rates.scaleUp
			if w.namesRDMA && len(p.chips) > p.domain {
				l, line = k.links[w.class], p.rates.nicPerChip
			}
			return rate(c, line*l.Efficiency, line, l, t)
		}
	}
	plan, err := comm.Prepare(t.op, [][]topology.NodeID{group}, opt)
	if err != nil && opt.Algorithm != "" {
		c.Assumed = append(c.Assumed, fmt.Sprintf("algorithm by size (%q is not possible here)", opt.Algorithm))
		plan, err = comm.Prepare(t.op, [][]topology.NodeID{group}, collective.PlanOptions{})
	}
	if err != nil {
		return c.Refuse(err.Error())
	}
	cost := plan.Time(t.bytes)
	sec, sd := cost.Sec, k.sd(cost, t, p)
	roof := p.rooflineSec(t.op, t.bytes)
	if t.reach {
		// A plateau has no fixed part.
		sec = (plan.Time(2*t.bytes).Sec - cost.Sec)
	}
	c.Note = fmt.Sprintf("%s, limited by %s", cost.Algorithm, cost.Level)
	c.In("algorithm", cost.Algorithm)
	low, high := sec*math.Exp(-z90*sd), sec*math.Exp(z90*sd)
	rung := "collective α–β, " + k.rung(cost, p)
	if c.scale == Time {
		c.Predict(Prediction{Value: sec * 1e6, Low: low * 1e6, High: high * 1e6, Roofline: roof * 1e6, Rung: rung})
		return c
	}
	factor := 1.0
	if c.Metric == "busbw_GBps" && t.way == byLibrary {
		factor = t.op.BusFactor(len(group))
	}
	if t.both {
		factor = 2
	}
	gb := t.bytes * factor / 1e9
	c.Predict(Prediction{Value: gb / sec, Low: gb / high, High: gb / low, Roofline: gb / roof, Rung: rung})
	return c
}

// rate predicts a bandwidth row from one link.
func rate(c Case, bytesPerSec, line float64, l profile.LinkParams, t transfer) Case {
	v := bytesPerSec / 1e9
	if c.scale == Time {
		v, line = t.bytes/bytesPerSec*1e6, t.bytes/line*1e6
	} else {
		line /= 1e9
	}
	c.Predict(Prediction{Value: v, Low: v * math.Exp(-z90*l.RelSD), High: v * math.Exp(z90*l.RelSD), Roofline: line, Rung: "link efficiency, " + l.Kind})
	return c
}

// z90 is how many standard deviations a two-sided 90 % interval spans.
const z90 = 1.645

// sd is the relative standard deviation of a predicted time: of the fixed part and of
// the rest by their shares, wider beyond what the constants were fitted on.
func (k *collectives) sd(cost collective.Cost, t transfer, p *placement) float64 {
	su, net := k.links[p.scaleUp], k.links[p.network]
	l := su
	if len(p.chips) > p.domain {
		l = net
		l.RelSD, l.LatencySD = math.Hypot(l.RelSD, su.RelSD), max(l.LatencySD, su.LatencySD)
	}
	fixed := cost.LatencySec / cost.Sec
	sd := math.Hypot(fixed*l.LatencySD, (1-fixed)*l.RelSD)
	// Between the plateau and the floor protocols meet and chunks fill: fits are worst there.
	sd = math.Hypot(sd, 0.12*4*fixed*(1-fixed))
	if hosts := len(p.chips) / p.domain; hosts > fittedDomains {
		sd *= 1 + 0.25*math.Log2(float64(hosts)/fittedDomains)
	}
	if len(p.chips) <= p.domain && len(p.chips) > fittedChips {
		sd *= 1 + 0.25*math.Log2(float64(len(p.chips))/fittedChips)
	}
	return sd
}

// The constants were fitted on up to so many chips of a domain and so many domains.
const (
	fittedChips   = 8
	fittedDomains = 2
)

func (k *collectives) rung(cost collective.Cost, p *placement) string {
	l := k.links[p.scaleUp]
	if cost.Level != "scaleup" {
		l = k.links[p.network]
	}
	return l.Class + " " + l.Kind
}

// sizeClass are the classes that errors are stated for.
func sizeClass(bytes float64) string {
	switch {
	case bytes >= 64<<20:
		return ">= 64 MiB"
	case bytes >= 1<<20:
		return "1-64 MiB"
	}
	return "< 1 MiB"
}

func scaleClass(chips int, p *placement) string {
	switch n := (chips + p.domain - 1) / p.domain; {
	case n == 1 && chips <= fittedChips:
		return "one domain"
	case n == 1:
		return "one wide domain"
	case n <= fittedDomains:
		return "2 domains"
	}
	return "more domains"
}

// family is an id without its running number.
func family(id string) string {
	if i := strings.LastIndexByte(id, '-'); i > 0 {
		return id[:i]
	}
	return id
}
