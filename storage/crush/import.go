package crush

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// fixed turns a weight as Ceph prints it into 16.16.
func fixed(v float64) uint32 { return uint32(math.Round(max(0, min(v, 65535)) * One)) }

// flag is a JSON 0/1 or true/false.
type flag bool

func (f *flag) UnmarshalJSON(b []byte) error {
	s := string(b)
	*f = flag(s != "0" && s != "false" && s != "null")
	return nil
}

// grow makes room for the states of osd.
func (c *Cluster) grow(osd int) error {
	if osd < 0 || osd >= maxDevices {
		return fmt.Errorf("crush: osd.%d is not a possible id", osd)
	}
	for len(c.OSDs) <= osd {
		c.OSDs = append(c.OSDs, OSD{Affinity: One})
	}
	return nil
}

// ReadDump takes pools, OSD states and upmaps from `ceph osd dump --format json`.
func (c *Cluster) ReadDump(data []byte) error {
	var d struct {
		Pools []struct {
			Pool       int64
			Name       string `json:"pool_name"`
			Type, Size int
			Rule       int    `json:"crush_rule"`
			PGs        uint32 `json:"pg_num"`
			Placed     uint32 `json:"pg_placement_num"`
			Flags      string `json:"flags_names"`
			Profile    string `json:"erasure_code_profile"`
			ObjectHash *int   `json:"object_hash"`
		}
		OSDs []struct {
			OSD      int
			Up       flag
			Weight   float64
			Affinity *float64 `json:"primary_affinity"`
		}
		Upmap []struct {
			PG   string `json:"pgid"`
			OSDs []int32
		} `json:"pg_upmap"`
		Items []struct {
			PG       string `json:"pgid"`
			Mappings []struct{ From, To int32 }
		} `json:"pg_upmap_items"`
		Profiles map[string]map[string]string `json:"erasure_code_profiles"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return fmt.Errorf("crush: osd dump: %w", err)
	}
	if d.OSDs == nil {
		return fmt.Errorf("crush: osd dump: there is no list of osds; is it from `ceph osd dump --format json`?")
	}
	c.Pools, c.OSDs, c.Upmap, c.UpmapItems = nil, nil, map[PGID][]int32{}, map[PGID][]Move{}
	if err := c.grow(max(0, c.Map.devices-1)); err != nil {
		return err
	}
	for _, o := range d.OSDs {
		if err := c.grow(o.OSD); err != nil {
			return err
		}
		s := OSD{Exists: true, Up: bool(o.Up), Reweight: fixed(o.Weight), Affinity: One}
		if o.Affinity != nil {
			s.Affinity = fixed(*o.Affinity)
		}
		c.OSDs[o.OSD] = s
	}
	for _, p := range d.Pools {
		if p.ObjectHash != nil && *p.ObjectHash != 2 {
			return fmt.Errorf("crush: osd dump: pool %q has object_hash %d, only rjenkins (2) is known", p.Name, *p.ObjectHash)
		}
		pool := Pool{ID: p.Pool, Name: p.Name, Erasure: p.Type == ruleErasure, Size: p.Size, Shards: 1, Rule: p.Rule, PGs: p.PGs,
			PlacedPGs: p.Placed, HashPSPool: strings.Contains(","+p.Flags+",", ",hashpspool,")}
		if pool.Erasure {
			k, err := strconv.Atoi(d.Profiles[p.Profile]["k"])
			if err != nil || k < 1 || k > p.Size {
				return fmt.Errorf("crush: osd dump: pool %q: the erasure-code profile %q has no k for size %d", p.Name, p.Profile, p.Size)
			}
			pool.Shards = k
		}
		c.Pools = append(c.Pools, pool)
	}
	for _, u := range d.Upmap {
		id, err := parsePG(u.PG)
		if err != nil {
			return err
		}
		c.Upmap[id] = u.OSDs
	}
	for _, u := range d.Items {
		id, err := parsePG(u.PG)
		if err != nil {
			return err
		}
		for _, m := range u.Mappings {
			c.UpmapItems[id] = append(c.UpmapItems[id], Move(m))
		}
	}
	return nil
}

// parsePG reads "pool.pg", the group in hexadecimal.
func parsePG(s string) (PGID, error) {
	pool, pg, _ := strings.Cut(s, ".")
	id, err := strconv.ParseInt(pool, 10, 64)
	n, err2 := strconv.ParseUint(pg, 16, 32)
	if err != nil || err2 != nil {
		return PGID{}, fmt.Errorf("crush: %q is not a placement group like 1.3f", s)
	}
	return PGID{id, uint32(n)}, nil
}

// ReadTree takes OSD states from `ceph osd tree --format json`. The names must be those of the map.
func (c *Cluster) ReadTree(data []byte) error { _, err := c.readNodes("osd tree", data); return err }

// ReadDF takes reweights, sizes and use from `ceph osd df --format json`.
func (c *Cluster) ReadDF(data []byte) ([]Fill, error) { return c.readNodes("osd df", data) }

func (c *Cluster) readNodes(what string, data []byte) ([]Fill, error) {
	type node struct {
		ID       int
		Name     string
		Type     string
		Reweight *float64
		Status   string
		Exists   *flag
		Affinity *float64 `json:"primary_affinity"`
		KB       float64
		Used     float64 `json:"kb_used"`
	}
	var d struct{ Nodes, Stray []node }
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("crush: %s: %w", what, err)
	}
	if d.Nodes == nil {
		return nil, fmt.Errorf("crush: %s: there is no list of nodes; is it from `ceph %s --format json`?", what, what)
	}
	var fills []Fill
	for _, n := range append(d.Nodes, d.Stray...) {
		if n.Type != "osd" {
			continue
		}
		if err := c.grow(n.ID); err != nil {
			return nil, err
		}
		if name := c.Map.Name(int32(n.ID)); name != "" && n.Name != "" && name != n.Name {
			return nil, fmt.Errorf("crush: %s: OSD %d is called %q, in the map %q", what, n.ID, n.Name, name)
		}
		s := &c.OSDs[n.ID]
		s.Exists = n.Exists == nil || bool(*n.Exists)
		s.Up = n.Status != "down"
		if n.Reweight != nil {
			s.Reweight = fixed(*n.Reweight)
		}
		if n.Affinity != nil {
			s.Affinity = fixed(*n.Affinity)
		}
		for len(fills) <= n.ID {
			fills = append(fills, Fill{})
		}
		fills[n.ID] = Fill{Bytes: n.KB * 1024, UsedBytes: n.Used * 1024}
	}
	return fills, nil
}
