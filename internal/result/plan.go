package result

// PlanSchema is the name of the JSON contract that Plan is written in.
const PlanSchema = "aisim.plan/v1"

// Plan is the answer to a [goal]: what to buy, and why not the other thing.
type Plan struct {
	Schema     string      `json:"schema"`
	Version    string      `json:"version"`
	Revision   string      `json:"revision"`
	Scenario   ScenarioRef `json:"scenario"`
	Catalogue  FileRef     `json:"catalogue"`
	Seed       uint64      `json:"seed"`
	Goal       PlanGoal    `json:"goal"`
	Steps      []PlanStep  `json:"steps"` // of growth; the first is the goal as it stands
	Feasible   bool        `json:"feasible"`
	FineRung   string      `json:"fine_rung"`
	CoarseRung string      `json:"coarse_rung"`
}

// PlanGoal is what was asked for.
type PlanGoal struct {
	Objective   string           `json:"objective"`
	Maximise    bool             `json:"maximise"`
	Unit        string           `json:"unit"`
	Trade       string           `json:"trade,omitempty"`
	TradeUnit   string           `json:"trade_unit,omitempty"`
	Constraints []PlanConstraint `json:"constraints"`
	Variables   []SweepVariable  `json:"variables"`
}

// PlanConstraint is one bound in the unit of its metric.
type PlanConstraint struct {
	Text   string  `json:"text"`
	Metric string  `json:"metric"`
	Unit   string  `json:"unit"`
	AtMost bool    `json:"at_most"`
	Limit  float64 `json:"limit"`
}

// PlanStep is one stage of growth, planned.
type PlanStep struct {
	Name       string         `json:"name"`
	Set        []string       `json:"set,omitempty"`
	Effort     PlanEffort     `json:"effort"`
	Choice     *PlanDesign    `json:"choice,omitempty"`
	Robust     *Robustness    `json:"robustness,omitempty"`
	Front      []PlanDesign   `json:"front"`
	RunnersUp  []PlanDesign   `json:"runners_up"`
	Binding    []Binding      `json:"binding"`
	Infeasible *Infeasibility `json:"infeasible,omitempty"`
}

// PlanEffort is how the space was searched.
type PlanEffort struct {
	Designs    int      `json:"designs"`  // of the space
	Pruned     int      `json:"pruned"`   // by bounds, before anything was simulated
	Screened   int      `json:"screened"` // on the coarse rung
	Impossible int      `json:"impossible"`
	Reasons    []string `json:"reasons,omitempty"` // why designs are impossible, the commonest first
	Fine       int      `json:"fine"`              // on the fine rung
	Settled    bool     `json:"settled"`           // nothing that was screened could still be better
	Whole      bool     `json:"whole"`             // every design of the space was screened or pruned
}

// PlanDesign is one design with what it reaches.
type PlanDesign struct {
	Labels    []string `json:"labels"` // by variable
	Set       []string `json:"set"`
	Objective Number   `json:"objective"`
	Trade     *Number  `json:"trade,omitempty"`
	Values    []Number `json:"values"` // by constraint
	Reason    string   `json:"reason,omitempty"`
}

// Robustness is how likely the choice keeps its constraints over all that is uncertain.
type Robustness struct {
	Replicas int       `json:"replicas"`
	All      Number    `json:"all"`  // probability, with its own 90 % interval
	Each     []float64 `json:"each"` // by constraint
}

// Binding is a constraint that keeps a better design out, and what relaxing it would give.
type Binding struct {
	Constraint string   `json:"constraint"`
	Limit      float64  `json:"limit"`
	Reached    float64  `json:"reached"` // by the choice
	RelaxTo    float64  `json:"relax_to"`
	Unit       string   `json:"unit"`
	Gain       float64  `json:"gain"`         // in the objective, positive is better
	Shadow     float64  `json:"shadow_price"` // gain per unit of the limit
	Labels     []string `json:"labels"`       // of the design that would be chosen
}

// Infeasibility is why there is no plan, and the least that would make one.
type Infeasibility struct {
	Text       string       `json:"text"`
	Alone      []UnmetLimit `json:"alone"`      // constraints that no design meets whatever the others
	Relaxation []UnmetLimit `json:"relaxation"` // of the design that misses by least
	Design     *PlanDesign  `json:"design,omitempty"`
}

// UnmetLimit is one limit and the value that can be reached.
type UnmetLimit struct {
	Constraint string  `json:"constraint"`
	Limit      float64 `json:"limit"`
	Reached    float64 `json:"reached"`
	Unit       string  `json:"unit"`
	Over       float64 `json:"over"` // by how much, relative to the limit
}

// MorrisRow is what moving one uncertain input across its 90 % range does to a metric,
// relative to its nominal value, over the trajectories of a screening.
type MorrisRow struct {
	Input    string   `json:"input"`
	Metric   string   `json:"metric"`
	MeanAbs  float64  `json:"mean_abs"` // of the effects' sizes: how much the input matters
	Mean     float64  `json:"mean"`
	Spread   float64  `json:"spread"` // standard deviation of the effects: interplay and curvature
	RelSD    float64  `json:"rel_sd"` // of the input
	Pedigree Pedigree `json:"pedigree"`
	Source   string   `json:"source"`
}
