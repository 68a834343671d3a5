package scenarios

import (
	"fmt"

	"aisim/cluster/queue"
)

// queues checks the queues of batch jobs.
func (c *checker) queues() {
	for i := range c.sc.Queues {
		q := &c.sc.Queues[i]
		if !c.id("queue", q.ID) {
			continue
		}
		at := "queue." + q.ID
		if q.Nodes != nil && *q.Nodes > c.sc.Cluster.Nodes {
			c.bad(at+".nodes", fmt.Sprintf("1 to %d", c.sc.Cluster.Nodes), "", "the cluster has fewer nodes")
		}
		g := q.Generator
		switch {
		case q.Trace == "" && g == nil:
			c.lacks(at, "generator", "no jobs come in; give this or trace")
		case g != nil && g.Load == nil && g.RatePerSec == nil:
			c.lacks(at+".generator", "load", "how many jobs come in; give this or rate")
		case g != nil && g.Load != nil && *g.Load >= 1:
			c.bad(at+".generator.load", "below 1", "give a load that the nodes can work off, or replay a trace", "never drains: %.2f of the GPU time that there is would be asked for, and the queue would grow for as long as jobs come in", *g.Load)
		}
		if q.Preempt && q.Order != queue.Priority.String() {
			c.bad(at+".preempt", "", `set order = "priority"`, "changes nothing under order %s", q.Order)
		}
		if q.Order == queue.LAS.String() && q.Backfill != queue.NoBackfill.String() && c.sc.IsSet(at+".backfill") {
			c.bad(at+".backfill", "none", "", "order las starts whatever fits, in order, every quantum")
		}
		for k := range q.Tenants {
			t := &q.Tenants[k]
			c.id(at+".tenant", t.ID)
			if (t.Borrow != 0 || t.Reclaim) && t.Cohort == "" {
				c.lacks(at+".tenant."+t.ID, "cohort", "borrowing and reclaiming are among the tenants of a cohort")
			}
			if t.Cohort != "" && t.Quota == 0 {
				c.lacks(at+".tenant."+t.ID, "quota", "a cohort lends the quotas of its tenants")
			}
		}
	}
}
