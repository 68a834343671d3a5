package jobs

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"aisim/workloads/trace"
)

// ReadFile reads the trace at path, in the layout that its first lines show.
func ReadFile(path string, lim Limits) (*Trace, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	defer f.Close()
	return Read(f, path, lim)
}

// Read reads a trace; name is used in messages.
func Read(r io.Reader, name string, lim Limits) (*Trace, error) {
	z, done, err := trace.Decompressed(r)
	if err != nil {
		return nil, &Error{File: name, Line: 1, Msg: "compressed input cannot be read", Err: err}
	}
	defer done()
	br := bufio.NewReaderSize(z, 1<<16)
	head, _ := br.Peek(1 << 12)
	in := &input{name: name, lim: lim.orDefault(), t: &Trace{Name: name, Unit: "gpu"}}
	first, _, _ := bytes.Cut(bytes.TrimPrefix(head, []byte("\ufeff")), []byte("\n"))
	switch line := strings.TrimRight(string(first), "\r"); {
	case len(bytes.TrimSpace(head)) == 0:
		return nil, &Error{File: name, Line: 1, Msg: "empty file", Hint: "SWF, sacct --parsable2, Gavel or CSV with a header is wanted", Err: ErrEmpty}
	case strings.HasPrefix(line, ";") || len(strings.Fields(line)) == 18 && !strings.ContainsAny(line, ",|\t"):
		err = in.swf(br)
	case strings.Count(line, "|") >= 3:
		err = in.csv(br, '|')
	case strings.Count(line, "\t") >= 6:
		err = in.gavel(br)
	default:
		err = in.csv(br, ',')
	}
	if err != nil {
		return nil, err
	}
	t := in.t
	t.Tenants, t.Queues = in.tenants.names, in.queues.names
	if len(t.Jobs) == 0 {
		return nil, &Error{File: name, Line: in.line, Msg: fmt.Sprintf("no job in it ran (%d lines were left out)", t.Skipped), Err: ErrEmpty}
	}
	t.sorted()
	if span := t.Jobs[len(t.Jobs)-1].SubmitSec; span > in.lim.SpanSec {
		return nil, &Error{File: name, Line: 1, Msg: fmt.Sprintf("submissions span %.3g years", span/(365.25*86400)), Hint: "are the times seconds?"}
	}
	return t, nil
}

// input is a trace that is being read.
type input struct {
	name            string
	lim             Limits
	t               *Trace
	line            int
	tenants, queues intern
}

func (in *input) errorf(hint, format string, args ...any) error {
	return &Error{File: in.name, Line: in.line, Msg: fmt.Sprintf(format, args...), Hint: hint}
}

// add checks a job and takes it.
func (in *input) add(j Job) error {
	switch {
	case math.IsNaN(j.SubmitSec) || math.IsInf(j.SubmitSec, 0):
		return in.errorf("", "the submit time is no finite number")
	case !(j.RunSec >= 0) || math.IsInf(j.RunSec, 0):
		return in.errorf("a duration in seconds, 0 or more", "duration %v", j.RunSec)
	case !(j.WallSec >= 0) || math.IsInf(j.WallSec, 0):
		return in.errorf("a limit in seconds, 0 or none for no limit", "time limit %v", j.WallSec)
	case j.GPUs < 0 || j.GPUs > in.lim.GPUs:
		return in.errorf(fmt.Sprintf("0 to %d", in.lim.GPUs), "%d GPUs or nodes", j.GPUs)
	case len(in.t.Jobs) >= in.lim.Jobs:
		return in.errorf("split the trace", "more than %d jobs", in.lim.Jobs)
	case j.RunSec == 0 || j.GPUs == 0:
		in.t.Skipped++
		return nil
	}
	in.t.Jobs = append(in.t.Jobs, j)
	return nil
}

// swf reads the 18 fields of the Standard Workload Format; -1 means unknown.
func (in *input) swf(r io.Reader) error {
	in.t.Unit = "processor"
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 1<<16), in.lim.LineBytes)
	var f [18]float64
	for s.Scan() {
		in.line++
		line := bytes.TrimSpace(s.Bytes())
		if len(line) == 0 || line[0] == ';' {
			continue
		}
		n := 0
		for len(line) > 0 && n < len(f) {
			end := bytes.IndexAny(line, " \t")
			if end < 0 {
				end = len(line)
			}
			v, err := strconv.ParseFloat(string(line[:end]), 64)
			if err != nil {
				return in.errorf("SWF has 18 numbers a line, -1 for unknown", "field %d is %q", n+1, line[:end])
			}
			f[n] = v
			n++
			line = bytes.TrimLeft(line[end:], " \t")
		}
		if n != 18 {
			return in.errorf("SWF has 18 numbers a line, -1 for unknown", "%d fields", n)
		}
		procs := f[4]
		if procs <= 0 {
			procs = f[7]
		}
		if f[1] < 0 {
			return in.errorf("seconds since the log's start", "submit time %v", f[1])
		}
		if f[3] <= 0 || procs <= 0 {
			in.t.Skipped++ // cancelled before it started
			continue
		}
		if procs > float64(in.lim.GPUs) {
			return in.errorf(fmt.Sprintf("at most %d", in.lim.GPUs), "%v processors", procs)
		}
		err := in.add(Job{SubmitSec: f[1], RunSec: f[3], WallSec: max(0, f[8]), GPUs: int32(procs),
			Tenant: in.tenants.of(number(f[11])), Queue: in.queues.of(number(f[14]))})
		if err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		in.line++
		return &Error{File: in.name, Line: in.line, Msg: "the line cannot be read", Err: err}
	}
	return nil
}

func number(v float64) string {
	if v < 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// names of columns, by what they hold. The first that a header has is taken.
var columns = struct{ submit, run, wall, gpus, nodes, tenant, queue, priority, start, end, state []string }{
	submit:   []string{"submit_s", "submit_time", "submit", "timestamp", "time", "arrival_time", "arrival_s"},
	run:      []string{"run_s", "duration_s", "duration", "run_time", "elapsedraw", "elapsed", "runtime"},
	wall:     []string{"walltime_s", "wall_s", "timelimit_s", "timelimitraw", "timelimit", "requested_time"},
	gpus:     []string{"gpus", "num_gpus", "num_gpu", "gpu_num", "gpu_count"},
	nodes:    []string{"nodes", "nnodes", "allocnodes", "node_num", "num_nodes"},
	tenant:   []string{"tenant", "user", "account"},
	queue:    []string{"queue", "partition", "cluster", "vc"},
	priority: []string{"priority"},
	start:    []string{"start", "start_time"},
	end:      []string{"end", "end_time"},
	state:    []string{"state", "status"},
}

// csv reads a table with a header: Philly, Helios, Acme, sacct, or the user's own.
func (in *input) csv(r io.Reader, comma rune) error {
	c := csv.NewReader(r)
	c.Comma, c.FieldsPerRecord, c.ReuseRecord, c.LazyQuotes = comma, -1, true, comma == '|'
	header, err := c.Read()
	in.line = 1
	if err != nil {
		return &Error{File: in.name, Line: 1, Msg: "the header cannot be read", Err: err}
	}
	at := map[string]int{}
	for i, h := range header {
		h = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(h, "\ufeff")))
		if _, twice := at[h]; !twice {
			at[h] = i
		}
	}
	find := func(names []string) int {
		for _, n := range names {
			if i, ok := at[n]; ok {
				return i
			}
		}
		return -1
	}
	submit, run, start, end := find(columns.submit), find(columns.run), find(columns.start), find(columns.end)
	gpus, nodes, tres := find(columns.gpus), find(columns.nodes), at["alloctres"]
	_, hasTRES := at["alloctres"]
	wall, tenant, queue, priority, id := find(columns.wall), find(columns.tenant), find(columns.queue), find(columns.priority), find([]string{"jobid"})
	have := strings.Join(header, ", ")
	minutes := wall >= 0 && strings.EqualFold(strings.TrimSpace(header[wall]), "timelimitraw")
	switch {
	case submit < 0:
		return in.errorf("one of "+strings.Join(columns.submit, ", "), "no column with the submit time among %s", have)
	case run < 0 && (start < 0 || end < 0):
		return in.errorf("one of "+strings.Join(columns.run, ", ")+", or start and end", "no column with the duration among %s", have)
	case gpus < 0 && nodes < 0 && !hasTRES:
		return in.errorf("one of "+strings.Join(append(columns.gpus, columns.nodes...), ", "), "no column with GPUs or nodes among %s", have)
	case gpus < 0 && !hasTRES:
		in.t.Unit = "node"
	}
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return unreadable(in.name, in.line+1, err)
		}
		in.line, _ = c.FieldPos(0)
		cell := func(i int) string {
			if i < 0 || i >= len(row) {
				return ""
			}
			return strings.TrimSpace(row[i])
		}
		if id >= 0 && strings.Contains(cell(id), ".") {
			continue // a step of a Slurm job
		}
		var j Job
		if j.SubmitSec, err = instant(cell(submit)); err != nil {
			return in.errorf("seconds, or YYYY-MM-DD hh:mm:ss", "submit time %q: %v", cell(submit), err)
		}
		switch {
		case run >= 0 && cell(run) != "":
			if j.RunSec, err = span(cell(run)); err != nil {
				return in.errorf("seconds, or [days-]hh:mm:ss", "duration %q: %v", cell(run), err)
			}
		case start >= 0 && end >= 0:
			a, err1 := instant(cell(start))
			b, err2 := instant(cell(end))
			if err1 != nil || err2 != nil {
				in.t.Skipped++ // it never started, or has not ended
				continue
			}
			j.RunSec = b - a
		default:
			in.t.Skipped++
			continue
		}
		if w := cell(wall); w != "" && w != "UNLIMITED" && w != "Partition_Limit" {
			if j.WallSec, err = span(w); err != nil {
				return in.errorf("seconds, or [days-]hh:mm:ss", "time limit %q: %v", w, err)
			}
			if minutes {
				j.WallSec *= 60 // Slurm prints minutes
			}
		}
		count := cell(gpus)
		if count == "" && hasTRES {
			count = tresGPUs(cell(tres))
		}
		if count == "" && in.t.Unit == "node" {
			count = cell(nodes)
		}
		n, err := strconv.ParseFloat(count, 64)
		if count != "" && (err != nil || n < 0 || n > float64(in.lim.GPUs)) {
			return in.errorf(fmt.Sprintf("0 to %d", in.lim.GPUs), "%q GPUs or nodes", count)
		}
		j.GPUs = int32(math.Ceil(n))
		if p := cell(priority); p != "" {
			v, err := strconv.ParseInt(p, 10, 32)
			if err != nil {
				return in.errorf("a whole number", "priority %q", p)
			}
			j.Priority = int32(v)
		}
		j.Tenant, j.Queue = in.tenants.of(cell(tenant)), in.queues.of(cell(queue))
		if err := in.add(j); err != nil {
			return err
		}
	}
}

// unreadable is what encoding/csv says, with the line that it names.
func unreadable(file string, line int, err error) error {
	var at *csv.ParseError
	if errors.As(err, &at) {
		line, err = at.Line, at.Err
	}
	return &Error{File: file, Line: line, Msg: "the line cannot be read", Err: err}
}

// tresGPUs is the count of gres/gpu in Slurm's list of resources.
func tresGPUs(s string) string {
	for _, part := range strings.Split(s, ",") {
		if v, ok := strings.CutPrefix(part, "gres/gpu="); ok {
			return v
		}
	}
	return ""
}

// instant is a point of time in seconds.
func instant(s string) (float64, error) {
	if v, err := strconv.ParseFloat(s, 64); err == nil {
		return v, nil
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", time.RFC3339, "2006-01-02 15:04:05-07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return float64(t.UnixNano()) / 1e9, nil
		}
	}
	return 0, fmt.Errorf("not a time")
}

// span is a length of time in seconds.
func span(s string) (float64, error) {
	if v, err := strconv.ParseFloat(s, 64); err == nil {
		return v, nil
	}
	days := 0.0
	if d, rest, ok := strings.Cut(s, "-"); ok {
		v, err := strconv.Atoi(d)
		if err != nil || v < 0 {
			return 0, fmt.Errorf("not a length of time")
		}
		days, s = float64(v), rest
	}
	total := 0.0
	for _, part := range strings.Split(s, ":") {
		v, err := strconv.ParseFloat(part, 64)
		if err != nil || v < 0 {
			return 0, fmt.Errorf("not a length of time")
		}
		total = total*60 + v
	}
	return days*86400 + total, nil
}
