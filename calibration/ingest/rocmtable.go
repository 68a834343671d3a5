package ingest

import (
	"bytes"
	"strings"
)

// rocmCSV reads rocm-smi --csv: a header of the labels that --json has, a row per card.
type rocmCSV struct {
	*feed
	labels []string
}

func startsROCmCSV(line []byte) bool {
	return bytes.HasPrefix(line, []byte("device,")) && (bytes.Contains(line, []byte("GPU")) || bytes.Contains(line, []byte("Temperature")) || bytes.Contains(line, []byte("VRAM")) ||
		bytes.Contains(line, []byte("clock")) || bytes.Contains(line, []byte("Power")))
}

func openROCmCSV(f *feed) lineReader { return &rocmCSV{feed: f} }

func (r *rocmCSV) end() {}

func (r *rocmCSV) take(line []byte) bool {
	text := strings.TrimSpace(string(line))
	if startsROCmCSV(line) {
		r.labels = strings.Split(text, ",")
		return true
	}
	num, ok := strings.CutPrefix(text, "card")
	if !ok {
		return text == "" || strings.HasPrefix(text, "system,")
	}
	cells := strings.Split(text, ",")
	if len(cells) != len(r.labels) {
		r.wrong("expected %d values as in the header, found %d: a decimal comma (run with LC_ALL=C) or a cut line", len(r.labels), len(cells))
		return true
	}
	d := &Device{}
	num, _, _ = strings.Cut(num, ",")
	d.Index, _ = number([]byte(num))
	for i, c := range cells[1:] {
		rocmPut(r.feed, d, r.labels[i+1], []byte(strings.TrimSpace(c)))
	}
	r.emit(d)
	return true
}

// rocmConcise reads the table that rocm-smi prints without options. Its columns differ by release;
// from SCLK on each is one word.
type rocmConcise struct {
	*feed
	tail []string // names from SCLK on
	edge bool     // the temperature is of the edge and not of the junction
}

func startsROCmConcise(line []byte) bool {
	return bytes.Contains(line, []byte("SCLK")) && bytes.Contains(line, []byte("MCLK")) && bytes.Contains(line, []byte("PwrCap"))
}

func openROCmConcise(f *feed) lineReader { return &rocmConcise{feed: f, edge: true} }

func (r *rocmConcise) end() {}

var rocmColumns = map[string]string{"SCLK": "clocks.current.sm", "MCLK": "clocks.current.memory", "Fan": "fan.speed", "PwrCap": "enforced.power.limit", "GPU%": "utilization.gpu"}

func (r *rocmConcise) take(line []byte) bool {
	text := strings.TrimSpace(string(line))
	if startsROCmConcise(line) {
		r.tail = strings.Fields(text[strings.Index(text, "SCLK"):])
		r.edge = !strings.Contains(text, "Junction")
		return true
	}
	if strings.Contains(text, "(Junction)") {
		r.edge = false
	}
	if text == "" || strings.Trim(text, "=") == "" || text[0] == '(' || text[0] == '=' {
		return true
	}
	w := strings.Fields(text)
	if text[0] < '0' || text[0] > '9' {
		return false
	}
	if len(w) < len(r.tail)+3 {
		r.wrong("expected GPU, temperature, power and %s, found %d words: the line is cut", strings.Join(r.tail, ", "), len(w))
		return true
	}
	d := &Device{}
	d.Index, _ = number([]byte(w[0]))
	head := w[:len(w)-len(r.tail)]
	for _, x := range head[1:] {
		lower := strings.ToLower(strings.ReplaceAll(x, "°", ""))
		switch {
		case strings.HasSuffix(lower, "c") && rocmFigure(lower):
			name := "temperature.hotspot"
			if r.edge {
				name = "temperature.gpu"
			}
			r.put(d, name, "Temp", []byte(strings.TrimSuffix(lower, "c")))
		case strings.HasSuffix(lower, "w") && rocmFigure(lower):
			r.put(d, "power.draw.average", "Power", []byte(strings.TrimSuffix(lower, "w")))
		}
	}
	for i, name := range r.tail {
		x := strings.Trim(w[len(head)+i], "()")
		switch to := rocmColumns[name]; {
		case isUnknown([]byte(x)) || strings.EqualFold(x, "unsupported") || strings.EqualFold(x, "None"):
		case name == "Perf":
			d.PState = x
		case to != "":
			if name == "GPU%" || name == "Fan" {
				x = strings.TrimSuffix(x, "%")
			}
			r.put(d, to, name, []byte(x))
		default:
			if f, ok := fieldOf(name, []byte(strings.TrimSuffix(x, "%"))); ok {
				d.More = append(d.More, f)
			}
		}
	}
	r.emit(d)
	return true
}

// rocmFigure tells 43.0c from a word that ends in the same letter.
func rocmFigure(s string) bool {
	_, err := parseFloat([]byte(s[:len(s)-1]))
	return err == nil
}
