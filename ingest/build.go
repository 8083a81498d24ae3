package ingest

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/rowlink/rowlink/internal/mapped"
	"github.com/rowlink/rowlink/schema"
)

// Finish turns the collected rows into a snapshot in canonical order (see
// [Snapshot]) and gives it its ID. s is the schema that the source declared; taken
// is the moment of the snapshot in microseconds UTC and does not enter the ID. The
// builder is used up. Foreign keys and row times are not resolved yet: see
// [Snapshot.Derive].
//
// Text that is not UTF-8 gets U+FFFD for each faulty run of bytes, -0 becomes 0, and
// every NaN the same NaN; the first is counted in Findings. A value that occurs twice
// in a primary key is an error, and so are columns of unequal length.
// Cost: O(rows log rows) per table out of order, O(rows) per table in order.
func (b *Builder) Finish(s *schema.Schema, taken int64) (*Snapshot, error) {
	if len(b.Tables) != len(s.Tables) {
		panic("ingest: builder and schema have different tables")
	}
	snap := &Snapshot{Schema: s, Taken: taken, Tables: make([]*Table, len(s.Tables)), space: b.space}
	if b.space != nil {
		snap.held = &held{closers: []func() error{b.space.Close}}
	}
	found := make([][]Finding, len(s.Tables))
	err := each(len(s.Tables), func(i int) (err error) {
		snap.Tables[i], found[i], err = b.Tables[i].finish(s.Tables[i])
		return err
	})
	if err != nil {
		b.Discard()
		return nil, err
	}
	for _, f := range found {
		snap.Findings = append(snap.Findings, f...)
	}
	snap.ID = snap.contentID()
	return snap, nil
}

func (t *TableBuilder) finish(def *schema.Table) (*Table, []Finding, error) {
	if t.kept != nil {
		return &Table{Def: def, Rows: t.kept.Rows, Columns: t.kept.Columns}, nil, nil
	}
	out, found, err := t.collect(def)
	if err != nil {
		return nil, nil, err
	}
	perm, err := order(out, t.owner.space)
	if err != nil {
		return nil, nil, fmt.Errorf("order the rows of table %q: %w", def.FullName(), err)
	}
	if perm != nil {
		for c := range out.Columns {
			var err error
			if out.Columns[c], err = out.Columns[c].gather(perm, t.owner.space); err != nil {
				return nil, nil, fmt.Errorf("order the rows of table %q: %w", def.FullName(), err)
			}
		}
	}
	if row := duplicate(out); row >= 0 {
		return nil, nil, &UserError{
			Msg:  fmt.Sprintf("table %q has two rows with key %s (columns %s)", def.FullName(), out.KeyText(int32(row)), strings.Join(def.Names(def.Key), ", ")),
			Hint: "repair the key in the database, or name another key in the mapping"}
	}
	return out, found, nil
}

// collect returns the rows in the order in which they came.
func (t *TableBuilder) collect(def *schema.Table) (*Table, []Finding, error) {
	rows := t.Rows()
	if rows > math.MaxInt32 {
		return nil, nil, fmt.Errorf("table %q has %d rows, want at most %d", def.FullName(), rows, math.MaxInt32)
	}
	for c := range t.Columns {
		if cb := &t.Columns[c]; cb.Kind != schema.Opaque && cb.n != rows {
			return nil, nil, fmt.Errorf("table %q: column %q has %d values, want one for each of %d rows", def.FullName(), def.Columns[c].Name, cb.n, rows)
		}
	}
	out := &Table{Def: def, Rows: int(rows), Columns: make([]Column, len(t.Columns))}
	var found []Finding
	for c := range t.Columns {
		col, repaired, err := t.Columns[c].column(t.owner.space)
		if err != nil {
			return nil, nil, fmt.Errorf("table %q, column %q: %w", def.FullName(), def.Columns[c].Name, err)
		}
		out.Columns[c] = col
		if repaired > 0 {
			found = append(found, Finding{Level: LevelWarning, Check: "text encoding",
				Detail: fmt.Sprintf("table %q, column %q: %d values are not UTF-8; their faulty bytes were replaced by U+FFFD", def.FullName(), def.Columns[c].Name, repaired)})
		}
	}
	t.Columns = nil
	return out, found, nil
}

// column takes the values over. repaired is the number of texts that were not UTF-8.
func (b *ColumnBuilder) column(space *mapped.Space) (c Column, repaired int, err error) {
	c = Column{Kind: b.Kind}
	if b.Kind == schema.Opaque {
		return c, 0, nil
	}
	if b.nulls.Len() > 0 {
		if c.Valid, err = b.valid(space); err != nil {
			return c, 0, err
		}
	}
	switch b.Kind {
	case schema.Bool:
		c.Bits, err = b.bits.Slice()
	case schema.Int, schema.Time:
		c.Ints, err = b.ints.Slice()
	case schema.Float:
		c.Floats, err = b.floats.Slice()
		canonicalFloats(c.Floats)
	case schema.Text:
		if b.n == 0 {
			b.offsets.Append(0)
		}
		if c.Offsets, err = b.offsets.Slice(); err != nil {
			return c, 0, err
		}
		if c.Bytes, err = b.bytes.Slice(); err == nil {
			repaired = c.repairText()
		}
	}
	*b = ColumnBuilder{Kind: b.Kind}
	return c, repaired, err
}

// valid returns the bitmap of the values that are not NULL; the bits behind the last
// row are 0.
func (b *ColumnBuilder) valid(space *mapped.Space) ([]byte, error) {
	nulls, err := b.nulls.Slice()
	if err != nil {
		return nil, err
	}
	valid, err := mapped.Make[byte](space, int(b.n+7)/8)
	if err != nil {
		return nil, err
	}
	for i := range valid {
		valid[i] = 0xff
	}
	if b.n%8 != 0 {
		valid[len(valid)-1] = 1<<(b.n%8) - 1
	}
	for _, r := range nulls {
		valid[r>>3] &^= 1 << (r & 7)
	}
	return valid, nil
}

// canonicalFloats gives values that the database holds equal the same bits.
func canonicalFloats(v []float64) {
	for i, x := range v {
		if x == 0 {
			v[i] = 0
		} else if x != x {
			v[i] = math.NaN()
		}
	}
}

// repairText replaces what is not UTF-8 and returns in how many values it did.
func (c *Column) repairText() int {
	if c.validText() {
		return 0
	}
	var (
		repaired int
		out      = make([]byte, 0, len(c.Bytes))
		offsets  = make([]int64, 1, len(c.Offsets))
	)
	for i := range len(c.Offsets) - 1 {
		v := c.Bytes[c.Offsets[i]:c.Offsets[i+1]]
		if !utf8.Valid(v) {
			repaired++
			v = bytes.ToValidUTF8(v, []byte("\uFFFD"))
		}
		out = append(out, v...)
		offsets = append(offsets, int64(len(out)))
	}
	c.Bytes, c.Offsets = out, offsets
	return repaired
}

// validText reports whether every value is UTF-8: the bytes as a whole are, and no
// value begins in the middle of a character.
func (c *Column) validText() bool {
	if !utf8.Valid(c.Bytes) {
		return false
	}
	for _, o := range c.Offsets {
		if o < int64(len(c.Bytes)) && !utf8.RuneStart(c.Bytes[o]) {
			return false
		}
	}
	return true
}

// gather returns the column with row i taken from row perm[i].
func (c *Column) gather(perm []int32, space *mapped.Space) (out Column, err error) {
	out = Column{Kind: c.Kind}
	if c.Kind == schema.Opaque {
		return out, nil
	}
	if c.Valid != nil {
		if out.Valid, err = gatherBits(c.Valid, perm, space); err != nil {
			return out, err
		}
	}
	switch c.Kind {
	case schema.Bool:
		out.Bits, err = gatherBits(c.Bits, perm, space)
	case schema.Int, schema.Time:
		out.Ints, err = gatherValues(c.Ints, perm, space)
	case schema.Float:
		out.Floats, err = gatherValues(c.Floats, perm, space)
	case schema.Text:
		offsets, texts := mapped.Vector[int64]{Space: space}, mapped.Vector[byte]{Space: space}
		offsets.Append(0)
		for _, r := range perm {
			texts.AppendAll(c.Bytes[c.Offsets[r]:c.Offsets[r+1]])
			offsets.Append(int64(texts.Len()))
		}
		if out.Offsets, err = offsets.Slice(); err == nil {
			out.Bytes, err = texts.Slice()
		}
	}
	return out, err
}

func gatherValues[T int64 | float64](from []T, perm []int32, space *mapped.Space) ([]T, error) {
	out, err := mapped.Make[T](space, len(perm))
	if err != nil {
		return nil, err
	}
	for i, r := range perm {
		out[i] = from[r]
	}
	return out, nil
}

func gatherBits(bits []byte, perm []int32, space *mapped.Space) ([]byte, error) {
	out, err := mapped.Make[byte](space, len(bits))
	if err != nil {
		return nil, err
	}
	for i, r := range perm {
		if bits[r>>3]&(1<<(r&7)) != 0 {
			out[i>>3] |= 1 << (i & 7)
		}
	}
	return out, nil
}
