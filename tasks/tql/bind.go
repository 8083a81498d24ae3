package tql

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// Bind reads a text of one CREATE TASK statement or one query and resolves it against
// a schema. All independent faults of syntax and meaning are returned at once as
// [Errors]. Options that depend on the data keep their zero value; see tasks.Resolve.
func Bind(text string, sc *schema.Schema) (*tasks.Task, error) {
	script, err := Parse(text)
	errs, _ := err.(Errors)
	if len(script.Statements) != 1 {
		if len(errs) == 0 {
			e := newError(text, Loc{0, len(text)}, "TK104", "%d statements, want one CREATE TASK or PREDICT", len(script.Statements))
			e.Hint = statementHint
			errs = Errors{e}
		}
		return nil, errs
	}
	b := &binder{text: text, sc: sc, task: &tasks.Task{Text: strings.TrimSpace(text)}, errs: errs, notices: script.Notices}
	b.statement(script.Statements[0])
	if len(b.errs) > 0 {
		b.errs.Sort()
		return nil, b.errs
	}
	for _, n := range b.notices {
		b.task.Warnings = append(b.task.Warnings, n.Error())
	}
	b.task.Reading = b.reading()
	return b.task, nil
}

// binder resolves one statement. Faults are collected; a faulty part is bound to nil
// and its surroundings go on where they can.
type binder struct {
	text    string
	sc      *schema.Schema
	task    *tasks.Task
	errs    Errors
	notices Errors
	paths   []*Path
	query   *Query
	entity  *schema.Table
	said    []string // aggregates in words, for the reading
}

// fault records an error at a place and returns it, so that detail and hint can be set.
func (b *binder) fault(at Loc, code, format string, args ...any) *Error {
	e := newError(b.text, at, code, format, args...)
	b.errs = append(b.errs, e)
	return e
}

// notice records a remark about a text that is accepted.
func (b *binder) notice(at Loc, code, format string, args ...any) {
	e := newError(b.text, at, code, format, args...)
	e.Severity = SeverityNotice
	b.notices = append(b.notices, e)
}

// later records that a part of the language is read but not answered yet.
func (b *binder) later(at Loc, what, instead string) {
	b.fault(at, "TK179", "%s is not supported yet", what).Hint = instead
}

func (b *binder) statement(s Statement) {
	var options []*Option
	var declared *Name
	switch s := s.(type) {
	case *Create:
		b.task.Name, options, declared = s.Name.Text, s.Options, s.Type
		if s.Raw != nil {
			b.later(s.Raw.Range(), "a task in raw SQL", "say the task with PREDICT ... FOR EACH ...")
			return
		}
		b.query = s.Query
	case *Query:
		b.task.Name, b.query = "query", s
	default:
		b.fault(s.Range(), "TK104", "this statement defines no task").Hint =
			"write CREATE TASK name AS PREDICT ... FOR EACH ... or PREDICT ... FOR EACH ..."
		return
	}
	b.task.Hash = Hash(s)
	if b.query == nil || s.base().Incomplete && b.query.Entity == nil {
		return
	}
	b.bindQuery()
	b.options(options)
	if len(b.errs) == 0 {
		b.assertType(declared)
	}
}

func (b *binder) bindQuery() {
	q := b.query
	b.paths = q.Paths
	if q.Entity == nil || !b.bindEntity(q.Entity) {
		return
	}
	if q.Spec != nil {
		b.later(q.Spec.Range(), strings.ToUpper(strings.Fields(q.Spec.String())[0]), "predict a condition, a number or a category")
	}
	if q.At != nil && q.At.Kind == AtEntity {
		b.later(q.At.Range(), "AT ENTITY TIME", "predict an aggregate over a future window")
	}
	if q.Target != nil {
		b.target(q.Target)
	}
	b.task.Where = b.condition(q.Where, roleWhere, "WHERE")
	if q.Assuming != nil && q.Target != nil && !hasAggregate(q.Target) {
		b.fault(q.AssumingAt, "TK142", "ASSUMING needs a target with a window").Hint = "write WHERE instead of ASSUMING"
		return
	}
	b.task.Assuming = b.condition(q.Assuming, roleAssuming, "ASSUMING")
}

// condition binds WHERE or ASSUMING; nil stays nil.
func (b *binder) condition(e Expr, r role, clause string) tasks.Expr {
	if e == nil {
		return nil
	}
	v := b.expr(e, scope{table: b.task.Entity, role: r})
	if v.ok && v.kind != tasks.KindBool {
		b.fault(e.Range(), "TK143", "%s is no condition: it yields %s", clause, kindNames[v.kind]).Hint = "compare it with something: " + e.String() + " > 0"
	}
	return v.expr
}

// bindEntity resolves FOR EACH.
func (b *binder) bindEntity(e *Entity) bool {
	table, rest, ok := b.tableOf(e.Parts, true)
	if !ok {
		return false
	}
	t := b.sc.Tables[table]
	b.task.Entity, b.entity = table, t
	if len(t.Key) == 0 {
		b.fault(e.Range(), "TK161", "table %q has no primary key, so its rows cannot be asked for", t.Name).Hint =
			"name the columns that identify a row in the mapping: key: [" + t.Columns[0].Name + "]"
		return false
	}
	if len(rest) == 0 {
		return true
	}
	col, ok := b.columnIn(table, rest[0])
	if !ok {
		return false
	}
	if len(t.Key) == 1 && t.Key[0] == col {
		return true
	}
	for _, u := range t.Unique {
		if len(u) == 1 && u[0] == col {
			return true
		}
	}
	err := b.fault(e.Range(), "TK160", "%s.%s does not identify a row of %q", t.Name, t.Columns[col].Name, t.Name)
	err.Detail = "the key is " + strings.Join(t.Names(t.Key), ", ")
	err.Hint = "write FOR EACH " + t.Name
	if p, ok := b.linkOf(table, col); ok {
		err.Hint += ", or FOR EACH " + b.sc.Tables[t.Links[p].To].Name + " for one prediction per row that it points to"
	}
	return false
}

// target binds PREDICT and infers the task type.
func (b *binder) target(e Expr) {
	before := len(b.errs)
	v := b.expr(e, scope{table: b.task.Entity, role: roleTarget})
	b.task.Target = v.expr
	if len(b.errs) > before || !v.ok {
		return
	}
	if !hasAggregate(e) {
		b.later(e.Range(), "a target without a window", "predict an aggregate over a future window, such as COUNT(orders.*, 0, 30, days)")
		return
	}
	b.needFuture(e)
	b.refuseStaticOperand(e)
	switch {
	case v.kind == tasks.KindBool:
		b.task.Type = tasks.Binary
	case v.category || v.kind == tasks.KindText:
		b.task.Type = tasks.Multiclass
	case v.kind == tasks.KindNumber:
		b.task.Type = tasks.Regression
	case v.kind == tasks.KindList:
		b.fault(e.Range(), "TK170", "a list is no target by itself").Hint =
			"rank it: " + e.String() + " RANK TOP 10, or test it: " + e.String() + " CONTAINS 'value'"
	default:
		b.fault(e.Range(), "TK156", "a %s cannot be predicted", kindNames[v.kind]).Hint = "subtract ANCHOR for the seconds until it: " + e.String() + " - ANCHOR"
	}
}

// needFuture demands at least one window after the anchor.
func (b *binder) needFuture(e Expr) {
	var first *Aggregate
	future := false
	Inspect(e, func(x Expr) bool {
		if a, ok := x.(*Aggregate); ok && a.Window != nil && !a.Window.Bad {
			if first == nil {
				first = a
			}
			_, end := a.Window.Offsets()
			future = future || end.Inf > 0 || span(end).Positive()
		}
		return true
	})
	if first == nil || future {
		return
	}
	err := b.fault(first.Window.Range(), "TK112", "a target window must end after the anchor")
	err.Detail = fmt.Sprintf("(%s] lies in the past: it is already known when the prediction is made.", first.Window)
	err.Hint = "for a filter on history put it in WHERE; for a target use 0, 30, days."
}

// refuseStaticOperand holds TK117: AND, OR and NOT of a temporal target join
// conditions that all look ahead.
func (b *binder) refuseStaticOperand(e Expr) {
	Inspect(e, func(x Expr) bool {
		var terms []Expr
		switch x := x.(type) {
		case *Logic:
			terms = x.Terms
		case *Not:
			terms = []Expr{x.X}
		case *Aggregate:
			return false
		}
		for _, t := range terms {
			if !hasAggregate(t) {
				b.fault(t.Range(), "TK117", "%s does not depend on the future, so it is no part of a target", t).Hint = "move it to WHERE"
			}
		}
		return true
	})
}

func (b *binder) assertType(declared *Name) {
	if declared == nil {
		return
	}
	known := []string{tasks.Binary, tasks.Regression, tasks.Multiclass}
	if declared.Text == b.task.Type {
		return
	}
	err := b.fault(declared.Range(), "TK175", "the target is of type %s, not %s", b.task.Type, declared.Text)
	if near, ok := Nearest(declared.Text, known); ok && near == b.task.Type {
		err.Hint = "did you mean " + near + "?"
	} else {
		err.Hint = "leave TYPE out, or write TYPE " + b.task.Type
	}
}

func hasAggregate(e Expr) bool {
	found := false
	Inspect(e, func(x Expr) bool {
		_, is := x.(*Aggregate)
		found = found || is
		return !found
	})
	return found
}

// span converts an offset with an end.
func span(o Offset) tasks.Span { return tasks.Span(o.Interval) }

// horizon widens the task's horizon to the end of a window.
func (b *binder) horizon(end tasks.Span) {
	if order, _ := end.Compare(b.task.Horizon); order > 0 {
		b.task.Horizon = end
	}
}

// defaultOptions are those that do not depend on the data.
func defaultOptions() tasks.Options {
	return tasks.Options{EvalAnchors: 1, Zone: time.UTC, Seed: 42, Rule: ingest.TimeRule{}}
}

var kindNames = map[tasks.ValueKind]string{
	tasks.KindBool: "a condition", tasks.KindNumber: "a number", tasks.KindText: "text",
	tasks.KindTime: "a time", tasks.KindList: "a list",
}

// names lists quoted names for a hint.
func quoteAll(names []string) string {
	out := slices.Clone(names)
	for i := range out {
		out[i] = fmt.Sprintf("%q", out[i])
	}
	return strings.Join(out, ", ")
}
