package tensor_test

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// Three nodes; node 2 receives from 0 and 1, node 0 from 2, node 1 from nobody.
func Example() {
	t := tensor.NewTape(tensor.NewPool(1))
	edges := tensor.CSR{Ptr: []int32{0, 1, 1, 3}, Src: []int32{2, 0, 1}}
	w, dw := tensor.MatOf(2, 1, 1, -1), tensor.NewMat(2, 1)

	x := t.Const(tensor.MatOf(3, 2, 1, 2, 3, 4, 5, 5))
	mean := t.GatherReduce(x, edges, tensor.Mean)
	y := t.MatMul(mean, t.Leaf(w, dw))
	loss := t.MSE(y, []tensor.Real{1, 0, 0}, nil)
	t.Backward(loss)

	fmt.Println("mean of the neighbours:", mean.Val.Data)
	fmt.Printf("loss %.4f, gradient %.4f\n", loss.Val.Data[0], dw.Data)
	// Output:
	// mean of the neighbours: [5 5 0 0 2 3]
	// loss 0.6667, gradient [-4.6667 -5.3333]
}

// A run of the same key gives the same numbers on any machine.
func ExampleUniform() {
	key := tensor.Hash64(42, 1)
	fmt.Printf("%.4f %.4f\n", tensor.Uniform(key, 0), tensor.Uniform(key, 1))
	// Output: 0.1654 0.9163
}
