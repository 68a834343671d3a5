package crush

// Op is a step of a rule, with Ceph's number for it.
type Op uint8

const (
	OpTake                      Op = 1
	OpChooseFirstN              Op = 2
	OpChooseIndep               Op = 3
	OpEmit                      Op = 4
	OpChooseleafFirstN          Op = 6
	OpChooseleafIndep           Op = 7
	OpSetChooseTries            Op = 8
	OpSetChooseleafTries        Op = 9
	OpSetChooseLocalTries       Op = 10
	OpSetChooseLocalFallback    Op = 11
	OpSetChooseleafVaryR        Op = 12
	OpSetChooseleafStable       Op = 13
	ruleReplicated, ruleErasure    = 1, 3
)

// Step is one step of a rule.
type Step struct {
	Op   Op
	Arg  int32 // what to take, how many to choose (0: the pool's size, below: less than it), or the value to set
	Type int32 // bucket type to choose, 0 for OSDs
}

// Rule is a placement rule.
type Rule struct {
	ID               int
	Name             string
	Erasure          bool
	MinSize, MaxSize int
	Steps            []Step
}
