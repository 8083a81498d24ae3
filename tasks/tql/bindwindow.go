package tql

import (
	"strings"

	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// window binds the time window and holds the clause's rules on past and future.
func (b *binder) window(a *Aggregate, r role, out *tasks.Aggregate) {
	t := b.sc.Tables[pathTable(b.sc, out, out.TimeStep)]
	switch {
	case t.Time == nil && (a.Window != nil || r != roleWhere):
		b.fault(a.argumentAt(), "TK130", "table %q has no time column, so it has no windows", t.Name).Hint = b.timeHint(t, out)
	case a.Window == nil && r != roleWhere:
		b.fault(a.Range(), "TK114", "an aggregate in a target or ASSUMING needs a window").Hint = "add 0, 30, days before the closing parenthesis"
	case a.Window == nil:
		out.Window = tasks.Window{OpenStart: true, Static: t.Time == nil}
	case !a.Window.Bad:
		b.bounds(a.Window, r, out)
	}
}

// argumentAt is the place of what is aggregated.
func (a *Aggregate) argumentAt() Loc {
	switch {
	case a.Star != nil:
		return a.Star.Range()
	case a.Arg != nil:
		return a.Arg.Range()
	}
	return a.Range()
}

// timeHint says how the windows of a table without time are to be understood: by the time
// of another table on the path, or by one that it gets.
func (b *binder) timeHint(t *schema.Table, out *tasks.Aggregate) string {
	var times []string
	for i := range t.Columns {
		if t.Columns[i].Kind == schema.Time {
			times = append(times, t.Columns[i].Name)
		}
	}
	if len(times) > 0 {
		return "set its time in the mapping, time: " + strings.Join(times, " or time: ")
	}
	if others := b.timesOn(out); others != "" {
		return others
	}
	if len(t.Links) > 0 {
		return "give it the time of its parent in the mapping, time: {column: COLUMN, via: " + t.Label(t.Links[0]) + "}; it has no date or timestamp of its own"
	}
	return "aggregate a table with a time column; this one has no date or timestamp"
}

func (b *binder) bounds(w *Window, r role, out *tasks.Aggregate) {
	start, end := w.Offsets()
	if end.Inf != 0 {
		b.fault(w.Range(), "TK115", "a window needs a finite end").Hint = "write a number of days: 0, 30, days"
		return
	}
	win := boundWindow(w)
	if start.Inf > 0 || !win.OpenStart && !ordered(win) {
		err := b.fault(w.Range(), "TK111", "the window %s ends at or before its start", windowText(win))
		err.Hint = "a window is (start, end], the start before the end"
		switch {
		case start.Inf > 0:
			err.Message = "a window cannot start at INF"
		case w.Form == FormBounds && ordered(tasks.Window{Start: win.End, End: win.Start}):
			err.Hint += ": write " + w.High.text() + ", " + w.Low.text()
		case mixed(win):
			err.Message = "the window " + windowText(win) + " may end before its start: a month has 28 to 31 days"
			err.Hint = "give both ends in the same unit"
		}
		return
	}
	ahead := win.Future()
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
		b.horizon(w.Range(), win.End)
	}
	out.Window = win
}

// boundWindow converts the window of a text; infinite ends must have been refused.
func boundWindow(w *Window) tasks.Window {
	start, end := w.Offsets()
	return tasks.Window{Start: span(start), End: span(end), OpenStart: start.Inf < 0}
}

// ordered reports whether a window ends after its start whatever the length of a month.
func ordered(w tasks.Window) bool {
	order, sure := w.Start.Compare(w.End)
	return sure && order < 0
}

// mixed reports whether the order of the ends depends on the length of a month.
func mixed(w tasks.Window) bool {
	_, sure := w.Start.Compare(w.End)
	return !sure
}

// windowText prints a window as an interval: "(anchor, anchor + 30 days]".
func windowText(w tasks.Window) string {
	switch {
	case w.Static:
		return "all rows"
	case w.OpenStart:
		return "(any time, " + offsetText(w.End) + "]"
	}
	return "(" + offsetText(w.Start) + ", " + offsetText(w.End) + "]"
}

func offsetText(s tasks.Span) string {
	switch {
	case s.IsZero():
		return "anchor"
	case s.Months < 0 || s.Days < 0 || s.Micros < 0:
		return "anchor - " + s.Times(-1).String()
	}
	return "anchor + " + s.String()
}
