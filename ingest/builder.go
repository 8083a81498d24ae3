package ingest

import (
	"sync/atomic"

	"github.com/rowlink/rowlink/schema"
)

// Builder collects the rows of all tables while a source is read.
type Builder struct {
	Tables []*TableBuilder // aligned with the schema's tables
	// Progress, if set, is told the table number and its rows so far from time to
	// time; it may be called by several goroutines at once.
	Progress func(table int, rows int64)
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

// TableBuilder collects the rows of one table. It must be used by one goroutine at a time.
type TableBuilder struct {
	Columns []ColumnBuilder // aligned with the table's columns
	number  int
	owner   *Builder
	rows    atomic.Int64
}

// progressEvery is the number of rows between two reports of progress.
const progressEvery = 1 << 14

// EndRow ends a row: every column must have got exactly one value (or NULL) for it;
// columns of kind Opaque get none.
func (t *TableBuilder) EndRow() {
	n := t.rows.Add(1)
	if n%progressEvery == 0 && t.owner.Progress != nil {
		t.owner.Progress(t.number, n)
	}
}

// Rows returns the number of rows so far.
func (t *TableBuilder) Rows() int64 { return t.rows.Load() }

// ColumnBuilder collects the values of one column in the order of the source.
type ColumnBuilder struct {
	Kind    schema.Kind
	nulls   []int64 // row numbers of NULLs, ascending
	n       int64
	bools   []bool
	ints    []int64
	floats  []float64
	offsets []int64
	bytes   []byte
}

// Null appends a NULL.
func (c *ColumnBuilder) Null() {
	c.nulls = append(c.nulls, c.n)
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
func (c *ColumnBuilder) Bool(v bool) { c.bools = append(c.bools, v); c.n++ }

// Int appends an integer, or for a Time column microseconds since 1970-01-01 UTC.
func (c *ColumnBuilder) Int(v int64) { c.ints = append(c.ints, v); c.n++ }

// Float appends a floating-point number.
func (c *ColumnBuilder) Float(v float64) { c.floats = append(c.floats, v); c.n++ }

// Text appends a copy of UTF-8 text.
func (c *ColumnBuilder) Text(v []byte) {
	if len(c.offsets) == 0 {
		c.offsets = append(c.offsets, 0)
	}
	c.bytes = append(c.bytes, v...)
	c.offsets = append(c.offsets, int64(len(c.bytes)))
	c.n++
}
