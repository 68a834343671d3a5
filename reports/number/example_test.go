package number_test

import (
	"fmt"
	"strings"

	"aisim/reports/number"
)

func Example() {
	plain := strings.NewReplacer(number.Gap, " ", number.Dash, "-")
	f := number.For(6.53, 6.24, 6.97, "s")
	fmt.Println(plain.Replace(f.With(6.53)), plain.Replace(f.Interval(6.24, 6.97)))
	fmt.Println(plain.Replace(number.Of(40_900_000, "USD")))
	// Output:
	// 6.53 s 6.24-6.97 s
	// 40.9 M USD
}
