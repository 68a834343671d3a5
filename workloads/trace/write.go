package trace

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"time"
)

// azureEpoch is the date that written Azure traces begin at: a trace keeps no date.
var azureEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// WriteAzure writes requests as Azure LLM CSV; prefix hashes have no place in it.
func (t *Trace) WriteAzure(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	if _, err := out.WriteString("TIMESTAMP,ContextTokens,GeneratedTokens\n"); err != nil {
		return err
	}
	for i := range t.Requests {
		r := &t.Requests[i]
		at := azureEpoch.Add(time.Duration(r.ArriveSec * 1e9)).Format("2006-01-02 15:04:05.0000000")
		if _, err := fmt.Fprintf(out, "%s,%d,%d\n", at, r.Prompt, r.Output); err != nil {
			return err
		}
	}
	return out.Flush()
}

// WriteMooncake writes requests as Mooncake JSONL, with the prefix hashes that they have.
func (t *Trace) WriteMooncake(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	var b []byte
	for i := range t.Requests {
		r := &t.Requests[i]
		b = append(b[:0], `{"timestamp": `...)
		b = strconv.AppendInt(b, int64(r.ArriveSec*1e3+0.5), 10)
		b = append(b, `, "input_length": `...)
		b = strconv.AppendInt(b, int64(r.Prompt), 10)
		b = append(b, `, "output_length": `...)
		b = strconv.AppendInt(b, int64(r.Output), 10)
		b = append(b, `, "hash_ids": [`...)
		for k := range r.HashCount {
			if k > 0 {
				b = append(b, ", "...)
			}
			b = strconv.AppendInt(b, t.Hashes[r.HashStart+k], 10)
		}
		b = append(b, "]}\n"...)
		if _, err := out.Write(b); err != nil {
			return err
		}
	}
	return out.Flush()
}
