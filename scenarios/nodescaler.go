package scenarios

import (
	"fmt"

	"aisim/cluster/queue"
	"aisim/internal/units"
)

// NodeScaler rents the nodes of a queue when jobs wait.
type NodeScaler struct {
	Min     int     `toml:"min"`
	Mode    string  `toml:"mode"` // periodic | event
	ScanSec float64 `toml:"interval"`
	IdleSec float64 `toml:"idle"`
}

var nodeScalerKeys = []Key{
	{Path: "queue.autoscale", Doc: "The queue's nodes are rented when jobs wait, and come up as [provision] says; empty ones are given back. Without this table all of them are there."},
	{Path: "queue.autoscale.min", Doc: "Nodes that stay.", Range: within(0, 131072), Default: `0`},
	{Path: "queue.autoscale.mode", Doc: "Looks at intervals, as the Cluster Autoscaler, or acts on every change, as Karpenter.", Enum: []string{"periodic", "event"}, Default: `"periodic"`, Why: "the autoscaler that Kubernetes brings"},
	{Path: "queue.autoscale.interval", Doc: "Between two looks.", Dim: units.Time, Range: within(1, day), Default: `"10 s"`, Why: "default of the Cluster Autoscaler"},
	{Path: "queue.autoscale.idle", Doc: "How long a node is empty before it goes.", Dim: units.Time, Range: within(0, 30*day), Default: `"10 min"`, Why: "default of the Cluster Autoscaler"},
}

// nodeScaler checks the autoscaler of a queue.
func (c *checker) nodeScaler(q *Queue, at string) {
	a := q.Autoscale
	if a == nil {
		return
	}
	if c.sc.Provision == nil {
		c.lacks(at+".autoscale", "[provision]", "how long a node takes to come up")
	}
	if a.Mode == "event" && c.sc.IsSet(at+".autoscale.interval") {
		c.bad(at+".autoscale.interval", "", `mode = "periodic"`, "changes nothing, because the autoscaler acts on every change")
	}
	if q.Nodes != nil && a.Min > *q.Nodes {
		c.bad(at+".autoscale.min", fmt.Sprintf("0 to %d", *q.Nodes), "", "keeps more nodes than the queue has")
	}
}

// nodeScaler is the same in the terms of its model.
func (sc *Scenario) nodeScaler(q *Queue) *queue.Scaler {
	a := q.Autoscale
	if a == nil {
		return nil
	}
	s := &queue.Scaler{Min: a.Min, IdleSec: a.IdleSec, Chain: sc.Provision.chain()}
	if a.Mode == "periodic" {
		s.ScanSec = a.ScanSec
	}
	return s
}
