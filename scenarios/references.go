package scenarios

import (
	"sort"

	"aisim/hardware"
	"aisim/workloads/serving"
	"aisim/workloads/training"
)

// references answers what a scenario may name: catalogue entries and profiles.
type references struct {
	*hardware.Catalogue
}

func catalogue() references { return references{hardware.Default()} }

// ids lists what a reference of the kind may name; nil for kinds whose names
// are not a short list (regions) or stand in the scenario (storage).
func (r references) ids(kind string) []string {
	var out []string
	switch kind {
	case "framework":
		out = training.FrameworkIDs()
	case "engine":
		out = serving.EngineIDs()
	case "switch":
		for _, e := range r.Entries(hardware.KindInterconnect) {
			if link, err := r.Interconnect(e.ID); err == nil && link.Class == "switch" {
				out = append(out, e.ID)
			}
		}
	case "server", "model", "drive", "instance":
		for _, e := range r.Entries(kind) {
			out = append(out, e.ID)
		}
	}
	out = append([]string(nil), out...)
	sort.Strings(out)
	return out
}

// has says whether the kind has the id.
func (r references) has(kind, id string) bool {
	var err error
	switch kind {
	case "server":
		_, err = r.Server(id)
	case "model":
		_, err = r.Model(id)
	case "drive":
		_, err = r.Drive(id)
	case "instance":
		_, err = r.Instance(id)
	case "region":
		_, err = r.Grid(id)
	default:
		return contains(r.ids(kind), id)
	}
	return err == nil
}

// listKind is the kind under which `aisim catalog list` shows what a reference
// may name.
func listKind(ref string) string {
	switch ref {
	case "switch":
		return hardware.KindInterconnect
	case "region":
		return hardware.KindPower
	}
	return ref
}
