package tql

import (
	"strings"

	"github.com/rowlink/rowlink/tasks"
)

// value says a value: "the sum of price over its orders rows of the next 30 days".
func (r *reader) value(e tasks.Expr) string {
	switch e := e.(type) {
	case *tasks.Literal:
		if e.Kind == tasks.KindTime && !e.Null {
			return formatDate(e.Time, r.zone)
		}
		return (&unbinder{r.sc, r.entity}).literal(e).String()
	case *tasks.AnchorExpr:
		return "the moment of prediction"
	case *tasks.ColumnExpr:
		return r.column(e)
	case *tasks.Aggregate:
		return r.aggregate(e)
	}
	return r.function(e.(*tasks.Call))
}

// column says a column: "channel" of the row in scope, "its age" of the entity, and
// for arrows "the category of the items row in item_id".
func (r *reader) column(e *tasks.ColumnExpr) string {
	t := r.sc.Tables[e.Table]
	out := ""
	for _, l := range e.Links {
		link := t.Links[l]
		to := r.sc.Tables[link.To]
		out = " of the " + to.Name + " row in " + t.Label(link) + out
		t = to
	}
	name := t.Columns[e.Column].Name
	ofEntity := r.row == nil || e.Table != r.row.Table || e.OfEntity
	switch {
	case out != "":
		return "the " + name + out
	case r.row == nil:
		return "its " + name
	case ofEntity:
		return "the " + name + " of the " + t.Name + " row"
	}
	return name
}

// aggregateWords say what an aggregate takes of its rows.
var aggregateWords = map[string]struct{ before, after string }{
	"count":          {"the number of ", ""},
	"count_distinct": {"the number of different values of ", " among "},
	"sum":            {"the sum of ", " over "},
	"avg":            {"the average of ", " over "},
	"min":            {"the smallest ", " among "},
	"max":            {"the largest ", " among "},
	"mode":           {"the most frequent ", " among "},
	"median":         {"the median of ", " over "},
	"stddev":         {"the standard deviation of ", " over "},
	"first":          {"the first known ", " among "},
	"last":           {"the last known ", " among "},
	"list_distinct":  {"the set of values of ", " among "},
}

func (r *reader) aggregate(a *tasks.Aggregate) string {
	rows := "its " + r.sc.Tables[a.Table].Name + " rows" + r.by(a) + period(a.Window, " of ") + r.where(a)
	w := aggregateWords[a.Fn]
	switch {
	case a.Fn == "exists":
		return "whether " + r.have(a, "at least one", "row")
	case a.Fn == "count" && a.Arg != nil:
		with := " with "
		if a.Filter != nil {
			with = " and with "
		}
		return w.before + rows + with + "a known " + r.in(a).value(a.Arg)
	case a.Arg == nil:
		return w.before + rows
	}
	if a.Kind == tasks.KindTime {
		w.before = strings.NewReplacer("smallest", "earliest", "largest", "latest").Replace(w.before)
	}
	return w.before + strings.TrimPrefix(r.in(a).value(a.Arg), "the ") + w.after + rows
}

// functionWords say functions of one argument, which follows.
var functionWords = map[string]string{
	"neg": "minus ", "abs": "the absolute value of ", "ln": "the natural logarithm of ", "log": "the decimal logarithm of ",
	"length": "the length of ", "lower": "the lower-case form of ", "upper": "the upper-case form of ",
}

var arithmeticWords = map[string]string{"+": " plus ", "-": " minus ", "*": " times ", "/": " divided by "}

func (r *reader) function(c *tasks.Call) string {
	args := make([]string, len(c.Args))
	for i, a := range c.Args {
		args[i] = r.value(a)
		if in, ok := a.(*tasks.Call); ok && arithmeticWords[in.Op] != "" && arithmeticWords[c.Op] != "" {
			args[i] = "(" + args[i] + ")"
		}
	}
	switch c.Op {
	case "-":
		if kindOf(c.Args[0]) == tasks.KindTime && kindOf(c.Args[1]) == tasks.KindTime {
			return "the seconds from " + args[1] + " to " + args[0]
		}
		fallthrough
	case "+", "*", "/":
		if c.Kind == tasks.KindTime {
			args[1] += " seconds"
		}
		return args[0] + arithmeticWords[c.Op] + args[1]
	case "round":
		if len(args) > 1 {
			return args[0] + " rounded to " + args[1] + " decimals"
		}
		return args[0] + " rounded"
	case "coalesce":
		return args[0] + " (" + strings.Join(args[1:], ", ") + " where unknown)"
	case "least":
		return "the least of " + strings.Join(args, " and ")
	case "greatest":
		return "the greatest of " + strings.Join(args, " and ")
	case "date_part":
		return "the " + strings.Trim(args[0], "'") + " of " + args[1]
	}
	if words := functionWords[c.Op]; words != "" {
		return words + args[0]
	}
	return "whether " + r.clause(c)
}

// kindOf is the kind of a bound expression's value.
func kindOf(e tasks.Expr) tasks.ValueKind {
	switch e := e.(type) {
	case *tasks.Literal:
		return e.Kind
	case *tasks.AnchorExpr:
		return tasks.KindTime
	case *tasks.ColumnExpr:
		return e.Kind
	case *tasks.Aggregate:
		return e.Kind
	}
	return e.(*tasks.Call).Kind
}
