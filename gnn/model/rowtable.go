package model

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph/sample"
)

// TableOptions says what row tables may take. The zero value stores float32 without a
// limit: outputs are then those without tables, to the bit. The formats of two bytes take
// half the memory and change outputs by what rounding the stored rows does.
type TableOptions struct {
	Format tensor.Format
	Budget int64 // bytes; a table that does not fit is left out; 0 = no limit
}

// RowTables holds what a bound model makes of whole tables before it sees a seed: the
// encoder's vector of every row, and what each linear map of the first layer makes of
// it. It holds no times: which rows a seed may read is decided by the sampler alone. A
// node type that did not fit is encoded batch by batch. It is immutable and safe for
// concurrent use.
type RowTables struct {
	Format tensor.Format

	bound   *Bound
	weights string     // Model.WeightsHash when they were built
	types   []rowTable // per node type
}

// rowTable is what is held of one node type.
type rowTable struct {
	held      bool
	rows      *tensor.RowTable   // rows x Width; nil where only projections are read
	projected []*tensor.RowTable // by number of the projection; nil where there is none
	ages      []tensor.Mat       // by number of the projection: what it makes of the map of age terms
}

// want tells what the first layer reads of a node type; ok is false for a type that no
// hop reaches.
func (b *Bound) want(typ int) (rows bool, numbers []int, ok bool) {
	if b.input[typ] == nil {
		return false, nil, false
	}
	first := b.layers[0]
	ly, can := first.conv.(conv.RowLayer)
	if !can || !b.factored() {
		return true, nil, true
	}
	rows = len(first.norm) > typ && first.norm[typ] != nil // of the residual
	for _, e := range first.edges {
		rows = rows || b.Edges[e].Src == typ && !b.Edges[e].Functional
	}
	numbers = ly.Projections(typ)
	return rows, numbers, rows || len(numbers) > 0
}

// TableBytes returns what the row table of each node type takes, 0 for a type without one.
func (b *Bound) TableBytes(f tensor.Format) []int64 {
	out := make([]int64, len(b.Types))
	for i := range out {
		if rows, numbers, ok := b.want(i); ok {
			parts := int64(len(numbers))
			if rows {
				parts++
			}
			out[i] = parts * f.Bytes(b.Graph.Snap.Tables[i].Rows*b.Config.Width)
		}
	}
	return out
}

// TableRows returns the rows of all tables that hops reach.
func (b *Bound) TableRows() int {
	total := 0
	for i, t := range b.Graph.Snap.Tables {
		if b.input[i] != nil {
			total += t.Rows
		}
	}
	return total
}

// choose takes node types from the smallest on as long as the budget lasts.
func (b *Bound) choose(o TableOptions) []bool {
	bytes := b.TableBytes(o.Format)
	order := make([]int, 0, len(bytes))
	for i := range bytes {
		if _, _, ok := b.want(i); ok {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(bytes[x], bytes[y]) })
	chosen, used := make([]bool, len(bytes)), int64(0)
	for _, i := range order {
		if used += bytes[i]; o.Budget > 0 && used > o.Budget {
			break
		}
		chosen[i] = true
	}
	return chosen
}

// NewRowTables computes the tables, on pool.
func (b *Bound) NewRowTables(ctx context.Context, o TableOptions, pool *tensor.Pool) (*RowTables, error) {
	r, _, err := b.rowTables(ctx, o, pool, nil)
	return r, err
}

// Refresh computes the tables of b, which holds the same model over another snapshot,
// and copies from r the rows whose content is the same in both; a row is known again by
// its key. The links of a row take no part: a changed parent changes its own row only.
// It returns how many rows were computed. Tables of other weights or another format
// are no help, and all rows are computed.
func (r *RowTables) Refresh(ctx context.Context, b *Bound, o TableOptions, pool *tensor.Pool) (*RowTables, int, error) {
	if r.weights != b.WeightsHash() || r.Format != o.Format {
		r = nil
	}
	return b.rowTables(ctx, o, pool, r)
}

func (b *Bound) rowTables(ctx context.Context, o TableOptions, pool *tensor.Pool, old *RowTables) (*RowTables, int, error) {
	r := &RowTables{Format: o.Format, bound: b, weights: b.WeightsHash(), types: make([]rowTable, len(b.Types))}
	computed := 0
	for i, ok := range b.choose(o) {
		if !ok {
			continue
		}
		r.types[i] = b.newRowTable(i, o.Format)
		r.types[i].projectAges(b, i)
		rows := r.reuse(old, i)
		computed += rows.count(b.Graph.Snap.Tables[i].Rows)
		if err := r.fill(ctx, i, rows, pool); err != nil {
			return nil, 0, err
		}
	}
	return r, computed, nil
}

func (b *Bound) newRowTable(typ int, f tensor.Format) rowTable {
	rows, numbers, _ := b.want(typ)
	n := b.Graph.Snap.Tables[typ].Rows
	t := rowTable{held: true}
	if rows {
		t.rows = tensor.NewRowTable(f, n, b.Config.Width)
	}
	if len(numbers) > 0 {
		t.projected = make([]*tensor.RowTable, slices.Max(numbers)+1)
	}
	for _, k := range numbers {
		t.projected[k] = tensor.NewRowTable(f, n, b.Config.Width)
	}
	return t
}

// projectAges applies the projections to the map of age terms.
func (t *rowTable) projectAges(b *Bound, typ int) {
	if b.input[typ].time == nil || len(t.projected) == 0 {
		return
	}
	tape := tensor.NewTape(tensor.NewPool(1))
	tape.Train = false
	t.ages = make([]tensor.Mat, len(t.projected))
	for k, s := range t.projected {
		if s != nil {
			t.ages[k] = b.layers[0].conv.(conv.RowLayer).ProjectAges(tape, k, b.input[typ].time.Var(tape)).Val.Clone()
		}
	}
}

// Holds says whether the rows of every node type are held that a batch may read: then
// nothing needs the distinct rows of a batch.
func (r *RowTables) Holds() bool {
	for i, t := range r.types {
		if r.bound.input[i] != nil && !t.held {
			return false
		}
	}
	return true
}

// inPlace says whether all tables are read as they lie, so that a row number is enough.
func (r *RowTables) inPlace() bool { return r.Format.InPlace(r.bound.Config.Width) }

// Bytes returns what the tables take.
func (r *RowTables) Bytes() int64 {
	total := int64(0)
	for i := range r.types {
		for _, s := range r.types[i].all() {
			total += int64(s.Bytes())
		}
	}
	return total
}

// all lists the stored matrices.
func (t *rowTable) all() []*tensor.RowTable {
	var out []*tensor.RowTable
	for _, s := range append([]*tensor.RowTable{t.rows}, t.projected...) {
		if s != nil {
			out = append(out, s)
		}
	}
	return out
}

// String says what is held.
func (r *RowTables) String() string {
	var held, out []string
	for i, t := range r.types {
		switch {
		case t.held:
			held = append(held, r.bound.Types[i])
		case r.bound.input[i] != nil:
			out = append(out, r.bound.Types[i])
		}
	}
	s := fmt.Sprintf("%s rows of %s, %.0f MB", r.Format, strings.Join(held, ", "), float64(r.Bytes())/1e6)
	if len(out) > 0 {
		s += "; does not fit: " + strings.Join(out, ", ")
	}
	return s
}

// input makes the copies of a batch point into the tables. Tables that the kernels cannot
// read as they are go through the tape's memory first, one row per copy.
func (r *rowTable) input(t *tensor.Tape, n *sample.NodeSet, width int) conv.Rows {
	out := conv.Rows{Of: n.Rows}
	if len(r.projected) > 0 {
		out.Projected = t.Vars(len(r.projected))
	}
	if len(r.ages) > 0 {
		out.Ages = t.Vars(len(r.ages))
		for k, m := range r.ages {
			out.Ages[k] = t.Const(m)
		}
	}
	direct := true
	read := func(s *tensor.RowTable) *tensor.Var {
		v, ok := t.Whole(s)
		if !ok {
			v, direct = t.Lookup(s, n.Rows), false
		}
		return v
	}
	if r.rows != nil {
		out.X = read(r.rows)
	} else {
		out.X = t.Const(tensor.Mat{Cols: width})
	}
	for k, s := range r.projected {
		if s != nil {
			out.Projected[k] = read(s)
		}
	}
	if !direct {
		out.Of = t.Count(len(n.Rows))
	}
	return out
}
