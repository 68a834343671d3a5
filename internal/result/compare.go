package result

// CompareSchema is the name of the JSON contract that Comparison is written in.
const CompareSchema = "aisim.compare/v1"

// Comparison is several designs played under the same draws, the first one being what
// the others are compared with.
type Comparison struct {
	Schema     string       `json:"schema"`
	Version    string       `json:"version"`
	Revision   string       `json:"revision"`
	Complete   bool         `json:"complete"`
	Seed       uint64       `json:"seed"`
	Replicas   int          `json:"replicas"`
	Designs    []Design     `json:"designs"`
	Decision   Decision     `json:"decision"`
	Rows       []CompareRow `json:"rows"`
	Bridge     []BridgeStep `json:"bridge,omitempty"` // of the decision's metric, from the first design to each other
	Parts      []PartRow    `json:"parts,omitempty"`  // of a step or a request
	Ledger     []LedgerRow  `json:"ledger,omitempty"`
	Flips      []Flip       `json:"flips,omitempty"`
	Changes    []KeyChange  `json:"changes"` // keys of the scenarios that differ
	Conditions []Condition  `json:"conditions,omitempty"`
}

// Design is one of the things compared.
type Design struct {
	Name     string      `json:"name"` // A, B, …
	Title    string      `json:"title"`
	Scenario ScenarioRef `json:"scenario"`
	Profile  FileRef     `json:"profile"`
}

// Decision is which design the comparison speaks for.
type Decision struct {
	Metric      string  `json:"metric,omitempty"` // what it was decided by
	Unit        string  `json:"unit,omitempty"`
	Preferred   string  `json:"preferred,omitempty"` // a design's name; empty when none is clearly better
	Probability float64 `json:"probability"`         // of the best design being better than the first, or than the next best
	Text        string  `json:"text"`
}

// CompareRow is one metric of all designs.
type CompareRow struct {
	Metric      string       `json:"metric"`
	Unit        string       `json:"unit"`
	Better      int          `json:"better"` // +1 more is better, -1 less is, 0 neither
	Values      []Number     `json:"values"` // by design
	Differences []Difference `json:"differences"`
}

// Difference is one design against the first, over paired futures.
type Difference struct {
	Design   string  `json:"design"`
	Absolute Number  `json:"absolute"`
	Relative Number  `json:"relative"`
	PBetter  float64 `json:"p_better"` // share of the futures in which it is better, ties count half
	Clear    bool    `json:"clear"`    // the interval of the difference does not hold zero
}

// BridgeStep is what one cause adds to the decision's metric: the mean over all orders
// in which the causes can be changed (Shapley), so that the steps sum to the difference.
type BridgeStep struct {
	Design string `json:"design"`
	Cause  string `json:"cause"`
	Kind   Kind   `json:"kind"`
	Amount Number `json:"amount"`
}

// PartRow is one part of a step, or of a request, of all designs in seconds.
type PartRow struct {
	Workload string    `json:"workload"`
	Part     string    `json:"part"`
	Kind     Kind      `json:"kind"`
	Seconds  []float64 `json:"seconds"` // by design
}

// LedgerRow is one line of the bill of all designs.
type LedgerRow struct {
	Item string    `json:"item"`
	Kind Kind      `json:"kind"`
	USD  []float64 `json:"usd"` // by design, per period
}

// Flip is how far one input would have to move for the choice to turn.
type Flip struct {
	Design string  `json:"design"`
	Input  string  `json:"input"`
	Unit   string  `json:"unit"`
	Now    float64 `json:"now"`
	At     float64 `json:"at"` // NaN-free: absent flips are not listed
}

// KeyChange is one key of the scenario that is not the same in all designs.
type KeyChange struct {
	Key    string   `json:"key"`
	Values []string `json:"values"` // by design; empty where the design leaves it to the default
}

// Condition is one --fail-if and what became of it.
type Condition struct {
	Text   string  `json:"text"`
	Metric string  `json:"metric"`
	Design string  `json:"design"`
	Value  float64 `json:"value"` // what was compared: a change, a difference or an amount
	Failed bool    `json:"failed"`
}
