package ingest

import "github.com/rowlink/rowlink/schema"

// Part returns an empty builder for some rows of the table, to be filled by a goroutine
// of its own and then added with [TableBuilder.Append], or dropped. It collects on the
// heap. Its progress counts from the rows that the table has.
func (t *TableBuilder) Part() *TableBuilder {
	p := &TableBuilder{Columns: make([]ColumnBuilder, len(t.Columns)), number: t.number, owner: t.owner, whole: t}
	for c := range t.Columns {
		p.Columns[c].Kind = t.Columns[c].Kind
	}
	return p
}

// Append adds the rows of a part behind those of the table and uses the part up.
func (t *TableBuilder) Append(part *TableBuilder) {
	for c := range t.Columns {
		t.Columns[c].append(&part.Columns[c])
	}
	n := t.rows.Add(part.Rows())
	if t.owner.Progress != nil && n/progressEvery != (n-part.Rows())/progressEvery {
		t.owner.Progress(t.number, n)
	}
	part.Columns = nil
}

// Reset drops all rows of the table.
func (t *TableBuilder) Reset() {
	for c := range t.Columns {
		kind := t.Columns[c].Kind
		t.Columns[c] = ColumnBuilder{Kind: kind}
		t.Columns[c].spill(t.owner.space)
	}
	t.kept = nil
	t.rows.Store(0)
}

// append adds the values of o. An error of o's own, which collects on the heap, cannot be.
func (c *ColumnBuilder) append(o *ColumnBuilder) {
	nulls, _ := o.nulls.Slice()
	for _, r := range nulls {
		c.nulls.Append(c.n + r)
	}
	switch c.Kind {
	case schema.Bool:
		bits, _ := o.bits.Slice()
		for i := range o.n {
			c.Bool(bits[i/8]>>(i%8)&1 != 0)
		}
		return // counted by Bool
	case schema.Int, schema.Time:
		v, _ := o.ints.Slice()
		c.ints.AppendAll(v)
	case schema.Float:
		v, _ := o.floats.Slice()
		c.floats.AppendAll(v)
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
	offsets, _ := o.offsets.Slice()
	for i, v := range offsets {
		offsets[i] = v + c.length
	}
	c.offsets.AppendAll(offsets[1:])
	v, _ := o.bytes.Slice()
	c.bytes.AppendAll(v)
	c.length += o.length
}
