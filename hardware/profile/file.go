package profile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/BurntSushi/toml"
)

// file is a user's profile as TOML.
type file struct {
	Schema   string       `toml:"schema"`
	ID       string       `toml:"id"`
	Hardware string       `toml:"hardware"`
	Source   string       `toml:"source"`
	Date     string       `toml:"date"`
	Rung     string       `toml:"rung"`
	Eff      Efficiencies `toml:"eff"`
	Link     []LinkParams `toml:"link"`
	Chip     *Chip        `toml:"chip"`
	Drive    []Drive      `toml:"drive"`
	Host     []HostOp     `toml:"host"`
	Call     []Call       `toml:"call"`
	Fit      *Calibration `toml:"calibration"`
}

// Load reads a user's profile: a file with schema, id, hardware, source, date, rung, and
// tables [eff], [[link]], [chip], [[drive]], [[host]], [[call]] and [calibration]. What it leaves out
// comes from the embedded profile of its hardware. A profile of drives alone names a drive as
// its hardware and has no [eff].
func Load(r io.Reader) (*Profile, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxProfileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	if len(text) > maxProfileBytes {
		return nil, fmt.Errorf("profile: over %d bytes", maxProfileBytes)
	}
	var f file
	meta, err := toml.Decode(string(text), &f)
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	if keys := meta.Undecoded(); len(keys) > 0 {
		return nil, fmt.Errorf("profile: unknown key %s", keys[0])
	}
	p, err := f.profile()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	p.sha = hex.EncodeToString(sum[:])
	return p, nil
}

func (f *file) profile() (*Profile, error) {
	if f.Schema != Schema {
		return nil, fmt.Errorf("profile: schema %q, want %q", f.Schema, Schema)
	}
	if f.ID == "" || f.Hardware == "" || f.Source == "" {
		return nil, fmt.Errorf("profile: id, hardware and source must be given")
	}
	switch f.Rung {
	case "":
		f.Rung = RungFitted
	case RungFitted, RungDatasheet:
	default:
		return nil, fmt.Errorf("profile %s: rung %q: one of %q, %q", f.ID, f.Rung, RungFitted, RungDatasheet)
	}
	if err := f.Eff.check(); err != nil {
		return nil, fmt.Errorf("profile %s: %w", f.ID, err)
	}
	p, err := f.base()
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w", f.ID, err)
	}
	p.ID, p.Rung, p.Source, p.Date, p.Chip, p.Fit = f.ID, f.Rung, f.Source, f.Date, f.Chip, f.Fit
	formats := maps.Clone(p.Eff.GEMM) // a format that the file does not state keeps its own constant
	p.Eff = p.Eff.merge(f.Eff)
	if len(f.Eff.GEMM) > 0 && formats != nil {
		maps.Copy(formats, f.Eff.GEMM)
		p.Eff.GEMM = formats
	}
	for _, l := range f.Link {
		if err := l.check(); err != nil {
			return nil, fmt.Errorf("profile %s: link %q: %w", f.ID, l.Class, err)
		}
		p.Links[l.Class] = l
	}
	p.Drives, p.Host = map[string]Drive{}, map[string]HostOp{}
	for _, d := range f.Drive {
		if _, twice := p.Drives[d.ID]; twice || d.ID == "" {
			return nil, fmt.Errorf("profile %s: drive %q: give each drive once, with its id", f.ID, d.ID)
		}
		if err := checkNamed("drive "+d.ID, d.named()); err != nil {
			return nil, fmt.Errorf("profile %s: %w", f.ID, err)
		}
		p.Drives[d.ID] = d
	}
	for _, h := range f.Host {
		if _, twice := p.Host[h.Name]; twice || h.Name == "" || !h.BytesPerSec.Known() {
			return nil, fmt.Errorf("profile %s: host %q: give each operation once, with its name and bytes_per_sec", f.ID, h.Name)
		}
		if err := checkNamed("host "+h.Name, h.named()); err != nil {
			return nil, fmt.Errorf("profile %s: %w", f.ID, err)
		}
		p.Host[h.Name] = h
	}
	if err := checkCalls(f.Call); err != nil {
		return nil, fmt.Errorf("profile %s: %w", f.ID, err)
	}
	p.Calls = f.Call
	return p, nil
}

// base is what the file's own constants are laid over.
func (f *file) base() (*Profile, error) {
	if f.Chip != nil {
		if err := f.Chip.check(); err != nil {
			return nil, err
		}
		return ForFamily(f.Chip.Family, f.Hardware)
	}
	p, err := For(f.Hardware)
	if err == nil {
		return p, nil
	}
	for _, d := range f.Drive {
		if d.ID == f.Hardware && !f.Eff.stated() && len(f.Link) == 0 {
			lib, err := embedded()
			if err != nil {
				return nil, err
			}
			return &Profile{Schema: Schema, Hardware: f.Hardware, Eff: lib.base.Eff, Links: maps.Clone(lib.links)}, nil
		}
	}
	return nil, fmt.Errorf("hardware: %w", err)
}

// Encode is a profile as a file that Load reads. Only the constants in eff and the link
// classes given are written: what is not there stays with the embedded profile.
func Encode(p *Profile, eff Efficiencies, links []LinkParams) ([]byte, error) {
	f := file{Schema: Schema, ID: p.ID, Hardware: p.Hardware, Source: p.Source, Date: p.Date, Rung: p.Rung, Link: links, Chip: p.Chip, Fit: p.Fit}
	for _, id := range slices.Sorted(maps.Keys(p.Drives)) {
		f.Drive = append(f.Drive, p.Drives[id])
	}
	for _, name := range slices.Sorted(maps.Keys(p.Host)) {
		f.Host = append(f.Host, p.Host[name])
	}
	type table = map[string]any
	stated := func(params []NamedParam) table {
		out := table{}
		for _, n := range params {
			if n.Param.Known() {
				out[n.Key] = n.Param
			}
		}
		return out
	}
	named := func(l []lookup) []NamedParam {
		var out []NamedParam
		for _, n := range l {
			out = append(out, NamedParam{n.key, *n.param})
		}
		return out
	}
	// What is unknown is left out, so that Load does not take it for a zero.
	doc := table{"schema": f.Schema, "id": f.ID, "hardware": f.Hardware, "source": f.Source, "date": f.Date, "rung": f.Rung}
	one := stated(named(eff.named()))
	if len(eff.GEMM) > 0 {
		one["gemm"] = eff.GEMM
	}
	if len(one) > 0 {
		doc["eff"] = one
	}
	if len(links) > 0 {
		doc["link"] = links
	}
	if f.Chip != nil {
		chip := table{"name": f.Chip.Name, "kind": f.Chip.Kind, "family": f.Chip.Family, "peak": f.Chip.Peak, "memory_bytes_per_sec": f.Chip.MemoryBytesPerSec}
		for key, v := range map[string]Param{"memory_bytes": f.Chip.MemoryBytes, "cache_bytes": f.Chip.CacheBytes, "cache_bytes_per_sec": f.Chip.CacheBytesPerSec} {
			if v.Known() {
				chip[key] = v
			}
		}
		doc["chip"] = chip
	}
	var drives, hosts []table
	for i := range f.Drive {
		t := stated(named(f.Drive[i].named()))
		t["id"] = f.Drive[i].ID
		drives = append(drives, t)
	}
	for i := range f.Host {
		t := stated(named(f.Host[i].named()))
		t["name"] = f.Host[i].Name
		hosts = append(hosts, t)
	}
	if len(drives) > 0 {
		doc["drive"] = drives
	}
	if len(hosts) > 0 {
		doc["host"] = hosts
	}
	if len(p.Calls) > 0 {
		doc["call"] = p.Calls
	}
	if f.Fit != nil {
		doc["calibration"] = f.Fit
	}
	var b bytes.Buffer
	enc := toml.NewEncoder(&b)
	enc.Indent = ""
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	return b.Bytes(), nil
}
