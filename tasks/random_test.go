package tasks

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

// dice makes random worlds and tasks.
type dice struct{ *rand.Rand }

func (d dice) chance(p float64) bool { return d.Float64() < p }

func pick[T any](d dice, from ...T) T { return from[d.IntN(len(from))] }

// moment is an instant on a grid of 12 hours around two month ends and a clock change,
// so that ties and rows exactly on window bounds are common.
func (d dice) moment() int64 {
	start := time.Date(2023, 2, 24, 0, 0, 0, 0, time.UTC)
	return start.Add(time.Duration(d.IntN(2*38)) * 12 * time.Hour).UnixMicro()
}

func cellOf(at int64) string {
	return time.UnixMicro(at).UTC().Format("2006-01-02 15:04:05.999999")
}

func (d dice) timeCell(nulls float64) string {
	if d.chance(nulls) {
		return ""
	}
	return cellOf(d.moment())
}

// reference is a key of the first n rows, now and then NULL or dangling.
func (d dice) reference(n int) string {
	switch {
	case d.chance(0.1):
		return ""
	case d.chance(0.05) || n == 0:
		return "999"
	}
	return strconv.Itoa(d.IntN(n))
}

func (d dice) text() string { return pick(d, "", "a", "b", "ä", "Ab", "ab") }

// world has an entity table, parents, facts with a self-reference, and children of
// facts; each but the facts with or without times, each timed one with or without ends.
func (d dice) world(n int) *world {
	times := func() string { return pick(d, "", "", ", @at time", ", @at time", ", @at time, ~until time") }
	w := newWorld(
		tableSpec{"e", "*id int, kind text, x int" + times()},
		tableSpec{"m", "*id int, e int >e, w float" + times()},
		tableSpec{"f", "*id int, e int >e, m int >m, parent int >f, v int, s text, z float, b bool" + pick(d, ", @at time", ", @at time", ", @at time, ~until time")},
		tableSpec{"g", "*id int, f int >f, n int" + times()},
	)
	for i, def := range w.snap.Schema.Tables {
		rows := 1 + d.IntN(n)
		if def.Name == "e" && d.chance(0.7) { // several facts per entity
			rows = 1 + d.IntN(1+n/6)
		}
		for r := range rows {
			w.rows[i] = append(w.rows[i], d.row(w, def.Name, r, n))
		}
	}
	return w
}

func (d dice) row(w *world, table string, id, n int) []string {
	var cells []string
	for _, c := range w.table(table).Columns {
		cell := ""
		switch c.Name {
		case "id":
			cell = strconv.Itoa(id)
		case "e", "m", "f", "parent":
			cell = d.reference(max(1, len(w.rows[w.number(strings.Replace(c.Name, "parent", "m", 1))])))
		case "at":
			cell = d.timeCell(0.05)
		case "until":
			cell = d.timeCell(0.5)
		case "b":
			cell = pick(d, "", "true", "false")
		case "z", "w":
			cell = pick(d, "", "0.5", "-1.25", "3", "NaN", "0.1")
		case "kind", "s":
			cell = d.text()
		default:
			cell = pick(d, "", "-2", "0", "1", "2", "3")
		}
		cells = append(cells, cell)
	}
	return cells
}

// paths lists all walks of at most max steps from a table to the entity table.
func (w *world) paths(at, entity, max int) [][]Step {
	var out [][]Step
	var walk func(at int, path []Step)
	walk = func(at int, path []Step) {
		if at == entity && len(path) > 0 {
			out = append(out, append([]Step(nil), path...))
		}
		if len(path) == max {
			return
		}
		for t, def := range w.snap.Schema.Tables {
			for l, link := range def.Links {
				if t == at {
					walk(link.To, append(path, Step{t, l, false}))
				}
				if link.To == at {
					walk(t, append(path, Step{t, l, true}))
				}
			}
		}
	}
	walk(at, nil)
	return out
}

// maker draws expressions for one task.
type maker struct {
	dice
	w      *world
	task   *Task
	future bool // aggregates may look ahead
}

func (m *maker) columns(table int, kinds ...string) []*ColumnExpr {
	var out []*ColumnExpr
	def := m.w.snap.Schema.Tables[table]
	for c, col := range def.Columns {
		for _, k := range kinds {
			if col.Kind.String() == k && !def.IsKey(c) {
				out = append(out, &ColumnExpr{Table: table, Column: c})
			}
		}
	}
	return out
}

// column draws a column of a row or of a parent reached by ->; nil if there is none.
func (m *maker) column(table int, ofEntity bool, kinds ...string) Expr {
	found := m.columns(table, kinds...)
	for l, link := range m.w.snap.Schema.Tables[table].Links {
		for _, c := range m.columns(link.To, kinds...) {
			found = append(found, &ColumnExpr{Table: table, Links: []int{l}, Column: c.Column})
		}
	}
	if len(found) == 0 {
		return nil
	}
	c := pick(m.dice, found...)
	c.OfEntity = ofEntity
	return c
}

func (m *maker) window() Window {
	history := []Window{
		window(days(-2), Span{}), window(Span{Months: -1}, Span{}), {OpenStart: true},
		window(days(-5), days(-2)), {OpenStart: true, End: days(-1)},
	}
	future := []Window{
		window(Span{}, days(1)), window(Span{}, Span{Months: 1}), window(days(1), days(3)),
		window(Span{}, Span{Micros: 12 * microsPerHour}), window(Span{}, Span{Months: 1, Days: 1}),
	}
	if m.future && m.chance(0.7) {
		return pick(m.dice, future...)
	}
	return pick(m.dice, history...)
}

// aggregate draws an aggregate with values of one sort: number, bool, text or list.
func (m *maker) aggregate(sort string) *Aggregate {
	for {
		table := m.IntN(len(m.w.snap.Tables))
		paths := m.w.paths(table, m.task.Entity, 3)
		if len(paths) == 0 {
			continue
		}
		slices.SortStableFunc(paths, func(a, b []Step) int { return len(a) - len(b) })
		if m.chance(0.6) {
			paths = paths[:1]
		}
		a := &Aggregate{Table: table, Path: pick(m.dice, paths...), Window: m.window()}
		a.TimeStep = m.IntN(len(a.Path) + 1)
		if m.w.snap.Tables[tableNumber(m.w.snap, a, a.TimeStep)].Times == nil {
			a.TimeStep = 0
		}
		if m.w.snap.Tables[tableNumber(m.w.snap, a, a.TimeStep)].Times == nil {
			a.Window = Window{Static: true}
		}
		switch sort {
		case "number":
			a.Fn = pick(m.dice, "count", "count", "count_distinct", "sum", "avg", "min", "max", "first", "last", "mode", "median", "stddev")
		case "bool":
			a.Fn = "exists"
		case "text":
			a.Fn = pick(m.dice, "min", "max", "first", "last", "mode")
		default:
			a.Fn = "list_distinct"
		}
		if a.Fn != "exists" && (a.Fn != "count" || m.chance(0.3)) {
			kinds := []string{"int", "float"}
			if sort != "number" || a.Fn == "count_distinct" && m.chance(0.5) {
				kinds = []string{"text"}
			}
			if a.Arg = m.column(table, false, kinds...); a.Arg == nil {
				continue
			}
			if sort == "number" && kinds[0] == "int" && m.chance(0.2) {
				a.Arg = call("coalesce", a.Arg, lit(7))
			}
		}
		if m.chance(0.5) {
			a.Filter = m.filter(table)
		}
		a.Empty = DefaultEmpty(a.Fn)
		a.Skip = m.chance(0.05)
		return a
	}
}

// filter draws a condition on the rows of a table.
func (m *maker) filter(table int) Expr {
	switch m.IntN(5) {
	case 0:
		if c := m.column(table, false, "time"); c != nil {
			if m.chance(0.5) {
				return call("<", c, &AnchorExpr{})
			}
			return call(">", call("-", &AnchorExpr{}, c), lit(86400))
		}
	case 1:
		if c := m.column(m.task.Entity, true, "int"); c != nil {
			return call("<=", c, lit(float64(m.IntN(3))))
		}
	case 2:
		if c := m.column(table, false, "text"); c != nil {
			return call("in", c, litText("a"), litText("ä"))
		}
	case 3:
		if c := m.column(table, false, "time"); c != nil {
			return call("<=", call("date_part", litText("day"), c), lit(15))
		}
	}
	if c := m.column(table, false, "int", "float"); c != nil {
		return call(pick(m.dice, "<", ">=", "<>", "="), c, lit(float64(m.IntN(4)-1)))
	}
	return &Literal{Kind: KindBool, Num: 1}
}

func (m *maker) number(depth int) Expr {
	switch m.IntN(5) {
	case 0:
		if c := m.column(m.task.Entity, false, "int"); c != nil {
			return c
		}
	case 1:
		if depth > 0 {
			return call(pick(m.dice, "+", "-", "*", "/"), m.number(depth-1), m.number(depth-1))
		}
	case 2:
		return call("coalesce", m.aggregate("number"), lit(1))
	}
	return m.aggregate("number")
}

func (m *maker) condition(depth int) Expr {
	switch m.IntN(8) {
	case 0, 1:
		if depth > 0 {
			return call(pick(m.dice, "and", "or"), m.condition(depth-1), m.condition(depth-1))
		}
	case 2:
		if depth > 0 {
			return call("not", m.condition(depth-1))
		}
	case 3:
		return call("is", m.aggregate("number"), &Literal{Null: true})
	case 4:
		return m.aggregate("bool")
	case 5:
		return call(pick(m.dice, "<", "="), m.aggregate("text"), litText("ab"))
	case 6:
		return call("contains", m.aggregate("list"), litText("a"))
	}
	return call(pick(m.dice, "<", "<=", "=", "<>", ">"), m.number(1), lit(float64(m.IntN(4))))
}

func randomTask(d dice, w *world) *Task {
	task := w.task(pick(d, "e", "e", "f"))
	task.Options.Zone = time.UTC
	if d.chance(0.4) {
		task.Options.Zone, _ = time.LoadLocation("Europe/Berlin")
	}
	task.Options.Rule.Strict = d.chance(0.2)
	task.Horizon = Span{Months: 1, Days: 1}
	m := &maker{dice: d, w: w, task: task}
	if d.chance(0.5) {
		task.Where = m.condition(1)
	}
	m.future = true
	if d.chance(0.3) {
		task.Assuming = m.condition(1)
	}
	task.Type, task.Target = Binary, m.condition(2)
	if d.chance(0.5) {
		task.Type, task.Target = Regression, m.number(2)
	}
	return task
}

func (m *maker) anchors(n int) []int64 {
	var out []int64
	for range n {
		out = append(out, m.moment())
	}
	return out
}

// labelsAt runs the executor over all entities at some anchors.
func labelsAt(t testing.TB, x *Executor, anchors []int64) map[string]float64 {
	t.Helper()
	l, err := x.run(context.Background(), x.appendJobs(nil, anchors, Test), runRules{visible: x.visible})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for i := range l.Entity {
		out[fmt.Sprint(keyText(l.entity, l.Entity[i]), "@", cellOf(l.Anchor[i]))] = l.Label[i]
	}
	return out
}

func TestExecutor_oracle(t *testing.T) {
	examples := 0
	rapid.Check(t, func(rt *rapid.T) {
		d := dice{rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))}
		w := d.world(rapid.IntRange(3, 40).Draw(rt, "rows"))
		snap := w.build(t)
		task := randomTask(d, w)
		x, err := NewExecutor(snap, task, 1+d.IntN(3))
		if err != nil {
			rt.Fatal(err)
		}
		anchors := (&maker{dice: d}).anchors(20)
		have := labelsAt(t, x, anchors)
		n := 0
		for _, a := range dedupe(anchors) {
			for e := range int32(snap.Tables[task.Entity].Rows) {
				key := fmt.Sprint(keyText(snap.Tables[task.Entity], e), "@", cellOf(a))
				want := naiveLabel(snap, task, e, a)
				got, ok := have[key]
				if ok != (want != nil) {
					rt.Fatalf("%s: example %v, want %v (target %s)", key, ok, want, show(task.Target))
				}
				if ok {
					n++
					y := naiveNumber(want)
					if math.Abs(got-y) > 1e-9*math.Max(1, math.Abs(y)) {
						rt.Fatalf("%s: label %v, want %v (target %s)", key, got, y, show(task.Target))
					}
				}
			}
		}
		examples += n
		if n != len(have) {
			rt.Fatalf("%d examples, want %d", len(have), n)
		}
	})
	t.Logf("%d examples", examples)
	if !testing.Short() && examples < 500 { // 100 worlds gave about 2,000 when this was written
		t.Errorf("only %d examples compared", examples)
	}
}

func dedupe(anchors []int64) []int64 {
	seen := map[int64]bool{}
	var out []int64
	for _, a := range anchors {
		if !seen[a] {
			seen[a] = true
			out = append(out, a)
		}
	}
	return out
}

// TestExecutor_future checks that rows later than a + h change no label at a.
func TestExecutor_future(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		n := rapid.IntRange(3, 40).Draw(rt, "rows")
		d := dice{rand.New(rand.NewPCG(seed, 1))}
		w := d.world(n)
		anchor := d.moment()
		before := w.build(t)
		task := randomTask(d, w)
		x, err := NewExecutor(before, task, 1)
		if err != nil {
			rt.Fatal(err)
		}
		want := labelsAt(t, x, []int64{anchor})
		later := task.Horizon.AddTo(anchor, task.Options.Zone)
		more := *before
		added := &world{snap: &more, rows: slices.Clone(w.rows)}
		for i, def := range more.Schema.Tables {
			if def.Time == nil {
				continue
			}
			for r := range 1 + d.IntN(5) {
				cells := d.row(w, def.Name, 100*i+50+r, n)
				cells[def.Time.Column] = cellOf(later + 1 + int64(d.IntN(3))*microsPerHour)
				added.add(def.Name, cells...)
			}
		}
		after := added.build(t)
		y, err := NewExecutor(after, task, 1)
		if err != nil {
			rt.Fatal(err)
		}
		have := labelsAt(t, y, []int64{anchor})
		if len(have) != len(want) {
			rt.Fatalf("%d examples after adding later rows, want %d", len(have), len(want))
		}
		for key, label := range want {
			if got, ok := have[key]; !ok || got != label {
				rt.Fatalf("%s: label %v after adding later rows, want %v", key, got, label)
			}
		}
	})
}

// show prints an expression for failures.
func show(e Expr) string {
	switch e := e.(type) {
	case *Call:
		text := e.Op + "("
		for _, a := range e.Args {
			text += show(a) + " "
		}
		return text + ")"
	case *Aggregate:
		return fmt.Sprintf("%s[table %d path %v time %d window %+v arg %s filter %s skip %v]", e.Fn, e.Table, e.Path, e.TimeStep, e.Window, show(e.Arg), show(e.Filter), e.Skip)
	case *ColumnExpr:
		return fmt.Sprintf("%+v", *e)
	case *Literal:
		return e.Value().String()
	case nil:
		return "-"
	}
	return "ANCHOR"
}
