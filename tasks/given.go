package tasks

import (
	"cmp"
	"context"
	"slices"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// Raw is a task whose labels SQL of the user's gives instead of Target, Where and
// Assuming (rule R18).
type Raw struct {
	Entities, Label string // two bodies, run per anchor; Entities empty = every visible entity
	SQL             string // instead of both: one body over the relation grid
	// EntitiesAt, LabelAt and SQLAt are where the bodies begin in the task's text, in bytes.
	EntitiesAt, LabelAt, SQLAt int
	Tables                     []int // tables that the bodies name

	// Source computes the labels; nil where no database is at hand.
	Source LabelSource
}

// LabelSource runs the SQL of a task.
type LabelSource interface {
	// Entities runs the body ENTITIES with every table censored at an anchor: the rows of
	// the entity table that it names, in any order.
	Entities(ctx context.Context, task *Task, anchor int64) ([]int32, error)
	// Labels runs the bodies for ascending anchors of one split. With apart, each label is
	// computed as if the later anchors, and every row after its own window, did not exist.
	Labels(ctx context.Context, task *Task, anchors []int64, apart bool) (*Given, error)
}

// Given are labels that SQL gave, in any order; one slot per example.
type Given struct {
	Entity []int32
	Anchor []int64
	Label  []float64
	Class  []string    // multiclass; multilabel: the values of a set, see [LabelList]
	Items  [][]int32   // link prediction: rows of the ranked table
	Series [][]float64 `json:",omitempty"` // forecasting: the label of each timeframe

	Pairs     int // (entity, anchor) pairs looked at, so far as they are known
	NullLabel int
	Unknown   int // labels of keys that the snapshot does not have
}

// errNoLabelSource is the fault of a raw SQL task whose database is not at hand.
func errNoLabelSource(t *Task) error {
	return &Error{Code: "TK180", Msg: "the labels of task " + t.Name + " come from SQL, and its database is not at hand", Hint: "name it with --db"}
}

// given computes the label table of a raw SQL task for the anchors of each split.
func (x *Executor) given(ctx context.Context, anchors [3][]int64, rules runRules, apart bool) (*LabelTable, error) {
	source := x.task.Raw.Source
	if source == nil {
		return nil, errNoLabelSource(x.task)
	}
	l := &LabelTable{Task: x.task, entity: x.entity}
	l.Report.Entities, l.Report.EntityRows = x.entity.Def.Name, x.entity.Rows
	var class []string
	for s, list := range anchors {
		if len(list) == 0 {
			continue
		}
		g, err := source.Labels(ctx, x.task, list, apart)
		if err != nil {
			return nil, err
		}
		labelled := len(g.Entity) + g.NullLabel + g.Unknown
		l.Report.Pairs += max(g.Pairs, labelled)
		l.Report.NoLabel += max(g.Pairs-labelled, 0)
		l.Report.NullLabel += g.NullLabel
		l.Report.Unknown += g.Unknown
		class = l.take(x, g, Split(s), rules, class)
	}
	return l, l.finish(x, class, rules)
}

// take adds the examples of one split in the order (anchor, entity).
func (l *LabelTable) take(x *Executor, g *Given, s Split, rules runRules, class []string) []string {
	order := make([]int, len(g.Entity))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(g.Anchor[a], g.Anchor[b]), cmp.Compare(g.Entity[a], g.Entity[b]))
	})
	o := &x.task.Options
	for _, i := range order {
		row, anchor := g.Entity[i], g.Anchor[i]
		if !rules.visible(row, anchor) {
			l.Report.NotVisible++
			continue
		}
		if cut := o.Cut(s, anchor); rules.frozen && cut < anchor && !x.entity.VisibleAt(o.Rule, row, cut) {
			l.Report.FrozenOut++
			continue
		}
		label := 0.0
		switch {
		case x.items != nil:
			from := len(l.Item)
			l.Item = x.items.visible(l.Item, g.Items[i], o, anchor, o.Closed(anchor, x.task.closes()))
			if len(l.Item) == from {
				l.Report.NullLabel++
				continue
			}
			label = float64(len(l.Item) - from)
		case g.Series != nil:
			label = g.Series[i][0]
			l.Series = append(l.Series, g.Series[i]...)
		case x.task.Type == Multiclass, x.task.Type == Multilabel:
			class = append(class, g.Class[i])
		default:
			label = g.Label[i]
		}
		l.Entity, l.Anchor, l.Split, l.Label = append(l.Entity, row), append(l.Anchor, anchor), append(l.Split, s), append(l.Label, label)
	}
	return class
}

// visible appends the rows that exist at the anchor, ascending and once each (rule R15).
func (x *items) visible(out, rows []int32, o *Options, anchor, end int64) []int32 {
	rule := o.Rule
	if x.of.IncludingNew {
		anchor, rule = end, ingest.TimeRule{}
	}
	from := len(out)
	for _, row := range rows {
		if x.table.VisibleAt(rule, row, anchor) {
			out = append(out, row)
		}
	}
	slices.Sort(out[from:])
	return out[:from+len(slices.Compact(out[from:]))]
}

// finish numbers classes and items when all splits are in.
func (l *LabelTable) finish(x *Executor, class []string, rules runRules) error {
	switch x.task.Type {
	case Multiclass:
		l.setClasses(class, rules.trains)
	case Multilabel:
		if err := l.setLabels(class, rules.trains); err != nil {
			return err
		}
	}
	if x.items != nil {
		l.items = x.items.table
		l.ItemStart = make([]int32, len(l.Label)+1)
		for i, n := range l.Label {
			l.ItemStart[i+1] = l.ItemStart[i] + int32(n)
		}
	}
	return nil
}

// mentioned tells for every row of the entity table since when some row of another table
// that is linked to it exists: what a check of raw SQL compares with anchors (TK210). Only
// tables that the SQL names count, if any of them is linked to the entity table.
func mentioned(snap *ingest.Snapshot, task *Task) []int64 {
	linked := func(i int) bool {
		return slices.ContainsFunc(snap.Tables[i].Def.Links, func(l schema.Link) bool { return l.To == task.Entity })
	}
	tables := slices.DeleteFunc(slices.Clone(task.Raw.Tables), func(i int) bool { return !linked(i) })
	if len(tables) == 0 {
		tables = mapped(snap)
	}
	since := make([]int64, snap.Tables[task.Entity].Rows)
	for i := range since {
		since[i] = ingest.Never
	}
	for _, i := range tables {
		t := snap.Tables[i]
		for k, link := range t.Def.Links {
			if link.To != task.Entity {
				continue
			}
			for row, parent := range t.Parents[k] {
				if parent >= 0 {
					since[parent] = min(since[parent], t.TimeOf(int32(row)))
				}
			}
		}
	}
	return since
}

// LabelGiven is the label table of a task whose labels a database computed: one set per
// split. Rules R3 and R20 are held again; the report knows no reasons for what the database
// left out.
func LabelGiven(snap *ingest.Snapshot, task *Task, given [3]*Given) (*LabelTable, error) {
	if err := Resolve(task, snap); err != nil {
		return nil, err
	}
	grid, err := task.Grid()
	if err != nil {
		return nil, err
	}
	x, err := NewExecutor(snap, task, 0)
	if err != nil {
		return nil, err
	}
	l := &LabelTable{Task: task, entity: x.entity}
	l.Report.Entities, l.Report.EntityRows = x.entity.Def.Name, x.entity.Rows
	rules := runRules{frozen: true, visible: x.visible, trains: func(l *LabelTable, i int) bool { return l.Split[i] == Train }}
	var class []string
	for s, g := range given {
		if g != nil {
			l.Report.Pairs += len(g.Entity)
			l.Report.Unknown += g.Unknown
			class = l.take(x, g, Split(s), rules, class)
		}
	}
	if err := l.finish(x, class, rules); err != nil {
		return nil, err
	}
	l.report(x, grid)
	return l, nil
}

// LabelList reads a label that a database gave as an array: the numbers of a forecast's
// timeframes, or the values of a set as one text.
func LabelList(list []any) (series []float64, set string) {
	values := make([]Value, len(list))
	for i, v := range list {
		switch v := v.(type) {
		case float64:
			series = append(series, v)
		case string:
			values[i] = Value{Kind: KindText, Text: v}
		}
	}
	return series, setOf(values)
}
