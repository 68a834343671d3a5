package scenarios

import (
	"fmt"
	"math"

	"aisim/storage"
)

func (c *checker) stores() {
	for i := range c.sc.Storage {
		s := &c.sc.Storage[i]
		if !c.id("storage", s.ID) {
			continue
		}
		at := "storage." + s.ID
		c.encryption(s, at)
		switch s.Kind {
		case "ceph":
			c.ceph(s, at)
		case "lustre", "gluster":
			c.fileServers(s, at)
		case "nvme":
			if s.Drives == nil {
				c.lacks(at, "drives", "the drives in each compute server")
			}
		case "object":
			if s.BytesPerSec == nil {
				c.lacks(at, "bandwidth", "what the object store delivers")
			}
		}
		if s.Drives != nil {
			if d, err := c.refs.Drive(s.Drives.Type); err == nil && d.Kind != "hdd" && d.Kind != "ssd" {
				c.bad(at+".drives.type", "", "take a hard disk or an SSD", "is not a drive but %s", d.Kind)
			}
		}
	}
}

// servers says whether a store of its own servers has them, with their drives and protection.
func (c *checker) servers(s *Storage, at, protects string) bool {
	if s.Nodes == 0 {
		c.lacks(at, "nodes", "the number of storage servers")
	}
	if s.Drives == nil {
		c.lacks(at, "drives", "the drives in each storage server")
	}
	if s.Pool == nil {
		c.lacks(at, "pool", protects)
	}
	return s.Nodes > 0 && s.Drives != nil && s.Pool != nil
}

// fileServers checks what Lustre and Gluster divide: drives into RAID groups, bricks into sets.
func (c *checker) fileServers(s *Storage, at string) {
	protects := "how the volume protects its files, as { profile = \"rep-3\" }"
	if s.Kind == "lustre" {
		protects = "the RAID of each server's drives, as { profile = \"raid6-8+2\" }"
	}
	if !c.servers(s, at, protects) {
		return
	}
	if s.Pool.FailureDomain == storage.DomainRack {
		c.bad(at+".pool.failure_domain", `"host"`, "only Ceph places by rack", "is not for %s", s.Kind)
	}
	if s.Kind == "gluster" {
		p, err := storage.ParseProtection(s.Pool.Profile)
		if err == nil {
			_, err = storage.GlusterSets(p, s.Nodes, s.Drives.PerNode)
		}
		if err != nil {
			c.bad(at+".pool.profile", `"rep-N" or "ec-K+M", of which bricks make whole sets`, "", "%s", err)
		}
		return
	}
	r, err := storage.ParseRAID(s.Pool.Profile)
	targets := 0
	if err == nil {
		targets, err = r.Targets(s.Drives.PerNode)
	}
	if err != nil {
		c.bad(at+".pool.profile", `"raid6-K+2", "raid5-K+1", "raid1-1+1" or "draid-K+M"`, "", "%s", err)
		return
	}
	if n := s.Nodes * targets; s.Stripe != nil && s.Stripe.Count > n {
		c.bad(at+".stripe.count", fmt.Sprintf("1 to %d", n), "add nodes or drives", "%d servers × %d targets of %s make %d", s.Nodes, targets, r, n)
	}
	if s.Stripe != nil && math.Mod(s.Stripe.Bytes, 64<<10) != 0 {
		c.bad(at+".stripe.size", "multiples of 64 KiB", "", "is not a multiple of Lustre's unit")
	}
}

func (c *checker) ceph(s *Storage, at string) {
	if c.servers(s, at, "how the pool protects its objects"); s.Pool == nil {
		return
	}
	p, err := storage.ParseProtection(s.Pool.Profile)
	if err != nil {
		c.bad(at+".pool.profile", `"rep-N" or "ec-K+M"`, "", "%s", err)
		return
	}
	if s.Pool.FailureDomain == "host" && s.Nodes > 0 && s.Nodes < p.Width() {
		c.bad(at+".pool.profile", fmt.Sprintf("up to %d shards", s.Nodes), "add nodes, or take a narrower profile",
			"%s puts %d shards on %d different hosts, and there are %d", p, p.Width(), p.Width(), s.Nodes)
	}
}

// store checks a reference to a store and says whether it holds.
func (c *checker) store(key, id string) {
	var ids []string
	for i := range c.sc.Storage {
		if c.sc.Storage[i].ID == id {
			return
		}
		ids = append(ids, c.sc.Storage[i].ID)
	}
	hint := didYouMean(id, ids)
	if hint == "" && len(ids) > 0 {
		hint = "stores: " + fmt.Sprint(ids)
	}
	if len(ids) == 0 {
		hint = "add a [[storage]] entry with id = \"" + id + "\""
	}
	c.bad(key, "", hint, "there is no store of that id")
}
