package ingest

import "github.com/rowlink/rowlink/schema"

// Part returns an empty builder for some rows of the table, to be filled by a goroutine
// of its own and then added with [TableBuilder.Append], or emptied with [TableBuilder.Drop].
// It collects on the heap, or with spill as the table does: for values so long that few rows
// may be too much. Its progress counts from the rows that the table has.
func (t *TableBuilder) Part(spill bool) *TableBuilder {
	p := &TableBuilder{Columns: make([]ColumnBuilder, len(t.Columns)), number: t.number, owner: t.owner, whole: t}
	for c := range t.Columns {
		p.Columns[c].Kind = t.Columns[c].Kind
		if spill {
			p.Columns[c].spill(t.owner.space)
		}
	}
	return p
}

// Append adds the rows of a part behind those of the table and empties the part, whose
// memory serves the next rows.
func (t *TableBuilder) Append(part *TableBuilder) {
	for c := range t.Columns {
		t.Columns[c].append(&part.Columns[c])
	}
	n := t.rows.Add(part.Rows())
	if t.owner.Progress != nil && n/progressEvery != (n-part.Rows())/progressEvery {
		t.owner.Progress(t.number, n)
	}
	part.Drop()
}

// Drop empties a part.
func (t *TableBuilder) Drop() {
	for c := range t.Columns {
		t.Columns[c].clear()
	}
	t.rows.Store(0)
}

// clear drops the values of a column of a part.
func (c *ColumnBuilder) clear() {
	c.n, c.length = 0, 0
	c.nulls.Clear()
	c.bits.Clear()
	c.ints.Clear()
	c.floats.Clear()
	c.offsets.Clear()
	c.bytes.Clear()
}

// Reset drops all rows of the table.
func (t *TableBuilder) Reset() {
	t.Discard()
	for c := range t.Columns {
		kind := t.Columns[c].Kind
		t.Columns[c] = ColumnBuilder{Kind: kind}
		t.Columns[c].spill(t.owner.space)
	}
	t.kept = nil
	t.rows.Store(0)
}

// append adds the values of o.
func (c *ColumnBuilder) append(o *ColumnBuilder) {
	nulls := c.nulls.Extend(o.nulls.Len())
	for i, r := range o.nulls.Values() {
		nulls[i] = c.n + r
	}
	switch c.Kind {
	case schema.Bool:
		c.appendBits(o)
	case schema.Int, schema.Time:
		c.ints.AppendAll(o.ints.Values())
	case schema.Float:
		c.floats.AppendAll(o.floats.Values())
	case schema.Text:
		c.appendTexts(o)
	}
	c.n += o.n
}

func (c *ColumnBuilder) appendTexts(o *ColumnBuilder) {
	if o.n == 0 {
		return
	}
	if c.n == 0 {
		c.offsets.Append(0)
	}
	offsets := o.offsets.Values()[1:]
	for i := range offsets {
		offsets[i] += c.length
	}
	c.offsets.AppendAll(offsets)
	c.bytes.AppendAll(o.bytes.Values())
	c.length += o.length
}

// appendBits moves the bits of o to where those of c end.
func (c *ColumnBuilder) appendBits(o *ColumnBuilder) {
	shift := c.n % 8
	if shift == 0 {
		c.bits.AppendAll(o.bits.Values())
		return
	}
	last := int64(0) // bits of o behind those that are in place
	for _, b := range o.bits.Values() {
		*c.bits.Last() |= b << shift
		if last += 8; last-8+(8-shift) < o.n {
			c.bits.Append(b >> (8 - shift))
		}
	}
}
