package scenarios

import (
	"fmt"
	"strconv"

	"aisim/cluster/pipeline"
	"aisim/internal/units"
)

// What a core works through where the scenario does not say, in bytes per second, and
// the share of it that Beam's Python workers reach: assumed.
const (
	scanBytesPerSecCore    = 100e6
	shuffleBytesPerSecCore = 50e6
	beamShare              = 0.3
)

// pipelines completes and checks the graphs of stages.
func (c *checker) pipelines() {
	sc := c.sc
	kinds := map[string]string{}
	for i := range sc.Workloads {
		kinds[sc.Workloads[i].ID] = sc.Workloads[i].Kind
	}
	for i := range sc.Pipelines {
		p := &sc.Pipelines[i]
		if !c.id("pipeline", p.ID) {
			continue
		}
		at := "pipeline." + p.ID
		c.store(at+".store", p.Store)
		if p.Nodes != nil && *p.Nodes > sc.Cluster.Nodes {
			c.bad(at+".nodes", fmt.Sprintf("1 to %d", sc.Cluster.Nodes), "", "the cluster has fewer nodes")
		}
		switch {
		case p.EverySec == nil && p.DataBytes == nil && p.Drift == nil:
			c.lacks(at, "every", "nothing starts the pipeline")
		case p.DataBytes != nil && p.IngestRate == nil:
			c.lacks(at, "ingest", "how fast the data come in says how often the pipeline runs")
		case p.DataBytes == nil && p.IngestRate != nil:
			c.bad(at+".ingest", "", "give data_trigger, or remove ingest", "changes nothing without data_trigger")
		}
		if (p.Drift != nil || p.Canary != nil) && p.Serves == "" {
			c.lacks(at, "serves", "the requests of a service feed the drift test and the canary")
		}
		if k := kinds[p.Serves]; p.Serves != "" && k != "serving" {
			c.bad(at+".serves", "", "name a workload of kind serving", "is not a service of this scenario")
		}
		if p.Shares && p.Drift != nil {
			c.bad(at+".shares", "", "start it by every or data_trigger", "needs to know when runs start before the requests are simulated that find the drift")
		}
		if (p.DecayPerDay == nil) != (p.USDPerDay == nil) {
			c.bad(at, "", "give decay and value, or neither", "an interval is best only where both the decay and the value of quality are known")
		}
		if cn := p.Canary; cn != nil && cn.Finds <= cn.Errors {
			c.bad(at+".canary.finds", "above errors", "", "is not above the old model's error rate")
		}
		for k := range p.Stages {
			c.stage(at+".stage."+p.Stages[k].ID, p, &p.Stages[k], kinds)
		}
		if _, err := pipeline.Order(p.stages(nil)); err != nil {
			c.bad(at+".stage", "", "stages form a graph without cycles", "%s", err)
		}
	}
}

func (c *checker) stage(at string, p *Pipeline, s *PipelineStage, kinds map[string]string) {
	input := s.ReadBytes + s.ShuffleBytes
	switch {
	case s.Trains != "" && kinds[s.Trains] != "training":
		c.bad(at+".trains", "", "name a workload of kind training", "is not a training workload of this scenario")
	case (s.Trains != "" || s.Seconds != nil) && input+s.WriteBytes > 0:
		c.bad(at, "", "make two stages of it", "a stage either has a time or moves bytes")
	case s.Trains == "" && s.Seconds == nil && input == 0:
		c.bad(at, "", `write read = "2 TB", time = "10 min" or trains = "ID"`, "the stage does nothing")
	}
	if s.Queue != "" || s.GPUs != nil {
		known := false
		for i := range c.sc.Queues {
			known = known || c.sc.Queues[i].ID == s.Queue
		}
		switch {
		case !known:
			c.bad(at+".queue", "", "name a queue of this scenario", "is not one")
		case s.GPUs == nil || s.Seconds == nil:
			c.bad(at, "", "give time and gpus", "a job of a queue needs both")
		case p.Drift != nil:
			c.bad(at+".queue", "", "start the pipeline by every or data_trigger", "needs to know when runs start")
		}
	}
	if s.RatePerCore == nil && input > 0 {
		rate := shuffleBytesPerSecCore
		if s.ReadBytes >= s.ShuffleBytes {
			rate = scanBytesPerSecCore
		}
		if p.Engine == "beam" {
			rate *= beamShare
		}
		s.RatePerCore = &rate
		c.sc.source.defaults = append(c.sc.source.defaults, assumed{at + ".rate", units.Exact(rate, units.BytesPerSec), keyByPath["pipeline.stage.rate"].Why})
	}
	if s.PartTasks(p) > maxTasks {
		c.bad(at, "at most "+strconv.Itoa(maxTasks)+" tasks", "larger partitions", "has %.0f tasks", s.PartTasks(p))
	}
}

// maxTasks bounds what one stage is cut into.
const maxTasks = 1_000_000

// PartTasks is about how many tasks the stage has.
func (s *PipelineStage) PartTasks(p *Pipeline) float64 {
	return (s.ReadBytes + s.ShuffleBytes) / p.PartitionBytes
}

// stages are the pipeline's in the terms of its model. trained gives the time of a training
// workload; nil where only the graph counts.
func (p *Pipeline) stages(trained func(id string) float64) []pipeline.Stage {
	var out []pipeline.Stage
	for _, s := range p.Stages {
		st := pipeline.Stage{ID: s.ID, After: s.After, ReadBytes: s.ReadBytes, ShuffleBytes: s.ShuffleBytes, WriteBytes: s.WriteBytes, PartitionBytes: p.PartitionBytes, StartSec: s.StartSec}
		if s.RatePerCore != nil {
			st.BytesPerSecCore = *s.RatePerCore
		}
		if s.Seconds != nil {
			st.Seconds = *s.Seconds
		}
		if s.Trains != "" && trained != nil {
			st.Seconds = trained(s.Trains)
		}
		out = append(out, st)
	}
	return out
}
