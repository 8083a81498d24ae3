package blend_test

import (
	"fmt"

	"github.com/rowlink/rowlink/tabular/blend"
)

func ExampleBlend_Combine() {
	b := blend.Blend{Mean: blend.Arithmetic, Width: 1, Names: []string{"history", "gnn"}, Weights: []float64{0.25, 0.75}}
	fmt.Println(b.Combine([][]float64{{8, 2}, {4, 6}}))
	// Output: [5 5]
}
