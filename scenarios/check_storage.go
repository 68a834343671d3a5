package scenarios

import (
	"fmt"

	"aisim/storage"
)

func (c *checker) stores() {
	for i := range c.sc.Storage {
		s := &c.sc.Storage[i]
		if !c.id("storage", s.ID) {
			continue
		}
		at := "storage." + s.ID
		switch s.Kind {
		case "ceph":
			c.ceph(s, at)
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

func (c *checker) ceph(s *Storage, at string) {
	if s.Nodes == 0 {
		c.lacks(at, "nodes", "the number of storage servers")
	}
	if s.Drives == nil {
		c.lacks(at, "drives", "the drives in each storage server")
	}
	if s.Pool == nil {
		c.lacks(at, "pool", "how the pool protects its objects")
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
