package ingest

import (
	"bytes"
	"strings"
)

// stream reads STREAM 5.10. Its MB is 1e6 bytes; the best rate is what it reports.
type stream struct {
	*feed
	words   [][]byte
	element Num
	count   Num
	threads Num
}

func startsStream(line []byte) bool {
	return bytes.HasPrefix(line, []byte("STREAM version")) || bytes.HasPrefix(line, []byte("Function    Best Rate"))
}

func openStream(f *feed) lineReader { return &stream{feed: f} }

func (s *stream) end() {}

func (s *stream) take(line []byte) bool {
	w := fields(line, s.words)
	s.words = w
	if len(w) == 0 || line[0] == '-' || line[0] == ' ' {
		return true
	}
	text := string(line)
	switch {
	case strings.HasPrefix(text, "STREAM version"):
		s.version = strings.Trim(strings.TrimPrefix(text, "STREAM version"), " $Revision:")
	case strings.HasPrefix(text, "This system uses ") && len(w) > 3:
		s.element = s.num(w[3], "bytes per array element")
	case strings.HasPrefix(text, "Array size =") && len(w) > 3:
		s.count = s.num(w[3], "Array size")
	case strings.HasPrefix(text, "Number of Threads counted ="):
		s.threads = s.num(w[len(w)-1], "Number of Threads")
	case strings.HasPrefix(text, "Function ") && !strings.Contains(text, "MB/s"):
		s.wrong("unknown unit in the header, expected Best Rate MB/s")
	case len(w) == 5 && (text[:4] == "Copy" || text[:4] == "Scal" || text[:3] == "Add" || text[:4] == "Tria"):
		m := &Memory{Op: strings.ToLower(strings.TrimSuffix(string(w[0]), ":")), DType: "double", Threads: s.threads}
		if s.element.Known && s.count.Known {
			m.ArrayBytes = Is(s.element.V * s.count.V)
			if s.element.V == 4 {
				m.DType = "float"
			}
		}
		var v [4]Num
		for i := range v {
			n, err := number(w[i+1])
			if err != nil {
				s.wrong("%s expected a number, %v", w[0], err)
				return true
			}
			v[i] = n
		}
		m.BytesPerSec, m.AvgSec, m.MinSec, m.MaxSec = v[0].Times(1e6), v[1], v[2], v[3]
		s.emit(m)
	case strings.HasPrefix(text, "Failed Validation") || strings.Contains(text, "AvgError") && strings.Contains(text, "Failed"):
		s.wrong("STREAM says that its results are wrong: %s", clip(line))
	case len(w) == 5 && strings.HasSuffix(string(w[0]), ":"):
		return false
	default:
		for _, p := range []string{"Function", "This system", "Array size", "Memory", "Total", "Each", "Number", "Your", "Increase", "you are", "WARNING", "For best", "precision", "Solution", "STREAM"} {
			if strings.HasPrefix(text, p) {
				return true
			}
		}
		return false
	}
	return true
}

// gpuStream reads SuperBench's GPU STREAM: a name with all parameters, GB/s, percent
// of the theoretical peak.
type gpuStream struct {
	*feed
	device string
	peak   Num
}

func startsGPUStream(line []byte) bool {
	return bytes.HasPrefix(line, []byte("STREAM Benchmark")) || bytes.HasPrefix(line, []byte("STREAM_")) && bytes.Contains(line, []byte("_gpu_"))
}

func openGPUStream(f *feed) lineReader { return &gpuStream{feed: f} }

func (g *gpuStream) end() {}

func (g *gpuStream) take(line []byte) bool {
	text := strings.TrimSpace(string(line))
	w := strings.Fields(text)
	switch {
	case len(w) == 0:
		return true
	case strings.HasPrefix(text, "Device "):
		if a, b := strings.IndexByte(text, '"'), strings.LastIndexByte(text, '"'); a >= 0 && b > a {
			g.device = text[a+1 : b]
		}
		if i := strings.Index(text, " = "); i > 0 {
			if x := strings.Fields(text[i+3:]); len(x) > 1 && x[1] == "GB/s" {
				g.peak = g.num([]byte(x[0]), "peak").Times(1e9)
			}
		}
		return true
	case strings.HasPrefix(w[0], "STREAM_"):
	default:
		return text == "STREAM Benchmark" || strings.HasPrefix(text, "Buffer size") || strings.HasPrefix(text, "Number of") || strings.HasPrefix(text, "Check data")
	}
	if len(w) < 2 {
		g.wrong("expected a rate in GB/s after %s: the line is cut", w[0])
		return true
	}
	p := strings.Split(strings.ToLower(w[0]), "_")
	m := &Memory{Device: g.device, PeakBytesPerSec: g.peak, BytesPerSec: g.num([]byte(w[1]), w[0]).Times(1e9)}
	m.Op = p[1]
	if len(p) > 2 {
		m.DType = p[2]
	}
	for i := 0; i+1 < len(p); i++ {
		switch p[i] {
		case "buffer":
			m.ArrayBytes = g.num([]byte(p[i+1]), "buffer")
		case "block":
			m.BlockThreads = g.num([]byte(p[i+1]), "block")
		case "gpu":
			if m.Device != "" {
				m.Device += " #" + p[i+1]
			} else {
				m.Device = "gpu" + p[i+1]
			}
		}
	}
	if len(w) > 2 && g.peak.Known && m.BytesPerSec.Known && g.peak.V > 0 {
		pct := g.num([]byte(w[2]), "percent of peak")
		if got := 100 * m.BytesPerSec.V / g.peak.V; pct.Known && (got > pct.V+0.2 || got < pct.V-0.2) {
			g.wrong("contradiction: %s is %.2f %% of the peak that the file states, the row says %g %%", w[0], got, pct.V)
		}
	}
	g.emit(m)
	return true
}

// gpuBurn reads wilicc/gpu-burn. Progress is rewritten in place; a GPU shows 0 until
// its first sample and only the last state counts.
type gpuBurn struct {
	*feed
	rates  []Num
	errors []Num
	temps  []Num
	line0  int
	class  string
}

func startsGPUBurn(line []byte) bool {
	return bytes.Contains(line, []byte("proc'd:")) && bytes.Contains(line, []byte("Gflop/s"))
}

func openGPUBurn(f *feed) lineReader { return &gpuBurn{feed: f, line0: f.line} }

func (g *gpuBurn) take(line []byte) bool {
	text := strings.TrimSpace(string(line))
	switch {
	case text == "":
		return true
	case bytes.Contains(line, []byte("proc'd:")):
		g.progress(text)
		return true
	case strings.HasPrefix(text, "GPU ") && strings.Contains(text, "FAULTY"):
		g.wrong("gpu-burn calls %s", text)
		return true
	case strings.Contains(text, "Initialized device"):
		if g.class = "fp32"; strings.Contains(text, "DOUBLES") {
			g.class = "fp64"
		}
		if strings.Contains(text, "Tensor Cores") {
			g.class += " tensor"
		}
		return true
	}
	for _, p := range []string{"Summary at", "Killing", "Results are", "Freed", "Uninitted", "done", "Tested", "GPU ", "Using compare", "Burning", "Run length"} {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	return false
}

// progress reads "50.0% proc'd: N (G Gflop/s) - …  errors: E - …  temps: T C - …".
func (g *gpuBurn) progress(text string) {
	_, text, _ = strings.Cut(text, "proc'd:")
	work, rest, _ := strings.Cut(text, "errors:")
	errs, temps, whole := strings.Cut(rest, "temps:")
	if !whole {
		return // cut by the next rewrite
	}
	g.line0 = g.line
	g.rates, g.errors, g.temps = g.rates[:0], g.errors[:0], g.temps[:0]
	for _, p := range strings.Split(work, " - ") {
		_, rate, _ := strings.Cut(p, "(")
		rate, _, _ = strings.Cut(rate, " ")
		v := g.num([]byte(rate), "Gflop/s").Times(1e9)
		if v.V == 0 {
			v = Num{} // no sample yet
		}
		g.rates = append(g.rates, v)
	}
	for _, p := range strings.Split(errs, " - ") {
		p, _, _ = strings.Cut(strings.TrimSpace(p), " ")
		g.errors = append(g.errors, g.num([]byte(p), "errors"))
	}
	for _, p := range strings.Split(temps, " - ") {
		p = strings.TrimSuffix(strings.TrimSpace(p), "C")
		g.temps = append(g.temps, g.num([]byte(strings.TrimSpace(p)), "temps"))
	}
}

func (g *gpuBurn) end() {
	for i, r := range g.rates {
		k := &Kernel{Name: "gpu-burn", Class: "burn", DType: g.class, FlopPerSec: r, ID: Is(float64(i))}
		if i < len(g.gpus) {
			k.Device = g.gpus[i]
		}
		if i < len(g.errors) {
			k.Errors = g.errors[i]
		}
		if i < len(g.temps) {
			k.Celsius = g.temps[i]
		}
		g.emitAt(g.line0, k)
	}
}

// hpl reads High-Performance Linpack: the row of results; progress lines say how far.
type hpl struct {
	*feed
	head   bool
	passed int
}

func startsHPL(line []byte) bool {
	return bytes.HasPrefix(line, []byte("HPLinpack ")) || bytes.HasPrefix(line, []byte("T/V ")) && bytes.Contains(line, []byte("Gflops"))
}

func openHPL(f *feed) lineReader { return &hpl{feed: f} }

func (h *hpl) end() {}

func (h *hpl) take(line []byte) bool {
	text := string(line)
	w := strings.Fields(text)
	switch {
	case len(w) == 0:
		return true
	case strings.HasPrefix(text, "HPLinpack ") && len(w) > 1:
		h.version = w[1]
	case w[0] == "T/V" && len(w) >= 7 && w[6] == "Gflops":
		h.head = true
	case h.head && len(w) >= 7 && (text[0] == 'W' || text[0] == 'H') && isDigits([]byte(w[1])):
		v := [6]Num{}
		for i := range v {
			n, err := number([]byte(w[i+1]))
			if err != nil {
				h.wrong("%s: expected numbers for N NB P Q Time Gflops, %v", w[0], err)
				return true
			}
			v[i] = n
		}
		k := &Kernel{Name: "HPL " + w[0], Class: "linpack", DType: "fp64", N: v[0], DurationSec: v[4], FlopPerSec: v[5].Times(1e9)}
		for i, name := range []string{"NB", "P", "Q"} {
			k.More = append(k.More, Field{Name: name, Value: v[i+1]})
		}
		if k.N.Known && k.DurationSec.Known && k.FlopPerSec.Known && k.DurationSec.V > 0 {
			n := k.N.V
			if want := (2*n*n*n/3 + 1.5*n*n) / k.DurationSec.V; want > 1.02*k.FlopPerSec.V || want < 0.98*k.FlopPerSec.V {
				h.wrong("contradiction: N=%g in %g s are %.4g FLOP/s, the row says %.4g", n, k.DurationSec.V, want, k.FlopPerSec.V)
			}
		}
		h.emit(k)
	case strings.HasPrefix(text, "||Ax-b||") && strings.Contains(text, "FAILED"):
		h.wrong("HPL's residual check failed: %s", clip(line))
	default:
		return !bytes.HasPrefix(line, []byte("#")) && !startsNCCL(line) && !startsMLLog(line)
	}
	return true
}

// cublasLt reads SuperBench's cublaslt_gemm: m n k batch, microseconds, TFLOP/s.
type cublasLt struct{ *feed }

func startsCublasLt(line []byte) bool {
	return bytes.Contains(line, []byte("cublaslt_gemm")) && line[0] == '='
}

func openCublasLt(f *feed) lineReader { return &cublasLt{f} }

func (c *cublasLt) end() {}

func (c *cublasLt) take(line []byte) bool {
	if len(line) == 0 || startsCublasLt(line) {
		return true
	}
	w := bytes.Fields(line)
	if len(w) != 6 || !isDigits(w[0]) || !isDigits(w[1]) || !isDigits(w[2]) || !isDigits(w[3]) {
		return false
	}
	k := &Kernel{Name: "cublasLt gemm", Class: "gemm", M: c.num(w[0], "m"), N: c.num(w[1], "n"), K: c.num(w[2], "k"), Batch: c.num(w[3], "batch"),
		DurationSec: c.num(w[4], "time").Times(1e-6), FlopPerSec: c.num(w[5], "TFLOP/s").Times(1e12)}
	gemmConsistent(c.feed, k)
	c.emit(k)
	return true
}

// gemmConsistent compares the rate with 2mnk over time.
func gemmConsistent(f *feed, k *Kernel) {
	if !k.M.Known || !k.N.Known || !k.K.Known || !k.DurationSec.Known || !k.FlopPerSec.Known || k.DurationSec.V <= 0 {
		return
	}
	want := 2 * k.M.V * k.N.V * k.K.V * max(1, k.Batch.V) / k.DurationSec.V
	if want > 1.03*k.FlopPerSec.V || want < 0.97*k.FlopPerSec.V {
		f.wrong("contradiction: %g × %g × %g in %g µs are %.4g FLOP/s, the row says %.4g", k.M.V, k.N.V, k.K.V, k.DurationSec.V*1e6, want, k.FlopPerSec.V)
	}
}

// readGEMM reads lines {"m","n","k","dtype","tflops"}, the form that users are asked
// for where a benchmark prints prose. Times are in a key that names its unit.
func readGEMM(f *feed, j *jsonReader) error {
	var t tree
	one := func() error {
		v, err := j.value(&t)
		if err != nil {
			return err
		}
		f.line = v.line()
		k := &Kernel{Name: "gemm", Class: "gemm", M: f.of(v.any("m", "M"), "m"), N: f.of(v.any("n", "N"), "n"), K: f.of(v.any("k", "K"), "k"), Batch: f.of(v.any("batch", "b"), "batch"),
			DType: v.any("dtype", "type").str(), Device: v.any("device", "gpu", "chip").str(), FlopPerSec: f.of(v.any("tflops", "TFLOPS", "tflop_per_s"), "tflops").Times(1e12)}
		if s := v.any("name", "kernel").str(); s != "" {
			k.Name = s
		}
		for _, u := range []struct {
			key    string
			factor float64
		}{{"time_s", 1}, {"seconds", 1}, {"time_ms", 1e-3}, {"ms", 1e-3}, {"time_us", 1e-6}, {"us", 1e-6}, {"latency_us", 1e-6}, {"latency_ms", 1e-3}, {"time_ns", 1e-9}} {
			if n := f.of(v.get(u.key), u.key); n.Known {
				k.DurationSec = n.Times(u.factor)
			}
		}
		if !k.FlopPerSec.Known && !k.DurationSec.Known {
			f.wrong("expected tflops, or a time with its unit in the key (time_us), beside m, n and k")
			return nil
		}
		gemmConsistent(f, k)
		f.emit(k)
		return nil
	}
	if j.next() == '[' {
		return j.array(one)
	}
	return one()
}

// distInference reads SuperBench's "Latency of step 0: 1.83 ms".
type distInference struct{ *feed }

func startsDistInference(line []byte) bool { return bytes.HasPrefix(line, []byte("Latency of step ")) }

func openDistInference(f *feed) lineReader { return &distInference{f} }

func (d *distInference) end() {}

func (d *distInference) take(line []byte) bool {
	if !startsDistInference(line) {
		return len(line) == 0
	}
	step, value, ok := bytes.Cut(line[len("Latency of step "):], []byte(":"))
	v, unit, err := quantity(value)
	if !ok || err != nil || unit != "s" {
		d.wrong("expected a time as in \"Latency of step 3: 1.8 ms\", found %q", clip(line))
		return true
	}
	d.emit(&Event{Key: "step latency", Value: v, Unit: "s", More: []Field{{Name: "step", Value: d.num(step, "step")}}})
	return true
}

// ncu reads the CSV of Nsight Compute: one row per metric; rows of one ID are one
// launch of a kernel.
type ncu struct {
	*feed
	col   map[string]int
	id    string
	k     *Kernel
	line0 int
}

func startsNCU(line []byte) bool {
	return bytes.HasPrefix(line, []byte(`"ID",`)) && bytes.Contains(line, []byte(`"Kernel Name"`))
}

func openNCU(f *feed) lineReader { return &ncu{feed: f} }

func (n *ncu) end() {
	if n.k != nil {
		n.emitAt(n.line0, n.k)
		n.k = nil
	}
}

func (n *ncu) take(line []byte) bool {
	if startsNCU(line) {
		n.end()
		n.col, n.id = map[string]int{}, ""
		for i, c := range splitCSV(line) {
			n.col[c] = i
		}
		return true
	}
	if len(line) == 0 || line[0] != '"' {
		return len(line) == 0 || bytes.HasPrefix(line, []byte("==PROF=="))
	}
	row := splitCSV(line)
	if least := max(n.col["Kernel Name"], n.col["Metric Value"]); len(row) <= least { // the columns of rules may be absent
		n.wrong("expected at least %d columns as in the header, found %d: the line is cut", least+1, len(row))
		return true
	}
	get := func(c string) string {
		if i, ok := n.col[c]; ok && i < len(row) {
			return row[i]
		}
		return ""
	}
	if n.k == nil || get("ID") != n.id {
		n.end()
		n.id, n.line0 = get("ID"), n.line
		n.k = &Kernel{Name: get("Kernel Name"), Class: "kernel", Device: "device " + get("Device"), Grid: intList(get("Grid Size")), Block: intList(get("Block Size"))}
		n.k.Stream, _ = number([]byte(get("Stream")))
		n.k.ID, _ = number([]byte(n.id))
		if cc := get("CC"); cc != "" {
			n.k.More = append(n.k.More, Field{Name: "compute capability", Text: cc})
		}
	}
	metric, unit, value := get("Metric Name"), get("Metric Unit"), get("Metric Value")
	if metric == "" {
		return true
	}
	// ncu groups digits with commas in its own locale: 1,024.5
	v, err := number([]byte(value))
	if err != nil && isGrouped(value) {
		v, err = number([]byte(strings.ReplaceAll(value, ",", "")))
	}
	if err != nil || !v.Known {
		if value != "" {
			n.k.More = append(n.k.More, Field{Name: metric, Text: value})
		}
		return true
	}
	if f, base, ok := unitFactor(unit); ok {
		v, unit = v.Times(f), base
	}
	if metric == "Duration" && unit == "s" {
		n.k.DurationSec = v
		return true
	}
	n.k.More = append(n.k.More, Field{Name: metric, Value: v, Unit: unit})
	return true
}

// isGrouped says whether commas stand before every third digit and a point before
// the fraction; "1,024" alone is not certain and counts as grouped here only because
// Nsight Compute never prints a decimal comma.
func isGrouped(s string) bool {
	whole, _, _ := strings.Cut(s, ".")
	parts := strings.Split(whole, ",")
	for i, p := range parts {
		if !isDigits([]byte(p)) || i > 0 && len(p) != 3 || i == 0 && len(p) > 3 {
			return false
		}
	}
	return len(parts) > 1
}

// intList reads "(384, 1, 1)".
func intList(s string) []int {
	var out []int
	for _, p := range strings.Split(strings.Trim(s, "()[]"), ",") {
		v, err := parseFloat([]byte(strings.TrimSpace(p)))
		if err != nil || len(out) > 8 {
			return out
		}
		out = append(out, int(v))
	}
	return out
}
