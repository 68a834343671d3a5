package flow_test

import (
	"fmt"
	"math"

	"aisim/topology/flow"
)

// Two transfers share a link of 10 B/s; one is capped. The link fails for a second.
func Example() {
	net := flow.NewNet([]float64{10})
	link := []flow.Use{{Res: 0, Weight: 1}}
	capped, _ := net.Add(flow.Demand{Uses: link, Bytes: 8, RateCapBytesPerSec: 2})
	free, _ := net.Add(flow.Demand{Uses: link, Bytes: 32})
	fmt.Println(net.Rate(capped), net.Rate(free))
	net.Advance(1)
	_ = net.SetCapacity(0, 0)
	net.Advance(2)
	_ = net.SetCapacity(0, 10)
	for _, c := range net.Advance(math.Inf(1)) {
		fmt.Println(c.Flow, c.Sec)
	}
	// Output:
	// 2 8
	// 0 5
	// 1 5
}
