package gorgonia

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	dt "gorgonia.org/tensor"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// Reduce combines the messages of each destination of an edge type, which has some:
// messages x columns to Dst x columns. A destination without messages gets zeros.
func (g *Graph) Reduce(e int, messages *G.Node, kind tensor.Reduce) *G.Node {
	csr := g.block.Edges[e].CSR
	return g.apply(&reduceOp{named: g.named(kind.String()), pool: g.tape.Pool(), ptr: csr.Ptr, src: upTo(csr.Edges()), kind: kind}, messages)
}

// GatherReduce is Reduce over Gather without the matrix of messages in between.
func (g *Graph) GatherReduce(e int, x *G.Node, kind tensor.Reduce) *G.Node {
	csr := g.block.Edges[e].CSR
	return g.apply(&reduceOp{named: g.named(kind.String()), pool: g.tape.Pool(), ptr: csr.Ptr, src: g.sources(e), kind: kind}, x)
}

// reduceOp combines, for each destination v, the rows src[ptr[v]:ptr[v+1]] of its input.
// It is written apart from the operator of the tape that does the same, so that each
// can be checked by the other.
type reduceOp struct {
	named
	pool     *tensor.Pool
	ptr, src []int32
	kind     tensor.Reduce
	won      []int32 // per cell of the result: the row that gave the maximum; -1 for none
}

func (o *reduceOp) InferShape(in ...G.DimSizer) (dt.Shape, error) {
	if len(o.ptr) < 2 {
		return nil, fmt.Errorf("%s: an edge type whose node type has no destinations; leave it out", o)
	}
	cols, err := columns(in[0])
	return dt.Shape{len(o.ptr) - 1, cols}, err
}

// reduceGrain is the number of destinations, and of columns on the way back, of one
// block of work.
const reduceGrain = 32

func (o *reduceOp) Do(in ...G.Value) (G.Value, error) {
	x, err := operand(in)
	if err != nil {
		return nil, err
	}
	out := tensor.NewMat(len(o.ptr)-1, x.Cols)
	extreme := o.kind == tensor.Max || o.kind == tensor.Min
	if extreme {
		o.won = make([]int32, out.Len())
	}
	o.pool.Run(out.Rows, reduceGrain, func(lo, hi int) {
		for v := lo; v < hi; v++ {
			from := o.src[o.ptr[v]:o.ptr[v+1]]
			if extreme {
				o.pick(out.Row(v), o.won[v*x.Cols:][:x.Cols], x, from)
				continue
			}
			for _, r := range from {
				add(out.Row(v), x.Row(int(r)), 1)
			}
			if o.kind == tensor.Mean {
				scale(out.Row(v), len(from))
			}
		}
	})
	return value(out), nil
}

// pick stores the largest, or smallest, of each column, and whose it was: the first of
// equal ones.
func (o *reduceOp) pick(dst []tensor.Real, won []int32, x tensor.Mat, from []int32) {
	for j := range dst {
		won[j] = -1
		for _, r := range from {
			if v := x.At(int(r), j); won[j] < 0 || o.kind == tensor.Max && v > dst[j] || o.kind == tensor.Min && v < dst[j] {
				dst[j], won[j] = v, r
			}
		}
	}
}

// scale divides a sum of n rows by n.
func scale(sum []tensor.Real, n int) {
	for j := range sum {
		sum[j] /= tensor.Real(max(n, 1))
	}
}

func (o *reduceOp) DiffWRT(n int) []bool { return []bool{true} }

func (o *reduceOp) SymDiff(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	n, err := G.ApplyOp(&reduceBackOp{o.named + " back", o, in[0].Shape()[0]}, grad)
	return G.Nodes{n}, err
}

// reduceBackOp hands the gradient of each destination to the rows that it was made of.
type reduceBackOp struct {
	named
	of   *reduceOp
	rows int
}

func (o *reduceBackOp) InferShape(in ...G.DimSizer) (dt.Shape, error) {
	cols, err := columns(in[0])
	return dt.Shape{o.rows, cols}, err
}

func (o *reduceBackOp) Do(in ...G.Value) (G.Value, error) {
	g, err := operand(in)
	if err != nil {
		return nil, err
	}
	out := tensor.NewMat(o.rows, g.Cols)
	o.of.pool.Run(g.Cols, reduceGrain, func(lo, hi int) {
		for v := range g.Rows {
			o.spread(out, g.Row(v), v, lo, hi)
		}
	})
	return value(out), nil
}

// spread adds columns lo to hi of destination v's gradient to its sources.
func (o *reduceBackOp) spread(out tensor.Mat, g []tensor.Real, v, lo, hi int) {
	if o.of.won != nil {
		won := o.of.won[v*len(g):]
		for j := lo; j < hi; j++ {
			if won[j] >= 0 {
				out.Row(int(won[j]))[j] += g[j]
			}
		}
		return
	}
	from := o.of.src[o.of.ptr[v]:o.of.ptr[v+1]]
	w := tensor.Real(1)
	if o.of.kind == tensor.Mean && len(from) > 0 {
		w /= tensor.Real(len(from))
	}
	for _, r := range from {
		add(out.Row(int(r))[lo:hi], g[lo:hi], w)
	}
}
