package tql

import (
	"fmt"
	"strings"

	"github.com/rowlink/rowlink/schema"
)

// Shadow returns a SELECT for PostgreSQL of the rows of a table that are visible as of an
// instant, an SQL expression of type timestamptz (rule R2), with the columns that are read.
func Shadow(sc *schema.Schema, table int, asOf string, strict bool) string {
	l := &lowering{sc: sc}
	j := newJoins(l)
	where := j.row(table, "r").visible(asOf, strict)
	var names []string
	for _, c := range readable(sc.Tables[table]) {
		names = append(names, column("r", c.Name))
	}
	var b strings.Builder
	b.WriteString("SELECT " + strings.Join(names, ", ") + " FROM " + l.table(table) + " r")
	for _, join := range j.inner {
		b.WriteString(" " + join)
	}
	if len(where) > 0 {
		b.WriteString(" WHERE " + strings.Join(where, " AND "))
	}
	return b.String()
}

// Blank returns a SELECT with the columns of [Shadow] and no row. It names no table.
func Blank(sc *schema.Schema, table int) string {
	var names []string
	for _, c := range readable(sc.Tables[table]) {
		names = append(names, fmt.Sprintf("NULL::%s AS %s", c.DBType, identifier(c.Name)))
	}
	return "SELECT " + strings.Join(names, ", ") + " FROM generate_series(1, 0)"
}

// readable are the columns whose values a snapshot holds: opaque ones, secrets among
// them, are no column for SQL either.
func readable(t *schema.Table) []schema.Column {
	var out []schema.Column
	for _, c := range t.Columns {
		if c.Kind != schema.Opaque {
			out = append(out, c)
		}
	}
	return out
}

// Identifier quotes a name for SQL.
func Identifier(name string) string { return identifier(name) }
