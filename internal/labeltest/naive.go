// Package labeltest owns the naive executor of labels: it loops over all rows of all
// tables for every (entity, anchor) pair and shares no code with the executors of
// packages tasks and tasks/tql but the calendar. Tests compare those with it.
package labeltest

import (
	"cmp"
	"math"
	"slices"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
)

// Naive labels the pairs of one task over one snapshot. Its values are nil, bool,
// float64, string, [Instant] and []any. The options of the task must be resolved.
type Naive struct {
	Snap *ingest.Snapshot
	Task *tasks.Task
}

// Instant is a time in microseconds UTC.
type Instant int64

// scope is what an expression sees.
type scope struct {
	anchor int64
	entity int32
	agg    *tasks.Aggregate
	row    int32
	asOf   int64
	strict bool
	skip   *bool
}

func (n Naive) visible(table int, row int32, at int64, strict bool) bool {
	t := n.Snap.Tables[table]
	if t.Times == nil {
		return true
	}
	since := t.Times[row]
	if since == ingest.Never || since > at || strict && since == at {
		return false
	}
	return t.Until == nil || t.Until[row] == ingest.Never || at < t.Until[row]
}

func (n Naive) eval(e tasks.Expr, s scope) any {
	switch e := e.(type) {
	case *tasks.Literal:
		switch {
		case e.Null:
			return nil
		case e.Kind == tasks.KindText:
			return e.Text
		case e.Kind == tasks.KindBool:
			return e.Num != 0
		case e.Kind == tasks.KindTime:
			return Instant(e.Time)
		}
		return e.Num
	case *tasks.AnchorExpr:
		return Instant(s.anchor)
	case *tasks.ColumnExpr:
		return n.column(e, s)
	case *tasks.Aggregate:
		return n.aggregate(e, s)
	case *tasks.Call:
		var args []any
		for _, a := range e.Args {
			args = append(args, n.eval(a, s))
		}
		return n.call(e.Op, args)
	}
	panic("labeltest: expression")
}

func (n Naive) column(e *tasks.ColumnExpr, s scope) any {
	row := s.row
	if s.agg == nil || e.OfEntity || e.Table != s.agg.Table {
		row = s.entity
	}
	table := e.Table
	for _, l := range e.Links {
		row = n.Snap.Tables[table].Parents[l][row]
		table = n.Snap.Schema.Tables[table].Links[l].To
		if row < 0 || !n.visible(table, row, s.asOf, s.strict) {
			return nil
		}
	}
	if link, ok := n.Snap.Schema.Tables[table].LinkOn(e.Column); ok && n.Snap.Tables[table].Parents[link][row] < 0 {
		return nil // it dangles
	}
	return n.cell(table, e.Column, row)
}

func (n Naive) cell(table, column int, row int32) any {
	c := &n.Snap.Tables[table].Columns[column]
	if c.Null(int(row)) {
		return nil
	}
	switch n.Snap.Schema.Tables[table].Columns[column].Kind.String() {
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
	at := c.Ints[row]
	if zone := n.Snap.Tables[table].ValueZone(column); zone != nil {
		at = ingest.LocalTime(zone, at)
	}
	return Instant(at)
}

// reach looks for routes from a row to the entity on which every row is visible and whose
// windowed time counts. Of several the first time is told.
func (n Naive) reach(e *tasks.Aggregate, step, table int, row int32, s scope, timed func(table int, row int32) (int64, bool)) (at int64, ok bool) {
	last := step == len(e.Path)
	if !last && !n.visible(table, row, s.asOf, s.strict) {
		return 0, false
	}
	own := int64(math.MinInt64)
	if step == e.TimeStep {
		var inside bool
		if own, inside = timed(table, row); !inside {
			return 0, false
		}
	}
	if last {
		return own, row == s.entity
	}
	st := e.Path[step]
	link := n.Snap.Schema.Tables[st.Table].Links[st.Link]
	parents := n.Snap.Tables[st.Table].Parents[st.Link]
	at = math.MaxInt64
	follow := func(table int, row int32) {
		if t, found := n.reach(e, step+1, table, row, s, timed); found {
			at, ok = min(at, max(own, t)), true
		}
	}
	if !st.Down {
		if parents[row] >= 0 {
			follow(link.To, parents[row])
		}
		return at, ok
	}
	for child, p := range parents {
		if p == row {
			follow(st.Table, int32(child))
		}
	}
	return at, ok
}

type foundRow struct {
	at  int64
	row int32
}

func (n Naive) aggregate(e *tasks.Aggregate, s scope) any {
	w := e.Window
	zone := n.Task.Options.Zone
	in := scope{anchor: s.anchor, entity: s.entity, agg: e, asOf: s.anchor, strict: n.Task.Options.Rule.Strict}
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
	var rows []foundRow
	for r := range n.Snap.Tables[e.Table].Rows {
		timed := func(table int, row int32) (int64, bool) {
			if w.Static {
				return 0, true
			}
			at := n.Snap.Tables[table].Times[row]
			return at, at != ingest.Never && at > after && (at < until || at == until && !in.strict)
		}
		if at, ok := n.reach(e, 0, e.Table, int32(r), in, timed); ok {
			rows = append(rows, foundRow{at, int32(r)})
		}
	}
	slices.SortFunc(rows, func(a, b foundRow) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.row, b.row))
	})
	var values []any
	for _, r := range rows {
		in.row = r.row
		if e.Filter != nil && n.eval(e.Filter, in) != true {
			continue
		}
		v := any(true)
		if e.Arg != nil {
			v = n.eval(e.Arg, in)
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
		return n.eval(&e.Empty, s)
	}
	return reduceNaively(e.Fn, values)
}
