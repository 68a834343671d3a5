package topology

// Spec says what to build: the hosts, the network that joins them and how it
// routes. Bandwidths are in bytes per second and one way; latencies in seconds.
type Spec struct {
	Hosts []HostGroup // at least one, but with a File; in this order they take switch ports

	Topology string // "fat-tree", "rail-optimised", "rail-only", "dragonfly+", "single-switch", "torus" or "file"
	Levels   int    // switch levels of a fat-tree or of each rail, 1..4; 0 takes the fewest that hold the hosts
	Radix    int    // ports per switch; 0 only for single-switch and torus, which then have as many as needed, and file, where it bounds the cables of a switch

	// File is the text of a fabric file for Topology "file", as ParseFile reads it. Hosts
	// may then be empty: they are the file's. Hosts that are given take the place of the
	// file's, by name where all names agree, else in order; counts of hosts and NICs must
	// agree.
	File string

	SwitchBytesPerSec float64 // per switch port and direction; 0 takes the fastest NIC's rate; the cables of a File have their own
	// Oversubscription is down over up bandwidth of each switch level from the leaf
	// up, each ≥ 1: [1, 7] is a non-blocking leaf and 1:7 towards the core. Missing
	// entries are 1. In a dragonfly+ the first is of the leaves and the second of the
	// spines, towards the links between groups.
	Oversubscription []float64

	LinkLatencySec   float64 // of each cable
	SwitchLatencySec float64 // of each switch crossed; counted on the link that enters it

	Routing string // "ecmp", "d-mod-k" or "adaptive"; "" is adaptive

	// FailedLinks names cables ("leaf-3:spine-2", "compute-7.nic-0:leaf-3",
	// "leaf-3:spine-2#1" for one of several) or whole elements ("spine-2"). Both
	// directions fail.
	FailedLinks []string
}

// HostGroup is a number of alike hosts: compute, storage or clients.
type HostGroup struct {
	Name           string // names the hosts: "compute" gives compute-0, compute-1, …
	Count          int
	ChipsPerHost   int // accelerators; 0 for storage and client hosts
	NICs           int // per host; 0 for hosts that only have a scale-up fabric
	NICBytesPerSec float64
	ScaleUp        ScaleUp
}

// ScaleUp is the fabric inside a domain of chips: NVLink with its switches, a
// point-to-point mesh, a ring, or a torus of inter-chip links.
type ScaleUp struct {
	DomainChips int     // chips of one domain, may span hosts (72); 0 takes ChipsPerHost
	BytesPerSec float64 // one way per chip, all its links together
	LatencySec  float64 // of one link; a switch is crossed by two
	Kind        string  // "switch", "mesh", "ring", "torus" or "none"
	Dims        []int   // of a torus; the last runs fastest in rank order
	NoWrap      bool    // a torus without its wrap links
}

// NodeID numbers the nodes of a Graph: chips, NICs and switches.
type NodeID int32

// LinkID numbers the directed links of a Graph.
type LinkID int32

// LevelID is a class of links by where they sit.
type LevelID uint8

// The levels, from the chip up.
const (
	ScaleUpLevel LevelID = iota // chip to scale-up switch, or chip to chip
	NICLevel                    // host to leaf
	LeafLevel                   // leaf to spine
	SpineLevel                  // spine to core
	CoreLevel                   // core to super-core, in fat-trees of four levels
	NumLevels
)

// Key is the stable resource key of the level: scaleup, nic, leaf, spine, core.
func (l LevelID) Key() string {
	if l >= NumLevels {
		return "unknown"
	}
	return [...]string{"scaleup", "nic", "leaf", "spine", "core"}[l]
}

// ParseLevel is the inverse of LevelID.Key; ok is false for any other word.
func ParseLevel(key string) (l LevelID, ok bool) {
	for l = range NumLevels {
		if l.Key() == key {
			return l, true
		}
	}
	return 0, false
}

// Level describes one class of links of a Graph; both directions are counted.
type Level struct {
	ID               LevelID
	Key              string // "leaf"
	Name             string // "leaf to spine"
	Links            int    // directed links, failed ones included
	Failed           int
	BytesPerSec      float64 // of one link and direction (of the slowest, if they differ)
	MaxBytesPerSec   float64 // of the fastest
	TotalBytesPerSec float64 // of all live links, both directions
}

// Link is one directed link.
type Link struct {
	From, To    NodeID
	BytesPerSec float64 // zero when failed
	LatencySec  float64
	Level       LevelID
	Failed      bool
}

// Share is the fraction of a transfer's bytes that crosses a link.
type Share struct {
	Link     LinkID
	Fraction float64
}

// NodeKind says what a node is.
type NodeKind uint8

// The kinds of node.
const (
	Chip NodeKind = iota
	NIC
	ScaleUpSwitch
	Switch
)

// Node describes one node.
type Node struct {
	Name  string
	Kind  NodeKind
	Group string // host group; empty for switches of the network
	Host  int    // index of the host in its group; -1 for switches
	Index int    // chip or NIC of the host; index within its tier for switches
	Tier  int    // 1 leaf, 2 spine, … for switches; 0 otherwise
}
