package ingest

import (
	"bytes"
	"encoding/csv"
	"strings"
)

// readNCCLJSON reads nccl-tests -J. Booleans and NaN are strings there, the root is
// padded with blanks, nwrong is null without checks.
func readNCCLJSON(f *feed, j *jsonReader) error {
	var t tree
	op, device := "", ""
	ranks, nodes := Num{}, Num{}
	seen, hosts := map[string]bool{}, map[string]bool{}
	return j.object(func(key string) error {
		switch key {
		case "results":
			return j.array(func() error {
				r, err := j.value(&t)
				if err != nil {
					return err
				}
				f.line = r.line()
				ncclResult(f, r, op, device, ranks, nodes)
				return f.err
			})
		case "args", "config", "devices", "version", "nccl_version", "out_of_bounds", "errors":
		default:
			return j.skip()
		}
		v, err := j.value(&t)
		if err != nil {
			return err
		}
		switch key {
		case "args":
			v.each(func(a ref) {
				if o := ncclOp(a.raw()); o != "" {
					op = o
				}
			})
			if o := ncclOp(v.raw()); o != "" {
				op = o
			}
		case "version":
			f.version = v.str()
		case "devices":
			v.each(func(d ref) {
				seen[d.get("rank").str()] = true
				if h := d.get("hostname").str(); h != "" {
					hosts[h] = true
				}
				name := d.any("device_info", "device_name", "name").str()
				if device == "" {
					device = name
				} else if name != device && name != "" {
					f.wrongAt(d.line(), "the ranks run on different devices, %s and %s: the records name the first", device, name)
				}
			})
			ranks = Is(float64(len(seen)))
			if len(hosts) > 0 {
				nodes = Is(float64(len(hosts)))
			}
		case "out_of_bounds":
			if n := v.get("count").num(); n.Known && n.V > 0 {
				f.wrongAt(v.line(), "nccl-tests found wrong results: %g values out of bounds", n.V)
			}
		case "errors":
			v.each(func(e ref) { f.wrongAt(e.line(), "the test reports: %s", clip(e.compact(nil))) })
		}
		return nil
	})
}

func ncclResult(f *feed, r ref, op, device string, ranks, nodes Num) {
	if o := opName(r.get("experiment_name").str()); op == "" {
		op = o
	}
	base := Collective{Op: op, Device: device, Ranks: ranks, Nodes: nodes, Bytes: f.of(r.get("size"), "size"), Elements: f.of(r.get("count"), "count"),
		DType: intern(r.get("type").raw()), RedOp: strings.TrimSpace(r.get("redop").str())}
	if base.RedOp == "none" {
		base.RedOp = ""
	}
	if root := f.of(r.get("root"), "root"); root.Known && root.V >= 0 {
		base.Root = root
	}
	for _, place := range []string{"out_of_place", "in_place"} {
		p := r.get(place)
		if !p.isObject() {
			continue
		}
		c := base
		c.Placement = strings.ReplaceAll(place, "_", "-")
		c.TimeSec = f.of(p.any("time", "cpu_time"), "time").Times(1e-6)
		c.AlgBytesPerSec = f.of(p.get("alg_bw"), "alg_bw").Times(1e9)
		c.BusBytesPerSec = f.of(p.get("bus_bw"), "bus_bw").Times(1e9)
		c.Wrong = f.of(p.get("nwrong"), "nwrong")
		it := p.get("per_iter")
		if !it.there() {
			it = r.get(place + "_per_iter")
		}
		if it.there() {
			d := Dist{Mean: it.get("avg_us").num(), Min: it.get("min_us").num(), Max: it.get("max_us").num(), SD: it.get("stdev_us").num()}
			for _, q := range []struct {
				p   float64
				key string
			}{{50, "p50_us"}, {95, "p95_us"}, {99, "p99_us"}} {
				d.add(q.p, it.get(q.key).num())
			}
			if n := it.get("times_us").len(); n > 0 {
				d.Count = Is(float64(n))
			}
			c.TimesSec = d.times(1e-6)
		}
		(&nccl{feed: f}).consistent(&c)
		f.emitAt(p.line(), &c)
	}
}

// readRCCLJSON reads a line of rccl-tests -Z json.
func readRCCLJSON(f *feed, j *jsonReader) error {
	var t tree
	one := func() error {
		r, err := j.value(&t)
		if err == nil {
			f.line = r.line()
			rcclRecord(f, func(keys ...string) []byte { return bytes.TrimSpace(r.any(keys...).raw()) })
		}
		return err
	}
	if j.next() == '[' {
		return j.array(one)
	}
	return one()
}

func rcclRecord(f *feed, get func(...string) []byte) {
	c := &Collective{Op: opName(string(get("name", "collective"))), Bytes: f.num(get("size"), "size"), DType: intern(get("type")),
		RedOp: string(get("redop")), Ranks: f.num(get("ranks", "nranks", "gpus"), "gpus"), Nodes: f.num(get("nodes", "nnodes"), "nodes"),
		TimeSec: f.num(get("time(us)", "time", "time (us)"), "time").Times(1e-6), AlgBytesPerSec: f.num(get("algBw", "algbw", "algBw(GB/s)"), "algBw").Times(1e9),
		BusBytesPerSec: f.num(get("busBw", "busbw", "busBw(GB/s)"), "busBw").Times(1e9), Wrong: f.num(get("#wrong", "wrong"), "#wrong")}
	if c.RedOp == "none" {
		c.RedOp = ""
	}
	switch string(get("inPlace", "inplace")) {
	case "0", "false":
		c.Placement = "out-of-place"
	case "1", "true":
		c.Placement = "in-place"
	}
	(&nccl{feed: f}).consistent(c)
	f.emit(c)
}

// rcclCSV reads rccl-tests -Z csv.
type rcclCSV struct {
	*feed
	head []string
}

func startsRCCLCSV(line []byte) bool {
	if bytes.IndexByte(line, ',') <= 0 || len(line) > 1000 || !bytes.Contains(line, []byte("usBw")) && !bytes.Contains(line, []byte("usbw")) {
		return false
	}
	line = bytes.ToLower(line)
	return bytes.Contains(line, []byte("busbw")) && bytes.Contains(line, []byte("algbw")) && bytes.Contains(line, []byte("size"))
}

func openRCCLCSV(f *feed) lineReader { return &rcclCSV{feed: f} }

func (c *rcclCSV) end() {}

func (c *rcclCSV) take(line []byte) bool {
	if startsRCCLCSV(line) {
		c.head = splitCSV(line)
		return true
	}
	if bytes.Count(line, []byte{','}) < len(c.head)-1 {
		if len(line) > 0 && bytes.IndexByte(line, ',') > 0 {
			c.wrong("expected %d columns as in the header, found %d: the line is cut", len(c.head), bytes.Count(line, []byte{','})+1)
		}
		return len(line) == 0
	}
	row := splitCSV(line)
	if len(row) != len(c.head) {
		c.wrong("expected %d columns as in the header, found %d: a decimal comma or a cut line", len(c.head), len(row))
		return true
	}
	rcclRecord(c.feed, func(keys ...string) []byte {
		for _, k := range keys {
			for i, h := range c.head {
				if strings.EqualFold(h, k) {
					return []byte(row[i])
				}
			}
		}
		return nil
	})
	return true
}

// splitCSV cuts one line of CSV and trims the cells.
func splitCSV(line []byte) []string {
	var row []string
	if bytes.IndexByte(line, '"') >= 0 {
		r := csv.NewReader(bytes.NewReader(line))
		r.LazyQuotes, r.FieldsPerRecord, r.TrimLeadingSpace = true, -1, true
		if got, err := r.Read(); err == nil {
			row = got
		}
	}
	if row == nil {
		row = strings.Split(string(line), ",")
	}
	for i := range row {
		row[i] = strings.TrimSpace(row[i])
	}
	return row
}
