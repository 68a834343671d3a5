package ingest

import (
	"bytes"
	"compress/gzip"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What of a file's numbers is in no record, by folder, and why that loses nothing that a model
// could use. Elsewhere at most a twentieth (process numbers, versions, sums that are checked).
var notKept = map[string]struct {
	share float64
	why   string
}{
	"cublaslt":       {0.20, "the columns that repeat a kernel's number and name, and advice in sentences"},
	"dcgm-exporter":  {1, "a list of fields: the only number stands in a help text"},
	"fio":            {0.22, "shares by depth and latency class, which the percentiles hold; the date"},
	"gpu-burn":       {0.40, "progress lines: the last state counts"},
	"gpu-stream":     {0.45, "percent of the peak, which is there"},
	"hpl":            {1, "progress by column: the result counts"},
	"kineto":         {0.20, "arrows between events, process numbers, order of calls"},
	"mlperf":         {0.35, "lines of source files; models of the host's processors"},
	"nvbandwidth":    {0.10, "versions; sums, which are checked"},
	"nvidia-smi-xml": {0.82, "clocks that could be set"},
	"pytorch-et":     {0.08, "identities of tensors"},
	"slurm":          {0.12, "numbers of users, ports and versions; energy and disk in columns without header"},
	"stream":         {0.35, "totals that follow from the array; the clock's granularity"},
}

var anyNumber = regexp.MustCompile(`[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?`)

// Every number of the shared files is in a record, in the tool's unit or converted, but for those
// that the list above gives up.
func TestNumbersOfFilesAreKept(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared, "*/*"))
	if err != nil || len(files) == 0 {
		t.Skip("the measured data are not at hand")
	}
	scales := []float64{1, 1e3, 1e6, 1e9, 1e12, 1e-2, 1e-3, 1e-6, 1e-9, 1 << 10, 1 << 20, 1 << 30, 60, 3600, 125e6, 4}
	name := func(v float64) string { return strconv.FormatFloat(math.Abs(v), 'g', 4, 64) }
	for _, file := range files {
		if strings.HasSuffix(file, ".md") || strings.HasSuffix(file, ".tar.gz") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".gz") {
			z, err := gzip.NewReader(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if text, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		have := map[string]bool{}
		if _, err := File(file, &numbersOf{have: have, name: name}); err != nil {
			t.Fatal(err)
		}
		total, absent := 0, 0
		first := ""
	number:
		for _, m := range anyNumber.FindAllIndex(text[:min(len(text), 1<<20)], -1) {
			if m[0] > 0 && (text[m[0]-1] >= 'a' && text[m[0]-1] <= 'z' || text[m[0]-1] >= 'A' && text[m[0]-1] <= 'Z' || text[m[0]-1] == '_' || text[m[0]-1] == '.') {
				continue // of a word
			}
			v, err := strconv.ParseFloat(string(text[m[0]:m[1]]), 64)
			if total++; err != nil || v == 0 {
				continue
			}
			for _, s := range scales {
				if have[name(v*s)] {
					continue number
				}
			}
			if absent++; first == "" {
				first = string(text[max(0, m[0]-60):m[1]])
			}
		}
		folder := filepath.Base(filepath.Dir(file))
		allowed := 0.05
		if n, ok := notKept[folder]; ok {
			allowed = n.share
		}
		if share := float64(absent) / float64(max(1, total)); share > allowed {
			t.Errorf("%s/%s: %d of %d numbers are in no record, allowed %.0f %%; the first: %q", folder, filepath.Base(file), absent, total, 100*allowed, first)
		}
	}
}

// numbersOf gathers every number of the records.
type numbersOf struct {
	have map[string]bool
	name func(float64) string
}

func (n *numbersOf) Record(r Record) error {
	for _, m := range anyNumber.FindAll(r.AppendJSON(nil), -1) {
		if v, err := strconv.ParseFloat(string(m), 64); err == nil {
			n.have[n.name(v)] = true
		}
	}
	return nil
}

func (n *numbersOf) Problem(Problem) {}
