package gorgonia_test

import (
	"fmt"
	"testing"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/internal/convtest"
)

// The built-in R-GCN, with a matrix per relation and with two bases, against the
// expression, which writes every message out.
func TestOracle_rgcn(t *testing.T) {
	for _, aggregate := range []string{"sum", "mean"} {
		for _, bases := range []int{0, 2} {
			for seed := range uint64(4) {
				t.Run(fmt.Sprintf("%s/%d bases/%d", aggregate, bases, seed), func(t *testing.T) {
					want := convtest.NewTrial(t, "rgcn", aggregate, 9, seed)
					want.Config.Bases = bases
					want.Set = nn.NewSet(seed)
					var err error
					if want.Layer, err = conv.New("rgcn", want.Config, want.Set); err != nil {
						t.Fatal(err)
					}
					got := convtest.NewTrial(t, "gorgonia-rgcn", aggregate, 9, seed)
					if seed == 3 {
						dropEdges(want.Block)
						dropEdges(got.Block)
					}
					compareRGCN(t, got, want)
				})
			}
		}
	}
}

// compareRGCN sets the expression's matrices from the built-in layer's, runs both, and
// compares values and gradients.
func compareRGCN(t *testing.T, got, want *convtest.Trial) {
	t.Helper()
	c := want.Config
	of := `"` + fmt.Sprint("from ", c.In) + `"`
	weights, bases, mix := want.Set.Get("l.weights."+of), want.Set.Get("l.bases."+of), want.Set.Get("l.mix."+of)
	all := tensor.NewMat(len(c.Edges), c.In*c.Out)
	if mix == nil {
		all = weights.Value
	} else {
		addProduct(all, mix.Value, bases.Value)
	}
	for i, e := range c.Edges {
		copy(got.Set.Get(fmt.Sprintf("l.edge.%q", e.Name)).Value.Data, all.Row(i))
	}
	for _, typ := range c.Types {
		copy(got.Set.Get(fmt.Sprintf("l.root.%q.weight", typ)).Value.Data, want.Set.Get(fmt.Sprintf("l.root.%q", typ)).Value.Data)
		copy(got.Set.Get(fmt.Sprintf("l.root.%q.bias", typ)).Value.Data, want.Set.Get(fmt.Sprintf("l.bias.%q", typ)).Value.Data)
	}
	wantOut, gotOut := run(want), run(got)
	for i := range wantOut {
		near(t, fmt.Sprintf("result of type %d", i), gotOut[i], wantOut[i])
		near(t, fmt.Sprintf("gradient of type %d", i), got.Grad[i], want.Grad[i])
	}
	grad := tensor.NewMat(all.Rows, all.Cols)
	for i, e := range c.Edges {
		copy(grad.Row(i), got.Set.Get(fmt.Sprintf("l.edge.%q", e.Name)).Grad.Data)
	}
	for _, typ := range c.Types {
		near(t, "root gradient of "+typ, got.Set.Get(fmt.Sprintf("l.root.%q.weight", typ)).Grad, want.Set.Get(fmt.Sprintf("l.root.%q", typ)).Grad)
		near(t, "bias gradient of "+typ, got.Set.Get(fmt.Sprintf("l.root.%q.bias", typ)).Grad, want.Set.Get(fmt.Sprintf("l.bias.%q", typ)).Grad)
	}
	if mix == nil {
		near(t, "gradient of the weights", grad, weights.Grad)
		return
	}
	dMix, dBases := tensor.NewMat(mix.Value.Rows, mix.Value.Cols), tensor.NewMat(bases.Value.Rows, bases.Value.Cols)
	addProduct(dMix, grad, transposed(bases.Value))
	addProduct(dBases, transposed(mix.Value), grad)
	near(t, "gradient of the mix", dMix, mix.Grad)
	near(t, "gradient of the bases", dBases, bases.Grad)
}

// addProduct is c += a b.
func addProduct(c, a, b tensor.Mat) {
	for i := range c.Rows {
		for j := range c.Cols {
			var sum float64
			for k := range a.Cols {
				sum += float64(a.At(i, k)) * float64(b.At(k, j))
			}
			c.Set(i, j, c.At(i, j)+tensor.Real(sum))
		}
	}
}

func transposed(m tensor.Mat) tensor.Mat {
	out := tensor.NewMat(m.Cols, m.Rows)
	for i := range m.Rows {
		for j, v := range m.Row(i) {
			out.Set(j, i, v)
		}
	}
	return out
}
