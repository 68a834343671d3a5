package ingest

import (
	"bytes"
	"strings"
)

// perftest reads ib_write_bw and its siblings. Client and server often share a file,
// so headers and rows may come twice, interleaved: rows are read by the last header
// and an exact repetition of a row is dropped. MB/sec is 2^20 bytes, Gb/sec 1e9 bits.
type perftest struct {
	*feed
	op, device, transport string
	qps, mtu              Num
	names                 []string
	factor                []float64
	last                  string
	words                 [][]byte
}

func startsPerftest(line []byte) bool {
	t := bytes.TrimSpace(line)
	return perftestTitle(t) || bytes.HasPrefix(t, []byte("#bytes")) && bytes.Contains(t, []byte("#iterations"))
}

func perftestTitle(t []byte) bool {
	return (bytes.HasSuffix(t, []byte(" Test")) || bytes.HasSuffix(t, []byte(" BW")) || bytes.HasSuffix(t, []byte(" Latency"))) &&
		(bytes.HasPrefix(t, []byte("RDMA_")) || bytes.HasPrefix(t, []byte("Send ")) || bytes.HasPrefix(t, []byte("Atomic ")) || bytes.HasPrefix(t, []byte("Raw "))) && len(t) < 60
}

func openPerftest(f *feed) lineReader { return &perftest{feed: f} }

func (p *perftest) end() {}

func (p *perftest) take(line []byte) bool {
	t := bytes.TrimSpace(line)
	switch {
	case len(t) == 0, t[0] == '-', t[0] == '*':
		return true
	case perftestTitle(t):
		p.op = strings.ToLower(strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(string(t), "RDMA_"), " Test"), " ", "_"))
		return true
	case t[0] == '#':
		if bytes.HasPrefix(t, []byte("#bytes")) {
			p.header(string(t))
		}
		return true
	case t[0] >= '0' && t[0] <= '9' && p.names != nil:
		return p.row(t)
	}
	text := string(t)
	if i := strings.IndexByte(text, ':'); i > 0 {
		p.note(text)
		return !startsNVBandwidth(line)
	}
	return strings.HasPrefix(text, "local address") || strings.HasPrefix(text, "remote address") || strings.Contains(text, "WARNING")
}

// note reads "Dual-port : OFF   Device : ib0", two pairs a line.
func (p *perftest) note(text string) {
	value := func(key string) string {
		_, rest, ok := strings.Cut(text, key)
		if !ok {
			return ""
		}
		rest = strings.TrimLeft(rest, " ")
		if !strings.HasPrefix(rest, ":") {
			return ""
		}
		w := strings.Fields(rest[1:])
		if len(w) == 0 {
			return ""
		}
		return w[0]
	}
	if v := value("Device"); v != "" {
		p.device = v
	}
	if v := value("Link type"); v != "" {
		p.transport = perftestTransport(p.transport, v)
	}
	if v := value("Transport type"); v != "" {
		p.transport = v
	}
	if v := value("Number of qps"); v != "" {
		p.qps = p.num([]byte(v), "Number of qps")
	}
	if v := value("Mtu"); v != "" {
		p.mtu = p.num([]byte(strings.TrimSuffix(v, "[B]")), "Mtu")
	}
}

// header cuts "#bytes #iterations BW peak[MB/sec] BW average[MB/sec] MsgRate[Mpps]".
func (p *perftest) header(text string) {
	p.names, p.factor = nil, nil
	text = strings.NewReplacer("BW peak", "BW_peak", "BW average", "BW_average", "BW Peak", "BW_peak", "BW Average", "BW_average", " percentile", "_percentile", "CPU Utilization", "CPU_Util").Replace(text)
	for _, w := range strings.Fields(text) {
		name, unit, _ := strings.Cut(strings.TrimSuffix(w, "]"), "[")
		f := 1.0
		switch unit {
		case "MB/sec", "MiB/sec":
			f = 1 << 20
		case "Gb/sec":
			f = 1e9 / 8
		case "Mpps":
			f = 1e6
		case "usec":
			f = 1e-6
		case "%", "":
		default:
			p.wrong("unknown unit %q in the header, expected MB/sec, Gb/sec, Mpps or usec", unit)
		}
		p.names, p.factor = append(p.names, name), append(p.factor, f)
	}
}

func (p *perftest) row(t []byte) bool {
	w := fields(t, p.words)
	p.words = w
	if len(w) < 2 || !isDigits(w[0]) || !isDigits(w[1]) {
		return false
	}
	if string(t) == p.last {
		return true
	}
	p.last = string(t)
	if len(w) < len(p.names) {
		p.wrong("expected %d columns as in the header, found %d: the line is cut", len(p.names), len(w))
		return true
	}
	l := &Link{Op: p.op, Device: p.device, Transport: p.transport, QueuePairs: p.qps, MTUBytes: p.mtu, Bidirectional: strings.Contains(p.op, "bidirectional")}
	for i, name := range p.names {
		v, err := number(w[i])
		if err != nil {
			p.wrong("%s: expected a number, %v", name, err)
			return true
		}
		perftestSet(l, name, v.Times(p.factor[i]))
	}
	p.emit(l)
	return true
}

func perftestSet(l *Link, name string, v Num) {
	switch name {
	case "#bytes", "bytes", "MsgSize":
		l.Bytes = v
	case "#iterations", "iterations", "n_iterations":
		l.Iterations = v
	case "BW_peak":
		if v.V > 0 { // the tool prints 0 where it was not asked to find the peak
			l.PeakBytesPerSec = v
		}
	case "BW_average":
		l.BytesPerSec = v
	case "MsgRate":
		l.MessagesPerSec = v
	case "t_min":
		l.LatencyDistSec.Min = v
	case "t_max":
		l.LatencyDistSec.Max = v
	case "t_typical", "t_avg_typical":
		l.LatencyDistSec.Median = v
	case "t_avg":
		l.LatencyDistSec.Mean = v
		l.LatencySec = v
	case "t_stdev":
		l.LatencyDistSec.SD = v
	case "99%", "99%_percentile", "percentile_99":
		l.LatencyDistSec.add(99, v)
	case "99.9%", "99.9%_percentile", "percentile_99.9":
		l.LatencyDistSec.add(99.9, v)
	case "tps_average":
		l.MessagesPerSec = v
	}
}

// readPerftestJSON reads --out_json. It has no units: MB of 2^20 bytes as without
// --report_gbits is taken, and said, for the option is not in the file.
func readPerftestJSON(f *feed, j *jsonReader) error {
	var t tree
	base := Link{}
	return j.object(func(key string) error {
		v, err := j.value(&t)
		if err != nil {
			return err
		}
		switch key {
		case "test_info":
			base.Op = strings.ToLower(strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(v.get("test").str(), "RDMA_"), " Test"), " ", "_"))
			base.Device, base.Transport = v.get("Device").str(), perftestTransport(v.get("Transport_type").str(), v.get("Link_type").str())
			base.QueuePairs = f.of(v.any("Number_of_qps", "Number of qps"), "Number_of_qps")
			base.MTUBytes = f.of(v.get("Mtu"), "Mtu")
		case "results":
			one := func(r ref) {
				l := base
				l.Bidirectional = strings.Contains(base.Op, "bidirectional")
				bandwidth := false
				r.each(func(c ref) {
					name := string(c.key())
					factor := 1.0
					switch {
					case strings.HasPrefix(name, "BW_"):
						factor, bandwidth = 1<<20, true
					case name == "MsgRate":
						factor = 1e6
					case strings.HasPrefix(name, "t_"), strings.HasPrefix(name, "percentile"):
						factor = 1e-6
					}
					perftestSet(&l, name, f.of(c, name).Times(factor))
				})
				if bandwidth {
					fix := 1.0
					// the message rate tells whether the bandwidth was in Gb/s
					if l.MessagesPerSec.Known && l.Bytes.Known && l.MessagesPerSec.V > 0 && l.BytesPerSec.Known {
						want := l.MessagesPerSec.V * l.Bytes.V
						if got := l.BytesPerSec.V / (1 << 20) * (1e9 / 8); got > 0.8*want && got < 1.25*want {
							fix = 1e9 / 8 / (1 << 20)
						}
					} else {
						f.wrongAt(r.line(), "the file does not say the unit of bandwidth and has no message rate to tell: MB/s of 2^20 bytes is taken")
					}
					l.BytesPerSec, l.PeakBytesPerSec = l.BytesPerSec.Times(fix), l.PeakBytesPerSec.Times(fix)
				}
				f.emitAt(r.line(), &l)
			}
			if v.isArray() {
				v.each(one)
			} else {
				one(v)
			}
		}
		return nil
	})
}

// perftestTransport is the transport over the link that it runs on: InfiniBand's over Ethernet is RoCE.
func perftestTransport(transport, link string) string {
	if link == "Ethernet" && (transport == "IB" || transport == "") {
		return "RoCE"
	}
	return transport
}
