package quality_test

import (
	"fmt"

	"github.com/rowlink/rowlink/bench/quality"
)

func Example() {
	c := quality.Cases()[0]
	fmt.Println(c.Name(), "on", c.Database)
	fmt.Println(c.What())
	// Output:
	// driver_position/rolling on f1
	// mean place of a driver's races in the next 60 days; anchors and splits as RelBench has them
}
