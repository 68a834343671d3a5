package scenarios

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"aisim/hardware"
)

// checker looks for what no single key can show.
type checker struct {
	sc       *Scenario
	refs     references
	server   *hardware.Server
	chips    int // accelerators per node
	placed   []Nodes
	problems []*Problem
}

// check returns the problems of a bound scenario.
func check(sc *Scenario, refs references) []*Problem {
	c := &checker{sc: sc, refs: refs}
	c.cluster()
	c.fabric()
	c.stores()
	c.workloads()
	c.faults()
	c.provision()
	c.security()
	c.edge()
	c.economics()
	c.compliance()
	c.study()
	c.pipelines()
	c.queues()
	c.functions()
	c.streams()
	return c.problems
}

// bad reports what stands at a key.
func (c *checker) bad(key, allowed, hint, format string, args ...any) {
	c.problems = append(c.problems, c.sc.ProblemAt(key, "", allowed, hint, fmt.Sprintf(format, args...)))
}

// lacks reports a key that other values make necessary.
func (c *checker) lacks(table, key, why string) {
	pattern := table
	for _, list := range entryTables {
		list += "."
		if rest, ok := strings.CutPrefix(table, list); ok {
			_, rest, _ = strings.Cut(rest, ".")
			pattern = strings.TrimSuffix(list+rest, ".")
		}
	}
	hint := ""
	if k := keyByPath[joinKey(pattern, key)]; k != nil {
		switch {
		case k.Example != "":
			hint = "write " + key + " = " + k.Example
		case kindOf(k.Path) == "table":
			hint = "give the table " + key
		}
	}
	c.problems = append(c.problems, c.sc.ProblemAt(joinKey(table, key), "", "", hint, "is missing: "+why))
}

var idForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

func (c *checker) id(table, id string) bool {
	if idForm.MatchString(id) {
		return true
	}
	p := c.sc.ProblemAt(joinKey(joinKey(table, id), "id"), "", "letters, digits, - and _, up to 63", "--set and metrics name the entry by it", "is not a usable id")
	c.problems = append(c.problems, p)
	return false
}

func (c *checker) cluster() {
	if strings.TrimSpace(c.sc.Name) == "" {
		c.bad("name", "", "say in a few words what is simulated", "is empty")
	}
	s, err := c.refs.Server(c.sc.Cluster.Server)
	if err != nil {
		c.bad("cluster.server", "", "", "%s", err)
		return
	}
	c.server, c.chips = s, s.AcceleratorCount
	if s.AcceleratorID == "" || c.chips < 1 {
		c.bad("cluster.server", "", "storage servers belong into [[storage]]", "the server has no accelerators and no processors to compute on")
		c.server = nil
	}
}

func (c *checker) fabric() {
	f := &c.sc.Cluster.Fabric
	switch {
	case f.Topology == "file" && f.File == "":
		c.lacks("cluster.fabric", "file", "the fabric stands in a file")
	case f.Topology == "file":
		c.fabricFile()
	case f.Topology != "torus" && f.Switch == "":
		c.lacks("cluster.fabric", "switch", "a "+f.Topology+" is made of switches")
	}
	if n := len(f.Oversubscription); f.Topology == "dragonfly+" && n > 2 {
		c.bad("cluster.fabric.oversubscription", "at most 2 entries", "leaves first, then spines", "has %d entries for the two levels of a dragonfly+", n)
	}
	if want := f.Levels - 1; f.Levels > 0 && len(f.Oversubscription) != want {
		c.bad("cluster.fabric.oversubscription", fmt.Sprintf("%d entries", want), "one entry per level of switches but the last, leaves first",
			"has %d entries for %d levels", len(f.Oversubscription), f.Levels)
	}
	if f.Topology == "torus" && c.server != nil {
		have := c.sc.Cluster.Nodes * c.chips
		product := 1.0
		for _, d := range f.Dims {
			product *= float64(d)
		}
		switch {
		case len(f.Dims) == 0:
			c.lacks("cluster.fabric", "dims", "the extents of the torus")
		case product != float64(have):
			c.bad("cluster.fabric.dims", fmt.Sprintf("a product of %d", have), "", "the dimensions multiply to %.0f, and %d nodes × %d accelerators are %d", product, c.sc.Cluster.Nodes, c.chips, have)
		}
	}
	for i, link := range f.FailedLinks {
		if strings.TrimSpace(link) == "" {
			c.bad(fmt.Sprintf("cluster.fabric.failed_links[%d]", i), "", `write "leaf-3:spine-2"`, "is empty")
		}
	}
}

// fabricFile resolves the path of a fabric file against the file that gives it.
func (c *checker) fabricFile() {
	f := &c.sc.Cluster.Fabric
	if o, ok := c.sc.source.origins["cluster.fabric.file"]; ok && !filepath.IsAbs(f.File) {
		f.File = filepath.Join(o.dir, filepath.FromSlash(f.File))
	}
	switch info, err := os.Stat(f.File); {
	case err != nil:
		c.bad("cluster.fabric.file", "a file that can be read", "", "cannot be read: no such file")
	case info.Size() > maxFabricBytes:
		c.bad("cluster.fabric.file", "at most 64 MiB", "", "has %d bytes", info.Size())
	}
}

// maxFabricBytes bounds a fabric file; ibnetdiscover prints about 100 bytes a port.
const maxFabricBytes = 64 << 20

func (c *checker) economics() {
	e := &c.sc.Economics
	if e.Mode == "rent" && e.Rent == nil {
		c.lacks("economics", "rent", "mode is rent")
	}
	if c.sc.IsSet("economics.staff_cost") && (e.Staff == nil || e.Staff.Dim.String() != keyByPath["economics.staff"].AlsoDim.String()) {
		c.bad("economics.staff_cost", "", `write staff = "6 people"`, "changes nothing, because staff is not a number of people")
	}
	if b := e.Burst; b != nil && (e.Mode != "buy" || b.Nodes > c.sc.Cluster.Nodes) {
		c.bad("economics.burst.nodes", fmt.Sprintf("1 to %d, with mode = \"buy\"", c.sc.Cluster.Nodes), "", "are not nodes of an owned cluster")
	}
	if e.Shift > 0 && e.USDPerKWhByHour == nil && e.GramsPerKWhByHour == nil {
		c.bad("economics.shift", "", "give electricity_by_hour or carbon_by_hour", "changes nothing, because all hours are alike")
	}
	if e.Mode != "rent" || e.Rent == nil {
		return
	}
	if e.Rent.InterruptionsPerSec > 0 && c.sc.Faults == nil {
		c.bad("economics.rent.interruptions", "", "write [faults] with detection and recovery", "needs to know how a run goes on after one")
	}
	inst, err := c.refs.Instance(e.Rent.Instance)
	if err != nil {
		return // reported when it was bound
	}
	if c.server != nil && inst.AcceleratorID != c.server.AcceleratorID {
		c.bad("economics.rent.instance", "", "rent an instance with "+c.server.AcceleratorID+", or change cluster.server", "has %s, and the cluster's servers have %s", orNone(inst.AcceleratorID), c.server.AcceleratorID)
	}
	priced := func(at, purchase string, given *float64) {
		if given == nil && !inst.Price(purchase).Known() {
			c.bad(at+".purchase", "", "give "+at+`.price = "… USD/h"`, "the catalogue has no %s price of %s", purchase, e.Rent.Instance)
		}
	}
	priced("economics.rent", e.Rent.Purchase, e.Rent.USDPerHour)
	committed := 0
	for i, k := range e.Rent.Commitments {
		priced(fmt.Sprintf("economics.rent.commitment[%d]", i), k.Purchase, k.USDPerHour)
		committed += k.Instances
	}
	need := c.sc.Cluster.Nodes * c.chips
	if !inst.PerChip && inst.AcceleratorCount > 0 {
		need = (need + inst.AcceleratorCount - 1) / inst.AcceleratorCount
	}
	if committed > need {
		c.bad("economics.rent.commitment", fmt.Sprintf("at most %d in all", need), "", "are %d instances, and the cluster needs %d", committed, need)
	}
	if q := e.Rent.Quota; q != nil && *q < need {
		c.bad("economics.rent.quota", fmt.Sprintf("at least %d", need), "ask the provider for more, or plan with fewer nodes", "allows %d instances, and the cluster needs %d", *q, need)
	}
	if e.Rent.NoticeSec > 0 && e.Rent.InterruptionsPerSec == 0 {
		c.bad("economics.rent.notice", "", "give interruptions", "changes nothing, because no instance is taken away")
	}
}

func orNone(s string) string {
	if s == "" {
		return "no accelerator"
	}
	return s
}

func (c *checker) edge() {
	e := c.sc.Edge
	if e == nil {
		return
	}
	if c.sc.Cluster.Nodes%e.Sites != 0 {
		c.bad("edge.sites", fmt.Sprintf("a divisor of %d", c.sc.Cluster.Nodes), "", "%d nodes do not spread evenly over %d sites", c.sc.Cluster.Nodes, e.Sites)
		return
	}
	if e.Offload != nil && e.Requests != "site" {
		c.bad("edge.offload", "", `write requests = "site"`, "requests that come over the sites' links already could go to the region without the sites")
	}
	if u := e.Update; u != nil && u.Stages[len(u.Stages)-1] != 1 {
		c.bad("edge.update.stages", "a last entry of 1", "", "leaves sites without the update")
	}
	if e.DevicesPerSite != nil && c.server != nil {
		if have := c.sc.Cluster.Nodes / e.Sites * c.chips; *e.DevicesPerSite > have {
			c.bad("edge.devices_per_site", fmt.Sprintf("1 to %d", have), "", "a site's servers hold %d accelerators", have)
		}
	}
}

// finite guards products of large counts.
func finite(parts ...int) float64 {
	p := 1.0
	for _, x := range parts {
		p *= math.Max(1, float64(x))
	}
	return p
}
