package ingest

import (
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"aisim/internal/units"
)

// suffixes say by the end of a field's JSON name how its value is written.
var suffixes = []struct {
	end string
	dim units.Dimension
}{
	{"start_s", units.None}, {"_bytes_per_s", units.BytesPerSec}, {"_flop_per_s", units.FlopsPerSec}, {"_unix_s", units.None}, {"unix_s", units.None}, {"_bytes", units.Bytes},
	{"_watts", units.Power}, {"_joules", units.Energy}, {"_ratio", units.Ratio}, {"_hz", units.None}, {"_per_s", units.None}, {"_s", units.Time},
}

type shownField struct {
	place
	inner []shownField // of a struct
	name  string
	dim   units.Dimension
	unit  string
}

var shown sync.Map // reflect.Type to []shownField

func shownFields(t reflect.Type) []shownField {
	if f, ok := shown.Load(t); ok {
		return f.([]shownField)
	}
	var out []shownField
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		f := shownField{place: placeOf(t.Field(i)), name: name}
		if f.form == endForm {
			f.inner = shownFields(t.Field(i).Type)
		}
		for _, s := range suffixes {
			if !strings.HasSuffix(name, s.end) && name != strings.TrimPrefix(s.end, "_") {
				continue
			}
			f.dim = s.dim
			switch s.end {
			case "_hz":
				f.unit = " Hz"
			case "_per_s":
				f.unit = "/s"
			case "_unix_s", "unix_s", "start_s":
				f.unit = " s"
			}
			if s.dim != units.None || s.end == "_hz" || s.end == "_per_s" {
				f.name = strings.TrimSuffix(name, s.end)
				if f.name == name || f.name == "" || s.end == "_per_s" || s.end == "_bytes_per_s" || s.end == "_flop_per_s" {
					f.name = map[string]string{"bytes_per_s": "rate", "flop_per_s": "rate"}[name]
					if f.name == "" {
						f.name = strings.TrimSuffix(name, s.end)
					}
				}
			}
			break
		}
		if strings.HasSuffix(name, "_celsius") {
			f.name, f.unit = strings.TrimSuffix(name, "_celsius"), " °C"
		}
		if strings.HasSuffix(name, "_bits_per_s") {
			f.name, f.unit, f.dim = strings.TrimSuffix(name, "_bits_per_s"), " bit/s", units.None
		}
		out = append(out, f)
	}
	shown.Store(t, out)
	return out
}

func appendNum(dst []byte, v float64, f *shownField) []byte {
	if f.dim != units.None {
		return units.Append(dst, v, f.dim)
	}
	if f.unit == " Hz" && v >= 1e6 {
		return append(strconv.AppendFloat(dst, v/1e6, 'g', 6, 64), " MHz"...)
	}
	if v < 1e15 && v > -1e15 && v == float64(int64(v)) {
		dst = strconv.AppendInt(dst, int64(v), 10)
	} else if f.unit == " s" { // an instant
		dst = strconv.AppendFloat(dst, v, 'f', 6, 64)
	} else {
		dst = strconv.AppendFloat(dst, v, 'g', 6, 64)
	}
	return append(dst, f.unit...)
}

// Text is a record as one line: where it was read, what it is, and what is known of it
// with units. What has no place of its own in the record is counted; JSON has it all.
func (r Record) Text() string { return string(r.AppendText(make([]byte, 0, 256))) }

// AppendText is Text into a buffer.
func (r Record) AppendText(dst []byte) []byte {
	dst = append(append(dst, r.Source.File...), ':')
	dst = strconv.AppendInt(dst, int64(r.Source.Line), 10)
	dst = append(append(append(dst, "  "...), r.Source.Tool...), "  "...)
	dst = append(dst, r.Kind...)
	dst = append(dst, ' ')
	v := reflect.ValueOf(r.Body)
	t := v.Type()
	last := lastShown.Load() // most records are of the kind of the one before
	if last == nil || last.body != t {
		last = &shownBody{t, shownFields(t.Elem())}
		lastShown.Store(last)
	}
	return appendBody(dst, v.UnsafePointer(), last.fields, "")
}

// shownBody are the fields of a kind of body.
type shownBody struct {
	body   reflect.Type
	fields []shownField
}

var lastShown atomic.Pointer[shownBody]

func appendBody(dst []byte, body unsafe.Pointer, fields []shownField, prefix string) []byte {
	for i := range fields {
		f := &fields[i]
		at := f.of(body)
		switch f.form {
		case numForm:
			if x := (*Num)(at); x.Known {
				dst = appendNum(appendName(dst, prefix, f.name), x.V, f)
			}
		case stringForm:
			if x := *(*string)(at); x != "" {
				dst = appendWord(appendName(dst, prefix, f.name), x)
			}
		case distForm:
			if x := (*Dist)(at); !x.IsZero() {
				dst = appendDist(dst, prefix+f.name, *x, f)
			}
		case endForm:
			if *(*End)(at) != (End{}) {
				dst = appendBody(dst, at, f.inner, prefix+f.name+".")
			}
		case boolForm:
			if *(*bool)(at) {
				dst = append(appendName(dst, prefix, f.name), "true"...)
			}
		case fieldsForm:
			if x := *(*[]Field)(at); len(x) > 0 {
				dst = append(strconv.AppendInt(append(dst, " +"...), int64(len(x)), 10), " fields"...)
			}
		case stringsForm:
			for j, w := range *(*[]string)(at) {
				if j == 0 {
					dst = appendName(dst, prefix, f.name)
				} else {
					dst = append(dst, ',')
				}
				dst = append(dst, w...)
			}
		case int64sForm:
			if x := *(*[]int64)(at); len(x) > 0 {
				dst = append(strconv.AppendInt(append(dst, ' '), int64(len(x)), 10), " deps"...)
			}
		case intsForm:
			for j, n := range *(*[]int)(at) {
				if j == 0 {
					dst = appendName(dst, prefix, f.name)
				} else {
					dst = append(dst, 'x')
				}
				dst = strconv.AppendInt(dst, int64(n), 10)
			}
		}
	}
	return dst
}

func appendName(dst []byte, prefix, name string) []byte {
	return append(append(append(append(dst, ' '), prefix...), name...), '=')
}

// charClass says what a byte of a text asks for.
type charClass uint8

const (
	needsQuotes charClass = 1 << iota
	needsEscape           // inside quotes
)

var charClasses = func() (t [256]charClass) {
	for c := range t {
		if c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			t[c] = needsEscape
		}
	}
	for _, c := range " \t\n\"=" {
		t[c] |= needsQuotes
	}
	return t
}()

// appendWord writes a text, quoted where it has blanks, cut where it is long.
func appendWord(dst []byte, y string) []byte {
	if len(y) > 80 {
		y = y[:77] + "..."
	}
	has := charClass(0)
	for i := range len(y) {
		has |= charClasses[y[i]]
	}
	switch {
	case has&needsQuotes == 0:
		return append(dst, y...)
	case has&needsEscape == 0:
		return append(append(append(dst, '"'), y...), '"')
	}
	return strconv.AppendQuote(dst, y)
}

func appendDist(dst []byte, name string, d Dist, f *shownField) []byte {
	put := func(stat string, v float64) {
		dst = append(append(append(append(append(dst, ' '), name...), '.'), stat...), '=')
		dst = appendNum(dst, v, f)
	}
	for _, s := range []struct {
		name string
		v    Num
	}{{"mean", d.Mean}, {"median", d.Median}, {"min", d.Min}, {"max", d.Max}, {"sd", d.SD}} {
		if s.v.Known {
			put(s.name, s.v.V)
		}
	}
	for _, p := range d.Percentiles {
		if p.Percent == 50 && d.Median.Known {
			continue
		}
		put("p"+strconv.FormatFloat(p.Percent, 'g', -1, 64), p.Value)
	}
	return dst
}
