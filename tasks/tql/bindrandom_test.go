package tql

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// taskGen draws random well-typed tasks over a schema as bound expressions.
type taskGen struct {
	*rapid.T
	sc     *schema.Schema
	entity int
	table  int // of the row in scope
	fuel   int
}

func (g *taskGen) upTo(n int) int { return rapid.IntRange(0, n).Draw(g.T, "n") }
func (g *taskGen) yes() bool      { return rapid.Bool().Draw(g.T, "yes") }

func choose[T any](g *taskGen, from ...T) T { return rapid.SampledFrom(from).Draw(g.T, "choice") }

// columns lists the columns of a kind that a row of a table reaches, without keys.
func (g *taskGen) columns(table int, kind tasks.ValueKind, hops int) []*tasks.ColumnExpr {
	var out []*tasks.ColumnExpr
	t := g.sc.Tables[table]
	for c := range t.Columns {
		k, ok := valueKind(t.Columns[c].Kind)
		if ok && k == kind && !t.IsKey(c) {
			out = append(out, &tasks.ColumnExpr{Table: table, Column: c, Kind: k})
		}
	}
	for l, link := range t.Links {
		if len(link.Columns) != 1 || hops == 0 {
			continue
		}
		for _, c := range g.columns(link.To, kind, hops-1) {
			out = append(out, &tasks.ColumnExpr{Table: table, Links: append([]int{l}, c.Links...), Column: c.Column, Kind: kind})
		}
	}
	return out
}

func number(n int64) *tasks.Literal {
	return &tasks.Literal{Kind: tasks.KindNumber, Exact: true, Int: n, Num: float64(n)}
}

func (g *taskGen) literal(kind tasks.ValueKind) *tasks.Literal {
	switch kind {
	case tasks.KindBool:
		return &tasks.Literal{Kind: kind, Num: float64(g.upTo(1))}
	case tasks.KindText:
		return &tasks.Literal{Kind: kind, Text: choose(g, "a", "B", "aa", "日", "", "x%y", `b\`, "it's")}
	case tasks.KindTime:
		return &tasks.Literal{Kind: kind, Time: day(g.upTo(120)) + int64(g.upTo(3))*6*3600e6}
	}
	if g.yes() {
		return &tasks.Literal{Kind: kind, Num: choose(g, 0.5, -1.25, 2.75)}
	}
	return number(int64(g.upTo(9) - 2))
}

// leaf is a column or a constant. Outside of aggregates it is a column of the entity.
func (g *taskGen) leaf(kind tasks.ValueKind) tasks.Expr {
	cols := g.columns(g.table, kind, 2)
	if g.table != g.entity && g.upTo(4) == 0 {
		cols = g.columns(g.entity, kind, 1)
	}
	switch {
	case kind == tasks.KindTime && g.upTo(4) == 0:
		return &tasks.AnchorExpr{}
	case len(cols) == 0 || g.upTo(5) == 0:
		return g.literal(kind)
	}
	return choose(g, cols...)
}

func op(name string, kind tasks.ValueKind, args ...tasks.Expr) *tasks.Call {
	return &tasks.Call{Op: name, Kind: kind, Args: args}
}

// value draws a value of a kind from leaves that base gives.
func (g *taskGen) value(kind tasks.ValueKind, base func(tasks.ValueKind) tasks.Expr) tasks.Expr {
	g.fuel--
	if g.fuel < 0 || g.yes() {
		return base(kind)
	}
	again := func(k tasks.ValueKind) tasks.Expr { return g.value(k, base) }
	if g.upTo(2) == 0 && kind != tasks.KindBool {
		return op(choose(g, "coalesce", "least", "greatest"), kind, again(kind), again(kind))
	}
	switch kind {
	case tasks.KindBool:
		return g.condition(base)
	case tasks.KindText:
		return op(choose(g, "lower", "upper"), kind, again(kind))
	case tasks.KindTime:
		return op(choose(g, "+", "-"), kind, again(kind), number(int64(g.upTo(3))*86400))
	}
	switch g.upTo(5) {
	case 0:
		return op(choose(g, "abs", "ln", "log", "round"), kind, again(kind))
	case 1:
		return op("round", kind, again(kind), number(int64(g.upTo(3)-1)))
	case 2:
		return op("length", kind, again(tasks.KindText))
	case 3:
		return op("date_part", kind, &tasks.Literal{Kind: tasks.KindText, Text: choose(g, dateParts...)}, again(tasks.KindTime))
	case 4:
		return op("-", kind, again(tasks.KindTime), again(tasks.KindTime))
	}
	return op(choose(g, "+", "-", "*", "/"), kind, again(kind), again(kind))
}

// condition draws a condition over leaves that base gives.
func (g *taskGen) condition(base func(tasks.ValueKind) tasks.Expr) tasks.Expr {
	g.fuel--
	any := func() tasks.ValueKind {
		return choose(g, tasks.KindNumber, tasks.KindText, tasks.KindTime, tasks.KindBool)
	}
	value := func(k tasks.ValueKind) tasks.Expr { return g.value(k, base) }
	const cond = tasks.KindBool
	if g.fuel < 0 {
		return op(choose(g, "=", "<", ">="), cond, base(tasks.KindNumber), g.literal(tasks.KindNumber))
	}
	switch g.upTo(9) {
	case 0:
		return op(choose(g, "and", "or"), cond, g.condition(base), g.condition(base))
	case 1:
		return op("not", cond, g.condition(base))
	case 2:
		return op(choose(g, "is", "is not"), cond, value(any()), &tasks.Literal{Null: true})
	case 3:
		k := any()
		return op(choose(g, "is", "is not"), cond, value(k), g.literal(k))
	case 4:
		k := any()
		list := []tasks.Expr{value(k), g.literal(k)}
		if g.yes() {
			list = append(list, &tasks.Literal{Null: true})
		}
		return op("in", cond, list...)
	case 5:
		return op(choose(g, "contains", "starts", "ends"), cond, value(tasks.KindText), value(tasks.KindText))
	case 6:
		pattern := &tasks.Literal{Kind: tasks.KindText, Text: choose(g, "a%", "_", "%a%", `x\%y`, `b\\`, `b\`, "%")}
		return op(choose(g, "like", "ilike"), cond, value(tasks.KindText), pattern)
	case 7:
		return base(cond)
	}
	k := any()
	return op(choose(g, "=", "<>", "<", "<=", ">", ">="), cond, value(k), value(k))
}

// rows draws the table, the path and the window of an aggregate, and perhaps a filter.
func (g *taskGen) rows(kind tasks.ValueKind, ahead bool) (a *tasks.Aggregate, inner *taskGen) {
	a = &tasks.Aggregate{Kind: kind}
	var paths [][]tasks.Step
	var tables []int
	for t, def := range g.sc.Tables {
		if def.Ignore || t == g.entity && len(def.Links) == 0 {
			continue
		}
		for _, p := range append(graph.Paths(g.sc, t, g.entity, 3), graph.LongerAlternatives(g.sc, t, g.entity, 3)...) {
			if def.Time == nil && ahead && len(g.timed(&tasks.Aggregate{Table: t, Path: steps(p)})) == 0 {
				continue
			}
			if !oddSelf(g.sc, p) {
				tables, paths = append(tables, t), append(paths, steps(p))
			}
		}
	}
	i := g.upTo(len(tables) - 1)
	a.Table, a.Path = tables[i], paths[i]
	a.Window = g.window(ahead)
	if timed := g.timed(a); len(timed) > 0 && (g.sc.Tables[a.Table].Time == nil || g.upTo(2) == 0) {
		a.TimeStep = choose(g, timed...)
	}
	if g.sc.Tables[pathTable(g.sc, a, a.TimeStep)].Time == nil {
		a.Window = tasks.Window{OpenStart: true, Static: true}
	}
	inner = &taskGen{T: g.T, sc: g.sc, entity: g.entity, table: a.Table, fuel: 3}
	if g.yes() {
		a.Filter = inner.condition(inner.leaf)
	}
	return a, inner
}

// ranking draws the target of a link prediction: a foreign key of the rows, or of a parent
// behind ->. It is nil where the table drawn has none.
func (g *taskGen) ranking() (*tasks.Ranking, tasks.Expr) {
	a, _ := g.rows(tasks.KindList, true)
	keys := g.foreignKeys(a.Table, 1)
	if len(keys) == 0 {
		return nil, nil
	}
	c := choose(g, keys...)
	at := c.Table
	for _, l := range c.Links {
		at = g.sc.Tables[at].Links[l].To
	}
	link, _ := g.sc.Tables[at].LinkOn(c.Column)
	to := g.sc.Tables[at].Links[link]
	a.Fn, a.Arg, a.Empty = "list_distinct", c, tasks.Literal{Kind: tasks.KindList, Null: true}
	if g.upTo(9) == 0 {
		a.OnEmpty, a.Skip = true, true
	}
	return &tasks.Ranking{Items: to.To, Column: to.Ref[0], Top: 1 + g.upTo(9), IncludingNew: g.yes(), ExcludeSeen: g.upTo(3) == 0}, a
}

// foreignKeys lists the columns that a row of a table reaches and that are a foreign key by
// themselves.
func (g *taskGen) foreignKeys(table, hops int) []*tasks.ColumnExpr {
	var out []*tasks.ColumnExpr
	t := g.sc.Tables[table]
	for l, link := range t.Links {
		if _, ok := t.LinkOn(link.Columns[0]); !ok || len(link.Columns) != 1 {
			continue
		}
		kind, _ := valueKind(t.Columns[link.Columns[0]].Kind)
		out = append(out, &tasks.ColumnExpr{Table: table, Column: link.Columns[0], Kind: kind})
		if hops > 0 {
			for _, c := range g.foreignKeys(link.To, hops-1) {
				out = append(out, &tasks.ColumnExpr{Table: table, Links: append([]int{l}, c.Links...), Column: c.Column, Kind: c.Kind})
			}
		}
	}
	return out
}

// aggregate draws an aggregate of a kind whose window lies ahead or back.
func (g *taskGen) aggregate(kind tasks.ValueKind, ahead bool) tasks.Expr {
	a, inner := g.rows(kind, ahead)
	choices := []string{"min", "max", "first", "last", "mode"}
	switch kind {
	case tasks.KindNumber:
		choices = append(choices, "count", "count", "sum", "avg", "count_distinct", "median")
	case tasks.KindBool:
		choices = append(choices, "exists", "exists")
	case tasks.KindList:
		choices = []string{"list_distinct"}
	}
	a.Fn = choose(g, choices...)
	rule := aggregateRules[a.Fn]
	arg := kind
	if !rule.same && rule.star && g.yes() || a.Fn == "exists" {
		arg = tasks.KindList // none
	} else if a.Fn == "count" || a.Fn == "count_distinct" || a.Fn == "list_distinct" {
		arg = choose(g, tasks.KindNumber, tasks.KindText)
	}
	if arg != tasks.KindList {
		if a.Arg = inner.value(arg, inner.leaf); kindOf(a.Arg) == tasks.KindBool && kind != tasks.KindBool || !readsTable(a.Arg, a.Table) {
			cols := g.columns(a.Table, arg, 1)
			if len(cols) == 0 {
				return g.literal(kind)
			}
			a.Arg = choose(g, cols...)
		}
	}
	a.Empty = tasks.Literal{Kind: kind, Null: true}
	if rule.empty != nil {
		a.Empty = *rule.empty
	}
	switch g.upTo(9) {
	case 0:
		a.OnEmpty, a.Skip = true, true
	case 1:
		a.OnEmpty, a.Empty = true, tasks.Literal{Kind: kind, Null: true}
	case 2:
		if kind != tasks.KindList {
			a.OnEmpty, a.Empty = true, *g.literal(kind)
		}
	}
	if kind == tasks.KindList {
		item := g.literal(arg)
		return op("contains", tasks.KindBool, a, item)
	}
	return a
}

// timed lists the steps of a path that lead to a table with a time column of its own, each
// table where the path meets it first.
func (g *taskGen) timed(a *tasks.Aggregate) (steps []int) {
	seen := []int{a.Table}
	for n := range a.Path {
		t := pathTable(g.sc, a, n+1)
		if rt := g.sc.Tables[t].Time; !slices.Contains(seen, t) && rt != nil && rt.Via < 0 {
			steps = append(steps, n+1)
		}
		seen = append(seen, t)
	}
	return steps
}

// oddSelf reports whether a path walks a self-reference down, which VIA does not say.
func oddSelf(sc *schema.Schema, p []graph.Step) bool {
	for _, s := range p {
		if s.Down && sc.Tables[s.Table].Links[s.Link].To == s.Table {
			return true
		}
	}
	return false
}

// readsTable reports whether the argument itself says which table it belongs to, by the
// first column in it.
func readsTable(e tasks.Expr, table int) bool {
	first, found := false, false
	eachColumn(e, func(c *tasks.ColumnExpr) {
		if !found {
			first, found = c.Table == table, true
		}
	})
	return first
}

func (g *taskGen) window(ahead bool) tasks.Window {
	spans := []tasks.Span{{Days: 7}, {Days: 14}, {Days: 30}, {Micros: 36 * 3600e6}}
	w := tasks.Window{End: choose(g, spans...)}
	if g.upTo(3) == 0 {
		w = tasks.Window{Start: tasks.Span{Days: 7}, End: tasks.Span{Days: 21}}
	}
	if ahead {
		return w
	}
	if g.upTo(3) == 0 {
		return tasks.Window{OpenStart: true}
	}
	if g.upTo(4) == 0 {
		return tasks.Window{Start: tasks.Span{Months: -1}}
	}
	return tasks.Window{Start: w.End.Times(-1), End: w.Start.Times(-1)}
}

// task draws a task and returns its parts.
func (g *taskGen) task() *tasks.Task {
	t := &tasks.Task{Entity: g.entity}
	g.table = g.entity
	ahead := func(k tasks.ValueKind) tasks.Expr {
		if k == tasks.KindBool && g.upTo(3) == 0 {
			return g.aggregate(tasks.KindList, true)
		}
		return g.aggregate(k, g.upTo(3) > 0)
	}
	back := func(k tasks.ValueKind) tasks.Expr {
		if g.yes() {
			return g.leaf(k)
		}
		return g.aggregate(k, false)
	}
	if g.upTo(3) == 0 {
		t.Ranking, t.Target = g.ranking()
	}
	switch form := g.upTo(3); {
	case t.Target != nil:
	case form == 0:
		t.Target = g.value(tasks.KindNumber, ahead)
	case form == 1:
		t.Target = g.value(tasks.KindText, ahead)
	default:
		t.Target = g.condition(ahead)
	}
	if g.upTo(2) == 0 {
		g.fuel = 3
		t.Where = g.condition(back)
	}
	if g.upTo(3) == 0 {
		g.fuel = 2
		t.Assuming = g.condition(ahead)
	}
	return t
}

// text writes the task as a query.
func (g *taskGen) text(t *tasks.Task) string {
	u := &unbinder{g.sc, g.entity}
	q := &Query{Target: u.expr(t.Target), Each: true, Entity: &Entity{Parts: tableParts(g.sc, g.entity)}}
	if r := t.Ranking; r != nil {
		q.Spec = &Spec{Kind: SpecRank, Top: &Int{N: int64(r.Top)}, IncludingNew: r.IncludingNew}
	}
	if t.Where != nil {
		q.Where = u.expr(t.Where)
	}
	if t.Assuming != nil {
		q.Assuming = u.expr(t.Assuming)
	}
	return q.String()
}

// newTaskGen draws the entity table.
func newTaskGen(t *rapid.T, sc *schema.Schema) *taskGen {
	g := &taskGen{T: t, sc: sc, fuel: 5}
	g.entity = sc.Table(choose(g, "users", "users", "users", "items", "orders", "posts", "lines"))
	return g
}

// acceptable are the faults that random tasks may have: the generator does not look at
// what each clause demands of its windows.
var acceptable = []string{"TK130", "TK112", "TK117", "TK141", "TK140", "TK142", "TK157", "TK156", "TK179"}

// TestBind_random binds random tasks: the text of a bound task binds to an equal one,
// and the executor takes it.
func TestBind_random(t *testing.T) {
	sc := ddlSchema(t)
	snap := finish(t, ingest.NewBuilder(sc), sc)
	bound, all := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		all++
		g := newTaskGen(t, sc)
		drawn := g.task()
		text := g.text(drawn)
		task, err := Bind(text, sc)
		if err != nil {
			for _, e := range err.(Errors) {
				if !strings.Contains(fmt.Sprint(acceptable), e.Code) {
					t.Fatalf("%s", e.Pretty())
				}
			}
			return
		}
		bound++
		for _, p := range []struct {
			name      string
			have, was tasks.Expr
		}{{"target", task.Target, drawn.Target}, {"where", task.Where, drawn.Where}, {"assuming", task.Assuming, drawn.Assuming}} {
			if d := cmp.Diff(p.was, p.have, samePlan); d != "" {
				t.Fatalf("%s of\n%s\nbinds differently:\n%s", p.name, text, d)
			}
		}
		if again := g.text(task); again != text {
			t.Fatalf("prints as\n%s\nand then as\n%s", text, again)
		}
		if _, err := tasks.NewExecutor(snap, task, 1); err != nil {
			t.Fatalf("%s\n%v", text, err)
		}
		if len(Explain(task, sc)) < 200 {
			t.Fatalf("short explanation of %s", text)
		}
	})
	if bound < all/3 {
		t.Errorf("only %d of %d random tasks are accepted", bound, all)
	}
	t.Logf("%d of %d random tasks are accepted", bound, all)
}

// day is midnight of a day after 2020-01-01, UTC.
func day(n int) int64 { return 1577836800e6 + int64(n)*86400e6 }
