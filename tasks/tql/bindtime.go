package tql

import (
	"slices"
	"strings"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// timeOn binds TIME t.c: which table on the path has the time that the window selects by
// (rule R5). Of a table that the path meets twice the place nearest to the aggregated one
// counts.
func (b *binder) timeOn(a *Aggregate, out *tasks.Aggregate) bool {
	c := a.Time
	if len(c.Follow) > 0 {
		b.fault(c.Range(), "TK132", "%s is a column of another row, not a time on the path", c).Hint = "name the table: TIME t.c"
		return false
	}
	table := out.Table
	if len(c.Parts) > 1 {
		var ok bool
		if table, ok = b.tableNamed(c.Parts[:len(c.Parts)-1]); !ok {
			return false
		}
	}
	col, ok := b.columnIn(table, c.Parts[len(c.Parts)-1])
	if !ok {
		return false
	}
	for step := range len(out.Path) + 1 {
		at := pathTable(b.sc, out, step)
		if rt := b.sc.Tables[at].Time; at == table && rt != nil && rt.Via < 0 && rt.Column == col {
			out.TimeStep = step
			return true
		}
	}
	err := b.fault(c.Range(), "TK132", "%s is not the time column of a table on the path", c)
	if def := b.sc.Tables[table].Columns[col]; def.Kind != schema.Time {
		err.Message = c.String() + " is " + def.DBType + ", not the time of a row"
	}
	if err.Hint = b.timesOn(out); err.Hint == "" {
		err.Hint = "no table on the path has a time column of its own"
	}
	return false
}

// timesOn lists time columns that TIME may name, without the entity's; empty = none.
func (b *binder) timesOn(a *tasks.Aggregate) string {
	var names []string
	for step := range len(a.Path) {
		t := b.sc.Tables[pathTable(b.sc, a, step)]
		if t.Time == nil || t.Time.Via >= 0 {
			continue
		}
		if name := t.Name + "." + t.Columns[t.Time.Column].Name; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if names == nil {
		return ""
	}
	return "select by a time on the path: TIME " + strings.Join(names, " or TIME ") + "; other columns become the time of their table by ALTER TABLE ... SET TIME"
}

// pathTable is the table that the first n steps of an aggregate's path reach.
func pathTable(sc *schema.Schema, a *tasks.Aggregate, n int) int {
	if n == 0 {
		return a.Table
	}
	return graph.Step(a.Path[n-1]).To(sc)
}
