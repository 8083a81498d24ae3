package ingest

import (
	"fmt"
	"slices"

	"github.com/rowlink/rowlink/schema"
)

// Append returns a snapshot that shares everything with s and has one more table,
// whose number is len(s.Tables): rows that are in no database, such as the closed
// labels of an entity. t must be complete: Def with links to tables of s, columns of
// t.Rows values, Parents for each link, and Times when Def.Time is set. Appending a
// table that is not is a bug and panics.
func (s *Snapshot) Append(t *Table) *Snapshot {
	checkAppended(s, t)
	out := *s
	sc := *s.Schema
	sc.Tables = append(slices.Clip(sc.Tables), t.Def)
	out.Schema = &sc
	out.Tables = append(slices.Clip(out.Tables), t)
	return &out
}

func checkAppended(s *Snapshot, t *Table) {
	if len(t.Columns) != len(t.Def.Columns) || len(t.Parents) != len(t.Def.Links) {
		panic(fmt.Sprintf("ingest: appended table %q has %d columns and %d parents, want %d and %d",
			t.Def.Name, len(t.Columns), len(t.Parents), len(t.Def.Columns), len(t.Def.Links)))
	}
	for c := range t.Columns {
		if n := t.Columns[c].slots(); n >= 0 && n != t.Rows {
			panic(fmt.Sprintf("ingest: appended table %q: column %q has %d values, want %d", t.Def.Name, t.Def.Columns[c].Name, n, t.Rows))
		}
	}
	for l, link := range t.Def.Links {
		if link.To < 0 || link.To > len(s.Tables) || len(t.Parents[l]) != t.Rows {
			panic(fmt.Sprintf("ingest: appended table %q: link %d to table %d has %d parents, want %d", t.Def.Name, l, link.To, len(t.Parents[l]), t.Rows))
		}
	}
	if (t.Def.Time != nil) != (t.Times != nil) || t.Times != nil && len(t.Times) != t.Rows {
		panic(fmt.Sprintf("ingest: appended table %q has %d times, want one for each of %d rows of a timed table", t.Def.Name, len(t.Times), t.Rows))
	}
}

// slots returns for how many rows a column has room; -1 where the slices do not tell.
func (c *Column) slots() int {
	switch c.Kind {
	case schema.Int, schema.Time:
		return len(c.Ints)
	case schema.Float:
		return len(c.Floats)
	case schema.Text:
		return len(c.Offsets) - 1
	}
	return -1
}
