package tql

import (
	"fmt"

	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// column binds a column chain in its scope: the aggregated table inside an aggregate,
// else the entity table. Inside an aggregate the entity's columns are known by their
// qualified name (rule R6).
func (b *binder) column(c *Column, s scope) bound {
	table := s.table
	if len(c.Parts) > 1 {
		named, ok := b.tableNamed(c.Parts[:len(c.Parts)-1])
		if !ok {
			return failed
		}
		ofEntity := s.role == roleRow && named == b.task.Entity
		switch {
		case table == noEntity:
			b.columnIn(named, c.Parts[len(c.Parts)-1])
			return failed
		case named != table && !ofEntity:
			b.foreignColumn(c, table, named, s)
			return failed
		}
		table = named
	}
	if table == noEntity {
		return failed
	}
	return b.follow(c, table)
}

// follow reads the last name of c from table start, over its arrows.
func (b *binder) follow(c *Column, start int) bound {
	name := c.Parts[len(c.Parts)-1]
	at := start
	col, ok := b.columnIn(at, name)
	if !ok {
		return failed
	}
	var links []int
	for _, next := range c.Follow {
		l, ok := b.linkOf(at, col)
		if !ok {
			err := b.fault(name.Range(), "TK122", "column %q of table %q is no foreign key by itself", b.sc.Tables[at].Columns[col].Name, b.sc.Tables[at].Name)
			err.Hint = linkNames(b.sc, at)
			return failed
		}
		links = append(links, l)
		at = b.sc.Tables[at].Links[l].To
		if b.sc.Tables[at].Ignore {
			b.fault(name.Range(), "TK166", "%s leads to table %q, which is ignored in the mapping", name.Text, b.sc.Tables[at].Name).Hint = "remove ignore: true from the table in the mapping file"
			return failed
		}
		name = next
		if col, ok = b.columnIn(at, next); !ok {
			return failed
		}
	}
	t := b.sc.Tables[at]
	def := &t.Columns[col]
	kind, ok := valueKind(def.Kind)
	if !ok {
		b.fault(c.Range(), "TK156", "column %q of type %s is not read", def.Name, def.DBType).Hint = "use another column"
		return failed
	}
	out := bound{
		expr: &tasks.ColumnExpr{Table: start, Links: links, Column: col, Kind: kind}, kind: kind, ok: true,
		category: def.Sem == schema.SemCategorical, key: t.IsKey(col),
	}
	if l, ok := b.linkOf(at, col); ok {
		out.link, out.to = true, t.Links[l].To
	}
	return out
}

// foreignColumn reports a column of a table that is not in scope.
func (b *binder) foreignColumn(c *Column, table, named int, s scope) {
	name := c.Parts[len(c.Parts)-1]
	if _, ok := b.columnIn(named, name); !ok {
		return
	}
	have, other := b.sc.Tables[table], b.sc.Tables[named]
	var reach string
	for _, l := range have.Links {
		if l.To == named && len(l.Columns) == 1 {
			reach = have.Columns[l.Columns[0]].Name + "->" + name.Text
		}
	}
	switch {
	case s.role == roleRow:
		err := b.fault(c.Range(), "TK126", "%s is a column of %q, but this aggregate reads %q", c, other.Name, have.Name)
		if err.Hint = linkNames(b.sc, table); reach != "" {
			err.Hint = "reach it by the foreign key: " + reach
		}
	case reach != "":
		b.fault(c.Range(), "TK121", "%s is a column of %q, not of %q", c, other.Name, have.Name).Hint = "reach it by the foreign key: " + reach
	default:
		err := b.fault(c.Range(), "TK121", "a row of %q may have many rows of %q, so %s is not one value", have.Name, other.Name, c)
		err.Hint = fmt.Sprintf("aggregate it: AVG(%s, 0, 30, days), COUNT(%s.* WHERE ..., 0, 30, days); or predict it FOR EACH %s", c, other.Name, other.Name)
		if s.role == roleWhere {
			err.Hint = fmt.Sprintf("aggregate it: COUNT(%s.* WHERE ..., -30, 0, days) > 0, LAST(%s, -INF, 0)", other.Name, c)
		}
	}
}

// valueKind is the kind of a column's values.
func valueKind(k schema.Kind) (tasks.ValueKind, bool) {
	switch k {
	case schema.Bool:
		return tasks.KindBool, true
	case schema.Int, schema.Float:
		return tasks.KindNumber, true
	case schema.Text:
		return tasks.KindText, true
	case schema.Time:
		return tasks.KindTime, true
	}
	return 0, false
}
