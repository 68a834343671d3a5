package reports

import (
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"aisim/internal/result"
)

// clean makes a text from outside safe to set in a line: no control characters,
// no direction overrides (which could turn the text around it), valid UTF-8.
func clean(s string) string {
	s = noScheme.Replace(s)
	if plain(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r == utf8.RuneError || unicode.IsControl(r):
			return -1
		case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0x61c:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// noScheme takes the scheme off addresses, which sources are full of: a page
// that loads nothing has nothing to link to, and a test can hold it to that.
var noScheme = strings.NewReplacer("https://", "", "http://", "", "https:", "https ", "http:", "http ")

func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// clip shortens s to n characters; the whole text stands in result.json.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return strings.TrimSpace(string(r[:n-1])) + "…"
}

// forDisplay is a deep copy of run with every text cleaned.
func forDisplay(run *result.Run) *result.Run {
	out := copyClean(reflect.ValueOf(run)).Interface().(*result.Run)
	for i, b := range out.Banners {
		out.Banners[i] = clip(b, longestBanner)
	}
	for i := range out.Elasticities {
		name(&out.Elasticities[i].Name)
	}
	for i := range out.Bottlenecks {
		name(&out.Bottlenecks[i].Name)
	}
	for i := range out.Levers {
		out.Levers[i].Action = clip(out.Levers[i].Action, longestAction)
	}
	for i := range out.NotWorth {
		out.NotWorth[i].Action = clip(out.NotWorth[i].Action, longestAction)
	}
	for i := range out.Workloads {
		w := &out.Workloads[i]
		for j := range w.Step {
			name(&w.Step[j].Name)
		}
		for j := range w.Losses {
			name(&w.Losses[j].Cause)
		}
		for j := range w.Memory {
			name(&w.Memory[j].Name)
		}
	}
	return out
}

// Lengths in characters that names are cut to, so that a name cannot push a
// page off its sheet. The whole text stands in result.json and in the tables.
const (
	longestName   = 48
	longestAction = 100
	longestBanner = 120
)

func name(s *string) { *s = clip(*s, longestName) }

func copyClean(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.String:
		out.SetString(clean(v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(copyClean(v.Elem()))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			out.Field(i).Set(copyClean(v.Field(i)))
		}
	case reflect.Slice:
		if v.IsNil() {
			break
		}
		if k := v.Type().Elem().Kind(); k >= reflect.Int && k <= reflect.Float64 {
			return v
		}
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(copyClean(v.Index(i)))
		}
	case reflect.Map:
		if v.IsNil() {
			break
		}
		out.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
		for it := v.MapRange(); it.Next(); {
			out.SetMapIndex(it.Key(), copyClean(it.Value()))
		}
	default:
		out.Set(v)
	}
	return out
}
