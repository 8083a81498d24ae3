package ingest

import (
	"slices"
	"sort"

	"github.com/rowlink/rowlink/internal/mapped"
	"github.com/rowlink/rowlink/schema"
)

// Beside returns an empty builder of the same tables that keeps large columns where b does:
// for rows that are compared before they are added.
func (b *Builder) Beside(s *schema.Schema) *Builder {
	out := NewBuilder(s)
	out.spill(b.space)
	return out
}

func (b *Builder) spill(space *mapped.Space) {
	b.space = space
	for _, t := range b.Tables {
		for c := range t.Columns {
			t.Columns[c].spill(space)
		}
	}
}

// Finish returns the rows of one table in canonical order, as [Builder.Finish] does for
// all, and uses the table builder up.
func (t *TableBuilder) Finish(def *schema.Table) (*Table, error) {
	out, _, err := t.finish(def)
	return out, err
}

// Collect returns the rows of one table in the order in which they came, whatever their
// keys, and uses the table builder up.
func (t *TableBuilder) Collect(def *schema.Table) (*Table, error) {
	out, _, err := t.collect(def)
	return out, err
}

// Keep gives the table the rows of an older snapshot as they stand. They are shared, so the
// older snapshot must stay open as long as the new one. The table must be empty and gets no
// further rows.
func (t *TableBuilder) Keep(from *Table) {
	t.kept = from
	t.rows.Store(int64(from.Rows))
}

// AppendRows adds the rows of a table with the same columns, except those of drop, which
// is ascending.
func (t *TableBuilder) AppendRows(from *Table, drop []int32) {
	at := 0
	for _, d := range append(slices.Clip(drop), int32(from.Rows)) {
		if at < int(d) {
			for c := range t.Columns {
				t.Columns[c].appendColumn(&from.Columns[c], at, int(d))
			}
			t.rows.Add(int64(int(d) - at))
		}
		at = int(d) + 1
	}
}

// appendColumn adds the values [from, to) of a column.
func (c *ColumnBuilder) appendColumn(o *Column, from, to int) {
	if c.Kind == schema.Opaque {
		return
	}
	if o.Valid != nil {
		for r := from; r < to; r++ {
			if o.Null(r) {
				c.nulls.Append(c.n + int64(r-from))
			}
		}
	}
	switch c.Kind {
	case schema.Bool:
		for r := from; r < to; r++ {
			c.Bool(o.Bool(r))
		}
		return // counted by Bool
	case schema.Int, schema.Time:
		c.ints.AppendAll(o.Ints[from:to])
	case schema.Float:
		c.floats.AppendAll(o.Floats[from:to])
	case schema.Text:
		if c.n == 0 {
			c.offsets.Append(0)
		}
		first, last := o.Offsets[from], o.Offsets[to]
		for _, v := range o.Offsets[from+1 : to+1] {
			c.offsets.Append(c.length + v - first)
		}
		c.bytes.AppendAll(o.Bytes[first:last])
		c.length += last - first
	}
	c.n += int64(to - from)
}

// Locate returns the rows [lo, hi) of t whose values in all columns by which its rows are
// ordered first (those of its key, or all of a table without key) are those of a row of
// another table with the same columns. lo = hi says that there is none.
// Cost: O(log rows).
func (t *Table) Locate(of *Table, row int) (lo, hi int) {
	cols := t.Def.Key
	if len(cols) == 0 {
		for c := range t.Columns {
			if t.Columns[c].Kind != schema.Opaque {
				cols = append(cols, c)
			}
		}
	}
	compare := func(r int) int {
		for _, c := range cols {
			if d := compareValues(&t.Columns[c], r, &of.Columns[c], row); d != 0 {
				return d
			}
		}
		return 0
	}
	lo = sort.Search(t.Rows, func(r int) bool { return compare(r) >= 0 })
	hi = lo
	for hi < t.Rows && compare(hi) == 0 {
		hi++
	}
	return lo, hi
}

// SameKeys returns the rows of t, ascending, whose key a row of fresh has. Both have the
// same columns and the same key, and stand in canonical order.
func (t *Table) SameKeys(fresh *Table) []int32 {
	var out []int32
	for r := range fresh.Rows {
		if lo, hi := t.Locate(fresh, r); lo < hi {
			out = append(out, int32(lo))
		}
	}
	return out
}

// AppendValue adds one value of a column of the same kind.
func (c *ColumnBuilder) AppendValue(from *Column, row int) { c.appendColumn(from, row, row+1) }
