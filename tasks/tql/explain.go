package tql

import (
	"fmt"
	"strings"
	"time"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// Explain prints how a task was understood: its reading, the inferred type and why, the
// target and conditions with every name resolved, per aggregate its window, its path and
// what an empty window means, the grid, the regime, and the remarks. Dates that are not
// fixed yet are told as chosen from the data; see tasks.Resolve.
func Explain(task *tasks.Task, sc *schema.Schema) string {
	x := &explainer{task: task, sc: sc, u: &unbinder{sc, task.Entity}}
	fmt.Fprintf(&x.out, "task %s: %s, because %s\n%s\n\n", task.Name, task.Type, why(task, sc), task.Reading)
	x.entity()
	if task.Raw != nil {
		x.raw()
	} else {
		x.aggregates()
		x.line("target", x.u.target(task))
	}
	if task.Where != nil {
		x.line("where", x.u.expr(task.Where).String())
	}
	if task.Assuming != nil {
		x.line("assuming", x.u.expr(task.Assuming).String())
	}
	if task.Static() {
		x.splits()
	} else {
		x.grid()
	}
	x.features()
	for _, w := range task.Warnings {
		x.line("remark", w)
	}
	return x.out.String()
}

type explainer struct {
	task *tasks.Task
	sc   *schema.Schema
	u    *unbinder
	out  strings.Builder
	last string
}

// line prints text beside its label, which is not repeated.
func (x *explainer) line(label, format string, args ...any) {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	shown := label
	if label == x.last {
		shown = ""
	}
	x.last = label
	fmt.Fprintf(&x.out, "%-9s %s\n", shown, format)
}

// why says from what the task type was inferred.
func why(task *tasks.Task, sc *schema.Schema) string {
	_, column := task.Target.(*tasks.ColumnExpr)
	a, aggregate := task.Target.(*tasks.Aggregate)
	switch {
	case task.Raw != nil:
		return "TYPE says so"
	case task.Ranking != nil:
		return "the target is a set of rows that a foreign key points to"
	case task.Type == tasks.Multilabel:
		return "CLASSIFY asks for a set of values of a category"
	case task.Forecast != nil:
		return "FORECAST asks for a series"
	case task.Type == tasks.Binary:
		return "the target is a condition"
	case task.Type == tasks.Multiclass && task.Static() && isLink(sc, task.Target):
		return "the target is a foreign key: the rows that it points to are the classes"
	case task.Type == tasks.Multiclass && kindOf(task.Target) == tasks.KindNumber:
		return "the target is a number that names a category"
	case task.Type == tasks.Multiclass:
		return "the target is a text or a category"
	case aggregate && (a.Fn == "count" || a.Fn == "count_distinct"):
		return "the target is a count"
	case !column && !aggregate && isDuration(task.Target):
		return "the target is a number of seconds"
	}
	return "the target is a number"
}

// isLink reports whether e is a foreign key, of the row or behind ->.
func isLink(sc *schema.Schema, e tasks.Expr) bool {
	c, ok := e.(*tasks.ColumnExpr)
	if !ok {
		return false
	}
	at := c.Table
	for _, l := range c.Links {
		at = sc.Tables[at].Links[l].To
	}
	_, ok = sc.Tables[at].LinkOn(c.Column)
	return ok
}

// isDuration reports whether e is the difference of two times.
func isDuration(e tasks.Expr) bool {
	c, ok := e.(*tasks.Call)
	return ok && c.Op == "-" && kindOf(c.Args[0]) == tasks.KindTime && kindOf(c.Args[1]) == tasks.KindTime
}

func (x *explainer) entity() {
	t := x.sc.Tables[x.task.Entity]
	text := fmt.Sprintf("%s, key %s", t.Name, strings.Join(t.Names(t.Key), ", "))
	switch {
	case t.Time == nil:
		text += "; no time column, so its rows exist at every anchor"
	case x.task.Options.IgnoreEntityTime:
		text += "; entity_time = ignore: rows that exist at test_anchor count at every anchor"
	default:
		column, _ := timeColumn(x.sc, x.task.Entity)
		text += "; a row exists from " + column + " on" + until(t)
	}
	x.line("entity", text)
}

func until(t *schema.Table) string {
	if t.Time.Until < 0 {
		return ""
	}
	return " until " + t.Name + "." + t.Columns[t.Time.Until].Name
}

// aggregates prints each aggregate of the task once.
func (x *explainer) aggregates() {
	seen := map[string]bool{}
	for _, e := range []tasks.Expr{x.task.Target, x.task.Where, x.task.Assuming} {
		eachAggregate(e, func(a *tasks.Aggregate) {
			text := x.u.expr(a).String()
			if seen[text] {
				return
			}
			seen[text] = true
			x.line("reads", "%s", text)
			if !a.Window.Static {
				column, _ := timeColumn(x.sc, pathTable(x.sc, a, a.TimeStep))
				x.line("reads", "  %s in %s%s", column, windowText(a.Window), x.frames(a))
			}
			x.line("reads", "  path %s%s", graph.FormatPath(x.sc, a.Table, graphSteps(a.Path)), x.alternatives(a))
			x.line("reads", "  if empty: %s", emptyText(a))
		})
	}
}

// frames tells of the timeframes of a forecast after the first.
func (x *explainer) frames(a *tasks.Aggregate) string {
	if f := x.task.Forecast; f != nil && f.Frames > 1 && a == x.task.Target {
		last := x.task.Targets()[f.Frames-1]
		return fmt.Sprintf(", then every %s; the last of %d: %s", f.Length, f.Frames, windowText(last.Window))
	}
	return ""
}

// alternatives tells of the other paths that VIA could name.
func (x *explainer) alternatives(a *tasks.Aggregate) string {
	others := graph.LongerAlternatives(x.sc, a.Table, x.task.Entity, maxSteps)
	for _, p := range graph.Paths(x.sc, a.Table, x.task.Entity, maxSteps) {
		others = append([][]graph.Step{p}, others...)
	}
	n, first := 0, ""
	for _, p := range others {
		if fmt.Sprint(steps(p)) != fmt.Sprint(a.Path) {
			if n++; n == 1 {
				first = graph.FormatPath(x.sc, a.Table, p)
			}
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return "; TK214: another is " + first
	}
	return fmt.Sprintf("; TK214: %d others, such as %s", n, first)
}

// emptyText says what an aggregate over no row, or no known value, gives (rule R8).
func emptyText(a *tasks.Aggregate) string {
	switch {
	case a.Skip:
		return "the example is dropped"
	case a.Empty.Null:
		return "NULL"
	}
	return (&unbinder{}).literal(&a.Empty).String()
}

// eachAggregate calls f for the aggregates of an expression in their written order.
func eachAggregate(e tasks.Expr, f func(*tasks.Aggregate)) {
	switch e := e.(type) {
	case *tasks.Aggregate:
		f(e)
	case *tasks.Call:
		for _, a := range e.Args {
			eachAggregate(a, f)
		}
	}
}

func (x *explainer) grid() {
	o := &x.task.Options
	zone := time.UTC
	if o.Zone != nil {
		zone = o.Zone
	}
	labels := "one for every eligible entity"
	if x.task.Raw != nil {
		labels = "those that the SQL gives, of entities that exist at the anchor; none where it gives NULL"
	}
	if x.task.Forecast != nil {
		labels = "one per timeframe for every eligible entity"
	}
	if x.task.Assuming != nil {
		labels += " for which the assumption came true"
	}
	if x.task.Raw == nil && maybeNull(x.task.Target) {
		labels += ", but none where the target is NULL"
	}
	x.line("labels", labels)
	step := o.Step
	if step.IsZero() {
		step = x.task.Horizon
	}
	x.line("grid", "horizon %s, step %s, zone %s, seed %d", x.task.Horizon, step, zone, o.Seed)
	date := func(at int64, otherwise string) string {
		if at == 0 {
			return otherwise
		}
		return formatDate(at, zone)
	}
	anchors := "1 anchor"
	if o.EvalAnchors > 1 {
		anchors = fmt.Sprintf("%d anchors", o.EvalAnchors)
	}
	x.line("grid", "test %s from %s; val %s from %s", anchors, date(o.TestAnchor, "the latest possible date"), anchors, date(o.ValAnchor, "the latest date before test"))
	train := "every step before val"
	if o.TrainAnchors > 0 {
		train = fmt.Sprintf("the latest %d steps before val", o.TrainAnchors)
	}
	x.line("grid", "train %s, back to %s; data until %s", train, date(o.DataFrom, "the first row"), date(o.DataUntil, "the last row that the windows can see"))
}

func (x *explainer) features() {
	o := &x.task.Options
	past := "up to and at"
	if o.Rule.Strict {
		past = "strictly before"
	}
	regime := func(r tasks.Regime, from string) string {
		if r == tasks.Frozen {
			return "frozen (as if the data ended at " + from + ")"
		}
		return "rolling (each example sees all up to its own anchor)"
	}
	if x.task.Static() {
		x.line("features", "the row itself and rows %s its time%s", past, x.masked())
		if x.sc.Tables[x.task.Entity].Time != nil {
			x.line("features", "what earlier rows had there, as history: strictly before")
		}
		return
	}
	test, val := regime(o.Regime, "test_anchor"), regime(o.ValRegime, "val_anchor")
	if o.Regime == o.ValRegime && o.Regime == tasks.Rolling {
		x.line("regime", "%s", test)
	} else {
		x.line("regime", "test %s; val %s", test, val)
	}
	x.line("features", "rows %s the anchor%s", past, x.masked())
}

func (x *explainer) masked() string {
	var names []string
	for _, m := range x.task.Options.Mask {
		t := x.sc.Tables[m.Table]
		names = append(names, t.Name+"."+t.Columns[m.Column].Name)
	}
	if names == nil {
		return ""
	}
	return "; hidden: " + strings.Join(names, ", ")
}
