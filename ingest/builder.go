package ingest

import (
	"errors"
	"sync/atomic"

	"github.com/rowlink/rowlink/internal/mapped"
	"github.com/rowlink/rowlink/schema"
)

// Builder collects the rows of all tables while a source is read.
type Builder struct {
	Tables []*TableBuilder // aligned with the schema's tables
	// Progress, if set, is told the table number and its rows so far from time to
	// time; it may be called by several goroutines at once.
	Progress func(table int, rows int64)

	space *mapped.Space // nil = the heap
}

// NewBuilder returns an empty builder for the tables of s.
func NewBuilder(s *schema.Schema) *Builder {
	b := &Builder{Tables: make([]*TableBuilder, len(s.Tables))}
	for i, t := range s.Tables {
		tb := &TableBuilder{number: i, owner: b, Columns: make([]ColumnBuilder, len(t.Columns))}
		for c := range t.Columns {
			tb.Columns[c].Kind = t.Columns[c].Kind
		}
		b.Tables[i] = tb
	}
	return b
}

// Spill lets b collect large columns, and keep what is computed from them, in unnamed
// temporary files of folder dir instead of the heap, until the snapshot is closed. It
// must be called before the first row.
func (b *Builder) Spill(dir string) { b.spill(mapped.NewSpace(dir)) }

// Discard gives up what was collected, and its files, at once.
func (b *Builder) Discard() {
	for _, t := range b.Tables {
		t.Discard()
	}
	b.space.Close()
}

// TableBuilder collects the rows of one table. It must be used by one goroutine at a time.
type TableBuilder struct {
	Columns []ColumnBuilder // aligned with the table's columns
	number  int
	owner   *Builder
	whole   *TableBuilder // of a part: the table that it will be added to
	kept    *Table        // see Keep
	rows    atomic.Int64
}

// progressEvery is the number of rows between two reports of progress.
const progressEvery = 1 << 14

// EndRow ends a row: every column must have got exactly one value (or NULL) for it;
// columns of kind Opaque get none.
func (t *TableBuilder) EndRow() { t.EndRows(1) }

// EndRows ends n rows at once.
func (t *TableBuilder) EndRows(n int) {
	after := t.rows.Add(int64(n))
	if t.owner.Progress == nil || after/progressEvery == (after-int64(n))/progressEvery {
		return
	}
	if t.whole != nil {
		after += t.whole.Rows()
	}
	t.owner.Progress(t.number, after)
}

// Settle says that no rows will be added for now. Where columns are collected in files, small
// ones too large together for the memory go there as well.
func (t *TableBuilder) Settle() {
	for c := range t.Columns {
		col := &t.Columns[c]
		col.nulls.Settle()
		col.bits.Settle()
		col.ints.Settle()
		col.floats.Settle()
		col.offsets.Settle()
		col.bytes.Settle()
	}
}

// Err tells, before the end, that a column could not be written to its file: reading on is
// of no use.
func (t *TableBuilder) Err() error {
	var errs []error
	for c := range t.Columns {
		col := &t.Columns[c]
		errs = append(errs, col.nulls.Err(), col.bits.Err(), col.ints.Err(), col.floats.Err(), col.offsets.Err(), col.bytes.Err())
	}
	return errors.Join(errs...)
}

// Discard drops all rows and gives back the files.
func (t *TableBuilder) Discard() {
	for c := range t.Columns {
		col := &t.Columns[c]
		col.nulls.Discard()
		col.bits.Discard()
		col.ints.Discard()
		col.floats.Discard()
		col.offsets.Discard()
		col.bytes.Discard()
	}
}

// Rows returns the number of rows so far.
func (t *TableBuilder) Rows() int64 { return t.rows.Load() }

// ColumnBuilder collects the values of one column in the order of the source: one by one,
// or many at once by Ints, Floats, Bits and Texts.
type ColumnBuilder struct {
	Kind    schema.Kind
	n       int64
	many    int64                // values before those that were last added at once
	nulls   mapped.Vector[int64] // row numbers of NULLs, ascending
	bits    mapped.Vector[byte]  // booleans, least significant bit first
	ints    mapped.Vector[int64]
	floats  mapped.Vector[float64]
	offsets mapped.Vector[int64]
	bytes   mapped.Vector[byte]
	length  int64 // of bytes
}

// spill lets the column collect its values in files of s.
func (c *ColumnBuilder) spill(s *mapped.Space) {
	c.nulls.Space, c.bits.Space, c.ints.Space, c.floats.Space, c.offsets.Space, c.bytes.Space = s, s, s, s, s, s
}

// Null appends a NULL.
func (c *ColumnBuilder) Null() {
	c.nulls.Append(c.n)
	switch c.Kind {
	case schema.Bool:
		c.Bool(false)
	case schema.Int, schema.Time:
		c.Int(0)
	case schema.Float:
		c.Float(0)
	case schema.Text:
		c.Text(nil)
	}
}

// Bool appends a boolean.
func (c *ColumnBuilder) Bool(v bool) {
	if c.n%8 == 0 {
		c.bits.Append(0)
	}
	if v {
		*c.bits.Last() |= 1 << (c.n % 8)
	}
	c.n++
}

// Int appends an integer, or for a Time column microseconds since 1970-01-01 UTC.
func (c *ColumnBuilder) Int(v int64) { c.ints.Append(v); c.n++ }

// Float appends a floating-point number.
func (c *ColumnBuilder) Float(v float64) { c.floats.Append(v); c.n++ }

// Text appends a copy of UTF-8 text.
func (c *ColumnBuilder) Text(v []byte) {
	if c.n == 0 {
		c.offsets.Append(0)
	}
	c.bytes.AppendAll(v)
	c.length += int64(len(v))
	c.offsets.Append(c.length)
	c.n++
}

// Ints appends n integers (or times), which the caller sets before it adds more.
func (c *ColumnBuilder) Ints(n int) []int64 {
	c.add(n)
	return c.ints.Extend(n)
}

// Floats appends n numbers, which the caller sets before it adds more.
func (c *ColumnBuilder) Floats(n int) []float64 {
	c.add(n)
	return c.floats.Extend(n)
}

// Texts appends n texts of size bytes together. The caller sets the bytes and, for each
// text, where it ends: start is where the bytes begin in these terms.
func (c *ColumnBuilder) Texts(n, size int) (ends []int64, bytes []byte, start int64) {
	if c.n == 0 {
		c.offsets.Append(0)
	}
	c.add(n)
	start = c.length
	c.length += int64(size)
	return c.offsets.Extend(n), c.bytes.Extend(size), start
}

// NullAt makes value i of those that were last added at once NULL; i must rise from call
// to call. The value must be 0, a text empty.
func (c *ColumnBuilder) NullAt(i int) { c.nulls.Append(c.many + int64(i)) }

func (c *ColumnBuilder) add(n int) {
	c.many = c.n
	c.n += int64(n)
}
