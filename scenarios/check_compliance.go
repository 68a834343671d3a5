package scenarios

import (
	"fmt"
	"slices"

	"aisim/cluster/compliance"
)

// compliance checks what the tables of sites, data and rules name of each other.
func (c *checker) compliance() {
	sc := c.sc
	var sites, data, jobs []string
	for i := range sc.Sites {
		s := &sc.Sites[i]
		if c.id("site", s.ID) && !compliance.KnownCountry(s.Country) {
			c.bad("site."+s.ID+".country", "two capital letters of ISO 3166-1", `write "DE"`, "is not the code of a country")
		}
		sites = append(sites, s.ID)
	}
	for i := range sc.Data {
		d := &sc.Data[i]
		if !c.id("data", d.ID) {
			continue
		}
		at := "data." + d.ID
		data = append(data, d.ID)
		c.among(at+".site", "site", d.Site, sites)
		for k, id := range d.Copies {
			c.among(fmt.Sprintf("%s.copies[%d]", at, k), "site", id, sites)
		}
		if d.Store != "" {
			c.store(at+".store", d.Store)
			if d.SizeBytes == nil {
				c.lacks(at, "size", "restoring and scanning the store depend on it")
			}
		}
		if d.Class != "none" && len(d.Subjects) == 0 {
			c.lacks(at, "subjects", "which rules hold depends on where the subjects are")
		}
		if d.Class == "none" && len(d.Subjects) > 0 {
			c.bad(at+".subjects", "", "take the class personal, or remove subjects", "data of class none have no subjects")
		}
	}
	for i := range sc.Workloads {
		w := &sc.Workloads[i]
		at := "workload." + w.ID
		jobs = append(jobs, w.ID)
		for k, id := range w.Uses {
			c.among(fmt.Sprintf("%s.uses[%d]", at, k), "data", id, data)
		}
		switch {
		case w.Site != "":
			c.among(at+".site", "site", w.Site, sites)
		case len(w.Uses) > 0 && len(sites) == 1:
			w.Site = sites[0]
		case len(w.Uses) > 0:
			c.lacks(at, "site", "it reads data, and there are several sites")
		}
	}
	r := sc.Compliance
	switch {
	case r == nil && len(sc.Sites)+len(sc.Data) > 0:
		c.lacks("", "compliance", "sites and data change nothing without rules")
	case r != nil && len(sc.Data) == 0:
		c.lacks("", "data", "the rules have nothing to look at")
	case r != nil:
		for k, id := range r.Register {
			c.among(fmt.Sprintf("compliance.register[%d]", k), "workload", id, jobs)
		}
		if r.AuditStore != "" {
			c.store("compliance.audit_store", r.AuditStore)
		}
	}
}

// among checks a reference to an entry of a table.
func (c *checker) among(key, table, id string, ids []string) {
	if slices.Contains(ids, id) {
		return
	}
	hint := didYouMean(id, ids)
	if hint == "" && len(ids) > 0 {
		hint = fmt.Sprintf("there are %q", ids)
	}
	if hint == "" {
		hint = "add a [[" + table + "]] entry with id = \"" + id + "\""
	}
	c.bad(key, "", hint, "there is no %s of that id", table)
}
