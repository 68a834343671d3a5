package scenarios

import "fmt"

// faults checks what no single key of the failures shows.
func (c *checker) faults() {
	f := c.sc.Faults
	if f == nil {
		return
	}
	saved, trains := true, false
	for i := range c.sc.Workloads {
		if w := &c.sc.Workloads[i]; w.Kind == "training" {
			trains = true
			saved = saved && w.Checkpoint != nil
		}
	}
	switch {
	case f.Policy != "restart" && !trains:
		c.bad("faults.policy", "", "leave it out", "changes nothing, because no workload is training")
	case f.Policy == "shrink" && !saved, f.Foreseen > 0 && !saved:
		key := "faults.policy"
		if f.Foreseen > 0 {
			key = "faults.foreseen"
		}
		c.bad(key, "", "give every training workload a checkpoint table", "needs checkpoints: a run goes on without a node from one that it takes then")
	}
	if c.sc.IsSet("faults.hot_recovery") && f.Policy != "hot-spare" {
		c.bad("faults.hot_recovery", "", `write policy = "hot-spare"`, "changes nothing, because no spare is hot")
	}
	if f.Policy == "hot-spare" && f.Spares == 0 {
		c.bad("faults.spares", "at least 1", "", "there are no spares that could be hot")
	}
	for i, d := range f.Domains {
		if d.Nodes > c.sc.Cluster.Nodes {
			c.bad(fmt.Sprintf("faults.domain[%d].nodes", i), fmt.Sprintf("1 to %d", c.sc.Cluster.Nodes), "", "has more nodes than the cluster")
		}
	}
}
