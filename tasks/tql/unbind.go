package tql

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// unbinder turns bound expressions back into syntax, with every name qualified. The
// text binds to an equal expression.
type unbinder struct {
	sc     *schema.Schema
	entity int
}

var matchOps = map[string]string{"like": "LIKE", "ilike": "ILIKE", "contains": "CONTAINS", "starts": "STARTS WITH", "ends": "ENDS WITH"}

// expr unbinds e. Columns of the entity and of the table in scope say their table.
func (u *unbinder) expr(e tasks.Expr) Expr {
	switch e := e.(type) {
	case *tasks.Literal:
		return signed1(u.literal(e))
	case *tasks.AnchorExpr:
		return &Anchor{}
	case *tasks.ColumnExpr:
		return u.column(e)
	case *tasks.Aggregate:
		return u.aggregate(e)
	}
	return u.call(e.(*tasks.Call))
}

// target prints what a task predicts.
func (u *unbinder) target(task *tasks.Task) string {
	text := u.expr(task.Target).String()
	if task.Forecast != nil {
		text += " FORECAST " + strconv.Itoa(task.Forecast.Frames) + " TIMEFRAMES"
	}
	return text
}

func (u *unbinder) call(e *tasks.Call) Expr {
	arg := func(i int) Expr { return u.expr(e.Args[i]) }
	switch e.Op {
	case "and", "or":
		out := &Logic{Op: strings.ToUpper(e.Op)}
		for i := range e.Args {
			out.Terms = append(out.Terms, arg(i))
		}
		return out
	case "not":
		return &Not{X: arg(0)}
	case "neg":
		return &Sign{Op: "-", X: arg(0)}
	case "=", "<>", "<", "<=", ">", ">=":
		return &Compare{Op: e.Op, X: arg(0), Y: arg(1)}
	case "+", "-", "*", "/":
		return &Arith{Op: e.Op, X: arg(0), Y: arg(1)}
	case "is", "is not":
		return &Is{X: arg(0), Not: e.Op == "is not", Value: u.literal(e.Args[1].(*tasks.Literal))}
	case "in":
		out := &In{X: arg(0)}
		for _, a := range e.Args[1:] {
			out.List = append(out.List, u.literal(a.(*tasks.Literal)))
		}
		return out
	case "like", "ilike", "contains", "starts", "ends":
		return &Match{Op: matchOps[e.Op], X: arg(0), Y: arg(1)}
	}
	out := &Call{Name: Name{Text: e.Op}, Func: e.Op}
	for i := range e.Args {
		out.Args = append(out.Args, arg(i))
	}
	return out
}

func (u *unbinder) aggregate(e *tasks.Aggregate) Expr {
	out := &Aggregate{Name: Name{Text: e.Fn}, Func: e.Fn}
	if e.Arg == nil {
		out.Star = &Star{Parts: tableParts(u.sc, e.Table)}
	} else {
		out.Arg = u.expr(e.Arg)
		if from := tableParts(u.sc, e.Table); !sameNames(out.Table(), from) {
			out.From = &Table{Parts: from}
		}
	}
	if e.Filter != nil {
		out.Where = u.expr(e.Filter)
	}
	if !e.Window.Static {
		out.Window = unboundWindow(e.Window)
	}
	if paths := shortest(u.sc, e.Table, u.entity); len(paths) != 1 || !slices.Equal(steps(paths[0]), e.Path) {
		out.Via = &Via{Columns: viaColumns(u.sc, e.Path)}
	}
	if e.TimeStep > 0 {
		timed := pathTable(u.sc, e, e.TimeStep)
		t := u.sc.Tables[timed]
		out.Time = &Column{Parts: append(tableParts(u.sc, timed), nameIn(t.Columns[t.Time.Column].Name, columnNames(t)))}
	}
	out.OnEmpty = u.onEmpty(e)
	return out
}

// unboundWindow writes a window as bounds in the largest unit that fits.
func unboundWindow(w tasks.Window) *Window {
	first, last := durationOf(Interval(w.Start)), durationOf(Interval(w.End))
	if w.OpenStart {
		out := (&Window{Form: FormAfter, First: last, Last: last}).canon()
		out.Low = Bound{Inf: -1}
		return out
	}
	return (&Window{Form: FormAfter, First: first, Last: last}).canon()
}

// onEmpty is ON EMPTY where it was written.
func (u *unbinder) onEmpty(e *tasks.Aggregate) *OnEmpty {
	switch {
	case e.Skip:
		return &OnEmpty{Skip: true}
	case e.OnEmpty:
		return &OnEmpty{Value: u.literal(&e.Empty)}
	}
	return nil
}

func (u *unbinder) column(e *tasks.ColumnExpr) Expr {
	t := u.sc.Tables[e.Table]
	c := &Column{Parts: tableParts(u.sc, e.Table)}
	put := func(t *schema.Table, column int) {
		n := nameIn(t.Columns[column].Name, columnNames(t))
		if len(c.Parts) == len(tableParts(u.sc, e.Table)) && c.Follow == nil {
			c.Parts = append(c.Parts, n)
			return
		}
		c.Follow = append(c.Follow, n)
	}
	for _, l := range e.Links {
		put(t, t.Links[l].Columns[0])
		t = u.sc.Tables[t.Links[l].To]
	}
	put(t, e.Column)
	return c
}

// literal writes a constant; instants in UTC.
func (u *unbinder) literal(l *tasks.Literal) *Literal {
	switch {
	case l.Null:
		return &Literal{Kind: LitNull, Text: "NULL"}
	case l.Kind == tasks.KindBool:
		return &Literal{Kind: LitBool, Text: strings.ToUpper(strconv.FormatBool(l.Num != 0))}
	case l.Kind == tasks.KindText:
		return &Literal{Kind: LitString, Text: l.Text}
	case l.Kind == tasks.KindTime:
		text := time.UnixMicro(l.Time).UTC().Format("2006-01-02 15:04:05.999999")
		return &Literal{Kind: LitTimestamp, Text: text + "Z"}
	case l.Exact:
		return &Literal{Kind: LitInt, Text: strconv.FormatInt(l.Int, 10)}
	}
	text := strconv.FormatFloat(l.Num, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0" // a whole number beyond int64
	}
	return &Literal{Kind: LitDecimal, Text: strings.ReplaceAll(text, "e+", "e")}
}

// signed1 splits the sign from a number, which is an operator outside of lists.
func signed1(l *Literal) Expr {
	if text, neg := strings.CutPrefix(l.Text, "-"); neg && l.IsNumber() {
		return &Sign{Op: "-", X: &Literal{Kind: l.Kind, Text: text}}
	}
	return l
}

// tableParts names a table, with its schema where the name alone is not enough.
func tableParts(sc *schema.Schema, table int) []Name {
	t := sc.Tables[table]
	var names []string
	same := 0
	for _, o := range sc.Tables {
		names = append(names, o.Name)
		if o.Name == t.Name {
			same++
		}
	}
	if same > 1 && t.Namespace != "" {
		return []Name{{Text: t.Namespace, Quoted: !plain(t.Namespace)}, {Text: t.Name, Quoted: true}}
	}
	return []Name{nameIn(t.Name, names)}
}

func columnNames(t *schema.Table) []string {
	names := make([]string, len(t.Columns))
	for i := range t.Columns {
		names[i] = t.Columns[i].Name
	}
	return names
}

// nameIn writes a name, in quotes where it would not be found without.
func nameIn(name string, candidates []string) Name {
	n := Name{Text: name}
	_, hits := match(n, candidates)
	n.Quoted = !plain(name) || len(hits) != 1 || hits[0] != name
	return n
}

// plain reports whether a name needs no quotes.
func plain(name string) bool {
	if name == "" || Reserved(name) || wordLength(name) != len(name) {
		return false
	}
	for _, r := range name {
		return nameStart(r)
	}
	return false
}
