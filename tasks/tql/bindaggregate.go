package tql

import (
	"fmt"
	"strings"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// maxSteps is the longest path that is found without VIA (rule R5).
const maxSteps = 4

// aggregateRule says what an aggregate takes and yields.
type aggregateRule struct {
	star    bool // takes *
	numbers bool // takes numbers and truth values only
	noKey   bool // refuses keys
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
	"first":          {same: true},
	"last":           {same: true},
	"exists":         {star: true, yields: tasks.KindBool, empty: &tasks.Literal{Kind: tasks.KindBool}},
	"list_distinct":  {yields: tasks.KindList},
}

func (b *binder) aggregate(a *Aggregate, s scope) bound {
	parts := a.Table()
	rule, known := aggregateRules[a.Kind()]
	if !known {
		b.later(a.Name.Range(), strings.ToUpper(a.Func), "use AVG, MIN, MAX, FIRST or LAST")
		return failed
	}
	if len(parts) == 0 { // the parser has said that the table is not named
		return failed
	}
	table, ok := b.namedTable(parts)
	if !ok || !b.sameTable(a, table) {
		return failed
	}
	out := &tasks.Aggregate{Fn: a.Kind(), Table: table, Position: a.Pos}
	before := len(b.errs)
	out.Path, ok = b.pathOf(a, table)
	if !ok && len(b.errs) == before {
		return failed
	}
	inner := scope{table: table, role: roleRow, path: out.Path}
	kind, category := b.argument(a, rule, inner, out)
	if c := a.Condition(); c != nil {
		f := b.expr(c, inner)
		if f.ok && f.kind != tasks.KindBool {
			b.fault(c.Range(), "TK143", "the filter %s is no condition", c).Hint = "compare it with something"
		}
		out.Filter = f.expr
	}
	b.window(a, table, s.role, out)
	if a.Time != nil {
		b.later(a.Time.Range(), "TIME", "map the time of "+b.sc.Tables[table].Name+" in the mapping: time: {column: ..., via: ...}")
	}
	b.onEmpty(a, rule, kind, out)
	if len(b.errs) > before {
		return failed
	}
	out.Kind = kind
	b.said = append(b.said, b.words(a, table)+" in "+windowWords(out.Window))
	return bound{expr: out, kind: kind, category: category, ok: true}
}

// sameTable holds that FROM and the qualified argument name one table.
func (b *binder) sameTable(a *Aggregate, table int) bool {
	if a.From == nil {
		return true
	}
	bare := *a
	bare.From = nil
	parts := bare.Table()
	if len(parts) == 0 {
		return true
	}
	other, ok := b.namedTable(parts)
	if ok && other != table {
		b.fault(a.From.Range(), "TK118", "FROM names %q, but the argument belongs to %q", b.sc.Tables[table].Name, b.sc.Tables[other].Name).Hint = "leave FROM out"
		return false
	}
	return ok
}

// argument binds what is aggregated and returns the kind of the result.
func (b *binder) argument(a *Aggregate, rule aggregateRule, s scope, out *tasks.Aggregate) (kind tasks.ValueKind, category bool) {
	if a.Star != nil {
		if !rule.star {
			b.fault(a.Star.Range(), "TK151", "%s needs a column, not *", strings.ToUpper(a.Func)).Hint = "name a column, or use COUNT"
		}
		return rule.yields, false
	}
	v := b.expr(a.Arg, s)
	if !v.ok {
		return rule.yields, false
	}
	out.Arg = v.expr
	name := strings.ToUpper(a.Func)
	switch {
	case a.Func == "exists":
		b.fault(a.Arg.Range(), "TK151", "EXISTS takes rows, not a column").Hint = "write EXISTS(" + b.sc.Tables[s.table].Name + ".*)"
	case rule.numbers && v.kind != tasks.KindNumber && v.kind != tasks.KindBool:
		err := b.fault(a.Arg.Range(), "TK150", "%s needs a number, but %s is %s", name, a.Arg, kindNames[v.kind])
		err.Hint = fmt.Sprintf("use a number column, or COUNT(%s.* WHERE ...)", b.sc.Tables[s.table].Name)
	case rule.noKey && v.key:
		b.fault(a.Arg.Range(), "TK154", "%s of a key says nothing", name).Hint = "use COUNT_DISTINCT(" + a.Arg.String() + ", ...)"
	case rule.same && v.key && (a.Func == "first" || a.Func == "last"):
		b.fault(a.Arg.Range(), "TK154", "%s of a key says nothing", name).Hint = "rank the rows that it points to: LIST_DISTINCT(...) RANK TOP 10"
	}
	if !rule.same {
		return rule.yields, false
	}
	return v.kind, v.category
}

// pathOf finds the way from the aggregated table to the entity (rule R5).
func (b *binder) pathOf(a *Aggregate, table int) ([]tasks.Step, bool) {
	if a.Via != nil {
		return b.via(a.Via, table)
	}
	at := a.Range()
	switch {
	case a.Star != nil:
		at = a.Star.Range()
	case a.Arg != nil:
		at = a.Arg.Range()
	}
	paths := graph.Paths(b.sc, table, b.task.Entity, maxSteps)
	from := b.sc.Tables[table]
	switch len(paths) {
	case 0:
		b.fault(at, "TK123", "no foreign key leads from %q to %q within %d steps", from.Name, b.entity.Name, maxSteps).Hint =
			"name the way with VIA, or add a link in the mapping; " + linkNames(b.sc, table)
		return nil, false
	case 1:
		return steps(paths[0]), true
	}
	err := b.fault(at, "TK120", "%d foreign-key paths of equal length lead from %q to %q", len(paths), from.Name, b.entity.Name)
	var hints []string
	for _, p := range paths {
		hints = append(hints, viaText(b.sc, p))
	}
	err.Hint = "choose one: " + strings.Join(hints, " or ")
	return nil, false
}

func steps(p []graph.Step) []tasks.Step {
	out := make([]tasks.Step, len(p))
	for i, s := range p {
		out[i] = tasks.Step(s)
	}
	return out
}

// viaText prints a path as the VIA clause that chooses it.
func viaText(sc *schema.Schema, path []graph.Step) string {
	var cols []string
	for _, s := range path {
		t := sc.Tables[s.Table]
		l := t.Links[s.Link]
		if len(l.Columns) == 1 {
			cols = append(cols, t.Name+"."+t.Columns[l.Columns[0]].Name)
		} else {
			cols = append(cols, t.Name+"."+l.Name)
		}
	}
	if len(cols) == 1 {
		return "VIA " + cols[0]
	}
	return "VIA (" + strings.Join(cols, ", ") + ")"
}

// via walks the columns of VIA, or of the PATH that it names.
func (b *binder) via(v *Via, table int) ([]tasks.Step, bool) {
	walk := v.Columns
	if len(walk) == 1 && len(walk[0].Parts) == 1 {
		for _, p := range b.paths {
			if p.Name.Text == walk[0].Parts[0].Text {
				walk = p.Columns
			}
		}
	}
	at := table
	var out []tasks.Step
	for i, c := range walk {
		s, ok := b.viaStep(c, at, i+1)
		if !ok {
			return nil, false
		}
		out = append(out, s)
		at = graph.Step(s).To(b.sc)
	}
	if at != b.task.Entity {
		b.fault(v.Range(), "TK124", "the path ends at %q, not at %q", b.sc.Tables[at].Name, b.entity.Name).Hint = linkNames(b.sc, at)
		return nil, false
	}
	return out, true
}

// viaStep resolves one foreign-key column of a path that stands at table at; a link is
// also known by its constraint name.
func (b *binder) viaStep(c *Column, at, number int) (tasks.Step, bool) {
	holder := at
	if len(c.Parts) > 1 {
		var ok bool
		if holder, ok = b.namedTable(c.Parts[:len(c.Parts)-1]); !ok {
			return tasks.Step{}, false
		}
	}
	name := c.Parts[len(c.Parts)-1]
	t := b.sc.Tables[holder]
	link := -1
	for i, l := range t.Links {
		if strings.EqualFold(l.Name, name.Text) {
			link = i
		}
	}
	if link < 0 {
		col, ok := b.columnIn(holder, name)
		if !ok {
			return tasks.Step{}, false
		}
		if link, ok = b.linkOf(holder, col); !ok {
			b.fault(c.Range(), "TK122", "column %q of table %q is no foreign key by itself", t.Columns[col].Name, t.Name).Hint = linkNames(b.sc, holder)
			return tasks.Step{}, false
		}
	}
	switch {
	case holder == at:
		return tasks.Step{Table: holder, Link: link}, true
	case t.Links[link].To == at:
		return tasks.Step{Table: holder, Link: link, Down: true}, true
	}
	b.fault(c.Range(), "TK124", "step %d of the path stands at %q, and %s does not touch it", number, b.sc.Tables[at].Name, c).Hint = linkNames(b.sc, at)
	return tasks.Step{}, false
}

// window binds the time window and holds the clause's rules on past and future.
func (b *binder) window(a *Aggregate, table int, r role, out *tasks.Aggregate) {
	t := b.sc.Tables[table]
	at := a.Range()
	switch {
	case a.Star != nil:
		at = a.Star.Range()
	case a.Arg != nil:
		at = a.Arg.Range()
	}
	if a.Window == nil {
		if r != roleWhere {
			b.fault(a.Range(), "TK114", "an aggregate in a target or ASSUMING needs a window").Hint = "add 0, 30, days before the closing parenthesis"
			return
		}
		out.Window = tasks.Window{OpenStart: true, Static: t.Time == nil}
		return
	}
	if t.Time == nil {
		err := b.fault(at, "TK130", "table %q has no time column, so it has no windows", t.Name)
		err.Hint = "give it one in the mapping, time: COLUMN or time: {column: COLUMN, via: FOREIGN KEY}; it has no date or timestamp to choose from"
		for i := range t.Columns {
			if t.Columns[i].Kind == schema.Time {
				err.Hint = "set it in the mapping: time: " + t.Columns[i].Name
			}
		}
		return
	}
	if !a.Window.Bad {
		b.bounds(a.Window, r, out)
	}
}

func (b *binder) bounds(w *Window, r role, out *tasks.Aggregate) {
	start, end := w.Offsets()
	if end.Inf != 0 {
		b.fault(w.Range(), "TK115", "a window needs a finite end").Hint = "write a number of days"
		return
	}
	win := tasks.Window{Start: span(start), End: span(end), OpenStart: start.Inf < 0}
	if !win.OpenStart {
		order, sure := win.Start.Compare(win.End)
		if order >= 0 || !sure {
			err := b.fault(w.Range(), "TK111", "the window (%s] ends at or before its start", w)
			err.Hint = "a window is (start, end], the start before the end"
			if order > 0 && w.Form == FormBounds {
				err.Hint += ": write " + w.High.text() + ", " + w.Low.text()
			}
			return
		}
	}
	ahead := win.End.Positive()
	behind := win.OpenStart || !win.Start.IsZero() && !win.Start.Positive()
	switch {
	case r == roleWhere && ahead:
		err := b.fault(w.Range(), "TK140", "WHERE looks into the future")
		err.Detail = "WHERE decides who is eligible at the anchor, so it may only read rows at or before it."
		err.Hint = "use -7, 0, days; if it is an assumption about the future, write ASSUMING."
	case ahead && behind:
		b.fault(w.Range(), "TK113", "the window lies on both sides of the anchor").Hint = "use two aggregates, one up to 0 and one from 0"
	case r == roleAssuming && !ahead:
		b.fault(w.Range(), "TK141", "ASSUMING looks back").Hint = "a condition on the past belongs into WHERE"
	}
	if ahead {
		b.horizon(win.End)
	}
	out.Window = win
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
	if a.OnEmpty.Skip {
		out.Skip = true
		return
	}
	v := b.coerce(b.literal(a.OnEmpty.Value), kind)
	if !v.ok {
		return
	}
	if !v.null && class(v.kind) != class(kind) {
		b.fault(a.OnEmpty.Range(), "TK153", "ON EMPTY gives %s, but %s yields %s", kindNames[v.kind], strings.ToUpper(a.Func), kindNames[kind]).Hint = "give a value of the same kind, NULL or SKIP"
		return
	}
	out.Empty = *v.expr.(*tasks.Literal)
	if v.null {
		out.Empty.Kind = kind
	}
}

func windowWords(w tasks.Window) string {
	bound := func(s tasks.Span) string {
		switch {
		case s.IsZero():
			return "anchor"
		case s.Positive():
			return "anchor + " + s.String()
		}
		return "anchor - " + s.Times(-1).String()
	}
	switch {
	case w.Static:
		return "all rows"
	case w.OpenStart:
		return "all time up to " + bound(w.End)
	}
	return "(" + bound(w.Start) + ", " + bound(w.End) + "]"
}
