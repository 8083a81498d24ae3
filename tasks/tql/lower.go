package tql

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// SQL returns one SELECT for PostgreSQL 13 or later that computes the label table of a
// task: the columns split, anchor, entity (one per key column) and label, in the order
// (anchor, entity). The anchors of grid stand in the text; without a grid they are the
// parameters $1 (text[], the splits) and $2 (timestamptz[], the anchors). Every zone is
// written out, so the result does not depend on the session's settings.
//
// The SELECT agrees with tasks.Label, up to the last digits of floating-point sums and
// to lower and upper, which follow the locale of the database. Classes that no training
// label has are left out where the grid has training anchors. A static target has the times
// of its rows for a grid; its options must be resolved. Rows without time, which are split
// by a hash, and text with a zero byte, which PostgreSQL cannot hold, are errors.
func SQL(task *tasks.Task, sc *schema.Schema, grid *tasks.Grid) (string, error) {
	return lowered(task, sc, grid, Shard{})
}

// lowered is the SELECT of a shard.
func lowered(task *tasks.Task, sc *schema.Schema, grid *tasks.Grid, shard Shard) (string, error) {
	if task.Raw != nil {
		return "", errors.New("lower to SQL: the task is SQL already; SHOW TASK prints it")
	}
	if err := checkSeries(task); err != nil {
		return "", err
	}
	l := &lowering{task: task, sc: sc, zone: time.UTC, shard: shard}
	if task.Options.Zone != nil {
		l.zone = task.Options.Zone
	}
	if task.Static() {
		if err := l.lowersStatic(); err != nil {
			return "", err
		}
	} else if grid != nil {
		l.anchors = slices.Sorted(slices.Values(slices.Concat(grid.Anchors[:]...)))
	}
	text := l.query(grid)
	if strings.ContainsRune(text, 0) {
		return "", errors.New("lower to SQL: text with a zero byte, which PostgreSQL cannot hold")
	}
	return text, nil
}

// lowering collects the parts of one statement.
type lowering struct {
	task    *tasks.Task
	sc      *schema.Schema
	zone    *time.Location
	anchors []int64      // ascending; nil where they are parameters
	bounds  []tasks.Span // ends of windows; column w1 of the grid is anchor + bounds[0]
	sources []*source    // one per aggregated table and path: x1, x2, ...
	outer   *joins       // the entity row and what -> reaches from it
	present []string     // conditions of ON EMPTY SKIP
	shard   Shard
}

// query puts the statement together. The expressions come first: they find out which
// windows, tables and parents are needed.
func (l *lowering) query(grid *tasks.Grid) string {
	entity := l.task.Entity
	l.outer = newJoins(l)
	here := place{joins: l.outer, table: entity, row: "d", asOf: "g.a", strict: l.task.Options.Rule.Strict}
	label := l.label(here)
	where := l.exists()
	for _, e := range []tasks.Expr{l.task.Where, l.task.Assuming} {
		if e != nil {
			where = append(where, l.expr(here, e).in(precSQLAnd))
		}
	}
	where = append(where, l.present...)
	where = append(where, l.shard.entities(l)...)
	l.require()

	var b strings.Builder
	b.WriteString("WITH ")
	static := l.task.Static()
	if static {
		l.ownGrid(&b)
	} else {
		l.grid(&b, grid)
	}
	for _, s := range l.sources {
		b.WriteString(",\n")
		s.write(&b)
	}
	keys, order := l.keys()
	names := strings.Join(keyNames(len(keys)), ", ")
	body := l.body(keys, names, label, where)
	trained := static || grid == nil || len(grid.Anchors[tasks.Train]) > 0
	switch {
	case l.task.Type == tasks.Multilabel && trained:
		b.WriteString(",\nlabels AS (\n" + body + ")" + seenSets(names))
	case l.task.Type == tasks.Multiclass && trained: // classes seen in training
		b.WriteString(",\nlabels AS (\n" + body + ")\nSELECT split, anchor, " + names + ", label FROM labels\n" +
			"WHERE label IN (SELECT label FROM labels WHERE split = 'train')")
	default:
		b.WriteString("\n" + body)
	}
	b.WriteString("\nORDER BY " + order)
	return b.String()
}

// body is the SELECT of all examples whose label is known.
func (l *lowering) body(keys []string, names, label string, where []string) string {
	var b strings.Builder
	b.WriteString("SELECT split, anchor, " + names + ", label FROM (\n")
	b.WriteString("  SELECT g.split, g.a AS anchor, " + strings.Join(keys, ", ") + ",\n    " + label + " AS label\n")
	b.WriteString("  FROM grid g\n  CROSS JOIN " + l.table(l.task.Entity) + " d")
	for _, join := range l.outer.inner {
		b.WriteString("\n  " + join)
	}
	for _, s := range l.sources {
		b.WriteString("\n  " + s.join())
	}
	for _, join := range l.outer.left {
		b.WriteString("\n  " + join)
	}
	writeWhere(&b, "  ", where)
	b.WriteString(") q\nWHERE label IS NOT NULL")
	return b.String()
}

// label is the target as a column of the type that the task type calls for.
func (l *lowering) label(here place) string {
	if l.task.Forecast != nil {
		return l.series(here)
	}
	p := l.expr(here, l.task.Target)
	switch l.task.Type {
	case tasks.LinkPrediction:
		return l.ranked(p)
	case tasks.Multilabel:
		return p.in(precSQLAtom) + "::text[]"
	case tasks.Regression:
		return p.cast("float8").sql
	case tasks.Multiclass:
		return p.cast("text").sql
	}
	return p.sql
}

// exists is rule R3: the conditions under which the entity row counts at the anchor,
// and for frozen regimes at the cut (rule R20).
func (l *lowering) exists() []string {
	o := &l.task.Options
	if l.sc.Tables[l.task.Entity].Time == nil {
		return nil
	}
	if l.task.Static() {
		return l.atOwnTime()
	}
	at := l.outer.row(l.task.Entity, "d")
	if o.IgnoreEntityTime {
		return at.visible(timestamp(o.TestAnchor), o.Rule.Strict)
	}
	out := at.visible("g.a", o.Rule.Strict)
	for _, cut := range []struct {
		split  tasks.Split
		regime tasks.Regime
		anchor int64
	}{{tasks.Val, o.ValRegime, o.ValAnchor}, {tasks.Test, o.Regime, o.TestAnchor}} {
		if cut.regime == tasks.Frozen {
			then := strings.Join(at.visible(timestamp(cut.anchor), o.Rule.Strict), " AND ")
			out = append(out, fmt.Sprintf("(g.split <> '%s' OR g.a <= %s OR %s)", cut.split, timestamp(cut.anchor), then))
		}
	}
	return out
}

// keys are the key columns of the entity, named entity or entity_1, entity_2, ..., and
// the order of the rows.
func (l *lowering) keys() (columns []string, order string) {
	t := l.sc.Tables[l.task.Entity]
	names := keyNames(len(t.Key))
	by := []string{"anchor"}
	for i, c := range t.Key {
		columns = append(columns, column("d", t.Columns[c].Name)+" AS "+names[i])
		if t.Columns[c].Kind == schema.Text {
			names[i] = textCell(names[i], t.Columns[c].DBType) + ` COLLATE "C"`
		}
		by = append(by, names[i])
	}
	return columns, strings.Join(by, ", ")
}

func keyNames(n int) []string {
	if n == 1 {
		return []string{"entity"}
	}
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("entity_%d", i+1)
	}
	return out
}

// require marks the sources without whose rows there is no example: they are joined
// inner, which saves the product of all entities and anchors.
func (l *lowering) require() {
	var needed []*tasks.Aggregate
	needed = append(needed, known(l.task.Target)...)
	for _, e := range []tasks.Expr{l.task.Where, l.task.Assuming} {
		needed = append(needed, holds(e)...)
	}
	for _, e := range []tasks.Expr{l.task.Target, l.task.Where, l.task.Assuming} {
		eachAggregate(e, func(a *tasks.Aggregate) {
			if a.Skip {
				needed = append(needed, a)
			}
		})
	}
	for _, a := range needed {
		l.source(a).required = true
	}
}

// known lists aggregates that must have met a value for e not to be NULL.
func known(e tasks.Expr) []*tasks.Aggregate {
	switch e := e.(type) {
	case *tasks.Aggregate:
		if e.Skip || e.Empty.Null {
			return []*tasks.Aggregate{e}
		}
	case *tasks.Call:
		switch e.Op {
		case "and", "or", "coalesce", "least", "greatest", "is", "is not":
			return nil
		case "in":
			return known(e.Args[0])
		}
		var out []*tasks.Aggregate
		for _, a := range e.Args {
			out = append(out, known(a)...)
		}
		return out
	}
	return nil
}

// holds lists aggregates that must have met a row for the condition e to be TRUE.
func holds(e tasks.Expr) []*tasks.Aggregate {
	switch e := e.(type) {
	case *tasks.Aggregate:
		if e.Kind == tasks.KindBool && (e.Skip || e.Empty.Null || e.Empty.Num == 0) {
			return []*tasks.Aggregate{e}
		}
	case *tasks.Call:
		var out []*tasks.Aggregate
		if e.Op == "and" {
			for _, a := range e.Args {
				out = append(out, holds(a)...)
			}
			return out
		}
		if a, ok := moreThanNothing(e); ok {
			out = append(out, a)
		}
		return append(out, known(e)...)
	}
	return nil
}

// moreThanNothing recognises COUNT(...) > 0 and its like: an aggregate whose value over
// nothing fails the comparison.
func moreThanNothing(c *tasks.Call) (*tasks.Aggregate, bool) {
	if len(c.Args) != 2 {
		return nil, false
	}
	a, ok := c.Args[0].(*tasks.Aggregate)
	n, isNumber := c.Args[1].(*tasks.Literal)
	if !ok || !isNumber || n.Kind != tasks.KindNumber || n.Null || a.Empty.Null || a.Empty.Kind != tasks.KindNumber {
		return nil, false
	}
	switch c.Op {
	case ">":
		return a, a.Empty.Num <= n.Num
	case ">=":
		return a, a.Empty.Num < n.Num
	case "=":
		return a, a.Empty.Num != n.Num
	}
	return nil, false
}

// table is a table's quoted name.
func (l *lowering) table(i int) string {
	t := l.sc.Tables[i]
	if t.Namespace == "" {
		return identifier(t.Name)
	}
	return identifier(t.Namespace) + "." + identifier(t.Name)
}

func identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func column(alias, name string) string { return alias + "." + identifier(name) }

// writeWhere writes a WHERE clause, if there are conditions, one per line.
func writeWhere(b *strings.Builder, indent string, conditions []string) {
	if len(conditions) > 0 {
		b.WriteString("\n" + indent + "WHERE " + strings.Join(conditions, "\n"+indent+"  AND "))
	}
}
