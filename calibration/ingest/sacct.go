package ingest

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"
)

// sacct reads `sacct --parsable2` (or --parsable) with any delimiter. With a header
// the columns are found by name. Without one (--noheader) they are found by their
// form: the state, then submit, start and end, limit and elapsed behind it, and
// before it the order of the usual long listing.
type sacct struct {
	*feed
	delim string
	col   map[string]int
	n     int
	bare  bool
	more  []string // columns without a place of their own that are there; nil: not looked for yet
}

// sacctMore are the columns that go to More.
var sacctMore = []string{"averss", "maxvmsize", "consumedenergyraw", "avecpu", "ntasks", "cputime", "usercpu", "systemcpu", "maxdiskread", "maxdiskwrite", "comment", "constraints"}

var sacctStates = [][]byte{[]byte("COMPLETED"), []byte("CANCELLED"), []byte("FAILED"), []byte("TIMEOUT"), []byte("RUNNING"), []byte("PENDING"), []byte("NODE_FAIL"),
	[]byte("OUT_OF_MEMORY"), []byte("PREEMPTED"), []byte("REQUEUED"), []byte("SUSPENDED"), []byte("BOOT_FAIL"), []byte("DEADLINE")}

// sacctInstant tells 2024-04-04T21:45:17, and the words for none.
func sacctInstant(s string) bool {
	const form = "0000-00-00T00:00:00"
	if s == "None" || s == "Unknown" {
		return true
	}
	if len(s) != len(form) {
		return false
	}
	for i := range len(form) {
		if form[i] == '0' && (s[i] < '0' || s[i] > '9') || form[i] != '0' && s[i] != form[i] {
			return false
		}
	}
	return true
}

func sacctHeader(line []byte) bool {
	return bytes.HasPrefix(line, []byte("JobID")) && bytes.Contains(line, []byte("State"))
}

func startsSacct(line []byte) bool {
	if sacctHeader(line) && !bytes.Contains(line, []byte("=")) {
		return sacctDelim(line, 5) != ""
	}
	if len(line) < 40 || line[0] < '0' || line[0] > '9' {
		return false
	}
	d := sacctDelim(line, 0)
	if d == "" || d == ":" || bytes.Count(line, []byte(d)) < 6 {
		return false
	}
	for _, s := range sacctStates {
		if i := bytes.Index(line, s); i > 0 {
			return bytes.Contains(line, []byte("T")) && bytes.Contains(line, []byte(":"))
		}
	}
	return false
}

// sacctDelim is the first character that no job number holds.
func sacctDelim(line []byte, from int) string {
	for i := from; i < len(line); {
		r, k := utf8.DecodeRune(line[i:])
		word := r >= '0' && r <= '9' || r == '_' || r == '.' || r == '+' || r == '[' || r == ']' || r == '-' || r == '%' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !word {
			if r == ' ' || r == utf8.RuneError {
				return ""
			}
			return string(r)
		}
		i += k
	}
	return ""
}

func openSacct(f *feed) lineReader { return &sacct{feed: f} }

func (s *sacct) end() {}

func (s *sacct) take(line []byte) bool {
	if len(line) == 0 {
		return true
	}
	if sacctHeader(line) {
		s.delim = sacctDelim(line, 5)
		s.col, s.bare, s.more = map[string]int{}, false, nil
		names := strings.Split(strings.TrimSuffix(string(line), s.delim), s.delim)
		for i, n := range names {
			s.col[strings.ToLower(strings.TrimSpace(n))] = i
		}
		s.n = len(names)
		return true
	}
	if line[0] < '0' || line[0] > '9' {
		return false
	}
	if s.col == nil {
		s.delim = sacctDelim(line, 0)
		if s.delim == "" {
			return false
		}
	}
	row := strings.Split(string(line), s.delim)
	if s.col == nil {
		if !s.guess(row) {
			return false
		}
	}
	if len(row) < s.n || len(row) > s.n+1 {
		s.wrong("expected %d fields between %q, found %d: a cut line, or the delimiter stands in a name", s.n, s.delim, len(row))
		return true
	}
	s.job(row)
	return true
}

// guess finds the columns of a listing without header.
func (s *sacct) guess(row []string) bool {
	state := -1
	for i, c := range row {
		for _, st := range sacctStates {
			if strings.HasPrefix(c, string(st)) && state < 0 {
				state = i
			}
		}
	}
	if state < 0 || state+3 >= len(row) || !sacctInstant(row[state+1]) || !sacctInstant(row[state+2]) || !sacctInstant(row[state+3]) {
		return false
	}
	s.col = map[string]int{"jobid": 0, "state": state, "submit": state + 1, "start": state + 2, "end": state + 3}
	if state == 8 && len(row) >= 23 {
		for i, n := range []string{"jobid", "jobname", "user", "partition", "nodelist", "nnodes", "ncpus", "ntasks", "state", "submit", "start", "end", "timelimit", "elapsed", "totalcpu",
			"cputime", "usercpu", "systemcpu", "reqmem", "maxrss", "maxvmsize", "reqtres", "alloctres"} {
			s.col[n] = i
		}
	}
	s.n, s.bare = len(row), true
	s.wrong("sacct has no header (--noheader): columns are taken by their form, JobID first and Submit, Start, End behind State; leave the header in to be sure")
	return true
}

func (s *sacct) job(row []string) {
	get := func(names ...string) string {
		for _, n := range names {
			if i, ok := s.col[n]; ok && i < len(row) && strings.TrimSpace(row[i]) != "" {
				return strings.TrimSpace(row[i])
			}
		}
		return ""
	}
	j := &Job{Name: get("jobname"), User: get("user"), Account: get("account"), Partition: get("partition"), QOS: get("qos"), State: get("state"), ExitCode: get("exitcode"),
		NodeList: get("nodelist"), Reason: get("reason"), ReqTRES: get("reqtres"), AllocTRES: get("alloctres")}
	if j.NodeList == "None assigned" {
		j.NodeList = ""
	}
	j.State, j.CancelledBy, _ = strings.Cut(j.State, " by ")
	j.State = strings.TrimSuffix(j.State, "+") // cut by the width of a table
	id := get("jobid", "jobidraw")
	id, j.Step, _ = strings.Cut(id, ".")
	j.ID, j.ArrayTask, _ = strings.Cut(id, "_")
	instant := func(name string) string {
		v := get(name)
		if v == "None" || v == "Unknown" || v == "N/A" {
			return ""
		}
		if v != "" && !sacctInstant(v) && !isDigits([]byte(v)) {
			s.wrong("%s: expected a time as in 2024-04-04T21:45:17, found %q", name, v)
			return ""
		}
		return v
	}
	j.SubmitLocal, j.StartLocal, j.EndLocal = instant("submit"), instant("start"), instant("end")
	dur := func(names ...string) Num {
		v := get(names...)
		n, ok := slurmDuration(v)
		if !ok {
			s.wrong("%s: expected a duration as in 1-05:50:00, found %q", names[0], v)
		}
		return n
	}
	j.ElapsedSec = dur("elapsed")
	if r := get("elapsedraw"); r != "" {
		j.ElapsedSec = s.num([]byte(r), "ElapsedRaw")
	}
	if r := get("timelimitraw"); r == "Partition_Limit" || r == "UNLIMITED" {
	} else if r != "" {
		j.LimitSec = s.num([]byte(r), "TimelimitRaw").Times(60)
	} else if v := get("timelimit"); v != "Partition_Limit" && v != "UNLIMITED" {
		j.LimitSec = dur("timelimit")
	}
	j.CPUSec = dur("totalcpu")
	if get("totalcpu") == "00:00:00" && j.ElapsedSec.V > 60 { // not accounted, not nothing
		j.CPUSec = Num{}
	}
	j.Nodes, j.CPUs = s.num([]byte(get("nnodes", "allocnodes")), "NNodes"), s.num([]byte(get("ncpus", "alloccpus")), "NCPUS")
	j.MaxRSSBytes = slurmSize(get("maxrss"))
	s.tres(j)
	if m := get("reqmem"); m != "" && !j.MemBytes.Known {
		j.MemBytes = slurmSize(m)
	}
	if s.more == nil {
		s.more = []string{}
		for _, n := range sacctMore {
			if _, ok := s.col[n]; ok {
				s.more = append(s.more, n)
			}
		}
	}
	for _, n := range s.more {
		if v := get(n); v != "" {
			if d, ok := slurmDuration(v); ok && strings.Contains(v, ":") {
				j.More = append(j.More, Field{Name: n, Value: d, Unit: "s"})
			} else if b := slurmSize(v); b.Known && !isDigits([]byte(v)) {
				j.More = append(j.More, Field{Name: n, Value: b, Unit: "B"})
			} else if f, ok := fieldOf(n, []byte(v)); ok {
				j.More = append(j.More, f)
			}
		}
	}
	s.emit(j)
}

// tres takes GPUs and memory from "cpu=8,gres/gpu:v100=1,gres/gpu=1,mem=10G,node=1";
// what was allocated goes before what was asked for.
func (f *feed) tres(j *Job) {
	list := j.AllocTRES
	if list == "" {
		list = j.ReqTRES
	}
	typed := 0.0
	for _, p := range strings.Split(list, ",") {
		k, v, ok := strings.Cut(p, "=")
		if !ok {
			continue
		}
		switch {
		case k == "gres/gpu":
			j.GPUs = f.num([]byte(v), k)
		case strings.HasPrefix(k, "gres/gpu:"):
			if j.GPUType != "" {
				j.GPUType += ","
			}
			j.GPUType += strings.TrimPrefix(k, "gres/gpu:")
			typed += f.num([]byte(v), k).V
		case k == "mem":
			j.MemBytes = slurmSize(v)
		case k == "cpu" && !j.CPUs.Known:
			j.CPUs = f.num([]byte(v), k)
		case k == "node" && !j.Nodes.Known:
			j.Nodes = f.num([]byte(v), k)
		}
	}
	if typed > 0 {
		if j.GPUs.Known && j.GPUs.V != typed {
			f.wrong("contradiction: job %s has gres/gpu=%g, its types add up to %g", j.ID, j.GPUs.V, typed)
		}
		j.GPUs = j.GPUs.Or(Is(typed))
	}
}

// slurmDuration reads [D-]HH:MM:SS, MM:SS.mmm; "" and what is not limited is unknown.
func slurmDuration(s string) (Num, bool) {
	switch s {
	case "", "UNLIMITED", "Partition_Limit", "INVALID", "Unknown", "N/A", "None":
		return Num{}, true
	}
	days := 0.0
	if d, rest, ok := strings.Cut(s, "-"); ok {
		v, err := parseFloat([]byte(d))
		if err != nil {
			return Num{}, false
		}
		days, s = v, rest
	}
	total := 0.0
	parts := strings.Split(s, ":")
	if len(parts) > 3 || len(parts) == 1 && days == 0 {
		return Num{}, false
	}
	for _, p := range parts {
		v, err := parseFloat([]byte(p))
		if err != nil || v < 0 {
			return Num{}, false
		}
		total = total*60 + v
	}
	if days > 0 { // D-HH, D-HH:MM
		for range 3 - len(parts) {
			total *= 60
		}
	}
	return Is(days*86400 + total), true
}

// slurmSize reads 199G, 125000M, 80K; powers of 1024. Of old versions' 4Gc and 32Gn,
// per CPU and per node, the letter is dropped.
func slurmSize(s string) Num {
	s = strings.TrimRight(s, "cn")
	if s == "" {
		return Num{}
	}
	return binarySize(s)
}

// scontrol reads `scontrol show job`, one job a line (-o) or a block.
type scontrol struct {
	*feed
	kv    map[string]string
	line0 int
}

func startsScontrol(line []byte) bool {
	return bytes.HasPrefix(line, []byte("JobId=")) && bytes.Contains(line, []byte(" JobName=")) || bytes.HasPrefix(line, []byte("JobId=")) && bytes.Contains(line, []byte("ArrayJobId="))
}

func openScontrol(f *feed) lineReader { return &scontrol{feed: f} }

var scontrolKey = regexp.MustCompile(`(?:^|\s)([A-Za-z][A-Za-z0-9/:_]*)=`)

func (s *scontrol) take(line []byte) bool {
	if startsScontrol(line) {
		s.end()
		s.kv, s.line0 = map[string]string{}, s.line
	} else if len(line) == 0 {
		s.end()
		return true
	} else if s.kv == nil || line[0] != ' ' {
		return false
	}
	text := string(line)
	keys := scontrolKey.FindAllStringSubmatchIndex(text, -1)
	for i, k := range keys {
		to := len(text)
		if i+1 < len(keys) {
			to = keys[i+1][0]
		}
		if v := strings.TrimSpace(text[k[1]:to]); v != "(null)" && v != "None" && v != "N/A" && v != "Unknown" {
			s.kv[text[k[2]:k[3]]] = v
		}
	}
	return true
}

func (s *scontrol) end() {
	if s.kv == nil {
		return
	}
	k := s.kv
	s.kv = nil
	user, _, _ := strings.Cut(k["UserId"], "(")
	j := &Job{ID: k["JobId"], Name: k["JobName"], User: user, Account: k["Account"], Partition: k["Partition"], QOS: k["QOS"], State: k["JobState"], Reason: k["Reason"], ExitCode: k["ExitCode"],
		SubmitLocal: k["SubmitTime"], StartLocal: k["StartTime"], EndLocal: k["EndTime"], NodeList: k["NodeList"], AllocTRES: k["TRES"], ArrayTask: k["ArrayTaskId"]}
	if a := k["AllocTRES"]; a != "" {
		j.AllocTRES = a
	}
	j.ReqTRES = k["ReqTRES"]
	if a := k["ArrayJobId"]; a != "" {
		j.More = append(j.More, Field{Name: "ArrayJobId", Text: a})
	}
	at := s.line
	s.line = s.line0
	var ok bool
	if j.ElapsedSec, ok = slurmDuration(k["RunTime"]); !ok {
		s.wrong("RunTime: expected a duration as in 1-05:50:00, found %q", k["RunTime"])
	}
	if j.LimitSec, ok = slurmDuration(k["TimeLimit"]); !ok {
		s.wrong("TimeLimit: expected a duration as in 1-05:50:00, found %q", k["TimeLimit"])
	}
	n, _, _ := strings.Cut(k["NumNodes"], "-")
	j.Nodes, j.CPUs, j.Restarts = s.num([]byte(n), "NumNodes"), s.num([]byte(k["NumCPUs"]), "NumCPUs"), s.num([]byte(k["Restarts"]), "Restarts")
	s.tres(j)
	s.emit(j)
	s.line = at
}
