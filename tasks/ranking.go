package tasks

import (
	"fmt"
	"slices"

	"github.com/rowlink/rowlink/ingest"
)

// LinkPrediction is the task type that ranks rows of a table: which of them will the
// entity be linked to (rule R15)? Its label is a set of rows, not a number.
const LinkPrediction = "link_prediction"

// Ranking says what a link prediction task ranks. The target is a list_distinct of a
// foreign key that leads there.
type Ranking struct {
	Items        int  // table of what is ranked
	Column       int  // of Items, which the values of the target are equal to
	Top          int  // how many are asked for
	IncludingNew bool // items that come to be known within the window count too
	ExcludeSeen  bool // what the entity was linked to before is no candidate
}

// closes is the end of the window that names ranked rows: until then INCLUDING NEW lets them
// come to be known. It may lie before the task's horizon, which ASSUMING can widen.
func (t *Task) closes() Span {
	if a, ok := t.Target.(*Aggregate); ok {
		return a.Window.End
	}
	return t.Horizon
}

// items turns the values of a ranking's target into rows.
type items struct {
	of    *Ranking
	table *ingest.Table
	row   map[valueKey]int32
}

// newItems indexes the items by the column that the target's foreign key refers to; of a
// repeated value the first row counts, as links do.
func newItems(snap *ingest.Snapshot, r *Ranking) (*items, error) {
	t := snap.Tables[r.Items]
	read := cells(&t.Columns[r.Column])
	if read == nil {
		return nil, fmt.Errorf("column %s.%s is not stored", t.Def.Name, t.Def.Columns[r.Column].Name)
	}
	x := &items{r, t, make(map[valueKey]int32, t.Rows)}
	for row := range int32(t.Rows) {
		v := read(row)
		if v.Null {
			continue
		}
		if _, again := x.row[keyOf(v)]; !again {
			x.row[keyOf(v)] = row
		}
	}
	return x, nil
}

// rows appends to out the rows that a list names, ascending: those that exist and are
// visible at the anchor, with INCLUDING NEW at the end of the window (rule R15).
func (x *items) rows(out []int32, list []Value, o *Options, anchor, end int64) []int32 {
	rule := o.Rule
	if x.of.IncludingNew {
		anchor, rule = end, ingest.TimeRule{}
	}
	from := len(out)
	for _, v := range list {
		if row, ok := x.row[keyOf(v)]; ok && x.table.VisibleAt(rule, row, anchor) {
			out = append(out, row)
		}
	}
	slices.Sort(out[from:])
	return out
}

// Events are the rows that link an entity to a ranked item, in the order (entity, time,
// row), each as often as a path leads to it. Time is when the last of the rows that it
// takes to know the link came to be known.
type Events struct {
	Entity, Item []int32
	Time         []int64
}

// RankedEvents returns what the target of a link prediction task counts, whenever it
// happened. Rows that end (until) are left out: they may not be known any more.
func RankedEvents(snap *ingest.Snapshot, task *Task, threads int) (*Events, error) {
	c := &compiler{snap: snap, task: task, ctx: &opContext{&task.Options}, adjacency: map[string]*slots{}}
	a, err := c.newAggregate(task.Target.(*Aggregate))
	if err != nil {
		return nil, err
	}
	x, err := newItems(snap, task.Ranking)
	if err != nil {
		return nil, err
	}
	a.slots.once.Do(func() { a.slots.build(snap, a.def, snap.Tables[task.Entity].Rows, threadsOf(threads)) })
	s, out := a.slots, &Events{}
	f := &frame{probe: true, rule: a.rule}
	for e := range snap.Tables[task.Entity].Rows {
		f.entity = int32(e)
		for i := s.start[e]; i < s.start[e+1]; i++ {
			f.row, f.touched, f.ended = s.row[i], s.time[i], s.until != nil && s.until[i] != ingest.Never
			if s.from != nil {
				f.touched = max(f.touched, s.from[i])
			}
			v, ok := a.take(f)
			row, known := x.row[keyOf(v)]
			if !ok || !known || f.ended {
				continue
			}
			if at := max(f.touched, x.table.TimeOf(row)); at != ingest.Never {
				out.Entity, out.Item, out.Time = append(out.Entity, int32(e)), append(out.Item, row), append(out.Time, at)
			}
		}
	}
	return out, nil
}
