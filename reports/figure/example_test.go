package figure_test

import (
	"fmt"
	"strings"

	"aisim/reports/figure"
)

func Example() {
	a := figure.Linear(0, 4)
	var d figure.Drawing
	d.Height, d.Label = 14, "Compute: 3 s"
	d.Rect(a.At(0), 2, a.At(3), 10, "comp")
	f := figure.Figure{Rows: []figure.Row{{Label: "Compute", Value: "3 s", Draw: d}}}
	fmt.Println(strings.Contains(f.HTML(), `width="75%"`))
	fmt.Println(strings.Contains(f.SVG(800, figure.Light), figure.Light.Hex("comp")))
	// Output:
	// true
	// true
}
