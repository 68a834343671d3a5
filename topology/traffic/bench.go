package traffic

import (
	"fmt"

	"aisim/topology"
)

// Config is one run of a benchmark pattern on the k-ary fat-tree.
type Config struct {
	Pattern string  // permutation, incast, ring or alltoall
	Model   string  // flow or packet
	Radix   int     // of the switches: radix³/4 hosts
	Bytes   float64 // of each message; of the whole vector for a ring
	Routing string  // "" is d-mod-k for flows and adaptive for packets
	Seed    uint64  // of the permutation
	Workers int
}

// Patterns and Models are what Config knows.
var (
	Patterns = []string{"permutation", "incast", "ring", "alltoall"}
	Models   = []string{"flow", "packet"}
)

// Start is a benchmark whose fabric stands.
type Start struct {
	Config
	Graph *topology.Graph
	Hosts []topology.NodeID
}

// New builds the fabric of a benchmark.
func New(c Config) (*Start, error) {
	if c.Routing == "" {
		c.Routing = "adaptive"
		if c.Model == "flow" {
			c.Routing = "d-mod-k"
		}
	}
	if c.Model != "flow" && c.Model != "packet" {
		return nil, fmt.Errorf("traffic: model %q is not known (want flow or packet)", c.Model)
	}
	g, err := Kary(c.Radix, c.Routing)
	if err != nil {
		return nil, err
	}
	return &Start{c, g, g.NICs(hostGroup)}, nil
}

// Run plays the pattern.
func (s *Start) Run() (*Result, error) {
	if s.Model == "packet" {
		return s.runPackets()
	}
	fair := LatencyShares
	if s.Pattern == "incast" { // the reference has none; a switch serves its ports alike
		fair = EqualShares
	}
	if s.Pattern == "ring" {
		return Ring(s.Graph, s.Hosts, s.Bytes, fair, s.Workers)
	}
	flows, err := s.flows()
	if err != nil {
		return nil, err
	}
	r, err := Run(s.Graph, flows, fair, s.Workers)
	if r != nil {
		r.Hosts = len(s.Hosts)
	}
	return r, err
}

// maxMessages bounds what is held at once.
const maxMessages = 1 << 24

// flows lists the messages of a pattern that starts them all at once.
func (s *Start) flows() ([]Flow, error) {
	switch s.Pattern {
	case "permutation":
		return Permutation(s.Hosts, s.Bytes, s.Seed), nil
	case "incast":
		return Incast(s.Hosts, s.Bytes), nil
	case "alltoall":
		if n := len(s.Hosts); n*(n-1) > maxMessages {
			return nil, fmt.Errorf("traffic: an all-to-all of %d hosts has %d messages at once, more than %d", n, n*(n-1), maxMessages)
		}
		return AllToAll(s.Hosts, s.Bytes), nil
	}
	return nil, fmt.Errorf("traffic: pattern %q is not known (want permutation, incast, ring or alltoall)", s.Pattern)
}
