package tql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// remark adds a line to the task's warnings, once.
func (b *binder) remark(code, format string, args ...any) {
	line := code + ": " + fmt.Sprintf(format, args...)
	if !slices.Contains(b.task.Warnings, line) {
		b.task.Warnings = append(b.task.Warnings, line)
	}
}

// remarks says what is worth knowing about the task as a whole: how names were read,
// when entities exist, and whether label windows overlap.
func (b *binder) remarks() {
	others := b.task.Warnings
	b.task.Warnings = nil
	for _, n := range b.notices {
		b.remark(n.Code, "%s", n.Message)
	}
	b.task.Warnings = append(b.task.Warnings, others...)
	if b.entity.Time == nil {
		b.remark("TK220", "table %s has no time column: its rows are taken to exist at every anchor", b.entity.Name)
	} else {
		b.remarkDate(b.task.Entity)
	}
	o := &b.task.Options
	if b.task.Raw != nil {
		b.remarkZones()
	}
	if order, _ := o.Step.Compare(b.task.Horizon); !o.Step.IsZero() && order < 0 {
		b.remark("TK216", "step of %s is shorter than the horizon of %s: label windows overlap, so labels of one entity repeat each other", o.Step, b.task.Horizon)
	}
}

// remarkZones holds TK213: raw SQL compares times without a zone in the task's zone.
func (b *binder) remarkZones() {
	for _, i := range b.task.Raw.Tables {
		t := b.sc.Tables[i]
		if t.Time == nil {
			continue
		}
		column, def := timeColumn(b.sc, i)
		zone := t.Time.Zone
		if zone == "" {
			zone = "UTC"
		}
		if (def.DBType == "date" || strings.HasSuffix(def.DBType, "without time zone")) && zone != b.task.Options.Zone.String() {
			b.remark("TK213", "%s has no zone and is read in %s, but SQL compares it in the task's zone %s: write (%s AT TIME ZONE '%s')", column, zone, b.task.Options.Zone, column, zone)
		}
	}
}

// remarksOf says what is odd about one aggregate.
func (b *binder) remarksOf(a *Aggregate, out *tasks.Aggregate) {
	name := strings.ToUpper(a.Func)
	if out.Arg != nil && out.Kind == tasks.KindBool && (out.Fn == "min" || out.Fn == "max") {
		b.remark("TK203", "%s of the truth value %s: MIN asks whether all are true, MAX whether any is", name, a.Arg)
	}
	if ofEntityOnly(out.Filter, out.Table, b.task.Entity) {
		b.remark("TK204", "the filter %s reads only columns of %s: it decides about the entity, so WHERE is its place", a.Condition(), b.entity.Name)
	}
	if timed := pathTable(b.sc, out, out.TimeStep); b.sc.Tables[timed].Time != nil {
		b.remarkDate(timed)
		column, def := timeColumn(b.sc, timed)
		if w := out.Window; isDate(def) && (w.Start.Micros != 0 || w.End.Micros != 0) {
			b.remark("TK215", "window %s is finer than the days of %s", windowText(w), column)
		}
	}
	if a.Via == nil {
		b.remarkPath(out.Table, out.Path)
	}
}

// remarkPath holds TK214 for a path that was found without VIA: where it has several
// steps, or where the row also belongs to the entity by a longer chain of parents.
// [Explain] lists the alternatives that go down again too.
func (b *binder) remarkPath(table int, path []tasks.Step) {
	if slices.ContainsFunc(b.told, func(w walked) bool { return w.table == table && slices.Equal(w.path, path) }) {
		return
	}
	b.told = append(b.told, walked{table, path})
	way := graph.FormatPath(b.sc, table, graphSteps(path))
	if len(path) > 1 {
		b.remark("TK214", "the path has %d steps: %s; name it with %s", len(path), way, viaText(b.sc, table, path))
	}
	for _, p := range graph.LongerAlternatives(b.sc, table, b.task.Entity, maxSteps) {
		if !slices.ContainsFunc(p, func(s graph.Step) bool { return s.Down }) {
			b.remark("TK214", "rows of %s also belong to %s by %s; the shorter %s is meant unless VIA names the other", b.sc.Tables[table].Name, b.entity.Name,
				graph.FormatPath(b.sc, table, p), way)
			return
		}
	}
}

// remarkDate holds TK212 for the time column of a table.
func (b *binder) remarkDate(table int) {
	if column, def := timeColumn(b.sc, table); isDate(def) && !dayEnd(b.sc, table) {
		b.remark("TK212", "%s is a date: rows dated on the day of an anchor count as known at its midnight", column)
	}
}

// timeColumn names the column that holds the times of a timed table's rows and returns
// its definition. Times may be inherited from a parent.
func timeColumn(sc *schema.Schema, table int) (string, schema.Column) {
	t := sc.Tables[table]
	rt := t.Time
	for rt.Via >= 0 {
		t = sc.Tables[t.Links[rt.Via].To]
		if rt.Column >= 0 {
			break
		}
		rt = t.Time
	}
	c := t.Columns[rt.Column]
	return t.Name + "." + c.Name, c
}

// dayEnd reports whether the rows of a timed table count from the end of their day on.
func dayEnd(sc *schema.Schema, table int) bool {
	t := sc.Tables[table]
	for t.Time.Via >= 0 && t.Time.Column < 0 {
		t = sc.Tables[t.Links[t.Time.Via].To]
	}
	return t.Time.DayEnd
}

func isDate(c schema.Column) bool { return c.DBType == "date" }

// ofEntityOnly reports whether a filter reads columns of the entity and no others.
func ofEntityOnly(filter tasks.Expr, table, entity int) bool {
	columns, own := 0, table == entity
	eachColumn(filter, func(c *tasks.ColumnExpr) {
		columns++
		own = own || c.Table == table
	})
	return columns > 0 && !own
}

// eachColumn calls f for the columns of an expression outside and inside aggregates.
func eachColumn(e tasks.Expr, f func(*tasks.ColumnExpr)) {
	switch e := e.(type) {
	case *tasks.ColumnExpr:
		f(e)
	case *tasks.Call:
		for _, a := range e.Args {
			eachColumn(a, f)
		}
	case *tasks.Aggregate:
		eachColumn(e.Arg, f)
		eachColumn(e.Filter, f)
	}
}
