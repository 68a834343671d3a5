package trace

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
)

// mooncakeBlockTokens is what one hash id stands for in the published trace.
const mooncakeBlockTokens = 512

type mooncakeLine struct {
	Timestamp *float64 `json:"timestamp"` // milliseconds
	Input     *int64   `json:"input_length"`
	Output    *int64   `json:"output_length"`
	Hashes    []int64  `json:"hash_ids"`
}

func readMooncake(r io.Reader, name string, lim Limits) (*Trace, error) {
	t := &Trace{Name: name}
	l := newLines(name, r, lim.LineBytes)
	var rec mooncakeLine
	var first, last float64
	for {
		line, err := l.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if l.no == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		rec = mooncakeLine{Hashes: rec.Hashes[:0]}
		if err := json.Unmarshal(line, &rec); err != nil {
			return nil, &Error{File: name, Line: l.no, Msg: "expected one JSON object with timestamp, input_length, output_length, hash_ids (truncated?)", Err: err}
		}
		if rec.Timestamp == nil || rec.Input == nil || rec.Output == nil {
			return nil, l.errorf("expected the fields timestamp, input_length and output_length")
		}
		at := *rec.Timestamp
		if !(at >= 0) || at > 1e15 {
			return nil, l.errorf("timestamp %v: expected milliseconds from 0 to 1e15", at)
		}
		if *rec.Input < 1 || *rec.Input > int64(lim.Tokens) {
			return nil, l.errorf("input_length %d: expected 1 to %d", *rec.Input, lim.Tokens)
		}
		if *rec.Output < 1 || *rec.Output > int64(lim.Tokens) {
			return nil, l.errorf("output_length %d: expected 1 to %d", *rec.Output, lim.Tokens)
		}
		if len(t.Requests) == 0 {
			first, last = at, at
		}
		if at < last {
			return nil, l.errorf("timestamp %v is before that of the line above: expected requests in order of arrival", at)
		}
		most := (*rec.Input + mooncakeBlockTokens - 1) / mooncakeBlockTokens
		if int64(len(rec.Hashes)) > most {
			return nil, l.errorf("%d hash_ids for %d tokens: expected at most %d blocks of %d", len(rec.Hashes), *rec.Input, most, mooncakeBlockTokens)
		}
		if len(t.Requests) >= lim.Requests {
			return nil, l.errorf("more than %d requests", lim.Requests)
		}
		if len(t.Hashes)+len(rec.Hashes) > min(lim.Hashes, math.MaxInt32) {
			return nil, l.errorf("more than %d hash_ids in the trace", lim.Hashes)
		}
		last = at
		t.Requests = append(t.Requests, Request{
			ArriveSec: (at - first) / 1000, Prompt: int32(*rec.Input), Output: int32(*rec.Output),
			HashStart: int32(len(t.Hashes)), HashCount: int32(len(rec.Hashes)),
		})
		t.Hashes = append(t.Hashes, rec.Hashes...)
	}
	if len(t.Requests) == 0 {
		return nil, &Error{File: name, Line: max(l.no-1, 1), Msg: "expected one JSON object per line", Err: ErrEmpty}
	}
	if len(t.Hashes) > 0 {
		t.BlockTokens = mooncakeBlockTokens
	}
	return t, nil
}
