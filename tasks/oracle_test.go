package tasks

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/rowlink/rowlink/ingest"
)

// oracle is the naive executor: it loops over all rows of all tables for every
// (entity, anchor) pair and shares no code with the other one but the calendar. Its
// values are nil, bool, float64, string, instantOf and []any.
type oracle struct {
	w    *world
	task *Task
}

type instantOf int64

// scope is what an expression sees.
type scope struct {
	anchor int64
	entity int32
	agg    *Aggregate
	row    int32
	asOf   int64
	strict bool
	skip   *bool
}

func (o *oracle) visible(table int, row int32, at int64, strict bool) bool {
	t := o.w.snap.Tables[table]
	if t.Times == nil {
		return true
	}
	since := t.Times[row]
	if since == ingest.Never || since > at || strict && since == at {
		return false
	}
	return t.Until == nil || t.Until[row] == ingest.Never || at < t.Until[row]
}

// label is nil when the pair gives no example.
func (o *oracle) label(entity int32, anchor int64) any {
	strict := o.task.Options.Rule.Strict
	skip := false
	s := scope{anchor: anchor, entity: entity, asOf: anchor, strict: strict, skip: &skip}
	if !o.visible(o.task.Entity, entity, anchor, strict) {
		return nil
	}
	for _, condition := range []Expr{o.task.Where, o.task.Assuming} {
		if condition != nil && o.eval(condition, s) != true || skip {
			return nil
		}
	}
	v := o.eval(o.task.Target, s)
	if skip {
		return nil
	}
	return v
}

func (o *oracle) eval(e Expr, s scope) any {
	switch e := e.(type) {
	case *Literal:
		switch {
		case e.Null:
			return nil
		case e.Kind == KindText:
			return e.Text
		case e.Kind == KindBool:
			return e.Num != 0
		case e.Kind == KindTime:
			return instantOf(e.Time)
		}
		return e.Num
	case *AnchorExpr:
		return instantOf(s.anchor)
	case *ColumnExpr:
		return o.column(e, s)
	case *Aggregate:
		return o.aggregate(e, s)
	case *Call:
		var args []any
		for _, a := range e.Args {
			args = append(args, o.eval(a, s))
		}
		return o.call(e.Op, args)
	}
	panic("tasks: expression")
}

func (o *oracle) column(e *ColumnExpr, s scope) any {
	row := s.row
	if s.agg == nil || e.OfEntity || e.Table != s.agg.Table {
		row = s.entity
	}
	table := e.Table
	for _, l := range e.Links {
		row = o.w.snap.Tables[table].Parents[l][row]
		table = o.w.snap.Schema.Tables[table].Links[l].To
		if row < 0 || !o.visible(table, row, s.asOf, s.strict) {
			return nil
		}
	}
	return o.cell(table, e.Column, row)
}

func (o *oracle) cell(table, column int, row int32) any {
	c := &o.w.snap.Tables[table].Columns[column]
	if c.Null(int(row)) {
		return nil
	}
	switch o.w.snap.Schema.Tables[table].Columns[column].Kind.String() {
	case "int":
		return float64(c.Ints[row])
	case "float":
		if math.IsNaN(c.Floats[row]) {
			return nil
		}
		return c.Floats[row]
	case "text":
		return c.Text(int(row))
	case "bool":
		return c.Bool(int(row))
	}
	return instantOf(c.Ints[row])
}

// reaches reports whether a route leads from a row to the entity with every row on it
// visible and the windowed time inside (after, until].
func (o *oracle) reaches(e *Aggregate, step, table int, row int32, s scope, inside func(table int, row int32) bool, ok bool) bool {
	last := step == len(e.Path)
	if !last && !o.visible(table, row, s.asOf, s.strict) {
		return false
	}
	if step == e.TimeStep {
		ok = inside(table, row)
	}
	if last {
		return ok && row == s.entity
	}
	st := e.Path[step]
	link := o.w.snap.Schema.Tables[st.Table].Links[st.Link]
	parents := o.w.snap.Tables[st.Table].Parents[st.Link]
	if !st.Down {
		return parents[row] >= 0 && o.reaches(e, step+1, link.To, parents[row], s, inside, ok)
	}
	for child, p := range parents {
		if p == row && o.reaches(e, step+1, st.Table, int32(child), s, inside, ok) {
			return true
		}
	}
	return false
}

type oracleRow struct {
	at  int64
	row int32
}

func (o *oracle) aggregate(e *Aggregate, s scope) any {
	w := e.Window
	zone := o.task.Options.Zone
	in := scope{anchor: s.anchor, entity: s.entity, agg: e, asOf: s.anchor, strict: o.task.Options.Rule.Strict}
	until, after := int64(0), int64(math.MinInt64)
	if !w.Static {
		until = w.End.AddTo(s.anchor, zone)
		if !w.OpenStart {
			after = w.Start.AddTo(s.anchor, zone)
		}
		if until > s.anchor {
			in.asOf, in.strict = until, false
		}
	}
	var rows []oracleRow
	for r := range o.w.snap.Tables[e.Table].Rows {
		first := int64(math.MaxInt64)
		inside := func(table int, row int32) bool {
			if w.Static {
				first = 0
				return true
			}
			at := o.w.snap.Tables[table].Times[row]
			hit := at != ingest.Never && at > after && (at < until || at == until && !in.strict)
			if hit {
				first = min(first, at)
			}
			return hit
		}
		if o.reaches(e, 0, e.Table, int32(r), in, inside, false) {
			rows = append(rows, oracleRow{first, int32(r)})
		}
	}
	slices.SortFunc(rows, func(a, b oracleRow) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.row, b.row))
	})
	var values []any
	for _, r := range rows {
		in.row = r.row
		if e.Filter != nil && o.eval(e.Filter, in) != true {
			continue
		}
		v := any(true)
		if e.Arg != nil {
			v = o.eval(e.Arg, in)
		}
		if v != nil {
			values = append(values, v)
		}
	}
	if len(values) == 0 || e.Fn == "stddev" && len(values) == 1 {
		if e.Skip {
			*s.skip = true
			return nil
		}
		return o.eval(&e.Empty, s)
	}
	return reduceNaively(e.Fn, values)
}

func reduceNaively(fn string, values []any) any {
	sum, best := 0.0, values[0]
	var distinct []any
	for _, v := range values {
		sum += asNumber(v)
		if c := orderOf(v, best); fn == "min" && c < 0 || fn == "max" && c > 0 {
			best = v
		}
		if !slices.ContainsFunc(distinct, func(d any) bool { return orderOf(d, v) == 0 }) {
			distinct = append(distinct, v)
		}
	}
	switch fn {
	case "count":
		return float64(len(values))
	case "exists":
		return true
	case "sum":
		return sum
	case "avg":
		return sum / float64(len(values))
	case "min", "max":
		return best
	case "first":
		return values[0]
	case "last":
		return values[len(values)-1]
	case "count_distinct":
		return float64(len(distinct))
	case "list_distinct":
		return distinct
	case "mode":
		return modeNaively(values)
	case "median":
		slices.SortFunc(values, orderOf)
		return (asNumber(values[(len(values)-1)/2]) + asNumber(values[len(values)/2])) / 2
	case "stddev":
		mean, squares := sum/float64(len(values)), 0.0
		for _, v := range values {
			squares += (asNumber(v) - mean) * (asNumber(v) - mean)
		}
		return math.Sqrt(squares / float64(len(values)-1))
	}
	panic("tasks: " + fn)
}

// modeNaively counts every value among all; of equally frequent ones the least counts.
func modeNaively(values []any) any {
	var best any
	most := 0
	for _, v := range values {
		n := 0
		for _, w := range values {
			if orderOf(v, w) == 0 {
				n++
			}
		}
		if n > most || n == most && orderOf(v, best) < 0 {
			best, most = v, n
		}
	}
	return best
}

func asNumber(v any) float64 {
	switch v := v.(type) {
	case bool:
		if v {
			return 1
		}
	case float64:
		return v
	}
	return 0
}

func orderOf(a, b any) int {
	switch a := a.(type) {
	case string:
		return strings.Compare(a, b.(string))
	case instantOf:
		return cmp.Compare(a, b.(instantOf))
	}
	return cmp.Compare(asNumber(a), asNumber(b))
}

// call covers the operators that the random expressions use.
func (o *oracle) call(op string, a []any) any {
	null := slices.Contains(a, any(nil))
	switch op {
	case "and":
		if slices.Contains(a, any(false)) {
			return false
		}
		return orUnknown(null, true)
	case "or":
		if slices.Contains(a, any(true)) {
			return true
		}
		return orUnknown(null, false)
	case "not":
		if null {
			return nil
		}
		return a[0] == false
	case "is":
		if null {
			return a[0] == nil && a[1] == nil
		}
		return orderOf(a[0], a[1]) == 0
	case "coalesce":
		for _, v := range a {
			if v != nil {
				return v
			}
		}
		return nil
	case "in":
		if a[0] == nil {
			return nil
		}
		for _, v := range a[1:] {
			if v != nil && orderOf(a[0], v) == 0 {
				return true
			}
		}
		return orUnknown(slices.Contains(a[1:], any(nil)), false)
	}
	if null {
		return nil
	}
	switch op {
	case "=", "<>", "<", "<=", ">", ">=":
		c := orderOf(a[0], a[1])
		return map[string]bool{"=": c == 0, "<>": c != 0, "<": c < 0, "<=": c <= 0, ">": c > 0, ">=": c >= 0}[op]
	case "contains":
		return slices.ContainsFunc(a[0].([]any), func(v any) bool { return orderOf(v, a[1]) == 0 })
	case "date_part":
		return float64(time.UnixMicro(int64(a[1].(instantOf))).In(o.task.Options.Zone).Day())
	case "-":
		if x, ok := a[0].(instantOf); ok {
			return float64(x-a[1].(instantOf)) / 1e6
		}
		return asNumber(a[0]) - asNumber(a[1])
	case "+":
		return asNumber(a[0]) + asNumber(a[1])
	case "*":
		return asNumber(a[0]) * asNumber(a[1])
	case "/":
		if asNumber(a[1]) == 0 {
			return nil
		}
		return asNumber(a[0]) / asNumber(a[1])
	}
	panic("tasks: " + op)
}

func orUnknown(unknown, otherwise bool) any {
	if unknown {
		return nil
	}
	return otherwise
}
