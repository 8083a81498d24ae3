package tasks

import (
	"context"
	"slices"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// TargetCells lists the columns that a target without a window reads: the cells to be
// predicted. Features see none of them, whosever row they stand in (rule R12); what
// earlier rows had there comes back as target history alone.
func TargetCells(e Expr, sc *schema.Schema) []ColumnRef {
	var out []ColumnRef
	eachRead(e, func(c *ColumnExpr) {
		t := c.Table
		for _, l := range c.Links {
			t = sc.Tables[t].Links[l].To
		}
		if ref := (ColumnRef{t, c.Column}); !slices.Contains(out, ref) {
			out = append(out, ref)
		}
	})
	return out
}

// eachRead calls f for the columns that an expression reads outside of aggregates.
func eachRead(e Expr, f func(*ColumnExpr)) {
	switch e := e.(type) {
	case *ColumnExpr:
		f(e)
	case *Call:
		for _, a := range e.Args {
			eachRead(a, f)
		}
	}
}

// Hides reports whether features must not read a column.
func (o *Options) Hides(table, column int) bool {
	return slices.Contains(o.Mask, ColumnRef{table, column})
}

// staticPace stands in for the horizon of a target that has none, in days.
const staticPace = 30

// Pace is the number of days by which the task's features decay: its horizon, a timeframe of
// a forecast, or a month for a target without window.
func (t *Task) Pace() float64 {
	if t.Static() {
		return staticPace
	}
	if t.Forecast != nil {
		return t.Forecast.Length.ApproxDays()
	}
	return t.Horizon.ApproxDays()
}

// ownHistory is [History] of a static target.
func (x *Executor) ownHistory(ctx context.Context, until int64) (*LabelTable, error) {
	o := &x.task.Options
	rules := runRules{visible: func(row int32, anchor int64) bool { return anchor <= until && x.visible(row, anchor) },
		trains: func(l *LabelTable, i int) bool { return l.Anchor[i] <= o.ValAnchor }}
	jobs := x.ownJobs()
	if x.entity.Times == nil {
		jobs = nil
	}
	l, err := x.run(ctx, jobs, rules)
	if err == nil {
		l.count()
	}
	return l, err
}

// EligibleOwn is [Executor.Eligible] with every row at its own time, at which it is
// visible to itself.
func (x *Executor) EligibleOwn(rows []int32) []bool {
	out := make([]bool, len(rows))
	x.atOwnTimes(x.aggregates[:x.ofWhere], rows, func(f *frame, i int) { out[i] = x.eligible(f, rows[i]) })
	return out
}

// Open lists those of some rows that are eligible at their own times and whose target is
// not known.
func (x *Executor) Open(rows []int32) []int32 {
	open := make([]bool, len(rows))
	x.atOwnTimes(x.aggregates, rows, func(f *frame, i int) { open[i] = x.eligible(f, rows[i]) && x.target(f).Null })
	var out []int32
	for i, row := range rows {
		if open[i] {
			out = append(out, row)
		}
	}
	return out
}

// atOwnTimes calls f for each row that has a time, with a frame that stands there.
func (x *Executor) atOwnTimes(aggregates []*aggregate, rows []int32, f func(*frame, int)) {
	x.prepare(aggregates)
	frames := make([]*frame, x.threads)
	inBlocks(len(rows), entityBlock, x.threads, func(worker, lo, hi int) {
		if frames[worker] == nil {
			frames[worker] = x.newFrame()
		}
		for i := lo; i < hi; i++ {
			if at := x.ownAnchor(rows[i]); at != ingest.Never {
				x.moveTo(frames[worker], at)
				f(frames[worker], i)
			}
		}
	})
}
