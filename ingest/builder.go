package ingest

import (
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
func (t *TableBuilder) EndRow() {
	n := t.rows.Add(1)
	if n%progressEvery == 0 && t.owner.Progress != nil {
		if t.whole != nil {
			n += t.whole.Rows()
		}
		t.owner.Progress(t.number, n)
	}
}

// Rows returns the number of rows so far.
func (t *TableBuilder) Rows() int64 { return t.rows.Load() }

// ColumnBuilder collects the values of one column in the order of the source.
type ColumnBuilder struct {
	Kind    schema.Kind
	n       int64
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
