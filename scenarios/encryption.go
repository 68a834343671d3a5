package scenarios

import (
	"math"

	"aisim/cluster/access"
	"aisim/storage"
	"aisim/topology/flow"
)

// Encryption of a store and of the way to it.
type Encryption struct {
	AtRest      string `toml:"at_rest"`
	InFlight    string `toml:"in_flight"`
	ClientCores int    `toml:"client_cores"`
	ServerCores int    `toml:"server_cores"`
	ObjectKeys  bool   `toml:"object_keys"`
}

func (e *Encryption) layers() access.Layers {
	return access.Layers{AtRest: e.AtRest, InFlight: e.InFlight}
}

// encryption checks what the table of a store says.
func (c *checker) encryption(s *Storage, at string) {
	e := s.Encryption
	if e == nil {
		return
	}
	if s.Kind == "nvme" && e.InFlight != "none" {
		c.bad(at+".encryption.in_flight", "none", "", "local drives are not reached over a network")
	}
	if e.ObjectKeys && (c.sc.Security == nil || c.sc.Security.Keys == nil) {
		c.bad(at+".encryption.object_keys", "", "give security.keys", "needs a key service")
	}
}

// cipher is the storage servers' ciphers as a resource that every byte passes, by
// direction: writes encrypt each copy on the drives.
type cipher struct{ read, write flow.ResourceID }

// addCipher gives a store's ciphers to the network; nil where its servers encrypt nothing.
func (f *Future) addCipher(net *flow.Net, st *Storage, sys *storage.System) (*cipher, error) {
	e := st.Encryption
	if e == nil || st.Kind == "object" || st.Kind == "nvme" {
		return nil, nil // a provider's servers are fast enough; local drives are the client's
	}
	c := sys.Capacity()
	var rates [2]float64
	for k, copies := range []float64{1, c.RawBytes / c.UsableBytes} {
		rates[k] = float64(st.Nodes) * e.layers().ServerBytesPerSec(float64(e.ServerCores), copies)
		if math.IsInf(rates[k], 1) {
			return nil, nil
		}
	}
	out := &cipher{}
	var err error
	if out.read, err = net.AddResource(st.ID+" ciphers, reading", rates[0]); err == nil {
		out.write, err = net.AddResource(st.ID+" ciphers, writing", rates[1])
	}
	return out, err
}

// encrypt puts a transfer's encryption on its demands: the servers' ciphers, the clients'
// cores (so many of their ports share a node's), bytes of headers on the wire, and the quota
// of the key service where each object has a key.
func (f *Future) encrypt(k int, op storage.Op, demands []flow.Demand, portsPerNode, clients int, object float64) {
	st := &f.World.Scenario.Storage[k]
	e := st.Encryption
	if e == nil {
		return
	}
	limit := math.Inf(1)
	if sec := e.layers().ClientCoreSec(); sec > 0 {
		limit = float64(e.ClientCores) / sec / float64(max(1, portsPerNode))
	}
	if st.Kind == "nvme" && e.AtRest == "dm-crypt" {
		limit = math.Min(limit, e.layers().ServerBytesPerSec(float64(e.ClientCores), 1)/float64(max(1, portsPerNode)))
	}
	if e.ObjectKeys {
		limit = math.Min(limit, f.World.Scenario.Security.Keys.QuotaPerSec*object/float64(max(1, clients)))
	}
	links, factor := f.Graph.NumLinks(), e.layers().WireFactor()
	for i := range demands {
		d := &demands[i]
		uses := append([]flow.Use(nil), d.Uses...)
		for u := range uses {
			if int(uses[u].Res) < links {
				uses[u].Weight *= factor
			}
		}
		if c := f.ciphers[k]; c != nil && op == storage.Read {
			uses = append(uses, flow.Use{Res: c.read, Weight: 1})
		} else if c != nil {
			uses = append(uses, flow.Use{Res: c.write, Weight: 1})
		}
		d.Uses = uses
		if limit < math.Inf(1) && (d.RateCapBytesPerSec == 0 || d.RateCapBytesPerSec > limit) {
			d.RateCapBytesPerSec = limit
		}
	}
}
