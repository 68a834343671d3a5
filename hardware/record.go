package hardware

import (
	"errors"
	"fmt"
	"math"
	"sort"

	"github.com/BurntSushi/toml"

	"aisim/internal/result"
)

// catalogueSchema is the format of the embedded tables.
const catalogueSchema = "aisim.catalogue/v1"

// catalogueTable is one parsed file: rows by id, ids sorted.
type catalogueTable struct {
	kind    string
	columns []string // numeric columns in the order of the table
	units   map[string]string
	ids     []string
	byID    map[string]*record
}

// record is one row: words, numbers and the pedigree of each number.
type record struct {
	table     *catalogueTable
	id        string
	pedigree  result.Pedigree
	source    string
	date      string
	note      string
	sd        float64
	textNames []string
	text      map[string]string
	number    map[string]float64
	except    map[string]exception
}

// exception is the pedigree of one value where it differs from its row's.
type exception struct {
	pedigree result.Pedigree
	source   string
	date     string
	sd       float64
}

// rule is the relative standard deviation of a value by what it rests on; see
// docs/models/hardware.md for the reasons.
func rule(p result.Pedigree) float64 {
	switch p {
	case result.Measured:
		return 0.02
	case result.Derived, result.Datasheet:
		return 0.03
	}
	return 0.15
}

// unitSI is the factor to SI base units and the base unit's name.
var unitSI = map[string]struct {
	scale float64
	base  string
	exact bool // counted, not estimated: no uncertainty
}{
	"":        {1, "", true},
	"nm":      {1e-9, "m", true},
	"TFLOP/s": {1e12, "FLOP/s", false},
	"TOP/s":   {1e12, "OP/s", false},
	"GiB":     {1 << 30, "B", true},
	"MiB":     {1 << 20, "B", true},
	"TB":      {1e12, "B", true},
	"GB/s":    {1e9, "B/s", false},
	"Gb/s":    {1e9 / 8, "B/s", false},
	"Tb/s":    {1e12 / 8, "B/s", false},
	"ns":      {1e-9, "s", false},
	"us":      {1e-6, "s", false},
	"k/s":     {1e3, "1/s", false},
	"1/day":   {1, "1/day", false},
	"W":       {1, "W", false},
	"kW":      {1e3, "W", false},
	"m":       {1, "m", false},
	"USD":     {1, "USD", false},
	"USD/h":   {1, "USD/h", false},
	"USD/TB":  {1, "USD/TB", false},
	"G":       {1e9, "", false}, // billions of parameters
	"FLOP":    {1, "FLOP", false},
	"*":       {1, "*", false}, // the row's own unit
}

// value is the number in a column with its pedigree; the zero Value when the
// row has none.
func (r *record) value(column string) Value {
	n, ok := r.number[column]
	if !ok {
		return Value{}
	}
	u := unitSI[r.table.units[column]]
	v := Value{V: n * u.scale, Unit: u.base, Kind: r.pedigree, Source: r.source, Date: r.date, Note: r.note, RelSD: r.sd}
	if u.base == "*" {
		v.Unit = r.text["unit"]
	}
	if e, ok := r.except[column]; ok {
		v.Kind, v.Source = e.pedigree, e.source
		v.RelSD = e.sd
		if e.date != "" {
			v.Date = e.date
		}
	}
	switch {
	case u.exact:
		v.RelSD = 0
	case v.RelSD == 0:
		v.RelSD = rule(v.Kind)
	}
	return v
}

// count is a whole number of a column, 0 when absent.
func (r *record) count(column string) int { return int(math.Round(r.number[column])) }

// parseTable reads one table of the catalogue.
func parseTable(kind, text string) (*catalogueTable, error) {
	var file struct {
		Schema  string           `toml:"schema"`
		Kind    string           `toml:"kind"`
		Rows    int              `toml:"rows"`
		Date    string           `toml:"date"`
		Sources []string         `toml:"sources"`
		Units   toml.Primitive   `toml:"units"`
		Row     []map[string]any `toml:"row"`
	}
	meta, err := toml.Decode(text, &file)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %s.toml: %w", kind, err)
	}
	fail := func(format string, args ...any) error {
		return fmt.Errorf("catalogue: %s.toml: %w", kind, fmt.Errorf(format, args...))
	}
	if file.Schema != catalogueSchema || file.Kind != kind {
		return nil, fail("schema %q kind %q, want %q %q", file.Schema, file.Kind, catalogueSchema, kind)
	}
	if file.Rows != len(file.Row) {
		return nil, fail("%d rows, header says %d", len(file.Row), file.Rows)
	}
	t := &catalogueTable{kind: kind, units: map[string]string{}, byID: make(map[string]*record, len(file.Row))}
	if err := meta.PrimitiveDecode(file.Units, &t.units); err != nil {
		return nil, fail("units: %w", err)
	}
	for _, key := range meta.Keys() {
		if len(key) == 2 && key[0] == "units" {
			if _, ok := unitSI[t.units[key[1]]]; !ok {
				return nil, fail("column %s: unknown unit %q", key[1], t.units[key[1]])
			}
			t.columns = append(t.columns, key[1])
		}
		if len(key) > 0 && key[0] == "row" {
			break
		}
	}
	for i, raw := range file.Row {
		r, err := parseRecord(t, file.Sources, raw)
		if err != nil {
			return nil, fail("row %d: %w", i+1, err)
		}
		if r.date == "" {
			r.date = file.Date
		}
		if t.byID[r.id] != nil {
			return nil, fail("row %d: id %q appears twice", i+1, r.id)
		}
		t.byID[r.id] = r
		t.ids = append(t.ids, r.id)
	}
	sort.Strings(t.ids)
	return t, nil
}

// join adds the rows of another table of the kind.
func (t *catalogueTable) join(by *catalogueTable) error {
	for _, id := range by.ids {
		if t.byID[id] != nil {
			return fmt.Errorf("catalogue: %s-more.toml: id %q is in %s.toml too", t.kind, id, t.kind)
		}
		t.byID[id] = by.byID[id]
	}
	t.ids = append(t.ids, by.ids...)
	sort.Strings(t.ids)
	return nil
}

// extend gives rows values that their own table lacks, each with the pedigree of the row
// that brings it.
func (t *catalogueTable) extend(by *catalogueTable) error {
	for _, id := range by.ids {
		r, add := t.byID[id], by.byID[id]
		if r == nil {
			return fmt.Errorf("catalogue: %s: no row %q to add values to", t.kind, id)
		}
		for _, col := range by.columns {
			v, ok := add.number[col]
			if !ok {
				continue
			}
			if _, has := r.number[col]; has {
				return fmt.Errorf("catalogue: %s: row %q has its own %s", t.kind, id, col)
			}
			if _, known := r.table.units[col]; !known {
				r.table.units[col] = by.units[col]
				r.table.columns = append(r.table.columns, col)
			}
			if r.except == nil {
				r.except = map[string]exception{}
			}
			r.number[col] = v
			x, own := add.except[col]
			if !own {
				x = exception{pedigree: add.pedigree, source: add.source, sd: add.sd}
			}
			if x.date == "" {
				x.date = add.date
			}
			r.except[col] = x
		}
	}
	return nil
}

func parseRecord(t *catalogueTable, sources []string, raw map[string]any) (*record, error) {
	r := &record{table: t, text: map[string]string{}, number: map[string]float64{}}
	var err error
	if r.id, _ = raw["id"].(string); r.id == "" {
		return nil, errors.New("no id")
	}
	if r.pedigree, r.source, r.sd, err = parsePedigree(sources, raw); err != nil {
		return nil, fmt.Errorf("%s: %w", r.id, err)
	}
	for key, v := range raw {
		switch key {
		case "id", "pedigree", "src", "sd":
			continue
		case "date":
			r.date, _ = v.(string)
			continue
		case "note":
			r.note, _ = v.(string)
			continue
		case "except":
			table, _ := v.(map[string]any)
			r.except = make(map[string]exception, len(table))
			for col, e := range table {
				m, ok := e.(map[string]any)
				if !ok {
					return nil, fmt.Errorf("%s: except.%s is not a table", r.id, col)
				}
				var x exception
				if x.pedigree, x.source, x.sd, err = parsePedigree(sources, m); err != nil {
					return nil, fmt.Errorf("%s: except.%s: %w", r.id, col, err)
				}
				x.date, _ = m["date"].(string)
				r.except[col] = x
			}
			continue
		}
		_, numeric := t.units[key]
		switch n := v.(type) {
		case string:
			if numeric {
				return nil, fmt.Errorf("%s: %s is text, want a number", r.id, key)
			}
			r.text[key] = n
			r.textNames = append(r.textNames, key)
			continue
		case int64:
			r.number[key] = float64(n)
		case float64:
			r.number[key] = n
		default:
			return nil, fmt.Errorf("%s: %s has an unknown type", r.id, key)
		}
		if !numeric {
			return nil, fmt.Errorf("%s: column %s has no unit", r.id, key)
		}
		if x := r.number[key]; x < 0 || math.IsInf(x, 0) || math.IsNaN(x) {
			return nil, fmt.Errorf("%s: %s = %g is not a finite number ≥ 0", r.id, key, x)
		}
	}
	for col := range r.except {
		if _, ok := r.number[col]; !ok {
			return nil, fmt.Errorf("%s: except.%s has no value", r.id, col)
		}
	}
	sort.Strings(r.textNames)
	return r, nil
}

func parsePedigree(sources []string, raw map[string]any) (result.Pedigree, string, float64, error) {
	word, _ := raw["pedigree"].(string)
	p := result.Pedigree(word)
	switch p {
	case result.Measured, result.Datasheet, result.Derived, result.Assumed:
	default:
		return "", "", 0, fmt.Errorf("pedigree %q: one of measured, datasheet, derived, assumed", word)
	}
	src, ok := raw["src"].(int64)
	if !ok || src < 0 || int(src) >= len(sources) {
		return "", "", 0, fmt.Errorf("src %v: not an index into sources", raw["src"])
	}
	sd := 0.0
	switch n := raw["sd"].(type) {
	case nil:
	case float64:
		sd = n
	case int64:
		sd = float64(n)
	}
	if sd < 0 || sd > 2 || math.IsNaN(sd) {
		return "", "", 0, fmt.Errorf("sd %g: want 0 to 2", sd)
	}
	return p, sources[src], sd, nil
}
