package scenarios

import "aisim/internal/units"

var studyKeys = concat([]Key{
	{Path: "goal", Doc: "What `aisim plan` looks for: the best design of a space under constraints."},
	{Path: "goal.minimise", Doc: "Metric to be as small as it can: WORKLOAD_ID.metric, ledger.x or facility.x. `aisim run --format csv` lists them.", Group: "objective", Derived: "maximise is given", Example: `"ledger.total"`},
	{Path: "goal.maximise", Doc: "Metric to be as large as it can.", Group: "objective", Derived: "minimise is given", Example: `"chat.capacity"`},
	{Path: "goal.constraints", Doc: "Bounds that a design must keep, each METRIC <= LIMIT or METRIC >= LIMIT. METRIC_pNN of a metric that is no percentile by itself is that percentile over the futures.", Items: within(0, 32), Derived: "none", Example: `["chat.ttft_p99 <= 500 ms", "ledger.capital <= 50 MUSD"]`},
	{Path: "goal.trade", Doc: "Metric that is set against the objective in the front.", Derived: "that of the first constraint", Example: `"chat.ttft_p95"`},
	{Path: "goal.demand_uncertainty", Doc: "Standard deviation of the load of all services, relative to what is asked for; it enters the probability that the plan keeps its goals.", Dim: units.Ratio, Range: within(0, 1), Default: `0`, Why: "the load is taken as known"},
	{Path: "goal.confidence", Doc: "Share of the futures in which each constraint must hold for a design to be chosen; half of them is the median.", Dim: units.Ratio, Range: within(0.5, 0.99), Default: `0.5`, Why: "the median future decides"},
	{Path: "goal.variable", Doc: "One dimension of the space.", Required: true, Items: within(1, 32)},
	{Path: "goal.step", Doc: "A stage of growth: the goal is planned again with these overrides.", Items: within(0, 16)},
	{Path: "goal.step.name", Doc: "What reports call the stage.", Required: true, Example: `"year 2"`},
	{Path: "goal.step.set", Doc: "Overrides, as for --set.", Required: true, Items: within(1, 32), Example: `["workload.chat.arrivals.rate=96/s"]`},
	{Path: "sweep", Doc: "The space that `aisim sweep` plays point by point."},
	{Path: "sweep.sampling", Doc: "All combinations, or a latin hypercube of them.", Enum: []string{"grid", "latin"}, Default: `"grid"`, Why: "every combination"},
	{Path: "sweep.points", Doc: "Points of a latin hypercube.", Range: within(1, 1e6), Derived: "needed for latin", Example: `200`},
	{Path: "sweep.replicas", Doc: "Futures of each point, from which its intervals come.", Range: within(1, 1000), Default: `5`, Why: "the least that give an interval"},
	{Path: "sweep.capacity", Doc: "Search at each point for the load that services carry within their objective; a few dozen simulations each.", Default: `false`},
	{Path: "sweep.variable", Doc: "One dimension of the space.", Required: true, Items: within(1, 32)},
}, variableKeys("goal.variable"), variableKeys("sweep.variable"))

// variableKeys are the keys of a variable, in either table.
func variableKeys(at string) []Key {
	return []Key{
		{Path: at + ".key", Doc: "Key that varies; entries of arrays of tables are named by id, as for --set.", Derived: "the options say", Example: `"cluster.nodes"`},
		{Path: at + ".name", Doc: "What reports call the variable.", Derived: "the key", Example: `"machine"`},
		{Path: at + ".values", Doc: "Values of the key.", Items: within(1, MaxSettings), Group: "places", Derived: "range or option", Example: `[8, 16, 32]`},
		{Path: at + ".range", Doc: "First and last value of the key, with the same unit.", Items: within(2, 2), Group: "places", Derived: "values or option", Example: `[4, 64]`},
		{Path: at + ".step", Doc: "Distance of the values of a range.", Group: "spacing", Dim: units.Ratio, Range: above(0, 1e18), Derived: "1 for whole numbers", Example: `4`},
		{Path: at + ".count", Doc: "Number of values of a range, both ends among them.", Group: "spacing", Range: within(2, MaxSettings), Derived: "step", Example: `8`},
		{Path: at + ".scale", Doc: "How the values of a range with count lie.", Enum: []string{"linear", "log"}, Default: `"linear"`},
		{Path: at + ".option", Doc: "A choice that sets several keys at once.", Group: "places", Items: within(1, 1000)},
		{Path: at + ".option.name", Doc: "What reports call the choice.", Required: true, Example: `"H200"`},
		{Path: at + ".option.set", Doc: "Overrides of the choice, as for --set.", Required: true, Items: within(1, 64), Example: `["cluster.server=dgx-h200"]`},
	}
}
