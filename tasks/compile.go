package tasks

import (
	"fmt"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// node is a compiled expression.
type node func(f *frame) Value

// compiler turns bound expressions into nodes over one snapshot.
type compiler struct {
	snap       *ingest.Snapshot
	task       *Task
	ctx        *opContext
	aggregates []*aggregate
	adjacency  map[string]*slots // shared by aggregates over the same path
	within     *Aggregate        // the aggregate whose argument or filter is compiled
	anchored   bool              // an ANCHOR was met since the flag was cleared
}

// compile returns nil for a nil expression.
func (c *compiler) compile(e Expr) (node, error) {
	switch e := e.(type) {
	case nil:
		return nil, nil
	case *Literal:
		v := e.Value()
		return func(*frame) Value { return v }, nil
	case *AnchorExpr:
		c.anchored = true
		return func(f *frame) Value { return timeValue(f.anchor) }, nil
	case *ColumnExpr:
		return c.column(e)
	case *Call:
		return c.call(e)
	case *Aggregate:
		return c.aggregate(e)
	}
	panic(fmt.Sprintf("tasks: unknown expression %T", e))
}

func (c *compiler) call(e *Call) (node, error) {
	o, ok := ops[e.Op]
	if !ok {
		return nil, fmt.Errorf("unknown operator %q", e.Op)
	}
	if err := o.checkArgs(e.Op, len(e.Args)); err != nil {
		return nil, err
	}
	args := make([]node, len(e.Args))
	for i, a := range e.Args {
		var err error
		if args[i], err = c.compile(a); err != nil {
			return nil, err
		}
	}
	apply, ctx := o.apply, c.ctx
	return func(f *frame) Value {
		base := len(f.stack)
		for _, a := range args {
			v := a(f) // before append: it uses the stack above its own arguments
			f.stack = append(f.stack, v)
		}
		v := apply(ctx, f.stack[base:])
		f.stack = f.stack[:base]
		return v
	}, nil
}

// hop is one step from a child to its parent.
type hop struct {
	parents []int32
	to      *ingest.Table
}

func (c *compiler) column(e *ColumnExpr) (node, error) {
	ofEntity := c.within == nil || e.OfEntity || e.Table != c.within.Table
	if ofEntity && e.Table != c.task.Entity {
		return nil, fmt.Errorf("column of table %q, which is neither the entity table nor the aggregated one", c.snap.Tables[e.Table].Def.Name)
	}
	t := c.snap.Tables[e.Table]
	var hops []hop
	for _, l := range e.Links {
		to := c.snap.Tables[t.Def.Links[l].To]
		hops = append(hops, hop{t.Parents[l], to})
		t = to
	}
	read := inZone(cells(&t.Columns[e.Column]), t.ValueZone(e.Column))
	if read == nil {
		return nil, fmt.Errorf("column %s.%s is not stored (type %s)", t.Def.Name, t.Def.Columns[e.Column].Name, t.Def.Columns[e.Column].DBType)
	}
	if link, ok := t.Def.LinkOn(e.Column); ok {
		read = resolved(read, t.Parents[link])
	}
	if len(hops) == 0 {
		if ofEntity {
			return func(f *frame) Value { return read(f.entity) }, nil
		}
		return func(f *frame) Value { return read(f.row) }, nil
	}
	return func(f *frame) Value {
		row := f.row
		if ofEntity {
			row = f.entity
		}
		for i := range hops {
			if row = hops[i].parents[row]; row < 0 || !f.sees(hops[i].to, row) {
				return null
			}
		}
		return read(row)
	}, nil
}

// sees reports whether a row reached by -> is visible (rule R21), and while probing
// notes from when on.
func (f *frame) sees(t *ingest.Table, row int32) bool {
	if !f.probe {
		return t.VisibleAt(f.rule, row, f.asOf)
	}
	at := t.TimeOf(row)
	f.touched = max(f.touched, at)
	f.ended = f.ended || t.Until != nil && t.Until[row] != ingest.Never
	return at != ingest.Never
}

// aggregate compiles the aggregate's argument and filter; its rows are arranged when it
// is first evaluated.
func (c *compiler) aggregate(e *Aggregate) (node, error) {
	if c.within != nil {
		return nil, fmt.Errorf("aggregate %s inside an aggregate", e.Fn)
	}
	a, err := c.newAggregate(e)
	if err != nil {
		return nil, err
	}
	position := len(c.aggregates)
	c.aggregates = append(c.aggregates, a)
	return func(f *frame) Value { return a.value(f, f.ranges[position]) }, nil
}

func (c *compiler) newAggregate(e *Aggregate) (*aggregate, error) {
	fn, ok := reducers[e.Fn]
	if !ok {
		return nil, fmt.Errorf("unknown aggregate %q", e.Fn)
	}
	if e.Arg == nil && fn.needs != needsNothing {
		return nil, &Error{Code: "TK151", Msg: fmt.Sprintf("%s of *", e.Fn), Hint: "name a column"}
	}
	table := c.snap.Tables[e.Table]
	if err := checkPath(c.snap.Schema, e, c.task.Entity); err != nil {
		return nil, err
	}
	timed := stepTable(c.snap, e, e.TimeStep)
	if timed.Times == nil && !e.Window.Static {
		return nil, fmt.Errorf("aggregate over table %q has a window, but table %q has no time", table.Def.Name, timed.Def.Name)
	}
	c.within, c.anchored = e, false
	defer func() { c.within = nil }()
	arg, err := c.compile(e.Arg)
	if err != nil {
		return nil, err
	}
	filter, err := c.compile(e.Filter)
	if err != nil {
		return nil, err
	}
	kind, known := c.kindOf(e.Arg)
	if fn.needs == needsNumbers && known && kind != KindNumber && kind != KindBool {
		return nil, &Error{Code: "TK150", Msg: fmt.Sprintf("%s of a value that is no number", e.Fn), Hint: "count with a filter"}
	}
	a := &aggregate{kind: kind, def: e, fn: fn, arg: arg, filter: filter, empty: e.Empty.Value(), dynamic: c.anchored, snap: c.snap, entity: c.task.Entity}
	if !e.Window.Future() {
		a.rule = c.task.Options.Rule
	}
	key := fmt.Sprint(e.Table, e.Path, e.TimeStep, e.Window.Static)
	if a.slots = c.adjacency[key]; a.slots == nil {
		a.slots = &slots{}
		c.adjacency[key] = a.slots
	}
	return a, nil
}

// checkPath demands that the steps lead from the aggregated table to the entity table.
func checkPath(s *schema.Schema, e *Aggregate, entity int) error {
	at := e.Table
	for i, step := range e.Path {
		link := s.Tables[step.Table].Links[step.Link]
		from, to := step.Table, link.To
		if step.Down {
			from, to = to, from
		}
		if from != at {
			return fmt.Errorf("step %d of the path starts at table %q, want %q", i+1, s.Tables[from].Name, s.Tables[at].Name)
		}
		at = to
	}
	if at != entity {
		return fmt.Errorf("path ends at table %q, want the entity table %q", s.Tables[at].Name, s.Tables[entity].Name)
	}
	return nil
}

// stepTable is the table that the first n steps of an aggregate's path reach.
func stepTable(snap *ingest.Snapshot, e *Aggregate, n int) *ingest.Table {
	return snap.Tables[tableNumber(snap, e, n)]
}

func tableNumber(snap *ingest.Snapshot, e *Aggregate, n int) int {
	if n == 0 {
		return e.Table
	}
	step := e.Path[n-1]
	if step.Down {
		return step.Table
	}
	return snap.Schema.Tables[step.Table].Links[step.Link].To
}
