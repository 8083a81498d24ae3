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

// Pass runs a bound model forward on one tape, again and again. It keeps the lists of a
// pass between batches, so that a batch of a size seen before allocates nothing. It is
// for one goroutine at a time, as its tape is.
type Pass struct {
	bound  *Bound
	tables *RowTables // rows that need not be encoded; nil when none are held
	tape   *tensor.Tape
	rows   []conv.Rows
	in     []*conv.Rows     // per node type; nil for types without encoder
	days   [][]tensor.Real  // per node type: age of every copy
	ages   [][]tensor.Real  // per edge type: age of every message's source; nil for functional ones
	blocks []conv.Block     // per layer
	decays []conv.DecayMemo // per edge type
	far    []conv.Far       // per entry of Model.far

	// direct: the last hop of the batch was sampled without parents; see directParents.
	direct     bool
	parentAges []int64
	used       int // of parentAges
}

// NewPass returns a pass of b on tape.
func (b *Bound) NewPass(tape *tensor.Tape) *Pass {
	p := &Pass{bound: b, tape: tape, rows: make([]conv.Rows, len(b.Types)), in: make([]*conv.Rows, len(b.Types)),
		far: make([]conv.Far, len(b.far)), days: make([][]tensor.Real, len(b.Types)), decays: make([]conv.DecayMemo, len(b.Edges)), ages: make([][]tensor.Real, len(b.Edges)), blocks: make([]conv.Block, len(b.layers))}
	for i := range p.rows {
		if b.input[i] != nil {
			p.in[i] = &p.rows[i]
		}
	}
	for l, ly := range b.layers {
		p.blocks[l] = conv.Block{Dst: make([]int, len(b.Types)), Edges: make([]conv.Edge, len(ly.edges)), Routes: make([]conv.Far, len(ly.routes))}
	}
	return p
}

// Forward returns one row of raw outputs per seed of the batch (seeds x Outputs). But
// for dropout, the row of a seed depends on its own subgraph and anchor only, to the
// bit: it is the same in every batch.
func (p *Pass) Forward(batch *sample.Batch, s Seeds) *tensor.Var {
	b, t := p.bound, p.tape
	p.used = 0
	p.encode(batch, s.Drop)
	p.readFar(batch, s.Drop)
	p.messageAges(batch)
	x := t.Vars(len(p.rows))
	var y []*tensor.Var
	if b.factored() {
		y = p.factored(batch, p.block(batch, 0, len(b.layers)-1), x)
	} else {
		y = p.plain(batch, p.block(batch, 0, len(b.layers)-1), x)
	}
	for l := 1; l < len(b.layers); l++ {
		block := p.block(batch, l, len(b.layers)-l-1)
		y = b.layers[l].conv.Forward(t, block, x)
		if l+1 < len(b.layers) {
			p.step(l, block, y, x)
		}
	}
	return b.head(t, y[b.Entity], batch, s)
}

// step makes the input of layer l+1, in x, out of what layer l computed and its own input.
func (p *Pass) step(l int, block *conv.Block, y, x []*tensor.Var) {
	t := p.tape
	for i, norm := range p.bound.layers[l].norm {
		if y[i] == nil {
			x[i] = nil
			continue
		}
		x[i] = t.NormActAdd(y[i], norm.Gamma.Var(t), norm.Beta.Var(t), tensor.ReLU, t.SliceRows(x[i], 0, block.Dst[i]))
	}
}

// encode computes the rows of every node type: each distinct row once, whatever the
// number of its copies, which share its dropout mask. Rows that tables hold are read.
func (p *Pass) encode(batch *sample.Batch, drop uint64) {
	b, t := p.bound, p.tape
	for i := range p.rows {
		r, n := b.input[i], &batch.Nodes[i]
		switch {
		case r == nil:
			continue
		case p.tables != nil && p.tables.types[i].held:
			p.rows[i] = p.tables.types[i].input(t, n, b.Config.Width)
		default:
			x := t.Dropout(r.rows(t, b.features[i], n.Distinct), b.Config.Dropout, tensor.Hash64(drop, uint64(i)))
			p.rows[i] = conv.Rows{X: x, Of: n.CopyOf}
		}
		p.days[i] = t.Days(n.Age)
		if r.time != nil {
			p.rows[i].Te, p.rows[i].T = t.AgeTerms(p.days[i], r.scales), r.time.Var(t)
		}
	}
}

// times finds the ages of all copies.
func (p *Pass) times(batch *sample.Batch) {
	for i, r := range p.bound.input {
		if r != nil {
			p.days[i] = p.tape.Days(batch.Nodes[i].Age)
		}
	}
}

// plain runs the first layer on the vectors of all copies. It returns the result of the
// last layer, or stores the input of the next one in x.
func (p *Pass) plain(_ *sample.Batch, block *conv.Block, x []*tensor.Var) []*tensor.Var {
	t := p.tape
	for i, r := range p.in {
		if r != nil && len(r.Of) > 0 {
			x[i] = r.Copies(t, len(r.Of))
		}
	}
	y := p.bound.layers[0].conv.Forward(t, block, x)
	if len(p.bound.layers) > 1 {
		p.step(0, block, y, x)
	}
	return y
}

// factored is plain without the vectors of copies.
func (p *Pass) factored(batch *sample.Batch, block *conv.Block, x []*tensor.Var) []*tensor.Var {
	t, first := p.tape, &p.bound.layers[0]
	if p.direct {
		p.directParents(batch, block)
	}
	terms := first.conv.(conv.RowLayer).RowTerms(t, block, p.in)
	if len(p.bound.layers) == 1 {
		y := t.Vars(len(terms))
		y[p.bound.Entity] = t.GatherSum(block.Dst[p.bound.Entity], terms[p.bound.Entity]...)
		return y
	}
	for i, norm := range first.norm {
		if n := block.Dst[i]; n > 0 {
			x[i] = t.NormActAddTerms(n, terms[i], norm.Gamma.Var(t), norm.Beta.Var(t), tensor.ReLU, p.in[i].Terms(t, n))
		}
	}
	return nil
}

// messageAges hands the ages of the copies to the messages that they send.
func (p *Pass) messageAges(batch *sample.Batch) {
	clear(p.decays)
	for i, e := range p.bound.Edges {
		p.ages[i] = nil
		if !e.Functional && p.in[e.Src] != nil {
			p.ages[i] = p.tape.Pick(p.days[e.Src], batch.Edges[i].Src)
		}
	}
}

// block trims the batch to the edge types of layer l and to the destinations up to a hop:
// those that the layers after it read.
func (p *Pass) block(batch *sample.Batch, l, hop int) *conv.Block {
	b, block := p.bound, &p.blocks[l]
	for i := range batch.Nodes {
		block.Dst[i] = batch.Nodes[i].HopEnd[hop]
	}
	for i, e := range b.layers[l].edges {
		dst := block.Dst[b.Edges[e].Dst]
		set := &batch.Edges[e]
		ptr := set.Ptr[:dst+1]
		block.Edges[i] = conv.Edge{CSR: tensor.CSR{Ptr: ptr, Src: set.Src[:ptr[dst]]}}
		if p.ages[e] != nil {
			block.Edges[i].Age, block.Edges[i].Decay = p.ages[e][:ptr[dst]], &p.decays[e]
		}
	}
	for i, at := range b.layers[l].routes {
		block.Routes[i] = p.far[at]
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
	normed := b.norm.Apply(t, y)
	h := b.hidden.Apply(t, normed, tensor.ReLU)
	h = t.Dropout(h, b.Config.Dropout, tensor.Hash64(s.Drop, 1<<32))
	if b.Config.Aggregate == "sum" {
		y = normed // sums over hundreds of rows would drown the other path
	}
	return t.Add(t.MatMul(y, b.direct.Var(t)), b.out.Apply(t, h, tensor.Identity))
}
