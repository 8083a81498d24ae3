package model

import (
	"fmt"
	"math"
	"time"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/graph/sample"
)

// dayMicros is one day in the unit of row times.
const dayMicros = 86_400_000_000

// Bound is a model together with the encoded rows of one snapshot. It is immutable
// and safe for concurrent use, each caller with a tape of its own.
type Bound struct {
	*Model
	Graph    *graph.Graph
	Entity   int
	features []*encode.Features // per node type; nil for types that no hop reaches
}

// Bind encodes the rows of g's snapshot for m. A graph whose tables or links differ
// from those that m was trained on is an error that names the first difference.
func (m *Model) Bind(g *graph.Graph, pool *tensor.Pool) (*Bound, error) {
	b := &Bound{Model: m, Graph: g, Entity: -1, features: make([]*encode.Features, len(m.Types))}
	if len(g.Snap.Tables) != len(m.Types) || len(g.Edges) != len(m.Edges) {
		return nil, fmt.Errorf("the snapshot has %d tables and %d edge types, the model was trained on %d and %d; train again",
			len(g.Snap.Tables), len(g.Edges), len(m.Types), len(m.Edges))
	}
	for i, t := range g.Snap.Tables {
		if t.Def.FullName() != m.Types[i] {
			return nil, fmt.Errorf("table %d of the snapshot is %q, the model was trained with %q; train again", i+1, t.Def.FullName(), m.Types[i])
		}
	}
	for i, e := range g.Edges {
		if name := edgeName(m.Types, e); name != m.Edges[i].Name {
			return nil, fmt.Errorf("link %q of the snapshot was %q when the model was trained; train again", name, m.Edges[i].Name)
		}
	}
	b.Entity = indexOf(m.Types, m.Entity)
	for i, e := range m.Encoder {
		if e == nil {
			continue
		}
		var err error
		if b.features[i], err = e.Features(pool, g.Snap.Tables[i]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Seeds adds to a sampled batch what a seed carries beside its rows.
type Seeds struct {
	Anchor []int64 // of each seed, microseconds UTC
	Drop   uint64  // key of the dropout masks: a pure function of run seed and step
}

// Forward returns one row of raw outputs per seed of the batch (seeds x Outputs).
func (b *Bound) Forward(t *tensor.Tape, batch *sample.Batch, s Seeds) *tensor.Var {
	x := make([]*tensor.Var, len(b.Types))
	for i := range batch.Nodes {
		if n := &batch.Nodes[i]; len(n.Rows) > 0 {
			x[i] = b.encode(t, i, n)
			x[i] = t.Dropout(x[i], b.Config.Dropout, tensor.Hash64(s.Drop, uint64(i)))
		}
	}
	ages := edgeAges(t, batch, b.Edges)
	for l, ly := range b.layers {
		last := l+1 == len(b.layers)
		block := b.block(batch, ly.edges, len(b.layers)-l-1, ages)
		y := ly.conv.Forward(t, block, x)
		if last {
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
// handed to its copies, and the time term of each copy added.
func (b *Bound) encode(t *tensor.Tape, typ int, n *sample.NodeSet) *tensor.Var {
	f, r := b.features[typ], b.input[typ]
	dense := t.Alloc(len(n.Distinct), f.Dense.Cols)
	for i, row := range n.Distinct {
		copy(dense.Row(i), f.Dense.Row(int(row)))
	}
	codes, weights := f.Pick(t, n.Distinct)
	x := r.rows(t, len(n.Distinct), b.Config.Width, dense, codes, weights)
	x = t.GatherRows(x, n.CopyOf)
	if b.Graph.Snap.Tables[typ].Times == nil {
		return x
	}
	te := t.Alloc(len(n.Rows), len(b.Config.TimeScale)+1)
	for i, age := range n.Age {
		days := ageDays(age)
		row := te.Row(i)
		row[0] = tensor.Real(math.Log1p(days) / 4)
		for k, scale := range b.Config.TimeScale {
			row[k+1] = tensor.Real(math.Exp2(-days / scale))
		}
	}
	return t.Add(x, t.MatMul(t.Const(te), r.time.Var(t)))
}

func ageDays(micros int64) float64 { return math.Max(0, float64(micros)/dayMicros) }

// edgeAges returns for each edge type the age in days of each message's source.
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
