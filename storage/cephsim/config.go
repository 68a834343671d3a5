package cephsim

import (
	"fmt"
	"math"

	"aisim/storage"
)

// Scheduler orders an OSD's queue.
type Scheduler string

// The schedulers: mClock with its three profiles, as Reef and later define them and as early Quincy did, and wpq.
const (
	Balanced         Scheduler = "balanced"
	HighClient       Scheduler = "high_client_ops"
	HighRecovery     Scheduler = "high_recovery_ops"
	QuincyBalanced   Scheduler = "quincy-balanced"
	QuincyClient     Scheduler = "quincy-high_client_ops"
	QuincyRecovery   Scheduler = "quincy-high_recovery_ops"
	WeightedPriority Scheduler = "wpq"
)

// Failure is the loss of OSDs at one time.
type Failure struct {
	AtSec float64
	Node  int // all OSDs of this node; −1: OSDs
	OSDs  []int
	// DetectSec is from the loss to the map that marks them down [23: grace of 20 s after the last heartbeat, half
	// its interval of 6 s]; PeeringSec until placement groups serve again [1, assumed]; OutSec until they are out and
	// backfill starts [600].
	DetectSec, PeeringSec, OutSec float64
}

// Config says what is played. Zero values take the default in brackets.
type Config struct {
	Spec storage.CephSpec
	Seed uint64

	ClientHosts    int     // [as many as storage nodes]
	ClientNIC      float64 // bytes per second, one way [the storage nodes']
	InFlight       int     // requests that each host keeps in flight; 0: open loop
	ThinkSec       float64 // mean of the exponential pause after a request
	ArrivalsPerSec float64 // requests per second of each host in an open loop
	ReadShare      float64 // share of reads, 0 to 1
	RequestBytes   float64 // [4096]
	Requests       int64   // that each host issues in all; 0: until the end

	Oversubscription float64   // of the rack uplinks [1: not modelled]
	Scheduler        Scheduler // [balanced]
	FastEC           bool      // Tentacle: reads and overwrites touch the shards that they need
	SpeedIOPS        float64   // osd_mclock_max_capacity_iops [21,500 flash, 315 disk]
	SpeedBytes       float64   // osd_mclock_max_sequential_bandwidth [1,200 and 150 MiB/s]
	ScrubDays        float64   // every byte is read once in so many days; 0: no scrub
	NewBytes         bool      // writes are new data and fill the drives

	Failure *Failure

	EndSec  float64 // length of the run [0.1]
	Workers int     // [all]
}

func (c *Config) check() (storage.Costs, error) {
	costs, err := c.Spec.Costs()
	if err != nil {
		return costs, err
	}
	def := func(p *float64, v float64) {
		if *p == 0 {
			*p = v
		}
	}
	if c.ClientHosts == 0 {
		c.ClientHosts = c.Spec.Nodes
	}
	def(&c.ClientNIC, c.Spec.NICBytesPerSec)
	def(&c.RequestBytes, 4096)
	def(&c.Oversubscription, 1)
	def(&c.EndSec, 0.1)
	if c.Scheduler == "" {
		c.Scheduler = Balanced
	}
	iops, bytes := 21500.0, 1200.0*(1<<20)
	if costs.Drive.Rotating {
		iops, bytes = 315, 150*(1<<20)
	}
	def(&c.SpeedIOPS, iops)
	def(&c.SpeedBytes, bytes)
	bad := func(format string, args ...any) (storage.Costs, error) {
		return costs, fmt.Errorf("cephsim: "+format, args...)
	}
	width := costs.Protection.Width()
	switch {
	case c.ClientHosts < 1 || c.ClientHosts > 1<<17:
		return bad("client hosts %d: want 1 to 131072", c.ClientHosts)
	case !positive(c.ClientNIC):
		return bad("client port %g B/s: want above 0", c.ClientNIC)
	case c.InFlight < 0 || c.InFlight > maxSlots:
		return bad("requests in flight %d per host: want 0 (open loop) to %d", c.InFlight, maxSlots)
	case c.InFlight == 0 && !positive(c.ArrivalsPerSec):
		return bad("an open loop of %g requests per second and host: want above 0, or requests in flight", c.ArrivalsPerSec)
	case !(c.ReadShare >= 0 && c.ReadShare <= 1):
		return bad("share of reads %g: want 0 to 1", c.ReadShare)
	case !(c.RequestBytes >= 512 && c.RequestBytes <= objectBytes(&c.Spec)):
		return bad("requests of %.0f B: want 512 to the object size %.0f", c.RequestBytes, objectBytes(&c.Spec))
	case c.Requests < 0:
		return bad("%d requests in all: want 0 (until the end) or more", c.Requests)
	case !(c.ThinkSec >= 0):
		return bad("pause %g s: want 0 or more", c.ThinkSec)
	case !(c.Oversubscription >= 1):
		return bad("oversubscription %g: want 1 or more", c.Oversubscription)
	case width > 32:
		return bad("%s: at most 32 shards are played", costs.Protection)
	case costs.PGs > 1<<20:
		return bad("%d placement groups: at most %d are played", costs.PGs, 1<<20)
	case c.Spec.Gateway || c.Spec.Colocated:
		return bad("gateways and clients on the storage nodes are not played: use the analytic model")
	case profiles[c.Scheduler] == nil && c.Scheduler != WeightedPriority:
		return bad("scheduler %q: want balanced, high_client_ops, high_recovery_ops, the same with quincy- before, or wpq", c.Scheduler)
	case !positive(c.SpeedIOPS) || !positive(c.SpeedBytes):
		return bad("speed of an OSD %g IOPS, %g B/s: want above 0", c.SpeedIOPS, c.SpeedBytes)
	case !(c.ScrubDays >= 0):
		return bad("scrub in %g days: want 0 or more", c.ScrubDays)
	case !(c.EndSec > 0 && c.EndSec <= 1e8):
		return bad("run of %g s: want above 0", c.EndSec)
	}
	if f := c.Failure; f != nil {
		def(&f.DetectSec, 23)
		def(&f.PeeringSec, 1)
		def(&f.OutSec, 600)
		if f.Node >= c.Spec.Nodes || !(f.AtSec >= 0) || !(f.DetectSec >= 0) || !(f.PeeringSec >= 0) || !(f.OutSec >= 0) {
			return bad("failure of node %d at %g s: want a node below %d and times of 0 or more", f.Node, f.AtSec, c.Spec.Nodes)
		}
		for _, o := range f.OSDs {
			if o < 0 || o >= costs.Nodes*costs.PerNode {
				return bad("failure of OSD %d: the pool has %d", o, costs.Nodes*costs.PerNode)
			}
		}
	}
	return costs, nil
}

func positive(v float64) bool { return v > 0 && !math.IsInf(v, 1) }

// objectBytes is the size of a RADOS object, which no request crosses.
func objectBytes(s *storage.CephSpec) float64 {
	if s.ObjectBytes == 0 {
		return 4 << 20
	}
	return s.ObjectBytes
}
