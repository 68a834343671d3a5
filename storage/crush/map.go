package crush

import (
	"fmt"
	"slices"
)

// Item ids of the results of a rule.
const (
	// None is an unfilled position of an erasure-coded placement.
	None = 0x7fffffff
	// undefined is a position that indep has not filled yet.
	undefined = 0x7ffffffe
)

// One is the weight 1.0 in the 16.16 fixed point of CRUSH weights and reweights.
const One = 0x10000

// Limits of a map. Ceph has no such limits for ids, only memory.
const (
	maxBuckets = 1 << 20 // lowest bucket id is −maxBuckets
	maxDevices = 1 << 22
	maxRules   = 1 << 16
)

// Alg is a bucket's algorithm with Ceph's number for it.
type Alg uint8

const (
	Uniform Alg = 1 // permutation of equal items
	List    Alg = 2 // newest item first
	Tree    Alg = 3 // binary tree of weights
	Straw   Alg = 4 // longest straw, lengths fixed when the map is made
	Straw2  Alg = 5 // largest −exponential draw divided by weight
)

// algNames has the names of the text form by number.
var algNames = [...]string{Uniform: "uniform", List: "list", Tree: "tree", Straw: "straw", Straw2: "straw2"}

func (a Alg) String() string { return algNames[a] }

// Tunables change how hard and how evenly rules search.
type Tunables struct {
	ChooseLocalTries         uint32 // retries in the same bucket after a collision
	ChooseLocalFallbackTries uint32 // retries by exhaustive permutation of the bucket
	ChooseTotalTries         uint32 // retries from the top
	ChooseleafDescendOnce    uint8  // the search for a leaf is not repeated below
	ChooseleafVaryR          uint8  // the leaf's search starts at r >> (VaryR−1) instead of 0
	ChooseleafStable         uint8  // leaves do not depend on their position
	StrawCalcVersion         uint8  // 0 has the faults of the first straw lengths
	AllowedBucketAlgs        uint32 // not used in placement
}

// Legacy is what a text map that names no tunables has (argonaut).
var Legacy = Tunables{ChooseLocalTries: 2, ChooseLocalFallbackTries: 5, ChooseTotalTries: 19, AllowedBucketAlgs: 1<<Uniform | 1<<List | 1<<Straw}

// bucket is a node of the hierarchy; its items are a window of the map's arrays.
type bucket struct {
	id     int32
	typ    int32
	size   uint32
	first  uint32 // of items and weights
	extra  uint32 // of sums: running sums of a list, nodes of a tree
	nodes  uint32 // of a tree
	weight uint32
	alg    Alg // 0: no such bucket
	shadow bool
}

// Map is a CRUSH map as flat arrays. It is immutable once parsed and may be
// shared by any number of Mappers.
type Map struct {
	Tunables Tunables
	Rules    []Rule // by id, ascending

	buckets []bucket // by −1−id
	items   []int32
	weights []uint32 // of items: 16.16 weights; straw lengths where the bucket is straw
	sums    []uint32

	widest  int // items of the largest bucket
	devices int // highest id in a bucket + 1
	present []bool
	args    map[int64]chooseArgs

	types   map[int32]string
	names   map[int32]string
	ids     map[string]int32
	classes []string        // in the order of their ids
	classOf map[int32]int32 // of devices
	clones  map[classBucket]int32
}

// classBucket names the shadow of a bucket for one device class.
type classBucket struct {
	bucket, class int32
}

// chooseArgs are the weight-sets of one set of choose_args, by −1−id of the bucket.
type chooseArgs []chooseArg

// chooseArg replaces the weights, by position, and the ids of one bucket's items.
type chooseArg struct {
	positions int
	weights   []uint32 // positions × size
	ids       []int32
}

// Devices is one more than the highest OSD id in any bucket.
func (m *Map) Devices() int { return m.devices }

// Present says whether an OSD is in some bucket.
func (m *Map) Present(osd int) bool { return osd >= 0 && osd < m.devices && m.present[osd] }

// Name is the name of an OSD (id ≥ 0) or a bucket, shadows as name~class.
func (m *Map) Name(id int32) string { return m.names[id] }

// ID finds an OSD or a bucket by its name.
func (m *Map) ID(name string) (int32, bool) {
	id, ok := m.ids[name]
	return id, ok
}

// Class is an OSD's device class, empty where it has none.
func (m *Map) Class(osd int) string {
	if c, ok := m.classOf[int32(osd)]; ok {
		return m.classes[c]
	}
	return ""
}

// InWeights are the reweights of a map whose every OSD is in: 1.0 for those in a
// bucket, 0 for ids that no bucket holds.
func (m *Map) InWeights() []uint32 {
	w := make([]uint32, m.devices)
	for i := range w {
		if m.present[i] {
			w[i] = One
		}
	}
	return w
}

// DeviceWeights are the CRUSH weights of the OSDs (16.16, by convention TiB) as their
// buckets state them, shadows aside; an OSD in several buckets has the first's.
func (m *Map) DeviceWeights() []uint32 {
	w, seen := make([]uint32, m.devices), make([]bool, m.devices)
	for i := range m.buckets {
		b := &m.buckets[i]
		if b.alg == 0 || b.shadow {
			continue
		}
		for k, id := range m.itemsOf(b) {
			if id >= 0 && !seen[id] {
				seen[id], w[id] = true, m.itemWeight(b, k)
			}
		}
	}
	return w
}

// RuleByID finds a rule.
func (m *Map) RuleByID(id int) (*Rule, error) {
	i, ok := slices.BinarySearchFunc(m.Rules, id, func(r Rule, id int) int { return r.ID - id })
	if !ok {
		return nil, fmt.Errorf("crush: rule %d is not in the map (rules: %s)", id, m.ruleList())
	}
	return &m.Rules[i], nil
}

func (m *Map) ruleList() string {
	if len(m.Rules) == 0 {
		return "none"
	}
	s := ""
	for i, r := range m.Rules {
		if i > 0 {
			s += ", "
		}
		if i == 16 {
			return s + "…"
		}
		s += fmt.Sprintf("%d %s", r.ID, r.Name)
	}
	return s
}

// maxAffected is the bound of crushtool's test on the replicas that a rule can place, which its
// "expected" column uses: the fewest buckets (shadows counted) of any type that the
// rule names. It counts settings as steps for type 0, as crushtool does.
func (m *Map) maxAffected(r *Rule) int {
	var types []int32
	wanted := map[int32]int{}
	for _, s := range r.Steps {
		if s.Op >= OpChooseFirstN && s.Op != OpEmit {
			types = append(types, s.Type)
			wanted[s.Type] = int(s.Arg)
		}
	}
	have := map[int32]int{}
	for _, t := range types {
		for i := range m.buckets {
			if b := &m.buckets[i]; b.alg != 0 && b.typ == t {
				have[t]++
			}
		}
	}
	for _, t := range types {
		if wanted[t] > 0 && wanted[t] < have[t] {
			have[t] = wanted[t]
		}
	}
	most := max(m.bucketSlots(), m.devices)
	for _, t := range types {
		if have[t] > 0 {
			most = min(most, have[t])
		}
	}
	return most
}

// bucketSlots is the length of Ceph's array of buckets, which doubles from 8.
func (m *Map) bucketSlots() int {
	if len(m.buckets) == 0 {
		return 0
	}
	n := 8
	for n < len(m.buckets) {
		n *= 2
	}
	return n
}

func (m *Map) bucketByID(id int32) *bucket {
	if i := -1 - int(id); i >= 0 && i < len(m.buckets) && m.buckets[i].alg != 0 {
		return &m.buckets[i]
	}
	return nil
}

func (m *Map) itemsOf(b *bucket) []int32 { return m.items[b.first : b.first+b.size] }

// itemWeight is the weight of item k as the map states it.
func (m *Map) itemWeight(b *bucket, k int) uint32 {
	switch b.alg {
	case Straw:
		return m.sums[int(b.extra)+k]
	case Tree:
		return m.sums[int(b.extra)+2*k+1]
	}
	return m.weights[int(b.first)+k]
}
