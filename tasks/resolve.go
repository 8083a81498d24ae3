package tasks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rowlink/rowlink/ingest"
)

// Resolve fills the options that are still zero and whose default depends on the data:
// zone, step, data_from, data_until, test_anchor and val_anchor (rules R10, R11, R13).
// What is set stays, so a second call changes nothing. Its error is an [Error].
func Resolve(task *Task, snap *ingest.Snapshot) error {
	o := &task.Options
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.EvalAnchors == 0 {
		o.EvalAnchors = 1
	}
	first, last := timeSpan(snap, mapped(snap))
	if o.DataFrom == 0 {
		o.DataFrom = first
	}
	if task.Static() {
		return resolveStatic(task, snap, last)
	}
	if o.Step.IsZero() {
		o.Step = task.Horizon
	}
	if !o.Step.Positive() || !task.Horizon.Positive() {
		return &Error{Code: "TK194", Msg: fmt.Sprintf("step is %s and the horizon %s, want both above zero", o.Step, task.Horizon)}
	}
	if o.DataUntil == 0 {
		tables := task.timedTables(snap)
		if _, o.DataUntil = timeSpan(snap, tables); o.DataUntil == 0 {
			return noTimes(snap, tables)
		}
	}
	if o.TestAnchor == 0 && !o.latestTest(task.Horizon) {
		return &Error{Code: "TK134", Msg: fmt.Sprintf("no anchor has %d complete label windows of %s between %s and %s", o.EvalAnchors, task.Horizon, formatTime(o.DataFrom), formatTime(o.DataUntil)),
			Hint: "shorten the window, or lower eval_anchors"}
	}
	if o.ValAnchor == 0 {
		o.ValAnchor = o.Add(o.TestAnchor, task.Horizon.Plus(o.Step.Times(o.EvalAnchors-1)).Times(-1))
	}
	return nil
}

// noTimes says that no window holds a row.
func noTimes(snap *ingest.Snapshot, tables []int) error {
	var names []string
	for _, t := range tables {
		names = append(names, fmt.Sprintf("%s (%d rows)", snap.Tables[t].Def.FullName(), snap.Tables[t].Rows))
	}
	return &Error{Code: "TK134", Msg: "no row that the target counts has a time: " + strings.Join(names, ", "),
		Hint: "look at the times of the tables with rowlink schema, or read the database anew"}
}

// latestTest sets test_anchor to the latest midnight, or full unit of a step under a
// day, for which every test window is complete; false when none is.
func (o *Options) latestTest(horizon Span) bool {
	complete := func(a int64) bool {
		for k := range o.EvalAnchors {
			if o.Closed(o.Add(a, o.Step.Times(k)), horizon) > o.DataUntil {
				return false
			}
		}
		return true
	}
	if o.Step.Months == 0 && o.Step.Days == 0 && o.Step.Micros < microsPerDay {
		unit := int64(1)
		for _, u := range []int64{microsPerHour, microsPerMinute, microsPerSecond} {
			if o.Step.Micros%u == 0 {
				unit = u
				break
			}
		}
		reach := horizon.Plus(o.Step.Times(o.EvalAnchors - 1))
		a := o.Add(o.DataUntil, reach.Times(-1)) + 2*microsPerDay // calendar days differ by hours, not by two days
		a -= (a%unit + unit) % unit
		for ; a >= o.DataFrom; a -= unit {
			if complete(a) {
				o.TestAnchor = a
				return true
			}
		}
		return false
	}
	midnight := Midnight(o.DataUntil, o.Zone)
	for k := 0; ; k++ {
		a := Span{Days: -k}.AddTo(midnight, o.Zone)
		if a < o.DataFrom {
			return false
		}
		if complete(a) {
			o.TestAnchor = a
			return true
		}
	}
}

// resolveStatic places the splits of a static target at the 80 % and 90 % quantiles of
// the times of the rows whose target is known.
func resolveStatic(task *Task, snap *ingest.Snapshot, last int64) error {
	o := &task.Options
	if o.Regime == Frozen || o.ValRegime == Frozen {
		return &Error{Code: "TK194", Msg: "regime frozen on a static target: a row does not exist before its own time", Hint: "leave regime out"}
	}
	if o.DataUntil == 0 {
		o.DataUntil = last
	}
	entity := snap.Tables[task.Entity]
	if entity.Times == nil { // statistics may look at all rows; only labels are split
		o.ValAnchor, o.TestAnchor = o.DataUntil, o.DataUntil
		return nil
	}
	if o.ValAnchor != 0 && o.TestAnchor != 0 {
		return nil
	}
	x, err := NewExecutor(snap, task, 0)
	if err != nil {
		return err
	}
	times := x.targetTimes()
	if len(times) == 0 {
		return &Error{Code: "TK165", Msg: fmt.Sprintf("no row of %s has a known target", entity.Def.Name)}
	}
	slices.Sort(times)
	if o.ValAnchor == 0 {
		o.ValAnchor = times[(len(times)-1)*80/100]
	}
	if o.TestAnchor == 0 {
		o.TestAnchor = times[(len(times)-1)*90/100]
	}
	return nil
}

// mapped lists the tables that take part.
func mapped(snap *ingest.Snapshot) []int {
	var out []int
	for i, t := range snap.Tables {
		if !t.Def.Ignore {
			out = append(out, i)
		}
	}
	return out
}

// timedTables lists the tables whose times bound the label windows of the task (R10).
func (t *Task) timedTables(snap *ingest.Snapshot) []int {
	var out []int
	if t.Raw != nil {
		for _, i := range t.Raw.Tables {
			if snap.Tables[i].Times != nil {
				out = append(out, i)
			}
		}
		if out == nil {
			return mapped(snap)
		}
	}
	for _, e := range []Expr{t.Target, t.Assuming} {
		eachAggregate(e, func(a *Aggregate) {
			table := a.Table
			if a.TimeStep > 0 {
				table = tableNumber(snap, a, a.TimeStep)
			}
			if !slices.Contains(out, table) {
				out = append(out, table)
			}
		})
	}
	return out
}

// eachAggregate calls f for the aggregates of an expression in their written order.
func eachAggregate(e Expr, f func(*Aggregate)) {
	switch e := e.(type) {
	case *Aggregate:
		f(e)
	case *Call:
		for _, a := range e.Args {
			eachAggregate(a, f)
		}
	}
}

// timeSpan is the earliest and the latest time in some tables, not later than the moment
// of the snapshot; 0, 0 without times.
func timeSpan(snap *ingest.Snapshot, tables []int) (first, last int64) {
	found := false
	for _, i := range tables {
		switch s := snap.Span(i); {
		case !s.Known:
		case !found:
			first, last, found = s.First, s.Last, true
		default:
			first, last = min(first, s.First), max(last, s.Last)
		}
	}
	return first, last
}

// DataUntil is the latest time in the tables that target and ASSUMING aggregate: how
// fresh a snapshot is for a task (rule R10). A target without window aggregates none: then
// that of the entity table, or of all tables where its rows have no time.
func DataUntil(snap *ingest.Snapshot, task *Task) int64 {
	tables := task.timedTables(snap)
	switch {
	case !task.Static():
	case snap.Tables[task.Entity].Times != nil:
		tables = []int{task.Entity}
	default:
		tables = mapped(snap)
	}
	_, last := timeSpan(snap, tables)
	return last
}
