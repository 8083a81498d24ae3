package tql

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// reading says a task in English sentences, for people who want to know how it was
// understood. Windows are told from the moment of prediction, the anchor.
func reading(task *tasks.Task, sc *schema.Schema) string {
	r := &reader{sc: sc, entity: task.Entity, zone: task.Options.Zone}
	out := "For each " + sc.Tables[task.Entity].Name + " row, predict "
	switch task.Type {
	case tasks.Binary:
		out += "whether " + r.clause(task.Target) + "."
	case tasks.LinkPrediction:
		out += r.ranking(task)
	case tasks.Multilabel:
		out += "for each value seen in training whether it will be in " + r.value(task.Target) + "."
	case tasks.Multiclass:
		out += r.value(task.Target) + ", one of the values seen in training."
	case tasks.Forecasting:
		out += r.series(task)
	default:
		out += r.value(task.Target) + "."
	}
	if task.Where != nil {
		out += " A row of " + sc.Tables[task.Entity].Name + " is eligible only if " + r.clause(task.Where) + "."
	}
	if task.Assuming != nil {
		out += " It is assumed that " + r.clause(task.Assuming) + ": where that does not come true there is no label, and a prediction does not check it."
	}
	return out
}

// series says a forecast: the value of the first timeframe, and how many follow.
func (r *reader) series(task *tasks.Task) string {
	f := task.Forecast
	switch f.Frames {
	case 1:
		return r.value(task.Target) + ", as a series of one timeframe."
	case 2:
		return r.value(task.Target) + ", and the same of the timeframe of " + f.Length.String() + " after them."
	}
	return r.value(task.Target) + ", and the same of each of the " + strconv.Itoa(f.Frames-1) + " timeframes of " + f.Length.String() + " after them."
}

// reader puts bound expressions into words.
type reader struct {
	sc     *schema.Schema
	entity int
	zone   *time.Location
	row    *tasks.Aggregate // the aggregate whose row is in scope; nil = the entity row
}

var comparisonWords = map[string]string{"=": "", "<>": "not ", "<": "less than ", "<=": "at most ", ">": "more than ", ">=": "at least "}

// timeWords compare times.
var timeWords = map[string]string{"=": "", "<>": "not ", "<": "before ", "<=": "not after ", ">": "after ", ">=": "not before "}

var flipped = map[string]string{"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}

// clause says a condition: "it will have at least one orders row in the next 30 days".
func (r *reader) clause(e tasks.Expr) string {
	c, ok := e.(*tasks.Call)
	if !ok {
		return r.truth(e, false)
	}
	switch c.Op {
	case "and", "or":
		parts := make([]string, len(c.Args))
		for i, a := range c.Args {
			parts[i] = r.clause(a)
			if in, ok := a.(*tasks.Call); ok && (in.Op == "and" || in.Op == "or") && in.Op != c.Op {
				parts[i] = "(" + parts[i] + ")"
			}
		}
		return strings.Join(parts, " "+c.Op+" ")
	case "not":
		if inner, ok := c.Args[0].(*tasks.Call); ok {
			return r.test(inner, true)
		}
		return r.truth(c.Args[0], true)
	}
	return r.test(c, false)
}

// truth says that a truth value holds, or with not that it does not.
func (r *reader) truth(e tasks.Expr, not bool) string {
	a, ok := e.(*tasks.Aggregate)
	switch {
	case ok && a.Fn == "exists" && not:
		return r.have(a, "no", "row")
	case ok && a.Fn == "exists":
		return r.have(a, "at least one", "row")
	case ok && a.Fn == "max" && not, ok && a.Fn == "min" && !not: // of truth values
		return r.every(a, map[bool]string{true: "false", false: "true"}[not])
	case ok && a.Fn == "max", ok && a.Fn == "min":
		return "some of " + strings.TrimPrefix(r.every(a, map[bool]string{true: "false", false: "true"}[not]), "all of ")
	}
	word := "true"
	if not {
		word = "false"
	}
	return r.value(e) + " " + r.verb(e, "is", "will be") + " " + word
}

// test says a comparison or another test, or with not its opposite.
func (r *reader) test(c *tasks.Call, not bool) string {
	op := c.Op
	if not && flipped[op] != "" {
		op, not = flipped[op], false
	}
	negation := ""
	if not {
		negation = "not "
	}
	is := func() string { return r.value(c.Args[0]) + " " + r.verb(c, "is", "will be") + " " }
	does := func(plain, stem string) string {
		switch {
		case not:
			stem = r.verb(c, "does not ", "will not ") + stem
		case future(c):
			stem = "will " + stem
		default:
			stem = plain
		}
		return r.value(c.Args[0]) + " " + stem + " " + r.value(c.Args[1])
	}
	switch op {
	case "=", "<>", "<", "<=", ">", ">=":
		if text, ok := r.quantity(c, op); ok {
			return text
		}
		words := comparisonWords
		if kindOf(c.Args[0]) == tasks.KindTime {
			words = timeWords
		}
		return is() + words[op] + r.value(c.Args[1])
	case "is", "is not":
		if l := c.Args[1].(*tasks.Literal); l.Null {
			known := (op == "is not") != not
			return is() + map[bool]string{true: "known", false: "unknown"}[known]
		}
		if (op == "is not") != not {
			negation = "not "
		} else {
			negation = ""
		}
		return is() + negation + r.value(c.Args[1])
	case "in":
		list := make([]string, len(c.Args)-1)
		for i, a := range c.Args[1:] {
			list[i] = r.value(a)
		}
		return is() + negation + "one of " + strings.Join(list, ", ")
	case "like", "ilike":
		return does("matches", "match")
	case "contains":
		return does("contains", "contain")
	case "starts":
		return does("starts with", "start with")
	case "ends":
		return does("ends with", "end with")
	case "and", "or":
		return "it is not true that (" + r.clause(c) + ")"
	case "coalesce":
		if l, ok := c.Args[len(c.Args)-1].(*tasks.Literal); ok && len(c.Args) == 2 && !not && !l.Null && l.Num == 0 {
			return r.clause(c.Args[0]) // unknown counts as false, as everywhere in a condition
		}
	}
	return r.value(c) + " " + r.verb(c, "is", "will be") + " " + map[bool]string{true: "false", false: "true"}[not]
}

// quantity says a row count compared with a whole number as the rows that are there.
func (r *reader) quantity(c *tasks.Call, op string) (string, bool) {
	a, ok := c.Args[0].(*tasks.Aggregate)
	n, isNumber := c.Args[1].(*tasks.Literal)
	if !ok || a.Fn != "count" || a.Arg != nil || a.Skip || a.OnEmpty || !isNumber || !n.Exact || n.Int < 0 {
		return "", false
	}
	k := n.Int
	switch {
	case op == "=" && k == 0, op == "<" && k == 1, op == "<=" && k == 0:
		return r.have(a, "no", "row"), true
	case op == ">" && k == 0, op == ">=" && k == 1, op == "<>" && k == 0:
		return r.have(a, "at least one", "row"), true
	case op == "=" && k == 1:
		return r.have(a, "exactly one", "row"), true
	}
	words := map[string]string{"=": "exactly ", "<>": "not exactly ", "<": "fewer than ", "<=": "at most ", ">": "more than ", ">=": "at least "}
	return r.have(a, words[op]+strconv.FormatInt(k, 10), "rows"), true
}

// have says that the entity has so many rows in a window.
func (r *reader) have(a *tasks.Aggregate, many, rows string) string {
	verb := "had"
	switch {
	case a.Window.Future():
		verb = "will have"
	case a.Window.Static:
		verb = "has"
	}
	return "it " + verb + " " + many + " " + r.sc.Tables[a.Table].Name + " " + rows + r.by(a) + period(a.Window, " in ") + r.where(a)
}

// every says that all rows of a window have a truth value.
func (r *reader) every(a *tasks.Aggregate, word string) string {
	return "all of its " + r.sc.Tables[a.Table].Name + " rows" + r.by(a) + period(a.Window, " of ") + r.where(a) + " " +
		r.verb(a, "have ", "will have ") + r.in(a).value(a.Arg) + " " + word
}

// verb chooses the tense: what depends on a window after the anchor will be.
func (r *reader) verb(e tasks.Expr, now, later string) string {
	if future(e) {
		return later
	}
	return now
}

// future reports whether a value depends on a window after the anchor.
func future(e tasks.Expr) bool {
	switch e := e.(type) {
	case *tasks.Aggregate:
		return e.Window.Future()
	case *tasks.Call:
		return slices.ContainsFunc(e.Args, future)
	}
	return false
}

// period says a window: " in the next 30 days". in is " in " or " of ".
func period(w tasks.Window, in string) string {
	switch {
	case w.Static:
		return ""
	case w.OpenStart && w.End.IsZero():
		return " so far"
	case w.OpenStart:
		return " up to " + w.End.Times(-1).String() + " ago"
	case w.Start.IsZero():
		return in + "the next " + length(w.End)
	case w.End.IsZero():
		return in + "the past " + length(w.Start.Times(-1))
	case w.Future():
		return " from " + w.Start.String() + " to " + w.End.String() + " ahead"
	}
	return " from " + w.Start.Times(-1).String() + " to " + w.End.Times(-1).String() + " ago"
}

// length says a span after "the next": one unit goes without its number.
func length(s tasks.Span) string {
	text := s.String()
	if one, ok := strings.CutPrefix(text, "1 "); ok && !strings.Contains(one, " ") {
		return one
	}
	return text
}

// where says the filter of an aggregate.
func (r *reader) where(a *tasks.Aggregate) string {
	if a.Filter == nil {
		return ""
	}
	return " where " + r.in(a).clause(a.Filter)
}

func (r *reader) in(a *tasks.Aggregate) *reader { return &reader{r.sc, r.entity, r.zone, a} }

// by names the foreign keys of a path that is not the only shortest one, or has several
// steps.
func (r *reader) by(a *tasks.Aggregate) string {
	dated := ""
	if a.TimeStep > 0 {
		column, _ := timeColumn(r.sc, pathTable(r.sc, a, a.TimeStep))
		dated = "dated by " + column
	}
	if paths := shortest(r.sc, a.Table, r.entity); len(a.Path) == 1 && len(paths) == 1 && slices.Equal(steps(paths[0]), a.Path) {
		if dated != "" {
			return " (" + dated + ")"
		}
		return ""
	}
	var names []string
	for _, s := range a.Path {
		t := r.sc.Tables[s.Table]
		names = append(names, t.Name+"."+t.Label(t.Links[s.Link]))
	}
	if dated != "" {
		dated = "; " + dated
	}
	return " (linked by " + strings.Join(names, ", then ") + dated + ")"
}
