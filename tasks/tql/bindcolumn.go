package tql

import (
	"fmt"
	"strings"

	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// column binds a column chain in its scope: the aggregated table inside an aggregate,
// else the entity table.
func (b *binder) column(c *Column, s scope) bound {
	table := s.table
	name := c.Parts[len(c.Parts)-1]
	var links []int
	if len(c.Parts) > 1 {
		named, ok := b.namedTable(c.Parts[:len(c.Parts)-1])
		if !ok {
			return failed
		}
		switch {
		case named == table:
		case s.role == roleRow && named == b.task.Entity:
			if links, ok = upward(s.path); !ok {
				b.fault(c.Range(), "TK126", "a row of %q does not lead to one row of %q", b.sc.Tables[table].Name, b.entity.Name).Hint = "move the condition to WHERE"
				return failed
			}
			table = named
		default:
			b.foreignColumn(c, table, named, s)
			return failed
		}
	}
	return b.follow(c, s.table, table, links, name)
}

// follow walks the arrows of c from table at and reads the last column.
func (b *binder) follow(c *Column, start, at int, links []int, name Name) bound {
	col, ok := b.columnIn(at, name)
	if !ok {
		return failed
	}
	for _, next := range c.Follow {
		l, ok := b.linkOf(at, col)
		if !ok {
			err := b.fault(name.Range(), "TK122", "column %q of table %q is no foreign key by itself", b.sc.Tables[at].Columns[col].Name, b.sc.Tables[at].Name)
			err.Hint = linkNames(b.sc, at)
			return failed
		}
		links = append(links, l)
		at = b.sc.Tables[at].Links[l].To
		name = next
		if col, ok = b.columnIn(at, next); !ok {
			return failed
		}
	}
	def := &b.sc.Tables[at].Columns[col]
	kind, ok := valueKind(def.Kind)
	if !ok {
		b.fault(c.Range(), "TK156", "column %q of type %s is not read", def.Name, def.DBType).Hint = "use another column"
		return failed
	}
	return bound{
		expr: &tasks.ColumnExpr{Table: start, Links: links, Column: col, Kind: kind}, kind: kind, ok: true,
		category: def.Sem == schema.SemCategorical || def.Kind == schema.Text, key: b.sc.Tables[at].IsKey(col),
	}
}

// namedTable resolves the table part of a chain.
func (b *binder) namedTable(parts []Name) (int, bool) {
	if len(parts) == 2 {
		return b.table(parts[0].Text, parts[1])
	}
	return b.table("", parts[0])
}

// upward returns the links of a path that only goes from child to parent.
func upward(path []tasks.Step) (links []int, ok bool) {
	for _, s := range path {
		if s.Down {
			return nil, false
		}
		links = append(links, s.Link)
	}
	return links, len(path) > 0
}

// foreignColumn reports a column of a table that is not in scope.
func (b *binder) foreignColumn(c *Column, table, named int, s scope) {
	have, other := b.sc.Tables[table], b.sc.Tables[named]
	column := c.Parts[len(c.Parts)-1].Text
	if s.role != roleRow {
		err := b.fault(c.Range(), "TK121", "a row of %q has many rows of %q, so %s is not one value", have.Name, other.Name, c)
		err.Hint = fmt.Sprintf("aggregate it: AVG(%s.%s, 0, 30, days), COUNT(%s.* WHERE ...); or predict it FOR EACH %s", other.Name, column, other.Name, other.Name)
		return
	}
	err := b.fault(c.Range(), "TK126", "%s is a column of %q, but this aggregate reads %q", c, other.Name, have.Name)
	for _, l := range have.Links {
		if l.To == named && len(l.Columns) == 1 {
			err.Hint = "reach it by the foreign key: " + have.Columns[l.Columns[0]].Name + "->" + column
		}
	}
	if err.Hint == "" {
		err.Hint = linkNames(b.sc, table)
	}
}

// words prints a table and filter for the reading.
func (b *binder) words(a *Aggregate, table int) string {
	out := a.Kind() + " of " + b.sc.Tables[table].Name
	if a.Arg != nil {
		out = a.Kind() + " of " + a.Arg.String()
	}
	if c := a.Condition(); c != nil {
		out += " where " + c.String()
	}
	return strings.ReplaceAll(out, "count_distinct", "number of distinct values")
}
