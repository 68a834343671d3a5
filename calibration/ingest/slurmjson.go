package ingest

import (
	"strings"
)

// Slurm's JSON: squeue, sinfo, sdiag, sacct and slurmrestd of all versions. From
// data_parser v0.0.39 on, numbers are {set, infinite, number} and states are lists.

func isSlurm(s *shape) bool {
	return s.has("jobs") && s.holds("job_id") || s.has("nodes") && (s.holds("slurmd_version") || s.holds("real_memory") || s.holds("data_parser")) ||
		s.has("sinfo") || s.has("statistics") && s.holds("schedule_cycle_max") || s.has("meta") && (s.holds("Slurm") || s.holds("slurm"))
}

// slurmNum reads a number in both forms; what is not set, or infinite, is unknown.
func slurmNum(v ref) Num {
	if v.isObject() {
		if !v.get("set").truth() || v.get("infinite").truth() {
			return Num{}
		}
		return v.get("number").num()
	}
	return v.num()
}

// slurmTime is an instant; 0 is not yet.
func slurmTime(v ref) Num {
	if n := slurmNum(v); n.V > 0 {
		return n
	}
	return Num{}
}

func slurmText(v ref) string {
	if v.isArray() {
		var w []string
		v.each(func(c ref) { w = append(w, c.str()) })
		return strings.Join(w, ",")
	}
	return v.str()
}

func readSlurm(f *feed, j *jsonReader) error {
	var t tree
	each := func(read func(ref)) error {
		if j.next() != '[' {
			return j.skip()
		}
		return j.array(func() error {
			v, err := j.value(&t)
			if err != nil {
				return err
			}
			f.line = v.line()
			read(v)
			if f.err != nil {
				return errStop
			}
			return nil
		})
	}
	return j.object(func(key string) error {
		switch key {
		case "jobs":
			return each(func(v ref) { slurmJob(f, v) })
		case "nodes", "sinfo":
			return each(func(v ref) { slurmNode(f, v) })
		case "errors":
			return each(func(v ref) { f.wrong("Slurm reports: %s", clip(v.compact(nil))) })
		case "statistics":
			v, err := j.value(&t)
			if err == nil {
				f.line = v.line()
				slurmStats(f, v)
			}
			return err
		case "meta":
			v, err := j.value(&t)
			if r := firstText(v, "Slurm.release", "slurm.release"); r != "" {
				f.version = r
				f.last.Version = r // also where meta stands behind what it is about
			}
			return err
		}
		return j.skip()
	})
}

func slurmJob(f *feed, v ref) {
	j := &Job{ID: v.get("job_id").str(), Name: v.get("name").str(), User: v.any("user_name", "user").str(), Account: v.get("account").str(), Partition: v.get("partition").str(), QOS: v.get("qos").str(),
		State: slurmText(v.any("job_state")), Reason: v.get("state_reason").str(), NodeList: v.get("nodes").str(), ReqTRES: v.get("tres_req_str").str(), AllocTRES: v.get("tres_alloc_str").str(),
		SubmitSec: slurmTime(v.get("submit_time")), StartSec: slurmTime(v.get("start_time")), EndSec: slurmTime(v.get("end_time")),
		LimitSec: slurmNum(v.get("time_limit")).Times(60), Nodes: slurmNum(v.get("node_count")), CPUs: slurmNum(v.get("cpus")), Restarts: slurmNum(v.get("restart_cnt"))}
	if s := v.get("state"); j.State == "" { // sacct --json
		j.State = slurmText(s.get("current"))
		j.Reason = s.get("reason").str()
	}
	if tm := v.get("time"); tm.isObject() {
		j.SubmitSec, j.StartSec, j.EndSec = slurmTime(tm.get("submission")), slurmTime(tm.get("start")), slurmTime(tm.get("end"))
		j.ElapsedSec, j.LimitSec = slurmNum(tm.get("elapsed")), slurmNum(tm.get("limit")).Times(60)
		j.CPUSec = slurmNum(tm.get("total", "seconds"))
	}
	if r := v.get("required"); r.isObject() && !j.CPUs.Known {
		j.CPUs = slurmNum(r.get("CPUs"))
	}
	if !j.Nodes.Known {
		j.Nodes = slurmNum(v.get("allocation_nodes"))
	}
	if j.ReqTRES == "" {
		j.ReqTRES, j.AllocTRES = slurmTRES(v.get("tres", "requested")), slurmTRES(v.get("tres", "allocated"))
	}
	array := v.get("array_job_id")
	task := v.get("array_task_id")
	if a := v.get("array"); a.isObject() {
		array, task = a.get("job_id"), a.get("task_id")
	}
	if n := slurmNum(task); n.Known && slurmNum(array).V > 0 {
		j.ArrayTask = n.String()
	} else if s := v.get("array_task_string").str(); s != "" {
		j.ArrayTask = s
	}
	if a := slurmNum(array); a.V > 0 {
		j.More = append(j.More, Field{Name: "array_job_id", Value: a})
	}
	if e := v.get("exit_code"); e.there() {
		if c := slurmNum(e); c.Known {
			j.ExitCode = c.String()
		} else if c := slurmNum(e.get("return_code")); c.Known {
			j.ExitCode = c.String()
		}
	}
	f.tres(j)
	for _, m := range []struct {
		key  string
		unit float64
	}{{"memory_per_node", 1 << 20}, {"memory_per_cpu", 1 << 20}} {
		if n := slurmNum(v.get(m.key)); n.Known && n.V > 0 {
			j.More = append(j.More, Field{Name: m.key, Value: n.Times(m.unit), Unit: "B"})
		}
	}
	for _, key := range []string{"features", "dependency", "gres_detail", "licenses", "priority", "batch_host", "eligible_time", "preempt_time", "suspend_time"} {
		c := v.get(key)
		if n := slurmNum(c); n.Known {
			if n.V != 0 {
				j.More = append(j.More, Field{Name: key, Value: n})
			}
		} else if s := slurmText(c); s != "" && !c.isObject() {
			j.More = append(j.More, Field{Name: key, Text: s})
		}
	}
	if j.ID == "" {
		f.wrong("a job without job_id")
		return
	}
	f.emit(j)
}

// slurmTRES writes [{type, name, count}] as the usual list.
func slurmTRES(v ref) string {
	var w []string
	v.each(func(c ref) {
		name := c.get("type").str()
		if n := c.get("name").str(); n != "" {
			name += "/" + n
		}
		count := string(c.get("count").raw())
		if name == "mem" {
			count += "M"
		}
		w = append(w, name+"="+count)
	})
	return strings.Join(w, ",")
}

func slurmNode(f *feed, v ref) {
	if n := v.get("nodes"); n.isObject() { // sinfo --json of newer versions: groups of nodes
		e := &Edge{From: End{Type: "node", ID: strings.Trim(slurmText(n.get("nodes")), "[]")}, State: slurmText(v.get("node", "state")),
			CPUs: slurmNum(v.get("cpus", "total")), AllocatedCPUs: slurmNum(v.get("cpus", "allocated")), MemBytes: slurmNum(v.get("memory", "maximum")).Times(1 << 20),
			AllocatedMemBytes: slurmNum(v.get("memory", "allocated")).Times(1 << 20), Gres: v.get("gres", "total").str(), GresUsed: v.get("gres", "used").str()}
		e.More = append(e.More, Field{Name: "partition", Text: v.get("partition", "name").str()}, Field{Name: "nodes", Value: slurmNum(n.get("total"))})
		f.emit(e)
		return
	}
	e := &Edge{From: End{Type: "node", ID: v.get("name").str(), Name: v.get("hostname").str()}, State: strings.ToLower(slurmText(v.get("state"))), CPUs: slurmNum(v.get("cpus")),
		AllocatedCPUs: slurmNum(v.get("alloc_cpus")), MemBytes: slurmNum(v.get("real_memory")).Times(1 << 20), AllocatedMemBytes: slurmNum(v.get("alloc_memory")).Times(1 << 20),
		FreeMemBytes: slurmNum(v.any("free_memory", "free_mem")).Times(1 << 20), Gres: v.get("gres").str(), GresUsed: v.get("gres_used").str()}
	if s := slurmText(v.get("state_flags")); s != "" {
		e.State += "+" + strings.ToLower(s)
	}
	for _, key := range []string{"partitions", "features", "reason", "tres", "tres_used", "architecture", "operating_system"} {
		if s := slurmText(v.get(key)); s != "" {
			e.More = append(e.More, Field{Name: key, Text: s})
		}
	}
	for _, key := range []string{"sockets", "cores", "threads", "cpu_load", "boot_time", "slurmd_start_time", "last_busy", "reason_changed_at", "weight"} {
		if n := slurmNum(v.get(key)); n.Known {
			if key == "cpu_load" { // in hundredths
				n = n.Times(0.01)
			}
			e.More = append(e.More, Field{Name: key, Value: n})
		}
	}
	if e.From.ID == "" {
		f.wrong("a node without name")
		return
	}
	f.emit(e)
}

// slurmStats is sdiag: cycle times are µs, total_time and average_time too.
func slurmStats(f *feed, v ref) {
	c := &Counters{Object: "slurmctld"}
	var walk func(name string, v ref)
	walk = func(name string, v ref) {
		if n := slurmNum(v); n.Known {
			fl := Field{Name: name, Value: n}
			last := name[strings.LastIndexByte(name, '.')+1:]
			switch last {
			case "schedule_cycle_max", "schedule_cycle_last", "schedule_cycle_mean", "schedule_cycle_sum", "bf_cycle_mean", "bf_cycle_last", "bf_cycle_max", "bf_cycle_sum", "gettimeofday_latency":
				fl.Value, fl.Unit = n.Times(1e-6), "s"
			}
			c.Values = append(c.Values, fl)
			return
		}
		if v.isObject() && !v.get("set").there() {
			v.each(func(x ref) { walk(name+"."+string(x.key()), x) })
		}
	}
	v.each(func(x ref) {
		key := string(x.key())
		if !x.isArray() {
			walk(key, x)
		}
	})
	f.emit(c)
	for _, list := range []string{"rpcs_by_message_type", "rpcs_by_user"} {
		v.get(list).each(func(r ref) {
			o := &Counters{Object: "rpc " + r.any("message_type", "user").str()}
			for _, key := range []string{"count", "queued", "dropped"} {
				if n := slurmNum(r.get(key)); n.Known {
					o.Values = append(o.Values, Field{Name: key, Value: n})
				}
			}
			for _, key := range []string{"total_time", "average_time", "cycle_last", "cycle_max"} {
				if n := slurmNum(r.get(key)); n.Known {
					o.Values = append(o.Values, Field{Name: key, Value: n.Times(1e-6), Unit: "s"})
				}
			}
			f.emitAt(r.line(), o)
		})
	}
}
