package ingest

import (
	"reflect"
	"strconv"
	"strings"
	"sync"

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
	index int
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
		f := shownField{index: i, name: name}
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
		return append(dst, units.Format(v, f.dim)...)
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
func (r Record) Text() string {
	dst := make([]byte, 0, 256)
	dst = append(append(dst, r.Source.File...), ':')
	dst = strconv.AppendInt(dst, int64(r.Source.Line), 10)
	dst = append(append(append(dst, "  "...), r.Source.Tool...), "  "...)
	dst = append(dst, r.Kind...)
	dst = append(dst, ' ')
	return string(appendBody(dst, reflect.ValueOf(r.Body).Elem(), ""))
}

func appendBody(dst []byte, v reflect.Value, prefix string) []byte {
	for _, f := range shownFields(v.Type()) {
		x := v.Field(f.index)
		if x.IsZero() {
			continue
		}
		if d, ok := x.Interface().(Dist); ok {
			dst = appendDist(dst, prefix+f.name, d, &f)
			continue
		}
		if _, ok := x.Interface().(End); ok {
			dst = appendBody(dst, x, prefix+f.name+".")
			continue
		}
		start := len(dst)
		dst = append(append(append(append(dst, ' '), prefix...), f.name...), '=')
		switch y := x.Interface().(type) {
		case Num:
			dst = appendNum(dst, y.V, &f)
		case string:
			if len(y) > 80 {
				y = y[:77] + "..."
			}
			if strings.ContainsAny(y, " \t\n\"=") {
				dst = strconv.AppendQuote(dst, y)
			} else {
				dst = append(dst, y...)
			}
		case bool:
			dst = strconv.AppendBool(dst, y)
		case []Field:
			dst = append(dst[:start], " +"...)
			dst = append(strconv.AppendInt(dst, int64(len(y)), 10), " fields"...)
		case []string:
			dst = append(dst, strings.Join(y, ",")...)
		case []int64:
			dst = append(dst[:start], ' ')
			dst = append(strconv.AppendInt(dst, int64(len(y)), 10), " deps"...)
		case []int:
			for i, n := range y {
				if i > 0 {
					dst = append(dst, 'x')
				}
				dst = strconv.AppendInt(dst, int64(n), 10)
			}
		}
	}
	return dst
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
