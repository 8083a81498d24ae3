package tasks

import (
	"fmt"
	"math"

	"github.com/rowlink/rowlink/ingest"
)

// Rows are the rows that a target aggregates, each with the number that it adds to the
// target: the finest history of it.
type Rows struct {
	Table int       // aggregated table
	Link  int       // its link to the entity table
	Value []float64 // per row of Table; NaN = the row does not count
	Name  string    // in words: "results.positionOrder"
}

// RowValues returns the values of the rows that the target's only aggregate reads: the
// argument where it is a number, else 1 or 0 for the filter. What a row reaches by ->
// counts as of the row's own time. ok is false for a target with several aggregates, with
// a longer path than one foreign key, with classes, or whose rows are all alike (COUNT(t.*)).
func RowValues(snap *ingest.Snapshot, task *Task) (rows Rows, ok bool) {
	var found []*Aggregate
	eachAggregate(task.Target, func(a *Aggregate) { found = append(found, a) })
	if task.Type == Multiclass || len(found) != 1 || len(found[0].Path) != 1 || found[0].Path[0].Down {
		return Rows{}, false
	}
	def := found[0]
	c := &compiler{snap: snap, task: task, ctx: &opContext{&task.Options}, adjacency: map[string]*slots{}}
	a, err := c.newAggregate(def)
	if err != nil {
		return Rows{}, false
	}
	number := a.arg != nil && (a.kind == KindNumber || a.kind == KindBool)
	if !number && a.filter == nil {
		return Rows{}, false
	}
	t := snap.Tables[def.Table]
	rows = Rows{Table: def.Table, Link: def.Path[0].Link, Value: make([]float64, t.Rows), Name: rowName(snap, def, number)}
	parents := t.Parents[rows.Link]
	f := &frame{rule: a.rule}
	for r := range rows.Value {
		rows.Value[r] = math.NaN()
		f.row, f.entity, f.asOf = int32(r), parents[r], t.TimeOf(int32(r))
		if f.entity < 0 || f.asOf == ingest.Never {
			continue
		}
		if f.asOf == ingest.Always {
			f.asOf = ingest.Never - 1
		}
		v, counts := a.take(f)
		switch {
		case !number && counts:
			rows.Value[r] = 1
		case !number:
			rows.Value[r] = 0
		case counts:
			rows.Value[r] = v.Num
		}
	}
	return rows, true
}

func rowName(snap *ingest.Snapshot, a *Aggregate, number bool) string {
	t := snap.Tables[a.Table].Def
	if !number {
		return "share of " + t.Name + " that pass the filter"
	}
	if c, ok := a.Arg.(*ColumnExpr); ok && len(c.Links) == 0 {
		return fmt.Sprintf("%s.%s", t.Name, t.Columns[c.Column].Name)
	}
	return "argument of " + a.Fn + " over " + t.Name
}
