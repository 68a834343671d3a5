package scenarios

import (
	"strings"

	"aisim/internal/units"
)

// Key is one entry of the language's dictionary. The Go type of the field that
// the key is bound to gives the TOML type; the entry gives everything else.
type Key struct {
	Path     string // "workload.batch.global"; array tables stand without index
	Doc      string
	Dim      units.Dimension
	AlsoDim  units.Dimension // a second dimension that a Quantity may have
	Range    bounds
	Items    bounds // allowed number of items of a list
	Enum     []string
	Words    []string // words allowed beside a quantity, "auto"
	Bool     bool     // true and false are allowed for 1 and 0
	Ref      string   // catalogue kind or "storage": the string must name one
	Required bool
	Default  string // TOML text, as the user would write it
	Derived  string // what holds when the key is absent and no fixed default exists
	Why      string // what the default rests on; empty for keys that no answer rests on
	Only     string // values of the enclosing table's selector that the key belongs to
	Group    string // of all keys of a group in one table at most one may be given
	Example  string // TOML text
	File     bool   // a path, resolved against the file that gives it
}

// bounds is a closed range, or one that is open at the low end.
type bounds struct {
	set      bool
	lo, hi   float64
	aboveLow bool
}

func within(lo, hi float64) bounds { return bounds{set: true, lo: lo, hi: hi} }
func above(lo, hi float64) bounds  { return bounds{set: true, lo: lo, hi: hi, aboveLow: true} }

func (b bounds) holds(v float64) bool {
	if !b.set {
		return true
	}
	return v <= b.hi && (v > b.lo || !b.aboveLow && v == b.lo)
}

// text says the range in words, in the dimension's units.
func (b bounds) text(d units.Dimension) string {
	if d == units.None {
		d = units.Count
	}
	if b.lo == b.hi {
		return units.Exact(b.lo, d)
	}
	if b.aboveLow {
		return "above " + units.Exact(b.lo, d) + ", up to " + units.Exact(b.hi, d)
	}
	return units.Exact(b.lo, d) + " to " + units.Exact(b.hi, d)
}

// selectors name, for tables whose keys depend on one of their values, that key.
var selectors = map[string]string{
	"cluster.fabric":    "topology",
	"storage":           "kind",
	"workload":          "kind",
	"workload.arrivals": "process",
}

// seconds of the longer units, for ranges.
const (
	minute = 60.0
	hour   = 3600.0
	day    = 86400.0
	year   = 365 * day
)

// dictionary is every key of the language, in the order in which documentation
// and assumptions list them.
var dictionary = concat(topKeys, clusterKeys, storageKeys, workloadKeys, servingKeys, faultKeys, provisionKeys, securityKeys, edgeKeys, economicsKeys, complianceKeys, pipelineKeys, queueKeys, nodeScalerKeys, streamKeys, functionKeys, studyKeys)

var keyByPath = func() map[string]*Key {
	m := make(map[string]*Key, len(dictionary))
	for i := range dictionary {
		m[dictionary[i].Path] = &dictionary[i]
	}
	return m
}()

func concat(tables ...[]Key) []Key {
	var out []Key
	for _, t := range tables {
		out = append(out, t...)
	}
	return out
}

// allowed says what the key takes, for messages.
func (k *Key) allowed() string {
	var parts []string
	if len(k.Enum) > 0 {
		parts = append(parts, strings.Join(k.Enum, " | "))
	}
	for _, w := range k.Words {
		parts = append(parts, `"`+w+`"`)
	}
	if k.Range.set {
		parts = append(parts, k.Range.text(k.Dim))
	}
	return strings.Join(parts, " or ")
}

// only says whether the key belongs to a table whose selector has the value.
func (k *Key) only(selector string) bool {
	if k.Only == "" {
		return true
	}
	for _, v := range strings.Fields(k.Only) {
		if v == selector {
			return true
		}
	}
	return false
}
