package ingest

import "strings"

// readFio reads fio --output-format=json. Latencies are in ns (slat_ns, clat_ns,
// lat_ns since 3.0; µs in slat, clat, lat before), bw in KiB/s, bw_bytes in B/s.
func readFio(f *feed, j *jsonReader) error {
	var t tree
	global := map[string]string{}
	return j.object(func(key string) error {
		switch key {
		case "fio version":
			v, err := j.value(&t)
			f.version = strings.TrimPrefix(v.str(), "fio-")
			return err
		case "global options":
			v, err := j.value(&t)
			v.each(func(c ref) { global[string(c.key())] = c.str() })
			return err
		case "jobs", "client_stats":
			return j.array(func() error {
				v, err := j.value(&t)
				if err == nil {
					fioJob(f, v, global)
				}
				return err
			})
		case "disk_util":
			return j.array(func() error {
				v, err := j.value(&t)
				if err == nil {
					fioDisk(f, v)
				}
				return err
			})
		}
		return j.skip()
	})
}

func fioJob(f *feed, v ref, global map[string]string) {
	option := func(key string) string {
		if o := v.get("job options", key); o.there() {
			return o.str()
		}
		return global[key]
	}
	for _, op := range []string{"read", "write", "trim", "sync"} {
		r := v.get(op)
		f.line = r.line()
		ios := f.of(r.get("total_ios"), "total_ios")
		bytes := f.of(r.any("io_bytes"), "io_bytes")
		if !bytes.Known { // fio 2: KiB
			bytes = f.of(r.any("io_kbytes"), "io_kbytes").Times(1024)
		}
		if !r.there() || (!ios.Known || ios.V == 0) && (!bytes.Known || bytes.V == 0) {
			continue // nothing of this kind was done
		}
		s := &Storage{Job: v.get("jobname").str(), Op: op, Pattern: option("rw"), Engine: option("ioengine"), Target: option("filename"),
			Bytes: bytes, Ops: ios, RuntimeSec: f.of(r.get("runtime"), "runtime").Times(1e-3), Errors: f.of(v.get("error"), "error"),
			OpsPerSec: f.of(r.get("iops"), "iops"), UserRatio: f.of(v.get("usr_cpu"), "usr_cpu").Times(0.01), SystemRatio: f.of(v.get("sys_cpu"), "sys_cpu").Times(0.01)}
		if s.Pattern == "" {
			s.Pattern = option("readwrite")
		}
		if s.Target == "" {
			s.Target = option("directory")
		}
		if bs := option("bs"); bs != "" {
			if i := strings.IndexByte(bs, ','); i >= 0 { // read,write,trim
				if part := strings.Split(bs, ","); op == "write" && len(part) > 1 {
					bs = part[1]
				} else {
					bs = part[0]
				}
			}
			s.BlockBytes = binarySize(bs)
		} else if bs := option("blocksize"); bs != "" {
			s.BlockBytes = binarySize(bs)
		}
		s.QueueDepth, _ = number([]byte(option("iodepth")))
		s.Workers, _ = number([]byte(option("numjobs")))
		s.BytesPerSec = f.of(r.get("bw_bytes"), "bw_bytes")
		if !s.BytesPerSec.Known {
			s.BytesPerSec = f.of(r.get("bw"), "bw").Times(1024)
		}
		d := Dist{Mean: r.get("bw_mean").num(), SD: r.get("bw_dev").num(), Min: r.get("bw_min").num(), Max: r.get("bw_max").num(), Count: r.get("bw_samples").num()}
		if d.Count.V > 0 {
			s.BytesPerSecDist = d.times(1024)
			s.OpsPerSecDist = Dist{Mean: r.get("iops_mean").num(), SD: r.get("iops_stddev").num(), Min: r.get("iops_min").num(), Max: r.get("iops_max").num(), Count: r.get("iops_samples").num()}
		}
		s.LatencySec, s.SubmitSec, s.CompleteSec = fioLatency(r, "lat"), fioLatency(r, "slat"), fioLatency(r, "clat")
		if s.Bytes.Known && s.RuntimeSec.Known && s.RuntimeSec.V > 0.1 && s.BytesPerSec.Known {
			if want := s.Bytes.V / s.RuntimeSec.V; want > 1.1*s.BytesPerSec.V || want < 0.9*s.BytesPerSec.V {
				f.wrong("contradiction: %s of job %s: %g bytes in %g s are %.4g B/s, bw_bytes is %.4g", op, s.Job, s.Bytes.V, s.RuntimeSec.V, want, s.BytesPerSec.V)
			}
		}
		f.emit(s)
	}
}

func fioLatency(r ref, name string) Dist {
	l, unit := r.get(name+"_ns"), 1e-9
	if !l.there() {
		l, unit = r.get(name), 1e-6
	}
	if !l.there() || l.get("max").num().V == 0 && l.get("mean").num().V == 0 {
		return Dist{}
	}
	d := Dist{Mean: l.get("mean").num(), SD: l.get("stddev").num(), Min: l.get("min").num(), Max: l.get("max").num(), Count: l.get("N").num()}
	l.get("percentile").each(func(c ref) {
		if p, err := parseFloat(c.key()); err == nil {
			d.add(p, c.num())
		}
	})
	return d.times(unit)
}

func fioDisk(f *feed, v ref) {
	c := &Counters{Object: "disk " + v.get("name").str()}
	v.each(func(x ref) {
		if n := x.num(); n.Known && string(x.key()) != "name" {
			unit := ""
			if string(x.key()) == "util" || string(x.key()) == "aggr_util" {
				n, unit = n.Times(0.01), "ratio"
			}
			c.Values = append(c.Values, Field{Name: string(x.key()), Value: n, Unit: unit})
		}
	})
	f.emitAt(v.line(), c)
}
