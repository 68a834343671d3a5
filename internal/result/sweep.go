package result

// SweepSchema is the name of the JSON contract that Sweep is written in.
const SweepSchema = "aisim.sweep-result/v1"

// Sweep is every point of a space, played.
type Sweep struct {
	Schema    string          `json:"schema"`
	Version   string          `json:"version"`
	Revision  string          `json:"revision"`
	Name      string          `json:"name"`
	Scenario  FileRef         `json:"scenario"`
	Catalogue FileRef         `json:"catalogue"`
	Seed      uint64          `json:"seed"`
	Replicas  int             `json:"replicas"`
	Variables []SweepVariable `json:"variables"`
	Metrics   []SweepMetric   `json:"metrics"` // in the order of the first point that has them
	Points    []SweepPoint    `json:"points"`
}

// SweepVariable is one dimension of a space.
type SweepVariable struct {
	Title  string   `json:"title"`
	Places []string `json:"places"`
}

// SweepMetric is one metric of the points.
type SweepMetric struct {
	Key  string `json:"key"`
	Unit string `json:"unit"`
}

// SweepPoint is one point: where it lies, and what it gave or why it cannot be.
type SweepPoint struct {
	Index  int               `json:"index"`
	Hash   string            `json:"hash"`
	Labels []string          `json:"labels"` // by variable
	Status string            `json:"status"` // ok | refused
	Reason string            `json:"reason,omitempty"`
	Values map[string]Number `json:"values,omitempty"`
}
