package trace

import (
	"bytes"
	"io"
	"math"
	"testing"
)

// What is written reads back: times to a millisecond in Mooncake's form, to 100 ns in Azure's.
func TestWrittenRequestsReadBack(t *testing.T) {
	in := &Trace{Requests: []Request{{ArriveSec: 0, Prompt: 100, Output: 7}, {ArriveSec: 1.234, Prompt: 2000, Output: 1, HashStart: 0, HashCount: 2}}, Hashes: []int64{4, 9}, BlockTokens: 512}
	for format, write := range map[Format]func(io.Writer) error{Azure: in.WriteAzure, Mooncake: in.WriteMooncake} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		out, err := Read(&b, "x", format, Limits{})
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		for i, want := range in.Requests {
			got := out.Requests[i]
			if math.Abs(got.ArriveSec-want.ArriveSec) > 1e-3 || got.Prompt != want.Prompt || got.Output != want.Output {
				t.Errorf("%s: request %d reads back as %+v, was %+v", format, i, got, want)
			}
		}
		if format == Mooncake && (len(out.Hashes) != 2 || out.Hashes[1] != 9) {
			t.Errorf("hashes read back as %v", out.Hashes)
		}
	}
}
