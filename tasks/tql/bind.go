package tql

import (
	"slices"
	"strings"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// Bind reads a text of one CREATE TASK statement or one query (also behind EXPLAIN or
// EVALUATE) and resolves it against a schema. All independent faults of syntax and
// meaning are returned at once as [Errors]. Remarks about an accepted text are in the
// task's Warnings. Options that depend on the data keep their zero value; see
// tasks.Resolve. The keys and the AT of a query are checked, but no part of the task.
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
	b := &binder{text: text, sc: sc, task: &tasks.Task{Text: strings.TrimSpace(text)}, notices: script.Notices}
	b.statement(script.Statements[0])
	if script.Statements[0].base().Incomplete {
		b.errs = slices.DeleteFunc(b.errs, func(e *Error) bool { return !slices.Contains(nameCodes, e.Code) })
	}
	if errs = append(errs, b.errs...); len(errs) > 0 {
		errs.Sort()
		return nil, errs
	}
	b.remarks()
	if b.task.Raw != nil {
		b.task.Reading = rawReading(b.task, sc)
	} else {
		b.task.Reading = reading(b.task, sc)
	}
	return b.task, nil
}

// nameCodes are faults of single names: they hold also where another fault has left
// a part of the statement out.
var nameCodes = []string{"TK101", "TK102", "TK103", "TK160", "TK161", "TK166"}

// binder resolves one statement. Faults are collected; a faulty part is bound to
// nothing and its surroundings go on where they can.
type binder struct {
	text    string
	sc      *schema.Schema
	task    *tasks.Task
	errs    Errors
	notices Errors // of the parser, and names matched without regard to case
	paths   []*Path
	entity  *schema.Table // nil when FOR EACH names no table
	keyed   []int         // columns that the keys of the query give
	told    []walked      // paths that were remarked on
}

// noEntity is the entity of a query whose FOR EACH names no table.
const noEntity = -1

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
	query := QueryOf(s)
	b.task.Name = "query"
	switch s := s.(type) {
	case *Create:
		b.task.Name, options, declared = s.Name.Text, s.Options, s.Type
		b.task.Hash = Hash(s)
		if s.Raw != nil {
			b.raw(s)
			return
		}
	default:
		if query == nil {
			b.fault(s.Range(), "TK104", "this statement defines no task").Hint =
				"write CREATE TASK name AS PREDICT ... FOR EACH ... or PREDICT ... FOR EACH ..."
			return
		}
		b.task.Hash = Hash(query.Bare())
	}
	if query == nil {
		return // the parser has said what is missing
	}
	b.options(options)
	b.query(query)
	b.assertRanking(options)
	if len(b.errs) == 0 {
		b.assertType(declared)
		b.assertDates(options)
	}
}

func (b *binder) query(q *Query) {
	b.paths = q.Paths
	b.task.Entity = noEntity
	if q.Entity != nil {
		b.bindEntity(q.Entity)
	}
	if q.Selection != nil && b.entity != nil {
		b.keys(q.Selection.Keys)
	}
	b.staticSpec(q)
	if q.At != nil && q.At.Kind == AtEntity {
		b.entityTime(q.At, hasAggregate(q.Target))
	}
	b.target(q.Target, q.Spec)
	b.endFirst()
	b.task.Where = b.condition(q.Where, roleWhere, "WHERE")
	if q.Assuming == nil {
		return
	}
	if !hasAggregate(q.Target) {
		b.fault(q.AssumingAt, "TK142", "ASSUMING needs a target with a window").Hint = "write WHERE instead of ASSUMING"
		return
	}
	b.task.Assuming = b.condition(q.Assuming, roleAssuming, "ASSUMING")
	b.endFirst()
	if !hasAggregate(q.Assuming) {
		b.fault(q.Assuming.Range(), "TK141", "ASSUMING says nothing about the future").Hint = "move it to WHERE: WHERE " + q.Assuming.String()
	}
}

// staticSpec refuses what makes no sense of a target without a window.
func (b *binder) staticSpec(q *Query) {
	if q.Spec == nil || hasAggregate(q.Target) {
		return
	}
	switch q.Spec.Kind {
	case SpecForecast:
		b.fault(q.Spec.Range(), "TK174", "FORECAST needs a SUM or COUNT with a window").Hint = "leave FORECAST out, or " + forecastHint
	case SpecClassify:
		b.fault(q.Spec.Range(), "TK173", "CLASSIFY tells which values of a list come, and %s is a single value", q.Target).Hint =
			"leave CLASSIFY out: a text, a category or a foreign key is predicted as one of its values"
	}
}

// condition binds WHERE or ASSUMING; nil stays nil.
func (b *binder) condition(e Expr, r role, clause string) tasks.Expr {
	if e == nil {
		return nil
	}
	v := b.expr(e, scope{table: b.task.Entity, role: r})
	if v.ok && v.kind != tasks.KindBool {
		b.fault(e.Range(), "TK143", "%s is no condition: it yields %s", clause, kindNames[v.kind]).Hint = conditionHint(e, v)
	}
	return v.expr
}

// conditionHint shows how a value becomes a condition.
func conditionHint(e Expr, v bound) string {
	switch v.kind {
	case tasks.KindNumber:
		return "compare it with something: " + e.String() + " > 0"
	case tasks.KindList:
		return "test it: " + e.String() + " CONTAINS 'value'"
	}
	return "compare it with something: " + e.String() + " IS NOT NULL"
}

func (b *binder) assertType(declared *Name) {
	if declared == nil || declared.Text == b.task.Type {
		return
	}
	err := b.fault(declared.Range(), "TK175", "the target is of type %s, not %s", b.task.Type, declared.Text)
	if near, ok := Nearest(declared.Text, []string{tasks.Binary, tasks.Regression, tasks.Multiclass, tasks.Multilabel, tasks.LinkPrediction, tasks.Forecasting}); ok && near == b.task.Type {
		err.Hint = "did you mean " + near + "?"
	} else {
		err.Hint = "leave TYPE out, or write TYPE " + b.task.Type
	}
}

// assertDates holds TK135 where both dates are written.
func (b *binder) assertDates(options []*Option) {
	o := &b.task.Options
	if o.ValAnchor == 0 || o.TestAnchor == 0 || b.task.Static() && o.ValAnchor < o.TestAnchor || o.Add(o.ValAnchor, b.task.Horizon) <= o.TestAnchor {
		return
	}
	for _, opt := range options {
		if strings.EqualFold(opt.Name.Text, "val_anchor") {
			if b.task.Static() {
				b.fault(opt.Value.Range(), "TK135", "val_anchor must lie before test_anchor").Hint = "training ends at val_anchor, validation at test_anchor"
				continue
			}
			e := b.fault(opt.Value.Range(), "TK135", "val_anchor must lie at least the horizon of %s before test_anchor", b.task.Horizon)
			e.Hint = "val_anchor may be at most '" + formatDate(o.Add(o.TestAnchor, b.task.Horizon.Times(-1)), o.Zone) + "'"
		}
	}
}

// formatDate prints an instant in the task zone as the options read it.
func formatDate(at int64, zone *time.Location) string {
	t := time.UnixMicro(at).In(zone)
	if t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 && t.Nanosecond() == 0 {
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02 15:04:05.999999")
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
func (b *binder) horizon(at Loc, end tasks.Span) {
	h := &b.task.Horizon
	order, sure := end.Compare(*h)
	if !sure {
		b.fault(at, "TK111", "windows end after %s and after %s, and which is later depends on the month", *h, end).Hint = "give both ends in the same unit"
	}
	if order > 0 {
		*h = end
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
