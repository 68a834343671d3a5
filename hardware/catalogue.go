package hardware

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"sort"
	"strings"
	"sync"
)

//go:embed catalogue/*.toml
var catalogueFiles embed.FS

// The kinds of entries, each one file of the catalogue and, where rows are kept by hand, a
// second one of the same form, KIND-more.toml. Files of further columns of a kind are listed
// in moreColumns.
const (
	KindAccelerator  = "accelerator"
	KindServer       = "server"
	KindInterconnect = "interconnect"
	KindDrive        = "drive"
	KindInstance     = "instance"
	KindModel        = "model"
	KindPower        = "power" // grids, electricity prices, PUE, embodied carbon
	KindFact         = "fact"  // operations facts
)

// moreColumns are the files with values that the tables which others made do not have.
var moreColumns = map[string]string{KindAccelerator: "accelerator-memory", KindModel: "model-vision"}

var kinds = []string{KindAccelerator, KindServer, KindInterconnect, KindDrive, KindInstance, KindModel, KindPower, KindFact}

// Kinds lists the kinds of entries in the order of a listing.
func Kinds() []string { return append([]string(nil), kinds...) }

// Catalogue holds every part that aisim knows of. It reads each kind's file on
// first use and is safe for concurrent use.
type Catalogue struct {
	tables map[string]func() (*catalogueTable, error)
	sha    func() string
}

var defaultCatalogue = sync.OnceValue(func() *Catalogue {
	c := &Catalogue{tables: make(map[string]func() (*catalogueTable, error), len(kinds))}
	for _, kind := range kinds {
		c.tables[kind] = sync.OnceValues(func() (*catalogueTable, error) {
			text, err := catalogueFiles.ReadFile("catalogue/" + kind + ".toml")
			if err != nil {
				return nil, fmt.Errorf("catalogue: %w", err)
			}
			t, err := parseTable(kind, string(text))
			if more, none := catalogueFiles.ReadFile("catalogue/" + kind + "-more.toml"); err == nil && none == nil {
				var by *catalogueTable
				if by, err = parseTable(kind, string(more)); err == nil {
					err = t.join(by)
				}
			}
			if name := moreColumns[kind]; err == nil && name != "" {
				var by *catalogueTable
				if text, err = catalogueFiles.ReadFile("catalogue/" + name + ".toml"); err != nil {
					return nil, fmt.Errorf("catalogue: %w", err)
				}
				if by, err = parseTable(kind, string(text)); err == nil {
					err = t.extend(by)
				}
			}
			return t, err
		})
	}
	c.sha = sync.OnceValue(func() string {
		h := sha256.New()
		for _, kind := range kinds {
			for _, name := range []string{kind, kind + "-more", moreColumns[kind]} {
				if text, err := catalogueFiles.ReadFile("catalogue/" + name + ".toml"); err == nil {
					fmt.Fprintf(h, "%s %d\n", name, len(text))
					h.Write(text)
				}
			}
		}
		return hex.EncodeToString(h.Sum(nil))
	})
	return c
})

// Default is the embedded catalogue.
func Default() *Catalogue { return defaultCatalogue() }

// SHA256 is the digest over all files of the catalogue, in hexadecimal.
func (c *Catalogue) SHA256() string { return c.sha() }

// record finds a row by kind and id; an unknown id is an error with near ids.
func (c *Catalogue) record(kind, id string) (*record, error) {
	t, err := c.tables[kind]()
	if err != nil {
		return nil, err
	}
	if r, ok := t.byID[id]; ok {
		return r, nil
	}
	return nil, &UnknownError{Kind: kind, ID: id, Near: nearest(id, t.ids)}
}

// UnknownError says that the catalogue has no such entry, and which come near.
type UnknownError struct {
	Kind, ID string
	Near     []string
}

func (e *UnknownError) Error() string {
	s := fmt.Sprintf("unknown %s %q", e.Kind, e.ID)
	if len(e.Near) > 0 {
		s += "; near: " + strings.Join(e.Near, ", ")
	}
	return s
}

// Entries lists the entries of a kind, or of all kinds when kind is empty, by
// kind and then id. An unknown kind has no entries.
func (c *Catalogue) Entries(kind string) []Entry {
	var out []Entry
	for _, k := range kinds {
		if kind != "" && kind != k {
			continue
		}
		t, err := c.tables[k]()
		if err != nil {
			continue // a test reads every file; an embedded one cannot fail
		}
		for _, id := range t.ids {
			out = append(out, Entry{ID: id, Kind: k, Summary: summary(k, t.byID[id])})
		}
	}
	return out
}

// Show gives all fields of an entry, numbers with their pedigree, in the order
// of its table. An id may be prefixed with its kind ("model/gpt3-175b").
func (c *Catalogue) Show(id string) ([]Field, error) {
	kind, bare, prefixed := strings.Cut(id, "/")
	if prefixed && c.tables[kind] != nil {
		r, err := c.record(kind, bare)
		if err != nil {
			return nil, err
		}
		return c.show(kind, r), nil
	}
	var all []string
	for _, k := range kinds {
		t, err := c.tables[k]()
		if err != nil {
			return nil, err
		}
		if r, ok := t.byID[id]; ok {
			return c.show(k, r), nil
		}
		all = append(all, t.ids...)
	}
	return nil, &UnknownError{Kind: "catalogue entry", ID: id, Near: nearest(id, all)}
}

func (c *Catalogue) show(kind string, r *record) []Field {
	out := []Field{{Name: "id", Text: r.id}, {Name: "kind", Text: kind}}
	for _, name := range r.textNames {
		out = append(out, Field{Name: name, Text: r.text[name]})
	}
	for _, name := range r.table.columns {
		if v := r.value(name); v.Known() {
			out = append(out, Field{Name: name, Value: v})
		}
	}
	if kind == KindServer && !r.value("price_usd").Known() {
		if v, err := c.ServerPrice(r.id); err == nil {
			out = append(out, Field{Name: "price_usd (by rule)", Value: v})
		}
	}
	if r.note != "" {
		out = append(out, Field{Name: "notes", Text: r.note})
	}
	return append(out, Field{Name: "source", Text: r.source})
}

// nearest returns up to five ids that a reader may have meant: those within a
// third of the id's length in edits, or that contain it.
func nearest(id string, ids []string) []string {
	type near struct {
		id   string
		dist int
	}
	want := strings.ToLower(id)
	limit := max(2, len(want)/3)
	var found []near
	for _, have := range ids {
		d := editDistance(want, strings.ToLower(have))
		if want != "" && strings.Contains(strings.ToLower(have), want) {
			d = min(d, 1)
		}
		if d <= limit {
			found = append(found, near{have, d})
		}
	}
	sort.SliceStable(found, func(i, j int) bool {
		if found[i].dist != found[j].dist {
			return found[i].dist < found[j].dist
		}
		return found[i].id < found[j].id
	})
	out := make([]string, 0, 5)
	for i := 0; i < len(found) && i < 5; i++ {
		out = append(out, found[i].id)
	}
	return out
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	if len(a) > 64 {
		a = a[:64]
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
