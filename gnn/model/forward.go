package model

import (
	"math"
	"time"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph/sample"
)

// dayMicros is one day in the unit of row times.
const dayMicros = 86_400_000_000

// Seeds adds to a sampled batch what a seed carries beside its rows.
type Seeds struct {
	Anchor []int64 // of each seed, microseconds UTC
	Drop   uint64  // key of the dropout masks: a pure function of run seed and step
}

// Forward returns one row of raw outputs per seed of the batch (seeds x Outputs). But
// for dropout, the row of a seed depends on its own subgraph and anchor only, to the
// bit: it is the same in every batch.
func (b *Bound) Forward(t *tensor.Tape, batch *sample.Batch, s Seeds) *tensor.Var {
	x := make([]*tensor.Var, len(b.Types))
	for i := range batch.Nodes {
		if n := &batch.Nodes[i]; len(n.Rows) > 0 {
			x[i] = t.Dropout(b.encode(t, i, n), b.Config.Dropout, tensor.Hash64(s.Drop, uint64(i)))
		}
	}
	ages := edgeAges(t, batch, b.Edges)
	for l, ly := range b.layers {
		block := b.block(batch, ly.edges, len(b.layers)-l-1, ages)
		y := ly.conv.Forward(t, block, x)
		if l+1 == len(b.layers) {
			return b.head(t, y[b.Entity], batch, s)
		}
		for i := range x {
			if y[i] == nil {
				x[i] = nil
				continue
			}
			x[i] = t.Add(t.SliceRows(x[i], 0, block.Dst[i]), t.Activate(ly.norm[i].Apply(t, y[i]), tensor.ReLU))
		}
	}
	panic("model: no layers")
}

// encode returns copies x Width of one node type: each distinct row encoded once,
// handed to its copies, and the age of each copy added.
func (b *Bound) encode(t *tensor.Tape, typ int, n *sample.NodeSet) *tensor.Var {
	r := b.input[typ]
	x := t.GatherRows(r.rows(t, b.features[typ], n.Distinct), n.CopyOf)
	if r.time == nil {
		return x
	}
	return t.Add(x, r.ages(t, n.Age))
}

// edgeAges returns for each edge type the age in days of each message's source; nil
// for functional ones.
func edgeAges(t *tensor.Tape, batch *sample.Batch, edges []conv.EdgeType) [][]tensor.Real {
	out := make([][]tensor.Real, len(edges))
	for i, e := range edges {
		if e.Functional {
			continue
		}
		src := batch.Edges[i].Src
		out[i] = t.Alloc(1, len(src)).Data
		age := batch.Nodes[e.Src].Age
		for j, u := range src {
			out[i][j] = tensor.Real(ageDays(age[u]))
		}
	}
	return out
}

// block trims the batch to the destinations of the given hop and to the given edge types.
func (b *Bound) block(batch *sample.Batch, edges []int, hop int, ages [][]tensor.Real) *conv.Block {
	block := &conv.Block{Dst: make([]int, len(b.Types)), Edges: make([]conv.Edge, len(edges))}
	for i := range batch.Nodes {
		block.Dst[i] = batch.Nodes[i].HopEnd[hop]
	}
	for i, e := range edges {
		dst := block.Dst[b.Edges[e].Dst]
		set := &batch.Edges[e]
		ptr := set.Ptr[:dst+1]
		block.Edges[i].CSR = tensor.CSR{Ptr: ptr, Src: set.Src[:ptr[dst]]}
		if ages[e] != nil {
			block.Edges[i].Age = ages[e][:ptr[dst]]
		}
	}
	return block
}

// head maps the seeds' vectors to the outputs, over a linear way and a hidden layer.
func (b *Bound) head(t *tensor.Tape, y *tensor.Var, batch *sample.Batch, s Seeds) *tensor.Var {
	extra := t.Alloc(len(batch.Seeds), Extra)
	for i, seed := range batch.Seeds {
		row := extra.Row(i)
		row[0] = tensor.Real(math.Log1p(ageDays(s.Anchor[i]-seed.At)) / 4)
		sin, cos := math.Sincos(2 * math.Pi * float64(time.UnixMicro(s.Anchor[i]).UTC().YearDay()) / 365.25)
		row[1], row[2] = tensor.Real(sin)/2, tensor.Real(cos)/2
	}
	y = t.ConcatCols(y, t.Const(extra))
	h := b.hidden.Apply(t, b.norm.Apply(t, y), tensor.ReLU)
	h = t.Dropout(h, b.Config.Dropout, tensor.Hash64(s.Drop, 1<<32))
	return t.Add(t.MatMul(y, b.direct.Var(t)), b.out.Apply(t, h, tensor.Identity))
}
