package scenarios

import (
	"fmt"
	"slices"

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
		if q.Preempt && q.Order != queue.Priority.String() && !q.tiered() {
			c.bad(at+".preempt", "", `set order = "priority", or give partitions a tier`, "changes nothing under order %s", q.Order)
		}
		c.queueRules(q, at)
		c.queueJobs(q, at)
		if q.Order == queue.LAS.String() && q.Backfill != queue.NoBackfill.String() && c.sc.IsSet(at+".backfill") {
			c.bad(at+".backfill", "none", "", "order las starts whatever fits, in order, every quantum")
		}
		c.nodeScaler(q, at)
		for k := range q.Tenants {
			t := &q.Tenants[k]
			c.id(at+".tenant", t.ID)
			if (t.Borrow != 0 || t.Reclaim) && t.Cohort == "" {
				c.lacks(at+".tenant."+t.ID, "cohort", "borrowing and reclaiming are among the tenants of a cohort")
			}
			if t.Partition != "" && !slices.ContainsFunc(q.Partitions, func(p QueuePartition) bool { return p.ID == t.Partition }) {
				c.bad(at+".tenant."+t.ID+".partition", "", "declare it as [[queue.partition]]", "the queue has no such partition")
			}
			if t.QOS != "" && !slices.ContainsFunc(q.QOS, func(x QueueQOS) bool { return x.ID == t.QOS }) {
				c.bad(at+".tenant."+t.ID+".qos", "", "declare it as [[queue.qos]]", "the queue has no such quality of service")
			}
			if t.Elastic > 0 && !q.SaveOnStop {
				c.bad(at+".tenant."+t.ID+".elastic", "0", "set save_on_stop = true", "elastic jobs change their GPUs from a checkpoint")
			}
			if t.Elastic > 0 && (q.Order == queue.LAS.String() || q.Backfill == queue.Conservative.String()) {
				c.bad(at+".tenant."+t.ID+".elastic", "0", "set backfill = \"easy\" and another order than las", "promises and slices are for fixed sizes")
			}
			if t.Cohort != "" && t.Quota == 0 {
				c.lacks(at+".tenant."+t.ID, "quota", "a cohort lends the quotas of its tenants")
			}
		}
	}
}

// tiered says whether partitions of the queue differ in tier.
func (q *Queue) tiered() bool {
	for i := range q.Partitions {
		if q.Partitions[i].Tier != q.Partitions[0].Tier {
			return true
		}
	}
	return false
}

// queueRules checks partitions, qualities of service and weights.
func (c *checker) queueRules(q *Queue, at string) {
	for i := range q.Partitions {
		p := &q.Partitions[i]
		c.id(at+".partition", p.ID)
		n := c.sc.Cluster.Nodes
		if q.Nodes != nil {
			n = min(n, *q.Nodes)
		}
		switch {
		case p.First >= n:
			c.bad(at+".partition."+p.ID+".first", fmt.Sprintf("0 to %d", n-1), "", "the queue has fewer nodes")
		case p.Nodes != nil && p.First+*p.Nodes > n:
			c.bad(at+".partition."+p.ID+".nodes", fmt.Sprintf("1 to %d", n-p.First), "", "the queue has fewer nodes")
		}
	}
	if len(q.Partitions) > 0 && (q.Backfill == queue.Conservative.String() || q.Order == queue.LAS.String()) {
		c.bad(at+".partition", "", `set backfill = "easy" and another order than las`, "promises to every job, and slices, are for one set of nodes")
	}
	for i := range q.QOS {
		c.id(at+".qos", q.QOS[i].ID)
	}
	factors := q.Order == queue.Factors.String()
	switch {
	case factors && (q.Weights == nil || q.Weights.Age+q.Weights.FairShare+q.Weights.Size+q.Weights.Partition+q.Weights.QOS == 0):
		c.lacks(at, "weights", "order multifactor is a weighted sum")
	case factors && q.Backfill == queue.Conservative.String():
		c.bad(at+".backfill", "none, easy or any", "", "promises cannot be kept in an order that changes with time")
	case !factors && q.Weights != nil:
		c.bad(at+".weights", "", `set order = "multifactor"`, "change nothing under order %s", q.Order)
	}
}

// queueJobs checks what the jobs of a queue run as.
func (c *checker) queueJobs(q *Queue, at string) {
	if q.JobsLike == "" {
		if c.sc.IsSet(at + ".neighbours") {
			c.lacks(at, "jobs_like", "neighbours load the links that such jobs use")
		}
		return
	}
	i := slices.IndexFunc(c.sc.Workloads, func(w Workload) bool { return w.ID == q.JobsLike })
	switch {
	case i < 0:
		c.bad(at+".jobs_like", "", "", "there is no workload of that id")
	case c.sc.Workloads[i].Kind != "training":
		c.bad(at+".jobs_like", "", "", "workload %s does not train", q.JobsLike)
	case c.sc.IsSet(at + ".speed"):
		c.bad(at+".speed", "", "leave it out", "the speed follows from jobs_like")
	case q.LeafNodes == nil:
		c.lacks(at, "leaf_nodes", "the speed depends on whether a job fits below one leaf")
	case q.MIG != "":
		c.bad(at+".mig", "", "leave it out", "jobs of instances do not train over the fabric as workload %s does", q.JobsLike)
	}
}
