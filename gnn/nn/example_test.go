package nn_test

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// A linear layer learns y = 2 x + 1 from four points.
func Example() {
	pool := tensor.NewPool(1)
	set := nn.NewSet(42)
	layer := nn.NewLinear(set, "line", 1, 1)
	opt := nn.NewSGD(set, pool, nn.SGDOptions{Momentum: 0.9})

	t := tensor.NewTape(pool)
	for range 200 {
		t.Reset()
		set.ZeroGrad()
		x := t.Const(tensor.MatOf(4, 1, 0, 1, 2, 3))
		y := layer.Apply(t, x, tensor.Identity)
		t.Backward(t.MSE(y, []tensor.Real{1, 3, 5, 7}, nil))
		opt.Step(0.05)
	}
	fmt.Printf("slope %.2f, intercept %.2f\n", layer.W.Value.Data[0], layer.B.Value.Data[0])
	// Output: slope 2.00, intercept 1.00
}
