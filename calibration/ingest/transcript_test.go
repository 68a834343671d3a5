package ingest

import (
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestTranscripts reads small outputs of tools in testdata and compares the records
// and problems; -rewrite records them. The inputs are written after the tools' sources
// and documentation, numbers are made up.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/formats", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			k, r := readString(t, strings.NewReplacer(`\t`, "\t", `\r`, "\r").Replace(d.Input)+"\n")
			var b strings.Builder
			if !r.Recognised {
				b.WriteString("not recognised\n")
			}
			for _, x := range k.records {
				b.WriteString(x.Text() + "\n")
			}
			for _, p := range k.problems {
				b.WriteString("! " + p.String() + "\n")
			}
			if b.Len() == 0 {
				return "nothing\n"
			}
			return b.String()
		})
	})
}
