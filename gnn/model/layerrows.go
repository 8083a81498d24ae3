package model

import (
	"context"
	"slices"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph/sample"
)

// layerRows are the vectors of the rows of one node type that a layer made.
type layerRows struct {
	rows []int32 // ascending
	at   []int32 // of each row of the table: its place in rows; -1 for others
	x    tensor.Mat
}

// marking collects rows.
type marking struct {
	need [][]bool // per node type and row; nil for none
}

func (m *marking) add(typ int, row int32, rows int) {
	if m.need[typ] == nil {
		m.need[typ] = make([]bool, rows)
	}
	m.need[typ][row] = true
}

func (m *marking) list(typ int) []int32 {
	var out []int32
	for row, yes := range m.need[typ] {
		if yes {
			out = append(out, int32(row))
		}
	}
	return out
}

// markBlock is the number of rows whose neighbours are read at a time.
const markBlock = 4096

// mark returns for each layer but the last the rows that the layers after it need, per
// node type: those that the next layer computes, and their neighbours.
func (l *Layerwise) mark(ctx context.Context, queries []Query) ([][]layerRows, error) {
	b, tables := l.bound, l.bound.Graph.Snap.Tables
	m := marking{make([][]bool, len(tables))}
	for _, q := range queries {
		m.add(b.Entity, q.Row, tables[b.Entity].Rows)
	}
	out := make([][]layerRows, len(b.layers)-1)
	var batch sample.Batch
	expand := make([][]int32, len(tables)) // rows of later layers
	for layer := len(out) - 1; layer >= 0; layer-- {
		for typ := range tables {
			expand[typ] = m.list(typ)
		}
		for typ, rows := range expand {
			for lo := 0; lo < len(rows) && l.read[typ] != nil; lo += markBlock {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				l.read[typ].SampleInto(&batch, l.seeds(nil, rows[lo:min(lo+markBlock, len(rows))]), 0)
				for t := range batch.Nodes {
					for _, row := range batch.Nodes[t].Rows {
						m.add(t, row, tables[t].Rows)
					}
				}
			}
		}
		out[layer] = m.stage(b.Config.Width)
	}
	return out, nil
}

func (l *Layerwise) seeds(to []sample.Seed, rows []int32) []sample.Seed {
	for _, row := range rows {
		to = append(to, sample.Seed{Row: row, At: l.cut})
	}
	return to
}

// stage makes room for the vectors of the rows collected so far.
func (m *marking) stage(width int) []layerRows {
	out := make([]layerRows, len(m.need))
	for typ, need := range m.need {
		rows := m.list(typ)
		out[typ] = layerRows{rows: rows, at: slices.Repeat([]int32{-1}, len(need)), x: tensor.NewMat(len(rows), width)}
		for i, row := range rows {
			out[typ].at[row] = int32(i)
		}
	}
	return out
}

// layerWorker computes rows on one thread.
type layerWorker struct {
	l     *Layerwise
	pass  *Pass
	batch sample.Batch
	seeds []sample.Seed
}

func (l *Layerwise) workers() []*layerWorker {
	out, single := make([]*layerWorker, l.pool.Threads()), tensor.NewPool(1)
	for i := range out {
		t := tensor.NewTape(single)
		t.Train, t.Fixed = false, true
		out[i] = &layerWorker{l: l, pass: l.bound.NewPass(t)}
		out[i].pass.tables = l.tables
	}
	return out
}

// sample reads the neighbours of rows.
func (w *layerWorker) sample(typ int, rows []int32) *sample.Batch {
	w.seeds = w.l.seeds(w.seeds[:0], rows)
	w.l.lean[typ].SampleInto(&w.batch, w.seeds, 0)
	return &w.batch
}

// layer runs a layer, counted from 0, on the rows of the batch, whose neighbours have the
// vectors before. It returns the input of the next layer, or the result of the last, by
// node type.
func (w *layerWorker) layer(layer int, batch *sample.Batch, before []layerRows) []*tensor.Var {
	p, b := w.pass, w.l.bound
	t := p.tape
	t.Reset()
	x := t.Vars(len(p.rows))
	last := layer+1 == len(b.layers)
	p.used = 0
	p.readFar(batch, 0)
	if layer == 0 {
		p.encode(batch, 0)
		p.messageAges(batch)
		first := p.plain
		if b.factored() {
			first = p.factored
		}
		if y := first(batch, p.block(batch, 0, 0), x); last {
			return y
		}
		return x
	}
	p.times(batch)
	p.messageAges(batch)
	for typ := range batch.Nodes {
		if rows := batch.Nodes[typ].Rows; len(rows) > 0 {
			x[typ] = t.GatherRows(t.Const(before[typ].x), t.Compose(before[typ].at, rows))
		}
	}
	block := p.block(batch, layer, 0)
	y := b.layers[layer].conv.Forward(t, block, x)
	if last {
		return y
	}
	p.step(layer, block, y, x)
	return x
}

// Score returns queries x Outputs. The queries must have the cut; their anchors may
// differ.
func (l *Layerwise) Score(ctx context.Context, queries []Query) (tensor.Mat, error) {
	out := tensor.NewMat(len(queries), l.bound.Config.Outputs)
	stages, err := l.mark(ctx, queries)
	if err != nil {
		return out, err
	}
	workers, grain := l.workers(), layerGrain(l.bound.Config.Width)
	var before []layerRows
	for layer, stage := range stages {
		for typ := range stage {
			to := &stage[typ]
			l.pool.RunIndexed(len(to.rows), grain, func(_, lo, hi, worker int) {
				if ctx.Err() == nil {
					w := workers[worker]
					x := w.layer(layer, w.sample(typ, to.rows[lo:hi]), before)
					copy(to.x.Data[lo*to.x.Cols:], x[typ].Val.Data)
				}
			})
		}
		before = stage
	}
	l.pool.RunIndexed(len(queries), grain, func(_, lo, hi, worker int) {
		if ctx.Err() == nil {
			copy(out.Data[lo*out.Cols:], workers[worker].last(queries[lo:hi], before).Data)
		}
	})
	return out, ctx.Err()
}

// last runs the last layer and the head.
func (w *layerWorker) last(queries []Query, before []layerRows) tensor.Mat {
	b := w.l.bound
	rows, anchors := make([]int32, len(queries)), make([]int64, len(queries))
	for i, q := range queries {
		rows[i], anchors[i] = q.Row, q.Anchor
	}
	batch := w.sample(b.Entity, rows)
	y := w.layer(len(b.layers)-1, batch, before)
	return b.head(w.pass.tape, y[b.Entity], batch, Seeds{Anchor: anchors}).Val
}

// layerGrain is the number of rows that a thread computes at a time: with their
// neighbours' vectors they stay in the caches.
func layerGrain(width int) int { return min(max(4096/width, 16), 256) }
