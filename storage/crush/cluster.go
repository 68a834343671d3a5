package crush

import (
	"fmt"
	"slices"
)

// OSD is the state of one OSD in the cluster's map.
type OSD struct {
	Exists, Up bool
	Reweight   uint32 // 16.16; 0 is out
	Affinity   uint32 // primary affinity, 16.16; One is the default
}

// PGID names a placement group.
type PGID struct {
	Pool int64
	PG   uint32
}

// Move is one entry of pg_upmap_items: the OSD From gives its place to To.
type Move struct{ From, To int32 }

// Cluster is a CRUSH map with the states that turn its mappings into the
// sets of OSDs that serve placement groups.
type Cluster struct {
	Map        *Map
	Pools      []Pool
	OSDs       []OSD
	Upmap      map[PGID][]int32
	UpmapItems map[PGID][]Move
}

// NewCluster has every OSD of the map up and in.
func NewCluster(m *Map) *Cluster {
	c := &Cluster{Map: m, OSDs: make([]OSD, m.devices)}
	for i := range c.OSDs {
		c.OSDs[i] = OSD{Exists: true, Up: true, Reweight: One, Affinity: One}
	}
	return c
}

// Pool finds a pool by its name or number.
func (c *Cluster) Pool(name string) (*Pool, error) {
	for i := range c.Pools {
		if p := &c.Pools[i]; p.Name == name || fmt.Sprint(p.ID) == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("crush: no pool is called %q", name)
}

// Reweights are those of the OSDs, as Mapper.Do wants them.
func (c *Cluster) Reweights() []uint32 {
	w := make([]uint32, len(c.OSDs))
	for i, o := range c.OSDs {
		w[i] = o.Reweight
	}
	return w
}

// Placer finds the OSDs of one pool's placement groups. Each goroutine needs its own.
type Placer struct {
	c        *Cluster
	pool     *Pool
	rule     *Rule
	mapper   *Mapper
	reweight []uint32
	affine   bool // some OSD has an affinity below one
}

// Placer prepares a pool's mapping.
func (c *Cluster) Placer(pool *Pool) (*Placer, error) {
	r, err := c.Map.RuleByID(pool.Rule)
	if err != nil {
		return nil, fmt.Errorf("pool %q: %w", pool.Name, err)
	}
	if pool.Size < 1 || pool.Size > maxSize {
		return nil, fmt.Errorf("crush: pool %q has size %d, allowed are 1 to %d", pool.Name, pool.Size, maxSize)
	}
	p := &Placer{c: c, pool: pool, rule: r, mapper: c.Map.NewMapper(), reweight: c.Reweights()}
	p.mapper.UseChooseArgs(pool.ID)
	p.affine = slices.ContainsFunc(c.OSDs, func(o OSD) bool { return o.Affinity != One })
	return p, nil
}

// Up gives the OSDs that serve a placement group, in out[:0], and its primary, None
// where there is none: CRUSH, then upmaps, then the OSDs that live, then primary affinity.
// Temporary mappings (pg_temp) are not part of it.
func (p *Placer) Up(pg uint32, out []int32) (osds []int32, primary int32) {
	x := p.pool.Input(pg)
	osds = p.mapper.Do(p.rule, x, p.pool.Size, p.reweight, out)
	osds = p.keep(osds, func(o *OSD) bool { return o.Exists })
	if len(p.c.Upmap)+len(p.c.UpmapItems) > 0 {
		osds = p.upmap(PGID{p.pool.ID, pg}, osds)
	}
	osds = p.keep(osds, func(o *OSD) bool { return o.Exists && o.Up })
	for _, o := range osds {
		if o != None {
			if p.affine {
				return osds, p.affinity(x, osds)
			}
			return osds, o
		}
	}
	return osds, None
}

// keep takes out the OSDs that fail a test: replicated sets move up, others get holes.
func (p *Placer) keep(osds []int32, good func(*OSD) bool) []int32 {
	n := 0
	for _, o := range osds {
		if o < 0 || int(o) >= len(p.c.OSDs) || !good(&p.c.OSDs[o]) {
			if !p.pool.Erasure {
				continue
			}
			o = None
		}
		osds[n] = o
		n++
	}
	return osds[:n]
}

// upmap applies the exceptions for a placement group. A target that is out voids
// its exception; an OSD is never put in twice.
func (p *Placer) upmap(id PGID, osds []int32) []int32 {
	isOut := func(o int32) bool { return o >= 0 && int(o) < len(p.c.OSDs) && p.c.OSDs[o].Reweight == 0 }
	if whole, ok := p.c.Upmap[id]; ok {
		if slices.ContainsFunc(whole, isOut) {
			return osds
		}
		osds = append(osds[:0], whole...)
	}
	for _, m := range p.c.UpmapItems[id] {
		if at := slices.Index(osds, m.From); at >= 0 && !slices.Contains(osds, m.To) && !isOut(m.To) {
			osds[at] = m.To
		}
	}
	return osds
}

// affinity picks the first OSD that its primary affinity lets be primary for x (a
// hash decides), else the first of all; replicated sets get it in front.
func (p *Placer) affinity(x uint32, osds []int32) int32 {
	if !slices.ContainsFunc(osds, func(o int32) bool { return o != None && p.c.OSDs[o].Affinity != One }) {
		return osds[slices.IndexFunc(osds, func(o int32) bool { return o != None })]
	}
	at := -1
	for i, o := range osds {
		if o == None {
			continue
		}
		if a := p.c.OSDs[o].Affinity; a >= One || Hash2(x, uint32(o))>>16 < a {
			at = i
			break
		}
		if at < 0 {
			at = i
		}
	}
	primary := osds[at]
	if !p.pool.Erasure {
		copy(osds[1:at+1], osds[:at])
		osds[0] = primary
	}
	return primary
}
