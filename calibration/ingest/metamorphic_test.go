package ingest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
)

func texts(k *kept) string {
	var b strings.Builder
	for _, r := range k.records {
		text := r.Text()
		b.WriteString(text[strings.Index(text, "  "):] + "\n") // without file and line
	}
	return b.String()
}

// TestSameRecordsHoweverPacked reads every shared text file in other dress: compressed,
// with Windows line ends, in small pieces, behind foreign lines, as UTF-16.
func TestSameRecordsHoweverPacked(t *testing.T) {
	if _, err := os.Stat(shared); err != nil {
		t.Skip("shared data absent: calibration")
	}
	for _, c := range sharedFiles {
		raw, err := os.ReadFile(filepath.Join(shared, c.file))
		if err != nil {
			t.Fatal(err)
		}
		packed := strings.HasSuffix(c.file, ".gz")
		want := &kept{}
		if _, err := Read("x", bytes.NewReader(raw), want); err != nil {
			t.Fatal(err)
		}
		dress := map[string]io.Reader{"small pieces": iotest.OneByteReader(bytes.NewReader(raw))}
		if len(raw) > 60000 {
			delete(dress, "small pieces")
		}
		var z bytes.Buffer
		g := gzip.NewWriter(&z)
		_, _ = g.Write(raw)
		_ = g.Close()
		dress["gzip"] = &z
		e, _ := zstd.NewWriter(nil)
		dress["zstd"] = bytes.NewReader(e.EncodeAll(raw, nil))
		if !packed {
			if !bytes.Contains(raw, []byte("\r")) {
				dress["CRLF"] = bytes.NewReader(bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n")))
			}
			dress["foreign lines"] = io.MultiReader(strings.NewReader(strings.Repeat("srun: job 17 has been allocated resources\nwarning: something {odd} [here]\n", 50)), bytes.NewReader(raw))
			wide := []byte{0xff, 0xfe}
			for _, r := range string(raw) {
				if r > 0xffff {
					r = '?'
				}
				wide = append(wide, byte(r), byte(r>>8))
			}
			dress["UTF-16"] = bytes.NewReader(wide)
		}
		for name, r := range dress {
			got := &kept{}
			if _, err := Read("x", r, got); err != nil {
				t.Fatal(err)
			}
			if a, b := texts(want), texts(got); a != b {
				t.Errorf("%s, %s: %d records, expected %d", c.file, name, len(got.records), len(want.records))
			}
		}
	}
}

// TestCutFiles cuts every shared file at many places: what stands before the cut is
// read as before, and JSON and XML say that they end early.
func TestCutFiles(t *testing.T) {
	if _, err := os.Stat(shared); err != nil {
		t.Skip("shared data absent: calibration")
	}
	for _, c := range sharedFiles {
		raw, err := os.ReadFile(filepath.Join(shared, c.file))
		if err != nil {
			t.Fatal(err)
		}
		for i := 1; i < 8; i++ {
			k := &kept{}
			cut := raw[:len(raw)*i/8]
			if _, err := Read("x", bytes.NewReader(cut), k); err != nil {
				t.Fatal(err)
			}
			if len(k.records) > c.records {
				t.Errorf("%s cut at %d/8: %d records of %d", c.file, i, len(k.records), c.records)
			}
			if ext := filepath.Ext(c.file); (ext == ".json" || ext == ".xml" || ext == ".gz") && len(k.problems) == 0 && len(cut) > 2048 {
				t.Errorf("%s cut at %d/8: no problem is reported", c.file, i)
			}
			for _, p := range k.problems {
				if p.Line == 0 && !strings.Contains(c.file, "tar") {
					t.Errorf("%s: a problem without line: %v", c.file, p)
				}
			}
		}
	}
}

func TestGiganticLines(t *testing.T) {
	nccl := "# nThread 1 nGpus 2 minBytes 8\n#       size         count      type   redop    root     time   algbw   busbw  #wrong\n"
	row := "     1048576        262144     float     sum      -1    50.00   20.97   20.97     N/A\n"
	k, _ := readString(t, nccl+row+strings.Repeat("x", 5<<20)+"\n"+row)
	if len(k.records) != 2 || k.records[1].Source.Line != 5 {
		t.Errorf("%d records", len(k.records))
	}
	if len(k.problems) == 0 || !strings.Contains(fmt.Sprint(k.problems), "longer than 1 MiB") {
		t.Error(k.problems)
	}
	k, _ = readString(t, `{"traceEvents": [{"ph": "X", "cat": "kernel", "name": "`+strings.Repeat("x", 65<<20)+`"}]}`)
	if len(k.problems) != 1 || !strings.Contains(k.problems[0].What, "64 MiB") {
		t.Error(k.problems)
	}
	k, _ = readString(t, `{"traceEvents": `+strings.Repeat("[", 100000))
	if len(k.problems) != 1 || !strings.Contains(k.problems[0].What, "nested") {
		t.Error(k.problems)
	}
}

func TestSinkCanStop(t *testing.T) {
	for _, text := range []string{"Latency of step 0: 1 ms\nLatency of step 1: 1 ms\n", `{"traceEvents": [{"ph": "X", "cat": "kernel", "name": "a", "ts": 1, "dur": 2}]}`} {
		if _, err := Read("x", strings.NewReader(text), stopper{}); err == nil || err.Error() != "enough" {
			t.Errorf("error %v", err)
		}
	}
}

type stopper struct{}

func (stopper) Record(Record) error { return fmt.Errorf("enough") }
func (stopper) Problem(Problem)     {}
