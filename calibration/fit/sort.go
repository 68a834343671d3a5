package fit

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"aisim/calibration/ingest"
	"aisim/calibration/probe"
	"aisim/hardware"
	"aisim/hardware/profile"
	"aisim/topology/collective"
)

// Target says what the records are of.
type Target struct {
	Hardware       string  // accelerator of the catalogue, or a name of the user's for a machine that probe measured
	Drive          string  // catalogue id of the drive that storage records were made on
	NICBytesPerSec float64 // line rate of the NIC that perftest ran on; 0: not known
	Family         string  // of hardware that the catalogue does not hold
}

// sorted are the samples by the constants that they speak of.
type sorted struct {
	kernels, cache, links, collectives, drives, host []*sample
	calls                                            []*sample // of probe: GEMMs by the way that they multiply
	device                                           []*ingest.Device
	facts                                            *ingest.Device // of a machine that probe measured
	unused                                           map[string]int // "what|reason"
}

func (s *sorted) skip(what, reason string) { s.unused[what+"|"+reason]++ }

func (s *sorted) notUsed() []profile.Unused {
	var out []profile.Unused
	for _, key := range slices.Sorted(maps.Keys(s.unused)) {
		what, reason, _ := strings.Cut(key, "|")
		out = append(out, profile.Unused{What: what, Records: s.unused[key], Reason: reason})
	}
	return out
}

// ProbeTool is the tool of records that `aisim calibrate probe` wrote.
const ProbeTool = probe.ToolName

// sortRecords deals the records to the constants that they speak of. What none speaks of, and what
// was measured on another chip, is counted with the reason.
func sortRecords(records []ingest.Record, t Target, chip *hardware.Accelerator) *sorted {
	s := &sorted{unused: map[string]int{}}
	other := otherChips(t.Hardware)
	for _, r := range records {
		what := r.Source.Tool + ", " + string(r.Kind)
		if name := deviceOf(r.Body); name != "" && chip != nil {
			if wrong := other(name); wrong != "" {
				s.skip(what, fmt.Sprintf("measured on %s, the profile is for %s", name, t.Hardware))
				continue
			}
		}
		switch b := r.Body.(type) {
		case *ingest.Kernel:
			s.kernel(r, b, what)
		case *ingest.Memory:
			s.memory(r, b, what)
		case *ingest.Link:
			s.link(r, b, t, chip, what)
		case *ingest.Collective:
			s.collective(r, b, what)
		case *ingest.Storage:
			s.storage(r, b, t, what)
		case *ingest.Device:
			if r.Source.Tool == ProbeTool {
				s.facts = b
			} else {
				s.device = append(s.device, b)
			}
		case *ingest.Serving, *ingest.Request, *ingest.Event:
			s.skip(what, "a whole system's result: it checks a prediction (aisim validate), it fits no constant")
		default:
			s.skip(what, "speaks of no constant")
		}
	}
	return s
}

func deviceOf(b ingest.Body) string {
	switch x := b.(type) {
	case *ingest.Kernel:
		return x.Device
	case *ingest.Memory:
		return x.Device
	case *ingest.Collective:
		return x.Device
	case *ingest.Link:
		return x.Device
	case *ingest.Device:
		return x.Name
	}
	return ""
}

// otherChips tells names of devices that belong to another chip of the catalogue than id: the
// part of an id that names the model ("h100", "mi300x") stands as a word in what tools print.
func otherChips(id string) func(name string) string {
	model := func(id string) string {
		if w := strings.Split(id, "-"); len(w) > 1 {
			return w[1]
		}
		return ""
	}
	own := model(id)
	models := map[string]bool{}
	for _, e := range hardware.Default().Entries(hardware.KindAccelerator) {
		if m := model(e.ID); strings.ContainsAny(m, "0123456789") {
			models[m] = true
		}
	}
	return func(name string) string {
		words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9') })
		for _, w := range words {
			if w == own {
				return ""
			}
		}
		for _, w := range words {
			if models[w] {
				return w
			}
		}
		return ""
	}
}

// burnSize is the side of the matrices that gpu-burn multiplies (SIZE in gpu_burn-drv.cu).
const burnSize = 8192

func (s *sorted) kernel(r ingest.Record, k *ingest.Kernel, what string) {
	switch k.Class {
	case "gemm", "burn":
	case "host":
		if !(k.Bytes.V > 0) || !(k.DurationSec.V > 0) {
			s.skip(what, "no bytes or no time")
			return
		}
		s.host = append(s.host, &sample{group: "host " + k.Name, what: fmt.Sprintf("%g B", k.Bytes.V), sec: k.DurationSec.V, source: r.Source, body: k, dims: []dim{{"bytes", k.Bytes.V}}})
		return
	default:
		s.skip(what, "an operator of a whole program: its shape is not in the record")
		return
	}
	m, n, kk := k.M.V, k.N.V, k.K.V
	if k.Class == "burn" {
		m, n, kk = burnSize, burnSize, burnSize
	}
	switch {
	case !(m > 0 && n > 0 && kk > 0):
		s.skip(what, "the shape is not in the record")
		return
	case k.Batch.V > 1:
		s.skip(what, "a batched GEMM: no constant of its own")
		return
	}
	sec := k.DurationSec.V
	if !(sec > 0) && k.FlopPerSec.V > 0 {
		sec = 2 * m * n * kk / k.FlopPerSec.V
	}
	if !(sec > 0) {
		s.skip(what, "neither time nor rate")
		return
	}
	dt, err := hardware.ParseDType(strings.TrimSuffix(k.DType, " tensor"))
	if err != nil {
		s.skip(what, "no number format that is known in the record")
		return
	}
	if strings.Contains(k.DType, "block") {
		s.skip(what, "scaled by blocks: no constant of its own")
		return
	}
	group := "gemm " + dt.String()
	if k.Class == "burn" {
		group = "sustained " + dt.String()
	}
	shape := fmt.Sprintf("m=%g n=%g k=%g", m, n, kk)
	if k.Name != "gemm" && k.Class == "gemm" {
		shape += " " + k.Name
	}
	x := &sample{group: group, what: shape, sec: sec, source: r.Source, body: k, dims: []dim{{"m", m}, {"n", n}, {"k", kk}}}
	if r.Source.Tool == ProbeTool {
		call := *x
		call.group = k.Name + " " + dt.String()
		s.calls = append(s.calls, &call)
	}
	if !strings.HasSuffix(k.Name, " rectified") { // the curve is of operands without zeros
		s.kernels = append(s.kernels, x)
	}
}

// arrays is how many arrays each operation of STREAM moves.
var arrays = map[string]float64{"copy": 2, "scale": 2, "add": 3, "triad": 3}

// cachedMost is the largest traffic of one operation that probe makes inside the caches.
const cachedMost = 8 << 20

// unknownArrayBytes stands for the size of arrays that a tool does not print: large.
const unknownArrayBytes = 1e9

func (s *sorted) memory(r ingest.Record, m *ingest.Memory, what string) {
	n, ok := arrays[m.Op]
	if !ok || !(m.BytesPerSec.V > 0) {
		s.skip(what, "not copy, scale, add or triad, or no rate")
		return
	}
	bytes := n * m.ArrayBytes.Or(ingest.Is(unknownArrayBytes)).V
	group := "memory"
	if r.Source.Tool == ProbeTool && bytes <= cachedMost {
		group = "cache"
	}
	x := &sample{group: group, what: fmt.Sprintf("%s %s %g B", m.Op, m.Device, bytes), sec: bytes / m.BytesPerSec.V, source: r.Source, body: m, dims: []dim{{"bytes", bytes}}}
	if group == "cache" {
		s.cache = append(s.cache, x)
		return
	}
	// One operation is measured with several launch shapes: kernels are launched with the best.
	for i, y := range s.kernels {
		if y.group == x.group && y.what == x.what && y.dims[0] == x.dims[0] {
			if o := y.body.(*ingest.Memory); o.BlockThreads != m.BlockThreads && o.Threads == m.Threads {
				if x.sec < y.sec {
					s.kernels[i] = x
				}
				return
			}
		}
	}
	s.kernels = append(s.kernels, x)
}

// plainLink are the operations of perftest that move data one way at full rate.
func plainLink(op string) bool {
	return op == "write_bw" || op == "read_bw" || op == "send_bw" || op == "ib_write_bw" || op == "ib_read_bw" || op == "ib_send_bw"
}

func (s *sorted) link(r ingest.Record, l *ingest.Link, t Target, chip *hardware.Accelerator, what string) {
	gpu := func(end string) bool { return strings.HasPrefix(end, "gpu") && !strings.Contains(end, "all") }
	host := func(end string) bool {
		return strings.HasPrefix(end, "cpu") || strings.HasPrefix(end, "host")
	}
	add := func(group, shape string, bytes float64) {
		s.links = append(s.links, &sample{group: group, what: shape, sec: bytes / l.BytesPerSec.V, source: r.Source, body: l, dims: []dim{{"bytes", bytes}}})
	}
	switch {
	case !(l.BytesPerSec.V > 0):
		s.skip(what, "no rate")
	case l.Transport == "tcp" && r.Source.Tool == ProbeTool:
		s.host = append(s.host, &sample{group: "host " + l.Op, what: fmt.Sprintf("%g B", l.Bytes.V), sec: l.Bytes.V / l.BytesPerSec.V, source: r.Source, body: l, dims: []dim{{"bytes", l.Bytes.V}}})
	case l.Bidirectional:
		s.skip(what, "both directions at once: the line rate is one way")
	case plainLink(l.Op):
		if t.NICBytesPerSec <= 0 {
			s.skip(what, "the NIC's line rate is not known: give --nic, \"400 Gb/s\"")
			return
		}
		if l.Bytes.V < 1<<20 {
			s.skip(what, "below 1 MiB: the rate of the sender's CPU, not of the link")
			return
		}
		add("copy "+networkClass(l), fmt.Sprintf("%s %g B", l.Op, l.Bytes.V), l.Bytes.V)
	case chip == nil:
		s.skip(what, "no chip of the catalogue, no link to compare with")
	case host(l.From) && gpu(l.To) || gpu(l.From) && host(l.To):
		bytes := l.Bytes.Or(ingest.Is(64 << 20)).V // nvbandwidth's default buffer
		if bytes < 4<<20 {
			s.skip(what, "below 4 MiB: the start of a copy, not the link")
			return
		}
		if l.Engine == "sm" || strings.Contains(l.Under, "pageable") || strings.Contains(l.Under, "numa") {
			s.skip(what, "not the copy engine from pinned memory")
			return
		}
		add("host copy", fmt.Sprintf("%s %s>%s %s %g B", l.Op, l.From, l.To, l.Device, bytes), bytes)
	case gpu(l.From) && gpu(l.To) && l.From != l.To:
		bytes := l.Bytes.Or(ingest.Is(64 << 20)).V
		add("copy "+profile.LinkClass(chip.ScaleUpLink), fmt.Sprintf("%s %s>%s %s", l.Op, l.From, l.To, l.Engine), bytes)
	default:
		s.skip(what, "not between host and device or two devices one way")
	}
}

// networkClass is the class of the network that perftest ran on.
func networkClass(l *ingest.Link) string {
	if strings.Contains(strings.ToLower(l.Transport+" "+l.Device), "roce") {
		return "roce"
	}
	return "ib"
}

// collectiveOps are the operations that models exist for.
var collectiveOps = map[string]collective.Op{"all_reduce": collective.AllReduce, "all_gather": collective.AllGather, "reduce_scatter": collective.ReduceScatter,
	"alltoall": collective.AllToAll, "all_to_all": collective.AllToAll, "sendrecv": collective.SendRecv}

func (s *sorted) collective(r ingest.Record, c *ingest.Collective, what string) {
	op, known := collectiveOps[c.Op]
	switch {
	case !known:
		s.skip(what, fmt.Sprintf("operation %q: no constants of its own", c.Op))
	case c.Placement == "in-place":
		s.skip(what, "in place: the same calls out of place are used")
	case c.StartSec.Known:
		s.skip(what, "from a trace: shares the link with what runs beside it")
	case !(c.Bytes.V >= 8) || !(c.TimeSec.V > 0) || !(c.Ranks.V >= 2):
		s.skip(what, "size, time or number of ranks is not in the record, or the size is 0")
	case c.Nodes.V > 1:
		s.skip(what, "over several nodes: rails, switches and routes take part; compare with aisim validate collectives")
	case c.Wrong.V > 0:
		s.skip(what, "the tool found wrong results")
	default:
		s.collectives = append(s.collectives, &sample{group: c.Op, what: fmt.Sprintf("%g ranks %g B %s", c.Ranks.V, c.Bytes.V, c.DType),
			sec: c.TimeSec.V, source: r.Source, body: c, dims: []dim{{"ranks", c.Ranks.V}, {"bytes", c.Bytes.V}, {"op", float64(op)}}})
	}
}

// medianSD is the relative standard error of a median of probe, 0 where a record states none.
func medianSD(more []ingest.Field) float64 {
	var spread, repeats float64
	for _, f := range more {
		switch f.Name {
		case "spread":
			spread = f.Value.V
		case "repeats":
			repeats = f.Value.V
		}
	}
	return probe.Timing{Spread: spread, Repeats: int(repeats)}.MedianSD()
}

func (s *sorted) storage(r ingest.Record, x *ingest.Storage, t Target, what string) {
	if t.Drive == "" {
		s.skip(what, "which drive it was is not known: give --drive")
		return
	}
	if x.Op != "read" && x.Op != "write" {
		s.skip(what, "neither read nor write")
		return
	}
	random := strings.HasPrefix(x.Pattern, "rand")
	mixed := x.Pattern == "rw" || x.Pattern == "randrw" || x.Pattern == "readwrite"
	depth := math.Max(1, x.QueueDepth.Or(ingest.Is(1)).V) * math.Max(1, x.Workers.Or(ingest.Is(1)).V)
	block := x.BlockBytes.V
	add := func(quantity string, sec float64) {
		s.drives = append(s.drives, &sample{group: "drive " + x.Op + " " + quantity, what: fmt.Sprintf("%s block %g depth %g", x.Pattern, block, depth), sec: sec, source: r.Source, body: x,
			dims: []dim{{"block_bytes", block}, {"depth", depth}}, sd: medianSD(x.More)})
	}
	switch {
	case mixed:
		s.skip(what, "reads and writes mixed: neither is the drive's own limit")
	case !random && x.BytesPerSec.V > 0 && block >= 64<<10:
		add("bandwidth", 1/x.BytesPerSec.V)
	case random && block > 0 && block <= 16<<10 && depth >= 16 && x.OpsPerSec.V > 0:
		add("iops", 1/x.OpsPerSec.V)
	case random && block > 0 && block <= 16<<10 && depth == 1 && (x.LatencySec.Mean.V > 0 || x.OpsPerSec.V > 0):
		add("latency", x.LatencySec.Median.Or(x.LatencySec.Mean).Or(ingest.Is(1/x.OpsPerSec.V)).V)
	default:
		s.skip(what, "neither sequential in blocks of 64 KiB or more, nor random to 16 KiB at depth 1 or at 16 or more")
	}
}
