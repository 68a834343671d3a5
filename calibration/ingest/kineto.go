package ingest

import (
	"strings"

	"aisim/workloads/trace/execution"
)

// readKineto reads Chrome traces of PyTorch's profiler. Kernels, copies, operators and
// annotations become kernels; NCCL kernels with their newer arguments become
// collectives with size, group and duration. Times are µs, fractional in newer files;
// those since 1970 need a double, which they get.
func readKineto(f *feed, j *jsonReader) error {
	var t tree
	k := &kineto{feed: f, devices: map[string]string{}}
	if j.next() == '[' {
		return j.array(func() error { return k.next(j, &t) })
	}
	return j.object(func(key string) error {
		if key == "traceEvents" {
			return j.array(func() error { return k.next(j, &t) })
		}
		v, err := j.value(&t)
		if err != nil {
			return err
		}
		switch key {
		case "schemaVersion":
			f.version = "schema " + v.str()
		case "distributedInfo":
			k.rank, k.world = f.of(v.get("rank"), "rank"), f.of(v.get("world_size"), "world_size")
			f.line = v.line()
			f.emit(&Event{Key: "distributedInfo", Text: v.get("backend").str(), More: mlFields(nil, "", v)})
		case "deviceProperties":
			v.each(func(d ref) {
				k.devices[d.get("id").str()] = d.get("name").str()
				f.emitAt(d.line(), kinetoDevice(d))
			})
		case "baseTimeNanoseconds":
			if n := f.of(v, key); n.Known {
				f.emitAt(v.line(), &Event{Key: key, Value: n.Times(1e-9), Unit: "s"})
			}
		case "traceName":
			f.emitAt(v.line(), &Event{Key: key, Text: v.str()})
		}
		return nil
	})
}

type kineto struct {
	*feed
	devices     map[string]string
	rank, world Num
}

func kinetoDevice(d ref) *Device {
	o := &Device{Name: d.get("name").str(), Index: d.get("id").num(), MemTotalBytes: d.get("totalGlobalMem").num()}
	d.each(func(c ref) {
		switch string(c.key()) {
		case "name", "id", "totalGlobalMem":
		default:
			o.More = mlFields(o.More, string(c.key()), c)
		}
	})
	return o
}

func (k *kineto) next(j *jsonReader, t *tree) error {
	v, err := j.value(t)
	if err != nil {
		return err
	}
	k.event(v)
	if k.err != nil {
		return errStop
	}
	return nil
}

var kinetoClasses = map[string]string{"kernel": "kernel", "Kernel": "kernel", "gpu_memcpy": "memcpy", "Memcpy": "memcpy", "gpu_memset": "memset", "Memset": "memset",
	"cpu_op": "operator", "Operator": "operator", "cuda_runtime": "runtime", "Runtime": "runtime", "cuda_driver": "runtime", "hip_runtime": "runtime", "privateuse1_runtime": "runtime",
	"user_annotation": "annotation", "gpu_user_annotation": "gpu annotation", "cuda_sync": "sync", "python_function": "python", "mtia_ccp_events": "kernel", "overhead": "overhead"}

func (k *kineto) event(v ref) {
	if string(v.get("ph").raw()) != "X" {
		return // metadata, flows and marks
	}
	class, ok := kinetoClasses[string(v.get("cat").raw())]
	if !ok {
		return
	}
	k.line = v.line()
	name, args := v.get("name").str(), v.get("args")
	start, dur := k.of(v.get("ts"), "ts").Times(1e-6), k.of(v.get("dur"), "dur").Times(1e-6)
	if dur.Known && dur.V < 0 {
		k.wrong("the duration of %s is negative", clip([]byte(name)))
		return
	}
	device := k.devices[args.get("device").str()]
	low := name
	if len(low) > 256 {
		low = low[:256]
	}
	low = strings.ToLower(low)
	if class == "kernel" && strings.Contains(low, "nccl") || args.get("Collective name").there() {
		k.collective(name, class, device, start, dur, args)
		return
	}
	o := &Kernel{Name: name, Class: class, Device: device, StartSec: start, DurationSec: dur, Bytes: args.any("bytes", "Bytes").num(),
		Stream: args.get("stream").num(), Correlation: args.any("correlation", "External id", "external id").num(), Grid: intRef(args.get("grid")), Block: intRef(args.get("block")), Rank: k.rank}
	o.BytesPerSec = args.get("memory bandwidth (GB/s)").num().Times(1e9)
	if d := args.get("Input Dims"); d.len() > 0 {
		o.Shapes = string(d.compact(nil))
	}
	if d := args.any("Input type", "Input Types"); d.len() > 0 {
		o.Types = string(d.compact(nil))
	}
	for _, key := range []string{"est. achieved occupancy %", "registers per thread", "shared memory", "warps per SM", "blocks per SM", "kind"} {
		if x := args.get(key); x.there() {
			o.More = mlFields(o.More, key, x)
		}
	}
	if strings.HasPrefix(low, "nccl:") || strings.HasPrefix(low, "c10d::") || strings.HasPrefix(low, "record_param_comms") {
		for _, key := range []string{"Process Group Name", "Process Group Description", "Process Group Ranks", "Group size", "dtype", "Collective name", "In msg nelems", "Out msg nelems"} {
			if x := args.get(key); x.there() {
				o.More = mlFields(o.More, key, x)
			}
		}
	}
	k.emit(o)
}

// dtypeBytes are the sizes of elements as torch names the types.
var dtypeBytes = execution.DTypeBytes

// collective is a NCCL kernel. Bytes follow the nccl-tests convention: the larger of
// input and output, which is the whole buffer for gathers and scatters.
func (k *kineto) collective(name, class, device string, start, dur Num, args ref) {
	c := &Collective{Name: name, TimeSec: dur, StartSec: start, Device: device, Rank: k.rank, DType: strings.ToLower(args.get("dtype").str()),
		Group: args.get("Process Group Name").str(), Ranks: k.of(args.get("Group size"), "Group size")}
	if d := args.get("Process Group Description").str(); d != "" && d != c.Group {
		c.Group = strings.TrimSpace(c.Group + " " + d)
	}
	op := args.get("Collective name").str()
	if op == "" {
		op = name
		if i := strings.IndexByte(op, '('); i > 0 {
			op = op[:i]
		}
	}
	c.Op = opName(strings.ReplaceAll(strings.TrimPrefix(op, "_"), "base", ""))
	size := dtypeBytes[c.DType]
	in, out := k.of(args.get("In msg nelems"), "In msg nelems"), k.of(args.get("Out msg nelems"), "Out msg nelems")
	if size > 0 {
		c.InBytes, c.OutBytes = in.Times(size), out.Times(size)
		c.Bytes, c.Elements = c.InBytes, in
		if c.OutBytes.Known && (!c.Bytes.Known || c.OutBytes.V > c.Bytes.V) {
			c.Bytes, c.Elements = c.OutBytes, out
		}
	} else if c.DType != "" {
		k.wrong("unknown dtype %q of a collective: its size in bytes stays unknown", c.DType)
	}
	if class != "kernel" {
		c.Placement = class
	}
	if c.Bytes.Known && dur.Known && dur.V > 0 && class == "kernel" {
		c.AlgBytesPerSec = Is(c.Bytes.V / dur.V)
		c.BusBytesPerSec = c.AlgBytesPerSec.Times(busFactor(c.Op, c.Ranks))
		if !c.Ranks.Known {
			c.BusBytesPerSec = Num{}
		}
	}
	k.emit(c)
}

// busFactor is bus over algorithm bandwidth in nccl-tests.
func busFactor(op string, ranks Num) float64 {
	n := ranks.V
	if n < 2 {
		return 1
	}
	switch op {
	case "all_reduce":
		return 2 * (n - 1) / n
	case "all_gather", "reduce_scatter", "all_to_all", "gather", "scatter":
		return (n - 1) / n
	}
	return 1
}

func intRef(v ref) []int {
	if v.len() == 0 || v.len() > 8 {
		return nil
	}
	out := make([]int, 0, v.len())
	v.each(func(c ref) { out = append(out, int(c.num().V)) })
	return out
}

// readExecutionTrace reads PyTorch's execution trace: the operators of the host, with
// shapes, types and their place in the tree of calls.
func readExecutionTrace(f *feed, j *jsonReader) error {
	var t tree
	return j.object(func(key string) error {
		if key == "nodes" {
			return j.array(func() error {
				v, err := j.value(&t)
				if err != nil {
					return err
				}
				f.line = v.line()
				etNode(f, v)
				if f.err != nil {
					return errStop
				}
				return nil
			})
		}
		v, err := j.value(&t)
		if key == "schema" {
			f.version = "schema " + v.str()
		}
		return err
	})
}

func etNode(f *feed, v ref) {
	k := &Kernel{Name: v.get("name").str(), Class: "operator", ID: f.of(v.get("id"), "id"), Stream: v.get("tid").num()}
	inputs := v.get("inputs")
	shapes, types := v.get("input_shapes"), v.get("input_types")
	if inputs.isObject() { // schema 1.1: {values, shapes, types, strides}
		shapes, types = inputs.get("shapes"), inputs.get("types")
	}
	if shapes.len() > 0 {
		k.Shapes = string(shapes.compact(nil))
	}
	if types.len() > 0 {
		k.Types = string(types.compact(nil))
	}
	if p := v.any("parent", "ctrl_deps").num(); p.Known {
		k.Deps = []int64{int64(p.V)}
	}
	for _, key := range []string{"rf_id", "seq_id", "fw_parent"} {
		if n := v.get(key).num(); n.Known {
			k.More = append(k.More, Field{Name: key, Value: n})
		}
	}
	attrs := map[string]ref{}
	v.get("attrs").each(func(a ref) {
		name := a.get("name").str()
		attrs[name] = a.get("value")
		if a.get("value").str() != "" && name != "op_schema" {
			k.More = mlFields(k.More, name, a.get("value"))
		}
	})
	if c := attrs["collective_name"]; c.str() != "" { // of record_param_comms
		o := &Collective{Op: opName(c.str()), Name: k.Name, DType: strings.ToLower(attrs["dtype"].str()), Group: attrs["pg_name"].str(), Ranks: attrs["pg_size"].num().Or(attrs["group_size"].num())}
		size := dtypeBytes[o.DType]
		o.InBytes, o.OutBytes = attrs["in_msg_nelems"].num().Times(size), attrs["out_msg_nelems"].num().Times(size)
		if size == 0 {
			o.InBytes, o.OutBytes = Num{}, Num{}
		}
		o.Bytes = o.InBytes
		if o.OutBytes.Known && o.OutBytes.V > o.InBytes.V {
			o.Bytes = o.OutBytes
		}
		f.emit(o)
	}
	f.emit(k)
}
