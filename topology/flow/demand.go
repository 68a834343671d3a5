package flow

import "math"

// ResourceID numbers the resources of a Net. In a Net made by FromGraph the first
// are the links of the graph, under their own numbers.
type ResourceID int32

// FlowID names a live class of flows in a Net. It is reused after the class has
// completed or was removed.
type FlowID int32

// Use says that a flow takes Weight units of a resource for each of its bytes: the
// fraction of the bytes that cross a link, or CPU seconds, or bytes amplified on a drive.
type Use struct {
	Res    ResourceID
	Weight float64
}

// Demand is a class of alike flows that somebody wants to run.
type Demand struct {
	Name               string
	Uses               []Use
	Count              int     // alike flows in the class; 0 means 1
	Bytes              float64 // of each flow; math.Inf(1) or 0 for a flow that never ends
	RateCapBytesPerSec float64 // of each flow; 0 means none
	Share              float64 // weight in the max–min fairness; 0 means 1
}

func (d Demand) count() int {
	if d.Count <= 0 {
		return 1
	}
	return d.Count
}

func (d Demand) bytes() float64 {
	if d.Bytes <= 0 {
		return math.Inf(1)
	}
	return d.Bytes
}

// Completion says that a class of flows ended.
type Completion struct {
	Flow FlowID
	Sec  float64
}
