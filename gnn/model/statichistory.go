package model

import (
	"slices"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// ownHistory turns the labels of a target without window into the table of target history:
// one row per entity row whose target is known, linked to what that row is linked to (the
// driver, the team), since a row has no past of its own. A label is known strictly after
// its row's own time: neither the row itself nor rows of the same moment read it, and the
// one time rule sees to that. Rows without time give no history: no order says which was first.
func ownHistory(snap *ingest.Snapshot, task *tasks.Task, l *tasks.LabelTable) *ingest.Table {
	t := labelTable(l)
	entity := snap.Tables[task.Entity]
	t.Def.Time.Reason = "just after the row's own time"
	for i, link := range entity.Def.Links {
		if hidesLink(&task.Options, task.Entity, link) || snap.Schema.Tables[link.To].Ignore {
			continue
		}
		parents := make([]int32, len(l.Entity))
		for j, row := range l.Entity {
			parents[j] = entity.Parents[i][row]
		}
		name := entity.Def.Label(link)
		t.Def.Links = append(t.Def.Links, schema.Link{Name: name, Columns: []int{len(t.Def.Columns)}, To: link.To, Reason: "target history"})
		t.Def.Columns = append(t.Def.Columns, schema.Column{Name: name, Kind: schema.Opaque, Sem: schema.SemID})
		t.Columns = append(t.Columns, ingest.Column{Kind: schema.Opaque})
		t.Parents, t.Dangling = append(t.Parents, parents), append(t.Dangling, 0)
	}
	for i, a := range l.Anchor {
		t.Times[i] = a + 1
	}
	return t
}

// hidesLink reports whether a column of a foreign key is hidden from features: what it
// points to would tell the cell.
func hidesLink(o *tasks.Options, table int, link schema.Link) bool {
	return slices.ContainsFunc(link.Columns, func(c int) bool { return o.Hides(table, c) })
}

// unlinked returns base without the links whose columns the task hides; base itself where
// there are none.
func unlinked(base *graph.Graph, task *tasks.Task) (*graph.Graph, error) {
	snap := base.Snap
	var tables []*ingest.Table
	for i, t := range snap.Tables {
		for j, link := range t.Def.Links {
			if !hidesLink(&task.Options, i, link) {
				continue
			}
			if tables == nil {
				tables = slices.Clone(snap.Tables)
			}
			if tables[i] == t {
				tables[i] = &ingest.Table{Def: t.Def, Rows: t.Rows, Columns: t.Columns, Parents: slices.Clone(t.Parents),
					Dangling: t.Dangling, Times: t.Times, Until: t.Until, NoTime: t.NoTime}
			}
			tables[i].Parents[j] = slices.Repeat([]int32{-1}, t.Rows)
		}
	}
	if tables == nil {
		return base, nil
	}
	blind := *snap
	blind.Tables = tables
	return graph.Build(&blind)
}
