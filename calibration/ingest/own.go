package ingest

import (
	"encoding/json"
	"strings"
)

// Schema is the version of the JSON that `aisim calibrate ingest` and `probe` print.
const Schema = "aisim.ingest/v1"

// readOwn reads what `aisim calibrate ingest --format json` and `probe` printed: each record
// keeps the tool, file and line that it was first read from.
func readOwn(f *feed, j *jsonReader) error {
	var t tree
	var line []byte
	return j.object(func(key string) error {
		switch key {
		case "schema":
			v, err := j.value(&t)
			if err == nil && v.str() != Schema {
				f.wrongAt(v.line(), "schema %q, want %q", clip(v.raw()), Schema)
			}
			return err
		case "records":
			return j.array(func() error {
				v, err := j.value(&t)
				if err != nil {
					return err
				}
				f.line = v.line()
				kind := Kind(v.get("kind").str())
				body := bodyOf(kind)
				if body == nil {
					f.wrong("kind %q: not one that is known", clip([]byte(kind)))
					return nil
				}
				line = v.get("body").compact(line[:0])
				if err := json.Unmarshal(line, body); err != nil {
					f.wrong("%s: expected its fields: %s", kind, strings.TrimPrefix(err.Error(), "json: "))
					return nil
				}
				s := v.get("source")
				from := f.file
				if file := s.get("file").str(); file != "" {
					from = file
				}
				f.again(Record{Kind: kind, Source: Source{Tool: s.get("tool").str(), Version: s.get("version").str(), File: from, Line: int(s.get("line").num().V)}, Body: body})
				return f.err
			})
		}
		return j.skip()
	})
}

// again hands on a record that was read before.
func (f *feed) again(r Record) {
	if f.err != nil {
		return
	}
	if r.Source.Tool == "" {
		f.wrong("a record without a tool")
		return
	}
	if f.tool, f.version = r.Source.Tool, r.Source.Version; f.last == nil || f.last.Tool != f.tool {
		f.saw()
	}
	f.last.Records++
	f.err = f.sink.Record(r)
}

func bodyOf(kind Kind) Body {
	switch kind {
	case KindCollective:
		return new(Collective)
	case KindLink:
		return new(Link)
	case KindMemory:
		return new(Memory)
	case KindKernel:
		return new(Kernel)
	case KindDevice:
		return new(Device)
	case KindStorage:
		return new(Storage)
	case KindServing:
		return new(Serving)
	case KindRequest:
		return new(Request)
	case KindJob:
		return new(Job)
	case KindEvent:
		return new(Event)
	case KindEdge:
		return new(Edge)
	case KindCounters:
		return new(Counters)
	}
	return nil
}
