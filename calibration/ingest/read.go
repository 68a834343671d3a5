package ingest

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"

	"aisim/workloads/trace/execution"
)

// Tally says how much of a tool's output a file held.
type Tally struct {
	Tool    string `json:"tool"`
	Version string `json:"version,omitempty"`
	Records int    `json:"records"`
}

// Report says what a file was.
type Report struct {
	File       string  `json:"file"`
	Recognised bool    `json:"recognised"`
	Tools      []Tally `json:"tools,omitempty"` // by name
	Records    int     `json:"records"`
	Problems   int     `json:"problems"` // also those that were too many to hand on
	Bytes      int64   `json:"size_bytes"`
}

// maxProblems is how many problems of one file are handed on; the rest is counted.
const maxProblems = 50

// File reads a file. The error is of the file system or of the sink; what is wrong
// with the content goes to the sink as problems.
func File(path string, sink Sink) (Report, error) {
	f, err := os.Open(path)
	if err != nil {
		return Report{File: path}, err
	}
	defer f.Close()
	return Read(path, f, sink)
}

// Read reads a stream; name stands in the records as their file.
func Read(name string, r io.Reader, sink Sink) (Report, error) {
	f := &feed{file: name, sink: sink, tally: map[string]*Tally{}}
	plain, done, err := unpack(r)
	defer done()
	if err != nil {
		f.line = 1
		f.wrong("damaged compression: %v", err)
		return f.report(0), nil
	}
	size, err := readPlain(f, plain)
	return f.report(size), err
}

func readPlain(f *feed, r io.Reader) (int64, error) {
	in := newInput(r)
	if head := in.peek(512); len(head) == 512 && string(head[257:262]) == "ustar" {
		return readTar(f, in)
	}
	w := &walk{feed: f, in: in}
	err := w.all()
	if errors.Is(err, errStop) {
		err = f.err
	}
	if bad := in.failed(); bad != nil && err == nil {
		f.line = in.line
		f.wrong("the file cannot be read to its end: %v", bad)
	}
	return in.read, err
}

// readTar reads every file of an archive under the name archive!file.
func readTar(f *feed, in *input) (int64, error) {
	archive := f.file
	defer func() { f.file = archive }()
	t := tar.NewReader(&drain{in})
	for {
		h, err := t.Next()
		if err == io.EOF {
			return in.read, nil
		}
		if err != nil {
			f.line = 0
			f.wrong("damaged archive: %v", err)
			return in.read, nil
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		f.file = archive + "!" + h.Name
		w := &walk{feed: f, in: newInput(t)}
		if err := w.all(); err != nil {
			if errors.Is(err, errStop) {
				err = f.err
			}
			return in.read, err
		}
		f.tool, f.version = "", ""
	}
}

// drain reads an input from where it stands.
type drain struct{ in *input }

func (d *drain) Read(p []byte) (int, error) {
	if d.in.need(1) == 0 {
		return 0, io.EOF
	}
	k := copy(p, d.in.buf[d.in.i:d.in.n])
	d.in.i += k
	return k, nil
}

// feed is where the readers of formats put what they find.
type feed struct {
	file          string
	line          int // of what is being read
	tool, version string
	sink          Sink
	tally         map[string]*Tally
	last          *Tally
	problems      int
	recognised    bool
	gpus          []string // names that a list of GPUs gave
	section       string   // idle or load, where a capture of many commands says so
	err           error    // of the sink
}

// emit hands on a record of the present line.
func (f *feed) emit(b Body) { f.emitAt(f.line, b) }

func (f *feed) emitAt(line int, b Body) {
	if f.err != nil {
		return
	}
	if f.last == nil || f.last.Tool != f.tool {
		f.saw()
	}
	f.last.Records++
	if f.version != "" {
		f.last.Version = f.version
	}
	f.err = f.sink.Record(Record{Kind: b.Kind(), Source: Source{f.tool, f.version, f.file, line}, Body: b})
}

// saw notes that the tool was recognised.
func (f *feed) saw() {
	f.recognised = true
	f.last = f.tally[f.tool]
	if f.last == nil {
		f.last = &Tally{Tool: f.tool, Version: f.version}
		f.tally[f.tool] = f.last
	}
}

// wrong reports a problem of the present line.
func (f *feed) wrong(format string, args ...any) { f.wrongAt(f.line, format, args...) }

func (f *feed) wrongAt(line int, format string, args ...any) {
	if f.problems++; f.problems > maxProblems {
		return
	}
	what := fmt.Sprintf(format, args...)
	if f.problems == maxProblems {
		what += " (further problems of this file are only counted)"
	}
	f.sink.Problem(Problem{File: f.file, Line: line, Tool: f.tool, What: what})
}

// num reads a number of text; what cannot be read is a problem and unknown.
func (f *feed) num(b []byte, what string) Num {
	v, err := number(b)
	if err != nil {
		f.wrong("%s: expected a number, %v", what, err)
	}
	return v
}

// of reads a number of a tree, with its line.
func (f *feed) of(v ref, what string) Num {
	n, err := v.numStrict()
	if err != nil {
		f.wrongAt(v.line(), "%s: expected a number, found %q: %v", what, clip(v.raw()), err)
	}
	return n
}

func (f *feed) report(size int64) Report {
	r := Report{File: f.file, Recognised: f.recognised, Problems: f.problems, Bytes: size}
	for _, t := range f.tally {
		r.Records += t.Records
	}
	if r.Records == 0 && r.Problems == 0 {
		r.Recognised = false // a heading that looked like a tool's
		return r
	}
	for _, t := range f.tally {
		if t.Records > 0 || r.Records == 0 {
			r.Tools = append(r.Tools, *t)
		}
	}
	sort.Slice(r.Tools, func(a, b int) bool { return r.Tools[a].Tool < r.Tools[b].Tool })
	return r
}

// lineReader reads the lines of one tool.
type lineReader interface {
	// take is given a line and says whether it belongs to the tool.
	take(line []byte) bool
	// end is called when the output of the tool is over.
	end()
}

// textFormat is a tool that prints lines.
type textFormat struct {
	tool string
	// starts says whether a line begins the tool's output. It is asked for every line
	// that nobody takes, so it looks at the first bytes first.
	starts func(line []byte) bool
	open   func(*feed) lineReader
}

// jsonFormat is a tool that prints JSON.
type jsonFormat struct {
	tool  string
	match func(*shape) bool
	read  func(*feed, *jsonReader) error
}

// walk goes through one file.
type walk struct {
	*feed
	label  []byte // that stands before the lines of the tool
	in     *input
	active lineReader
	format *textFormat
	misses int  // documents of unknown tools
	warned bool // of a long line
}

func (w *walk) all() error {
	if w.in.need(1) == 0 {
		return nil
	}
	if execution.IsChakra(w.in.peek(window)) {
		w.line = 0
		return w.stop(readChakra(w.feed, w.in))
	}
	for w.err == nil {
		head := w.in.peek(64)
		if len(head) == 0 {
			break
		}
		w.line = w.in.line
		switch c := firstByte(head); {
		case (c == '{' || c == '[') && startsJSON(w.in.peek(1024)):
			if done, err := w.json(); err != nil {
				return err
			} else if done {
				continue
			}
		case c == '<' && isSMILog(w.in.peek(2048)):
			w.close()
			w.tool, w.version = "nvidia-smi", ""
			readSMILog(w.feed, w.in)
			continue
		}
		line, long, ok := w.in.take()
		if !ok {
			break
		}
		if long && !w.warned {
			w.warned = true
			w.wrong("a line is longer than %d MiB, only its first 4096 bytes are read", maxLine>>20)
		}
		w.text(line)
	}
	w.close()
	return w.stop(nil)
}

func (w *walk) stop(err error) error {
	if w.err != nil {
		return errStop
	}
	return err
}

func firstByte(b []byte) byte {
	for _, c := range b {
		if c != ' ' && c != '\t' {
			return c
		}
	}
	return 0
}

// text gives a line to the tool that is speaking, else looks who begins.
func (w *walk) text(line []byte) {
	line = unprefixed(line)
	if len(w.label) > 0 {
		line = bytes.TrimPrefix(line, w.label)
	}
	if len(line) == 0 {
		if w.active != nil {
			w.active.take(line)
		}
		return
	}
	if w.active != nil && w.active.take(line) {
		return
	}
	if w.begins(line) || w.active != nil {
		return
	}
	// node17: or pod/name: before every line, as pdsh and kubectl --prefix write it
	if i := bytes.Index(line[:min(len(line), 80)], []byte(": ")); i > 0 && i+2 < len(line) && bytes.IndexByte(line[:i], ' ') < 0 && w.begins(line[i+2:]) {
		w.label = append(w.label[:0], line[:i+2]...)
	}
}

// begins hands the line to the tool that begins with it.
func (w *walk) begins(line []byte) bool {
	for i := range textFormats {
		t := &textFormats[i]
		if t == w.format && w.active != nil || !t.starts(line) {
			continue
		}
		w.close()
		w.format, w.tool, w.version = t, t.tool, ""
		w.active = t.open(w.feed)
		w.saw()
		w.active.take(line)
		return true
	}
	return false
}

func (w *walk) close() {
	if w.active != nil {
		w.active.end()
		w.active, w.format = nil, nil
	}
}

// stampForm is how kubectl logs --timestamps and docker logs -t begin a line.
const stampForm = "0000-00-00T00:00:00"

// stamp is the length of an instant with its zone and the blank behind it; 0 where there is none.
func stamp(line []byte) int {
	if len(line) < len(stampForm)+2 || line[10] != 'T' || line[4] != '-' || line[0] < '0' || line[0] > '9' {
		return 0
	}
	for i := range len(stampForm) {
		if stampForm[i] == '0' && (line[i] < '0' || line[i] > '9') || stampForm[i] != '0' && line[i] != stampForm[i] {
			return 0
		}
	}
	i := bytes.IndexByte(line[:min(len(line), 40)], ' ')
	if i < 0 {
		return 0
	}
	zone := line[len(stampForm):i]
	if n := len(zone); n == 0 || zone[n-1] != 'Z' && !(n >= 6 && zone[n-3] == ':' && (zone[n-6] == '+' || zone[n-6] == '-')) {
		return 0
	}
	return i + 1
}

// unprefixed takes off what mpirun --tag-output, container logs and terminals add.
func unprefixed(line []byte) []byte {
	line = line[stamp(line):]
	if len(line) > 8 && line[0] == '[' && line[1] >= '0' && line[1] <= '9' {
		if i := bytes.Index(line[:min(len(line), 24)], []byte("]<std")); i > 0 {
			if c := bytes.IndexByte(line[i:min(len(line), i+12)], ':'); c > 0 {
				line = line[i+c+1:]
			}
		}
	}
	if bytes.IndexByte(line, 0x1b) >= 0 {
		line = withoutEscapes(line)
	}
	return line
}

func withoutEscapes(line []byte) []byte {
	out := make([]byte, 0, len(line))
	for i := 0; i < len(line); i++ {
		if line[i] == 0x1b && i+1 < len(line) && line[i+1] == '[' {
			for i += 2; i < len(line) && (line[i] < '@' || line[i] > '~'); i++ {
			}
			continue
		}
		out = append(out, line[i])
	}
	return out
}

// json reads the document that begins here if its tool is known.
func (w *walk) json() (done bool, err error) {
	look := window
	if w.misses > 32 { // a long file of unknown JSON lines must not be looked at twice
		look = 1024
	}
	head := w.in.peek(look)
	s := shapeOf(bytes.TrimLeft(head, " \t"))
	for i := range jsonFormats {
		f := &jsonFormats[i]
		if !f.match(s) {
			continue
		}
		w.close()
		w.tool, w.version = f.tool, ""
		w.saw()
		j := &jsonReader{in: w.in}
		err := w.each(f, j)
		var bad *jsonError
		switch {
		case w.err != nil:
			return true, errStop
		case errors.As(err, &bad):
			w.wrongAt(bad.line, "%s", bad.what)
			_, _, _ = w.in.take() // go on behind the damaged line
		case err != nil:
			return true, err
		}
		w.restOfLine()
		return true, nil
	}
	w.misses++
	return false, nil
}

// ofArray are the formats that read an array of objects themselves.
var ofArray = map[string]bool{"kineto": true, "rccl-tests": true, "gemm": true, "elbencho": true, "chakra": true, "slurm": true, "aisim": true}

// each reads a document, or every element of an array of documents, as scripts collect them.
func (w *walk) each(f *jsonFormat, j *jsonReader) error {
	if !ofArray[f.tool] && j.next() == '[' {
		return j.array(func() error { return f.read(w.feed, j) })
	}
	return f.read(w.feed, j)
}

// restOfLine passes over blanks after a document.
func (w *walk) restOfLine() {
	for w.in.need(1) > 0 {
		switch w.in.buf[w.in.i] {
		case ' ', '\t', '\r', ',':
			w.in.i++
		case '\n':
			w.in.i++
			w.in.line++
			return
		default:
			return
		}
	}
}
