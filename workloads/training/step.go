package training

import (
	"aisim/internal/result"
	"aisim/topology"
)

// Step is one training step. All times are seconds.
type Step struct {
	Seconds float64
	Parts   []result.StepPart    // critical path of the pacing rank; sums to Seconds
	Stages  []result.Stage       // spans of each pipeline stage
	Memory  []result.MemoryClass // by stage

	TokensPerStep  float64 // tokens of all replicas (samples for generic models)
	SamplesPerStep float64 // sequences, images …
	ModelFlops     float64 // forward and backward without recomputation, causal attention halved
	FullFlops      float64 // the same with attention over whole squares (PaLM's convention)
	HardwareFlops  float64 // with recomputation, causal attention halved
	MFU            float64 // ModelFlops over what all chips could do at the 16-bit peak

	// ByResource blames the time of the pacing rank: Seconds sums to the step,
	// with waiting in the pipeline under "bubble". ElasticSeconds sums to the step
	// too, but follows the critical path, bubbles and stragglers included: a
	// resource made 1+ε times faster shortens the step by ε·ElasticSeconds. Where a
	// collective is held up by several levels of the network at once, relieving one
	// gains nothing: Seconds stays with the limiting level, ElasticSeconds goes to
	// "fabric", which is all levels relieved together.
	ByResource []ResourceShare
	// LevelBytes is what one step puts on the links of each network level in total;
	// a byte counts once on every link that it crosses.
	LevelBytes [topology.NumLevels]float64

	InputBytes      float64 // read from storage for one step, all ranks
	CheckpointBytes float64 // one checkpoint, all ranks
	RungShares      []result.RungShare

	MicroBatches int
	Bubble       float64 // waiting of the pacing rank over its work in the pipeline
	PacingStage  int
	Assumed      []result.Assumption // defaults that were filled in
}

// ResourceShare is the time that one resource answers for.
type ResourceShare struct {
	Resource       string // stable key: compute, hbm, host, latency, scaleup, nic, leaf, spine, core, fabric, bubble, straggler
	Name           string
	Kind           result.Kind
	Seconds        float64
	ElasticSeconds float64
}
