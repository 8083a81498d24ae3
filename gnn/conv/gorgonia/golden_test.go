package gorgonia_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/internal/convtest"
	"github.com/rowlink/rowlink/internal/testdata"
)

// array is a tensor of the golden files.
type array struct {
	Shape []int         `json:"shape"`
	Data  []tensor.Real `json:"data"`
}

// part is matrix number i of an array of matrices.
func (a array) part(i int) tensor.Mat {
	rows, cols := a.Shape[len(a.Shape)-2], a.Shape[len(a.Shape)-1]
	return tensor.MatOf(rows, cols, a.Data[i*rows*cols:][:rows*cols]...)
}

func (a array) row() tensor.Mat { return tensor.MatOf(1, len(a.Data), a.Data...) }

// R-GCN of PyTorch Geometric: values and gradients of a graph with a duplicate edge, a
// self loop and a node without edges, over three relations.
func TestGolden_rgcn(t *testing.T) {
	for name, aggregate := range map[string]string{"rgcn": "mean", "rgcn_sum": "sum"} {
		t.Run(name, func(t *testing.T) {
			var d struct {
				Inputs, Parameters, Output map[string]array
				Upstream                   map[string]array `json:"upstream_gradient"`
				GradIn                     map[string]array `json:"grad_inputs"`
				GradPar                    map[string]array `json:"grad_parameters"`
			}
			text, err := os.ReadFile(testdata.Path(t, "golden", "layers", name+".json"))
			if err == nil {
				err = json.Unmarshal(text, &d)
			}
			if err != nil {
				t.Fatal(err)
			}
			set := nn.NewSet(1)
			c := conv.Config{Name: "l", In: 4, Out: 6, Types: []string{"x"}, Edges: []conv.EdgeType{{Name: "0"}, {Name: "1"}, {Name: "2"}}, Aggregate: aggregate}
			layer, err := conv.New("gorgonia-rgcn", c, set)
			if err != nil {
				t.Fatal(err)
			}
			x := d.Inputs["x"].part(0)
			block := &conv.Block{Dst: []int{x.Rows}}
			for i, e := range c.Edges {
				copy(set.Get(`l.edge."`+e.Name+`"`).Value.Data, d.Parameters["weight"].part(i).Data)
				block.Edges = append(block.Edges, conv.Edge{CSR: relation(d.Inputs["edge_index"], d.Inputs["edge_type"], tensor.Real(i), x.Rows)})
			}
			copy(set.Get(`l.root."x".weight`).Value.Data, d.Parameters["root"].Data)
			copy(set.Get(`l.root."x".bias`).Value.Data, d.Parameters["bias"].Data)

			tape := tensor.NewTape(tensor.NewPool(1))
			dx := tensor.NewMat(x.Rows, x.Cols)
			out := layer.Forward(tape, block, []*tensor.Var{tape.Leaf(x, dx)})[0]
			convtest.WantNear(t, "output", out.Val, d.Output["out"].part(0))
			tape.Backward(tape.SumAll(tape.Mul(out, tape.Const(d.Upstream["out"].part(0)))))
			convtest.WantNear(t, "input gradient", dx, d.GradIn["x"].part(0))
			for i, e := range c.Edges {
				convtest.WantNear(t, "gradient of relation "+e.Name, set.Get(`l.edge."`+e.Name+`"`).Grad, d.GradPar["weight"].part(i))
			}
			convtest.WantNear(t, "gradient of the root", set.Get(`l.root."x".weight`).Grad, d.GradPar["root"].part(0))
			convtest.WantNear(t, "gradient of the bias", set.Get(`l.root."x".bias`).Grad, d.GradPar["bias"].row())
		})
	}
}

// relation groups the edges of one type by destination.
func relation(edges, types array, want tensor.Real, nodes int) tensor.CSR {
	n := len(types.Data)
	c := tensor.CSR{Ptr: make([]int32, 1)}
	for v := range nodes {
		for e := range n {
			if types.Data[e] == want && int(edges.Data[n+e]) == v {
				c.Src = append(c.Src, int32(edges.Data[e]))
			}
		}
		c.Ptr = append(c.Ptr, int32(len(c.Src)))
	}
	return c
}
