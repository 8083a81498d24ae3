package gorgonia

import (
	"errors"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	dt "gorgonia.org/tensor"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// errPaused stops gorgonia's machine where the gradient of the results is wanted.
var errPaused = errors.New("results are ready, their gradient is not")

// turn is the point between the way forward and the way back of one graph: the results,
// and the gradients that come back for them, one below the other.
type turn struct {
	shapes    []dt.Shape // of the results
	all, grad tensor.Mat
	reached   bool
}

// upstreamOp is the gradient of result number i. It takes all results as inputs; so
// whichever of these operators runs first finds the results complete. At first it
// hands them out and stops the machine, which keeps its place; when the machine goes on,
// on the way back, it returns the gradient. So one compiled graph runs both ways, and a
// graph that is never run backwards holds no goroutine.
type upstreamOp struct {
	named
	at *turn
	i  int
}

func (o *upstreamOp) Arity() int    { return len(o.at.shapes) }
func (o *upstreamOp) Type() hm.Type { return fnType(len(o.at.shapes)) }

func (o *upstreamOp) InferShape(...G.DimSizer) (dt.Shape, error) {
	return o.at.shapes[o.i].Clone(), nil
}

// DiffWRT says that nothing is to be differentiated here: the results are read only.
func (o *upstreamOp) DiffWRT(n int) []bool { return make([]bool, n) }

// SymDiff is never called.
func (o *upstreamOp) SymDiff(G.Nodes, *G.Node, *G.Node) (G.Nodes, error) {
	return nil, errors.New("the gradient of a layer's result is not differentiated again")
}

func (o *upstreamOp) Do(in ...G.Value) (G.Value, error) {
	if o.at.grad.Data != nil {
		return value(o.at.part(o.at.grad, o.i)), nil
	}
	for i, v := range in {
		to := o.at.part(o.at.all, i)
		m, err := matrixOf(v, to.Rows, to.Cols)
		if err != nil {
			return nil, err
		}
		copy(to.Data, m.Data)
	}
	o.at.reached = true
	return nil, errPaused
}

// part is the stretch of result number i.
func (t *turn) part(of tensor.Mat, i int) tensor.Mat {
	lo := 0
	for _, s := range t.shapes[:i] {
		lo += s[0]
	}
	n := t.shapes[i][0]
	return tensor.MatOf(n, of.Cols, of.Data[lo*of.Cols:][:n*of.Cols]...)
}
