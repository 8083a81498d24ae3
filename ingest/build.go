package ingest

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

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
	snap := &Snapshot{Schema: s, Taken: taken, Tables: make([]*Table, len(s.Tables))}
	found := make([][]Finding, len(s.Tables))
	err := each(len(s.Tables), func(i int) (err error) {
		snap.Tables[i], found[i], err = b.Tables[i].finish(s.Tables[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		snap.Findings = append(snap.Findings, f...)
	}
	snap.ID = snap.contentID()
	return snap, nil
}

func (t *TableBuilder) finish(def *schema.Table) (*Table, []Finding, error) {
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
		col, repaired := t.Columns[c].column()
		out.Columns[c] = col
		if repaired > 0 {
			found = append(found, Finding{Level: LevelWarning, Check: "text encoding",
				Detail: fmt.Sprintf("table %q, column %q: %d values are not UTF-8; their faulty bytes were replaced by U+FFFD", def.FullName(), def.Columns[c].Name, repaired)})
		}
	}
	t.Columns = nil
	if perm := order(out); perm != nil {
		for c := range out.Columns {
			out.Columns[c] = out.Columns[c].gather(perm)
		}
	}
	if row := duplicate(out); row >= 0 {
		return nil, nil, &UserError{
			Msg:  fmt.Sprintf("table %q has two rows with key %s (columns %s)", def.FullName(), out.KeyText(int32(row)), strings.Join(def.Names(def.Key), ", ")),
			Hint: "repair the key in the database, or name another key in the mapping"}
	}
	return out, found, nil
}

// column takes the values over. repaired is the number of texts that were not UTF-8.
func (b *ColumnBuilder) column() (c Column, repaired int) {
	c = Column{Kind: b.Kind}
	if b.Kind == schema.Opaque {
		return c, 0
	}
	if len(b.nulls) > 0 {
		c.Valid = bitmap(int(b.n), true)
		for _, r := range b.nulls {
			c.Valid[r>>3] &^= 1 << (r & 7)
		}
	}
	switch b.Kind {
	case schema.Bool:
		c.Bits = bitmap(len(b.bools), false)
		for i, v := range b.bools {
			if v {
				c.Bits[i>>3] |= 1 << (i & 7)
			}
		}
	case schema.Int, schema.Time:
		c.Ints = b.ints
	case schema.Float:
		c.Floats = canonicalFloats(b.floats)
	case schema.Text:
		c.Offsets, c.Bytes = b.offsets, b.bytes
		if len(c.Offsets) == 0 {
			c.Offsets = []int64{0}
		}
		repaired = c.repairText()
	}
	*b = ColumnBuilder{Kind: b.Kind}
	return c, repaired
}

// bitmap returns n bits of the given value; the bits behind the last row are 0.
func bitmap(n int, value bool) []byte {
	b := make([]byte, (n+7)/8)
	if value {
		for i := range b {
			b[i] = 0xff
		}
		if n%8 != 0 {
			b[len(b)-1] = 1<<(n%8) - 1
		}
	}
	return b
}

// canonicalFloats gives values that the database holds equal the same bits.
func canonicalFloats(v []float64) []float64 {
	for i, x := range v {
		if x == 0 {
			v[i] = 0
		} else if x != x {
			v[i] = math.NaN()
		}
	}
	return v
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
func (c *Column) gather(perm []int32) Column {
	out := Column{Kind: c.Kind}
	if c.Kind == schema.Opaque {
		return out
	}
	if c.Valid != nil {
		out.Valid = gatherBits(c.Valid, perm)
	}
	switch c.Kind {
	case schema.Bool:
		out.Bits = gatherBits(c.Bits, perm)
	case schema.Int, schema.Time:
		out.Ints = make([]int64, len(perm))
		for i, r := range perm {
			out.Ints[i] = c.Ints[r]
		}
	case schema.Float:
		out.Floats = make([]float64, len(perm))
		for i, r := range perm {
			out.Floats[i] = c.Floats[r]
		}
	case schema.Text:
		out.Offsets = make([]int64, len(perm)+1)
		out.Bytes = make([]byte, 0, len(c.Bytes))
		for i, r := range perm {
			out.Bytes = append(out.Bytes, c.Bytes[c.Offsets[r]:c.Offsets[r+1]]...)
			out.Offsets[i+1] = int64(len(out.Bytes))
		}
	}
	return out
}

func gatherBits(bits []byte, perm []int32) []byte {
	out := make([]byte, len(bits))
	for i, r := range perm {
		if bits[r>>3]&(1<<(r&7)) != 0 {
			out[i>>3] |= 1 << (i & 7)
		}
	}
	return out
}
