package trace

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"
)

// burstHeader is the first line of the published files.
const burstHeader = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type"

// readBurstGPT reads lines like
//
//	5,ChatGPT,472,18,490,Conversation log
//
// with seconds from the start of the trace. Requests without response tokens failed when
// they were recorded; they are left out and counted.
func readBurstGPT(r io.Reader, name string, lim Limits) (*Trace, error) {
	t := &Trace{Name: name}
	l := newLines(name, r, lim.LineBytes)
	head, err := l.next()
	if errors.Is(err, io.EOF) {
		return nil, &Error{File: name, Line: 1, Msg: "empty file, expected the header " + burstHeader, Err: ErrEmpty}
	}
	if err != nil {
		return nil, err
	}
	columns := bytes.Split(bytes.TrimPrefix(bytes.TrimSpace(head), []byte("\ufeff")), []byte{','})
	at, prompt, output := -1, -1, -1
	for i, c := range columns {
		switch string(bytes.ToLower(bytes.TrimSpace(c))) {
		case "timestamp":
			at = i
		case "request tokens":
			prompt = i
		case "response tokens":
			output = i
		}
	}
	if at < 0 || prompt < 0 || output < 0 {
		return nil, l.errorf("header %s, expected %s", excerpt(head), burstHeader)
	}
	var first, last float64
	for {
		line, err := l.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		fields := bytes.Split(line, []byte{','})
		if len(fields) != len(columns) {
			return nil, l.errorf("%s: expected %d fields (truncated?)", excerpt(line), len(columns))
		}
		sec, err := strconv.ParseFloat(string(bytes.TrimSpace(fields[at])), 64)
		if err != nil || !(sec >= 0) || math.IsInf(sec, 0) {
			return nil, l.errorf("timestamp %s: expected seconds from 0 upwards", excerpt(fields[at]))
		}
		if out := bytes.TrimSpace(fields[output]); string(out) == "0" || string(bytes.TrimSpace(fields[prompt])) == "0" {
			t.Rejected = rejected(t.Rejected, "no prompt or no output tokens", l.no)
			continue
		}
		in, msg := parseTokens(bytes.TrimSpace(fields[prompt]), lim.Tokens)
		if msg != "" {
			return nil, l.errorf("request tokens %s: %s", excerpt(fields[prompt]), msg)
		}
		out, msg := parseTokens(bytes.TrimSpace(fields[output]), lim.Tokens)
		if msg != "" {
			return nil, l.errorf("response tokens %s: %s", excerpt(fields[output]), msg)
		}
		if len(t.Requests) == 0 {
			first, last = sec, sec
		}
		if sec < last {
			return nil, l.errorf("timestamp %s is before that of the line above: expected requests in order of arrival", excerpt(fields[at]))
		}
		if len(t.Requests) >= lim.Requests {
			return nil, l.errorf("more than %d requests", lim.Requests)
		}
		last = sec
		t.Requests = append(t.Requests, Request{ArriveSec: sec - first, Prompt: in, Output: out})
	}
	if len(t.Requests) == 0 {
		return nil, &Error{File: name, Line: l.no, Msg: "no request with response tokens", Err: ErrEmpty}
	}
	return t, nil
}
