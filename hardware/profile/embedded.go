package profile

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"
)

//go:embed families.toml
var familiesTOML []byte

//go:embed links.toml
var linksTOML []byte

// maxProfileBytes bounds what Load reads: the embedded files are 30 kB.
const maxProfileBytes = 4 << 20

type effSection struct {
	Source string       `toml:"source"`
	Eff    Efficiencies `toml:"eff"`
}

type familySection struct {
	ID     string        `toml:"id"`
	Match  []string      `toml:"match"`
	Source string        `toml:"source"`
	Eff    Efficiencies  `toml:"eff"`
	Chip   []chipSection `toml:"chip"`
}

type chipSection struct {
	IDs  []string     `toml:"ids"`
	Rung string       `toml:"rung"`
	Eff  Efficiencies `toml:"eff"`
}

type library struct {
	date     string
	base     effSection
	families []familySection
	links    map[string]LinkParams
	sha      string
}

var embedded = sync.OnceValues(func() (*library, error) {
	links, err := parseLinks(linksTOML)
	if err != nil {
		return nil, fmt.Errorf("profile: links.toml: %w", err)
	}
	lib, err := parseFamilies(familiesTOML)
	if err != nil {
		return nil, fmt.Errorf("profile: families.toml: %w", err)
	}
	lib.links = links
	sum := sha256.Sum256(bytes.Join([][]byte{familiesTOML, linksTOML}, nil))
	lib.sha = hex.EncodeToString(sum[:])
	return lib, nil
})

// For returns the embedded profile of an accelerator: its own constants where
// it was measured, else those of its family. A chip of no known family is an
// error.
func For(acceleratorID string) (*Profile, error) {
	lib, err := embedded()
	if err != nil {
		return nil, err
	}
	best, length := -1, 0
	for i, f := range lib.families {
		for _, prefix := range f.Match {
			if strings.HasPrefix(acceleratorID, prefix) && len(prefix) > length {
				best, length = i, len(prefix)
			}
		}
	}
	if best < 0 {
		return nil, fmt.Errorf("no profile for %q: it belongs to no family that aisim has constants for", acceleratorID)
	}
	f := &lib.families[best]
	p := lib.family(f, acceleratorID)
	for _, c := range f.Chip {
		if !slices.Contains(c.IDs, acceleratorID) {
			continue
		}
		p.ID = f.ID + "/" + c.IDs[0]
		p.Eff = p.Eff.merge(c.Eff)
		if c.Rung != "" {
			p.Rung = c.Rung
		}
	}
	return p, nil
}

// family is the profile of a family with no chip's own constants.
func (lib *library) family(f *familySection, hardware string) *Profile {
	return &Profile{
		Schema: Schema, ID: f.ID, Hardware: hardware, Family: f.ID, Rung: RungDatasheet,
		Source: f.Source, Date: lib.date, Eff: lib.base.Eff.merge(f.Eff), Links: maps.Clone(lib.links), sha: lib.sha,
	}
}

// ForFamily returns the embedded profile of a family for hardware of any name.
func ForFamily(family, hardware string) (*Profile, error) {
	lib, err := embedded()
	if err != nil {
		return nil, err
	}
	var have []string
	for i := range lib.families {
		if lib.families[i].ID == family {
			return lib.family(&lib.families[i], hardware), nil
		}
		have = append(have, lib.families[i].ID)
	}
	sort.Strings(have)
	return nil, fmt.Errorf("family %q: one of %s", family, strings.Join(have, ", "))
}

// Links returns the embedded link classes.
func Links() (map[string]LinkParams, error) {
	lib, err := embedded()
	if err != nil {
		return nil, err
	}
	return maps.Clone(lib.links), nil
}

// Families lists the ids of the embedded families, sorted.
func Families() ([]string, error) {
	lib, err := embedded()
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, f := range lib.families {
		ids = append(ids, f.ID)
	}
	sort.Strings(ids)
	return ids, nil
}

func parseFamilies(text []byte) (*library, error) {
	var file struct {
		Schema  string          `toml:"schema"`
		Date    string          `toml:"date"`
		Default effSection      `toml:"default"`
		Family  []familySection `toml:"family"`
	}
	meta, err := toml.Decode(string(text), &file)
	if err != nil {
		return nil, err
	}
	if keys := meta.Undecoded(); len(keys) > 0 {
		return nil, fmt.Errorf("unknown key %s", keys[0])
	}
	if file.Schema != Schema {
		return nil, fmt.Errorf("schema %q, want %q", file.Schema, Schema)
	}
	if err := file.Default.Eff.check(); err != nil {
		return nil, fmt.Errorf("default: %w", err)
	}
	for _, f := range file.Family {
		if f.ID == "" || len(f.Match) == 0 {
			return nil, fmt.Errorf("family %q: id and match must be given", f.ID)
		}
		if err := f.Eff.check(); err != nil {
			return nil, fmt.Errorf("family %s: %w", f.ID, err)
		}
		for _, c := range f.Chip {
			if len(c.IDs) == 0 {
				return nil, fmt.Errorf("family %s: chip without ids", f.ID)
			}
			if err := c.Eff.check(); err != nil {
				return nil, fmt.Errorf("family %s: chip %s: %w", f.ID, c.IDs[0], err)
			}
		}
	}
	return &library{date: file.Date, base: file.Default, families: file.Family}, nil
}

func parseLinks(text []byte) (map[string]LinkParams, error) {
	var file struct {
		Schema string       `toml:"schema"`
		Date   string       `toml:"date"`
		Link   []LinkParams `toml:"link"`
	}
	meta, err := toml.Decode(string(text), &file)
	if err != nil {
		return nil, err
	}
	if keys := meta.Undecoded(); len(keys) > 0 {
		return nil, fmt.Errorf("unknown key %s", keys[0])
	}
	links := make(map[string]LinkParams, len(file.Link))
	for _, l := range file.Link {
		if err := l.check(); err != nil {
			return nil, fmt.Errorf("link %q: %w", l.Class, err)
		}
		if _, twice := links[l.Class]; twice {
			return nil, fmt.Errorf("link %q appears twice", l.Class)
		}
		links[l.Class] = l
	}
	return links, nil
}

// Section is a part of the embedded profiles as it stands: the defaults, a family, or chips of
// one, each with the constants that it states itself.
type Section struct {
	Family string   // "" for the defaults
	Match  []string // prefixes of accelerator ids, of a family
	Chips  []string // accelerator ids, of chips
	Rung   string
	Source string
	Stated []NamedParam
}

// Sections lists the embedded profiles in the order of their file, and Links in the order of
// theirs.
func Sections() ([]Section, []LinkParams, error) {
	lib, err := embedded()
	if err != nil {
		return nil, nil, err
	}
	stated := func(e Efficiencies) []NamedParam {
		return slices.DeleteFunc(e.Params(), func(n NamedParam) bool { return !n.Param.Known() })
	}
	out := []Section{{Rung: RungDatasheet, Source: lib.base.Source, Stated: stated(lib.base.Eff)}}
	for _, f := range lib.families {
		out = append(out, Section{Family: f.ID, Match: f.Match, Rung: RungDatasheet, Source: f.Source, Stated: stated(f.Eff)})
		for _, c := range f.Chip {
			out = append(out, Section{Family: f.ID, Chips: c.IDs, Rung: c.Rung, Stated: stated(c.Eff)})
		}
	}
	var links []LinkParams
	for _, class := range slices.Sorted(maps.Keys(lib.links)) {
		links = append(links, lib.links[class])
	}
	return out, links, nil
}
