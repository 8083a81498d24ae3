package conv_test

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// Two races send a message to one driver, who keeps a root term of his own.
func Example() {
	set := nn.NewSet(1)
	layer, err := conv.New("sage", conv.Config{
		Name: "layer1", In: 1, Out: 1, Types: []string{"drivers", "races"},
		Edges:    []conv.EdgeType{{Name: "races of a driver", Src: 1, Dst: 0}},
		Computes: []bool{true, false},
	}, set)
	if err != nil {
		panic(err)
	}
	for _, p := range set.All() {
		p.Value.Data[0] = 1 // all weights, and the bias
		fmt.Println(p.Name)
	}
	tape := tensor.NewTape(tensor.NewPool(1))
	block := &conv.Block{Dst: []int{1, 0}, Edges: []conv.Edge{{CSR: tensor.CSR{Ptr: []int32{0, 2}, Src: []int32{0, 1}}}}}
	drivers, races := tape.Const(tensor.MatOf(1, 1, 10)), tape.Const(tensor.MatOf(2, 1, 3, 5))
	out := layer.Forward(tape, block, []*tensor.Var{drivers, races})
	fmt.Println(layer, "gives", out[0].Val.Data[0]) // 10 + mean(3, 5) + 1
	// Output:
	// layer1.root."drivers".weight
	// layer1.root."drivers".bias
	// layer1.edge."races of a driver"
	// sage(mean, 1 -> 1) gives 15
}
