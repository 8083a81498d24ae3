package postgres

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/ingest/postgres/pgoutput"
	"github.com/rowlink/rowlink/schema"
)

// followed is a table of the stream: how its rows are read, and what changed since the last
// version. Rows are kept as the server printed them until a version is written.
type followed struct {
	plan    *plan
	def     *schema.Table
	puts    []putFunc // aligned with the plan's fields; nil = the table cannot be followed
	keyed   bool
	key     []int // fields by which a row is known: those of the primary key, or all
	whyNot  string
	changes map[string]*netChange
}

// netChange is what became of one row, known by its key. In a table without key it is what
// became of all rows with the same values.
type netChange struct {
	was   pgoutput.Tuple // keyed: the key of an earlier row that goes; nil = none
	row   pgoutput.Tuple // keyed: the row now, in the order of the plan's fields; nil = none
	from  pgoutput.Tuple // keyed: the earlier row that holds what was not sent again
	count int            // not keyed: so many rows more, or fewer
}

// layout maps the columns of a relation message, which a partition may have in an order of
// its own, to the fields of a plan.
type layout struct {
	table  *followed
	at     []int // per field: the column in the message
	byKey  bool  // an old row without the rest tells the primary key
	whyNot string
}

func newLayout(t *followed, m *pgoutput.Relation) *layout {
	l := &layout{table: t, whyNot: t.whyNot}
	sent := 0
	for i, f := range t.plan.fields {
		at := slices.IndexFunc(m.Columns, func(c pgoutput.Column) bool { return c.Name == f.attr.name })
		if at < 0 || m.Columns[at].Type != f.attr.typ || m.Columns[at].Modifier != f.attr.mod {
			l.whyNot = fmt.Sprintf("column %q is not sent, or is another one now", f.attr.name)
			return l
		}
		if m.Columns[at].Key && t.keyed && slices.Contains(t.key, i) {
			sent++
		}
		l.at = append(l.at, at)
	}
	keys := 0
	for _, c := range m.Columns {
		if c.Key {
			keys++
		}
	}
	l.byKey = t.keyed && sent == len(t.key) && (m.Identity == 'f' || keys == sent)
	return l
}

// tuple copies a row in the order of the fields.
func (l *layout) tuple(t pgoutput.Tuple) pgoutput.Tuple {
	if t == nil {
		return nil
	}
	out := make(pgoutput.Tuple, len(l.at))
	for i, at := range l.at {
		if at >= len(t) {
			return nil
		}
		out[i] = pgoutput.Value{Kind: t[at].Kind, Data: bytes.Clone(t[at].Data)}
	}
	return out
}

// text is a row, or its key, as one string.
func (t *followed) text(row pgoutput.Tuple) string {
	var b []byte
	for _, i := range t.key {
		b = append(b, byte(row[i].Kind))
		b = binary.AppendUvarint(b, uint64(len(row[i].Data)))
		b = append(b, row[i].Data...)
	}
	return string(b)
}

// change is one change of a row within a transaction: an insert has no old row, a delete no
// new one, and an update that left the key alone may have no old one.
type change struct {
	on       *layout
	old, new pgoutput.Tuple
	insert   bool
}

// size is about the memory that the change takes.
func (c change) size() int {
	n := 64
	for _, t := range []pgoutput.Tuple{c.old, c.new} {
		for _, v := range t {
			n += 32 + len(v.Data)
		}
	}
	return n
}

// apply takes a change of table t in; the error says why it has to be read again.
func (c change) apply(t *followed) error {
	if c.insert {
		return t.insert(c.new)
	}
	if !t.keyed {
		return t.replaceEqual(c)
	}
	if !c.on.byKey {
		return fmt.Errorf("its replica identity does not tell the primary key")
	}
	old := c.old
	if old == nil {
		old = c.new
	}
	for _, i := range t.key {
		if c.new != nil && c.new[i].Kind == pgoutput.Unchanged {
			c.new[i] = old[i]
		}
		if old[i].Kind == pgoutput.Unchanged {
			return fmt.Errorf("a key was not sent")
		}
	}
	from, err := t.remove(old)
	if err != nil || c.new == nil {
		return err
	}
	for i := range c.new {
		if c.new[i].Kind != pgoutput.Unchanged {
			continue
		}
		switch {
		case from != nil && from.row != nil:
			c.new[i] = from.row[i]
		case c.old != nil && c.old[i].Kind != pgoutput.Null && !slices.Contains(t.key, i):
			c.new[i] = c.old[i] // identity full
		}
	}
	if err := t.insert(c.new); err != nil {
		return err
	}
	if now := t.changes[t.text(c.new)]; from == nil || from.row == nil {
		now.from = old
	} else {
		now.from = from.from
	}
	return nil
}

func (t *followed) insert(row pgoutput.Tuple) error {
	k := t.text(row)
	n := t.changes[k]
	if n == nil {
		n = &netChange{}
		t.changes[k] = n
	}
	if !t.keyed {
		n.count++
		n.row = row
		return nil
	}
	if n.row != nil {
		return fmt.Errorf("a key came twice")
	}
	n.row = row
	return nil
}

// remove takes the row with the key of old away and returns what was known of it; nil for a
// row of the version before.
func (t *followed) remove(old pgoutput.Tuple) (*netChange, error) {
	k := t.text(old)
	n := t.changes[k]
	switch {
	case n == nil:
		t.changes[k] = &netChange{was: old, from: old}
		return nil, nil
	case n.row == nil:
		return nil, fmt.Errorf("a row went twice")
	}
	before := *n
	n.row = nil
	if n.was == nil {
		delete(t.changes, k)
	}
	return &before, nil
}

// replaceEqual changes a row of a table without key, known by all its values.
func (t *followed) replaceEqual(c change) error {
	if c.old == nil || slices.ContainsFunc(c.old, func(v pgoutput.Value) bool { return v.Kind == pgoutput.Unchanged }) {
		return fmt.Errorf("its replica identity does not tell the old row")
	}
	k := t.text(c.old)
	if t.changes[k] == nil {
		t.changes[k] = &netChange{row: c.old}
	}
	t.changes[k].count--
	if c.new == nil {
		return nil
	}
	for i := range c.new {
		if c.new[i].Kind == pgoutput.Unchanged {
			c.new[i] = c.old[i]
		}
	}
	return t.insert(c.new)
}

// put appends a row; a value that was not sent is taken from row at of the earlier table.
func (t *followed) put(rows *ingest.TableBuilder, fields []field, tuple pgoutput.Tuple, earlier *ingest.Table, at int32) error {
	for i := range fields {
		f := &fields[i]
		switch tuple[i].Kind {
		case pgoutput.Text:
			if err := t.puts[i](f, tuple[i].Data); err != nil {
				return err
			}
		case pgoutput.Null:
			f.col.Null()
		default:
			if earlier == nil {
				return fmt.Errorf("column %q was not sent", f.name)
			}
			f.col.AppendValue(&earlier.Columns[t.plan.fields[i].column], int(at))
		}
	}
	rows.EndRow()
	return nil
}
