package model

import (
	"context"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
)

// fillRows is the fixed number of rows in one block of work: their vectors and products
// stay in the second-level cache. Results do not depend on it.
const fillRows = 1024

// rowSet is a set of rows: all of a table, or those listed.
type rowSet struct {
	all  bool
	rows []int32 // ascending
}

func (s rowSet) count(rows int) int {
	if s.all {
		return rows
	}
	return len(s.rows)
}

// fill computes the given rows of a node type.
func (r *RowTables) fill(ctx context.Context, typ int, set rowSet, pool *tensor.Pool) error {
	n := set.count(r.bound.Graph.Snap.Tables[typ].Rows)
	workers := make([]rowFiller, pool.Threads())
	single := tensor.NewPool(1)
	for i := range workers {
		workers[i] = rowFiller{tables: r, typ: typ, tape: tensor.NewTape(single)}
		workers[i].tape.Train = false
	}
	pool.RunIndexed(n, fillRows, func(_, lo, hi, worker int) {
		if ctx.Err() == nil {
			workers[worker].block(set, lo, hi)
		}
	})
	return ctx.Err()
}

// rowFiller computes blocks of rows on one thread.
type rowFiller struct {
	tables *RowTables
	typ    int
	tape   *tensor.Tape
	rows   []int32
}

func (f *rowFiller) block(set rowSet, lo, hi int) {
	f.rows = f.rows[:0]
	for i := lo; i < hi; i++ {
		row := int32(i)
		if !set.all {
			row = set.rows[i]
		}
		f.rows = append(f.rows, row)
	}
	b, t := f.tables.bound, &f.tables.types[f.typ]
	f.tape.Reset()
	x := b.input[f.typ].rows(f.tape, b.features[f.typ], f.rows)
	if t.rows != nil {
		put(t.rows, f.rows, x.Val)
	}
	for k, s := range t.projected {
		if s != nil {
			put(s, f.rows, b.layers[0].conv.(conv.RowLayer).Project(f.tape, k, x).Val)
		}
	}
}

// put stores m as the given rows of a table, which ascend.
func put(table *tensor.RowTable, rows []int32, m tensor.Mat) {
	for lo := 0; lo < len(rows); {
		hi := lo + 1
		for hi < len(rows) && rows[hi] == rows[hi-1]+1 {
			hi++
		}
		table.SetRows(int(rows[lo]), tensor.MatOf(hi-lo, m.Cols, m.Data[lo*m.Cols:hi*m.Cols]...))
		lo = hi
	}
}

// reuse copies the rows of a node type that old holds with the same content, and returns
// the others.
func (r *RowTables) reuse(old *RowTables, typ int) rowSet {
	if old == nil || !old.types[typ].held {
		return rowSet{all: true}
	}
	now, before := r.bound, old.bound
	from := sameKeys(now.Graph.Snap.Tables[typ], before.Graph.Snap.Tables[typ])
	var fresh rowSet
	var scratch [2]encode.Row
	to, src := r.types[typ].all(), old.types[typ].all()
	for row, at := range from {
		if at < 0 || !now.features[typ].Same(int32(row), before.features[typ], at, &scratch) {
			fresh.rows = append(fresh.rows, int32(row))
			continue
		}
		for k := range to {
			to[k].CopyRow(row, src[k], int(at))
		}
	}
	return fresh
}

// sameKeys returns for each row of now the row of before that has its key, or -1. Two
// keys are taken for the same when their hashes are: the caller compares contents. Rows
// stand in the order of their keys, so that all but the stretch between the first and
// the last change is found without a table of hashes.
func sameKeys(now, before *ingest.Table) []int32 {
	out := make([]int32, now.Rows)
	head := 0
	for head < min(now.Rows, before.Rows) && now.KeyHash(int32(head)) == before.KeyHash(int32(head)) {
		out[head] = int32(head)
		head++
	}
	shift, tail := before.Rows-now.Rows, now.Rows
	for tail > head && tail+shift > head && now.KeyHash(int32(tail-1)) == before.KeyHash(int32(tail-1+shift)) {
		tail--
		out[tail] = int32(tail + shift)
	}
	between := map[uint64]int32{}
	for row := head; row < tail+shift; row++ {
		between[before.KeyHash(int32(row))] = int32(row)
	}
	for row := head; row < tail; row++ {
		at, ok := between[now.KeyHash(int32(row))]
		if !ok {
			at = -1
		}
		out[row] = at
	}
	return out
}
