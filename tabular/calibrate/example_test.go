package calibrate_test

import (
	"fmt"

	"github.com/rowlink/rowlink/tabular/calibrate"
)

func ExampleCalibration_Apply() {
	c := calibrate.Calibration{Kind: calibrate.Platt, Maps: []calibrate.Map{{Kind: calibrate.Platt, Slope: 0.5}}}
	fmt.Printf("%.2f\n", c.Apply([]float64{0.5, 0.9, 0.99}))
	// Output: [0.50 0.75 0.91]
}
