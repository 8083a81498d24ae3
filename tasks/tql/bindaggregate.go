package tql

import (
	"fmt"
	"strings"

	"github.com/rowlink/rowlink/tasks"
)

// aggregateRule says what an aggregate takes and yields.
type aggregateRule struct {
	star    bool // takes *
	numbers bool // takes numbers and truth values only
	noKey   bool // refuses keys
	noLink  bool // refuses foreign keys
	same    bool // yields a value of its argument
	yields  tasks.ValueKind
	empty   *tasks.Literal // over nothing; nil = NULL
}

var zero = &tasks.Literal{Kind: tasks.KindNumber, Exact: true}

var aggregateRules = map[string]aggregateRule{
	"count":          {star: true, yields: tasks.KindNumber, empty: zero},
	"count_distinct": {yields: tasks.KindNumber, empty: zero},
	"sum":            {numbers: true, noKey: true, yields: tasks.KindNumber, empty: zero},
	"avg":            {numbers: true, noKey: true, yields: tasks.KindNumber},
	"min":            {noKey: true, same: true},
	"max":            {noKey: true, same: true},
	"first":          {noLink: true, same: true},
	"last":           {noLink: true, same: true},
	"mode":           {noKey: true, same: true},
	"median":         {numbers: true, noKey: true, yields: tasks.KindNumber},
	"stddev":         {numbers: true, noKey: true, yields: tasks.KindNumber},
	"exists":         {star: true, yields: tasks.KindBool, empty: &tasks.Literal{Kind: tasks.KindBool}},
	"list_distinct":  {yields: tasks.KindList},
}

func (b *binder) aggregate(a *Aggregate, s scope) bound {
	if inner := nested(a); inner != nil {
		b.fault(inner.Name.Range(), "TK152", "an aggregate inside an aggregate").Hint = nestedHint
		return failed
	}
	parts := a.Table()
	rule, known := aggregateRules[a.Kind()]
	switch {
	case !known: // array_agg without DISTINCT
		b.fault(a.Name.Range(), "TK151", "%s keeps repetitions", strings.ToUpper(a.Func)).Hint = "write ARRAY_AGG(DISTINCT ...) or LIST_DISTINCT(...)"
		return failed
	case len(parts) == 0: // the parser has said that the table is not named
		return failed
	}
	table, ok := b.tableNamed(parts)
	if !ok || !b.sameTable(a, table) {
		return failed
	}
	out := &tasks.Aggregate{Fn: a.Kind(), Table: table, Position: a.Pos}
	before := len(b.errs)
	out.Path, ok = b.pathOf(a, table)
	inner := scope{table: table, role: roleRow}
	kind, category, size := b.argument(a, rule, inner, out)
	if c := a.Condition(); c != nil {
		f := b.expr(c, inner)
		if f.ok && f.kind != tasks.KindBool {
			b.fault(c.Range(), "TK143", "the filter %s is no condition: it yields %s", c, kindNames[f.kind]).Hint = conditionHint(c, f)
		}
		out.Filter, size = f.expr, size+f.size
	}
	if a.Time == nil || ok && b.timeOn(a, out) {
		b.window(a, s.role, out)
	}
	b.onEmpty(a, rule, kind, out)
	if len(b.errs) > before || !ok {
		return failed
	}
	out.Kind = kind
	b.remarksOf(a, out)
	return bound{expr: out, kind: kind, category: category, size: size, ok: true}
}

const nestedHint = "an aggregate takes columns of its own table; an aggregate of aggregates needs a view or table that holds the inner one"

// nested returns an aggregate inside the argument or the filters of a; nil = none.
func nested(a *Aggregate) *Aggregate {
	var found *Aggregate
	for _, e := range a.children() {
		Inspect(e, func(x Expr) bool {
			if in, ok := x.(*Aggregate); ok && found == nil {
				found = in
			}
			return found == nil
		})
	}
	return found
}

// sameTable holds that FROM and the qualified argument name one table.
func (b *binder) sameTable(a *Aggregate, table int) bool {
	if a.From == nil {
		return true
	}
	parts := a.bareTable()
	if a.Star != nil {
		parts = a.Star.Parts
	}
	if len(parts) == 0 {
		return true
	}
	other, ok := b.tableNamed(parts)
	if ok && other != table {
		b.fault(a.From.Range(), "TK118", "FROM names %q, but the argument belongs to %q", b.sc.Tables[table].Name, b.sc.Tables[other].Name).Hint = "leave FROM out"
		return false
	}
	return ok
}

// argument binds what is aggregated and returns the kind of the result, whether that is
// a category, and the size of the argument.
func (b *binder) argument(a *Aggregate, rule aggregateRule, s scope, out *tasks.Aggregate) (kind tasks.ValueKind, category bool, size int) {
	name := strings.ToUpper(a.Func)
	rows := b.sc.Tables[s.table].Name + ".*"
	if a.Distinct && a.Func == a.Kind() {
		b.fault(a.Name.Range(), "TK151", "DISTINCT stands in COUNT and ARRAY_AGG only").Hint = "leave DISTINCT out"
	}
	if a.Star != nil {
		if !rule.star {
			b.fault(a.Star.Range(), "TK151", "%s needs a column, not *", name).Hint = "name a column, or use COUNT(" + rows + ")"
		}
		return rule.yields, false, 0
	}
	v := b.expr(a.Arg, s)
	if !v.ok {
		return rule.yields, false, 0
	}
	out.Arg = v.expr
	switch {
	case a.Func == "exists":
		b.fault(a.Arg.Range(), "TK151", "EXISTS takes rows, not a column").Hint = "write EXISTS(" + rows + ")"
	case v.null:
		b.fault(a.Arg.Range(), "TK153", "%s of NULL is always empty", name).Hint = "name a column"
	case rule.numbers && v.kind != tasks.KindNumber && v.kind != tasks.KindBool:
		err := b.fault(a.Arg.Range(), "TK150", "%s needs a number, but %s is %s", name, a.Arg, kindNames[v.kind])
		err.Hint = fmt.Sprintf("use a number column, or COUNT(%s WHERE ...)", rows)
	case rule.noKey && v.key:
		b.fault(a.Arg.Range(), "TK154", "%s of a key says nothing", name).Hint = "use COUNT_DISTINCT(" + a.Arg.String() + ", ...)"
	case rule.noLink && v.link:
		b.fault(a.Arg.Range(), "TK154", "%s of a foreign key is a row, not a value", name).Hint = "read a column of the row: " + a.Arg.String() + "->name, or use COUNT_DISTINCT"
	}
	if !rule.same {
		return rule.yields, false, v.size
	}
	return v.kind, v.category, v.size
}

// onEmpty binds ON EMPTY, or the rule's own value (rule R8).
func (b *binder) onEmpty(a *Aggregate, rule aggregateRule, kind tasks.ValueKind, out *tasks.Aggregate) {
	out.Empty = tasks.Literal{Kind: kind, Null: true}
	if rule.empty != nil {
		out.Empty = *rule.empty
	}
	if a.OnEmpty == nil {
		return
	}
	out.OnEmpty = true
	if a.OnEmpty.Skip {
		out.Skip = true
		return
	}
	v := b.coerce(b.literal(a.OnEmpty.Value), kind)
	if !v.ok {
		return
	}
	if !v.null && v.kind != kind {
		b.fault(a.OnEmpty.Range(), "TK153", "ON EMPTY gives %s, but %s yields %s", kindNames[v.kind], strings.ToUpper(a.Func), kindNames[kind]).Hint = "give a value of the same kind, NULL or SKIP"
		return
	}
	out.Empty = *v.expr.(*tasks.Literal)
	out.Empty.Kind = kind
}
