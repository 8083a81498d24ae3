package model

import (
	"context"
	"fmt"
	"slices"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// HistoryName is the name of the virtual table that holds a task's closed labels.
const HistoryName = "target history"

// Graph builds the graph that a task's model reads. With history, the task's labels
// over the whole snapshot join it as a child table of the entity; a label row is known
// from the moment its window closed (anchor + horizon), so the time rule alone keeps
// it from any seed that may not see it.
func Graph(ctx context.Context, snap *ingest.Snapshot, task *tasks.Task, history bool) (*graph.Graph, error) {
	base, err := graph.Build(snap)
	if err != nil {
		return nil, err
	}
	return GraphOver(ctx, base, task, history)
}

// GraphOver is [Graph] with the lists of base, the graph of the snapshot, which the
// result shares and must not outlive.
func GraphOver(ctx context.Context, base *graph.Graph, task *tasks.Task, history bool) (*graph.Graph, error) {
	snap := base.Snap // labels read hidden links too, features do not
	base, err := unlinked(base, task)
	if err != nil || !history {
		return base, err
	}
	labels, err := tasks.History(ctx, snap, task, ingest.Never-1)
	if err != nil {
		return nil, fmt.Errorf("target history: %w", err)
	}
	if task.Static() {
		return base.Append(base.Snap.Append(ownHistory(base.Snap, task, labels)))
	}
	return base.Append(base.Snap.Append(historyTable(task, labels)))
}

// historyTable turns label rows into a table with a link to the entity table.
func historyTable(task *tasks.Task, l *tasks.LabelTable) *ingest.Table {
	t := labelTable(l)
	t.Def.Links = []schema.Link{{Name: "entity", Columns: []int{0}, To: task.Entity, Reason: "target history"}}
	t.Def.Columns = slices.Insert(t.Def.Columns, 0, schema.Column{Name: "entity", Kind: schema.Opaque, Sem: schema.SemID})
	t.Columns = slices.Insert(t.Columns, 0, ingest.Column{Kind: schema.Opaque})
	t.Parents, t.Dangling = [][]int32{l.Entity}, []int{0}
	for i, a := range l.Anchor {
		t.Times[i] = task.Options.Closed(a, l.Task.Horizon)
	}
	return t
}

// labelTable holds labels in its column label; times and links are the caller's.
func labelTable(l *tasks.LabelTable) *ingest.Table {
	label := schema.Column{Name: "label", Kind: schema.Float, Sem: schema.SemNumerical, Reason: "the task's own target"}
	cells := ingest.Column{Kind: schema.Float, Floats: l.Label}
	if l.Task.Type == tasks.Multilabel {
		return setTable(l)
	}
	if l.Classes != nil {
		label.Kind, label.Sem = schema.Text, schema.SemCategorical
		cells = ingest.Column{Kind: schema.Text, Offsets: make([]int64, 1, len(l.Label)+1)}
		for _, class := range l.Label {
			cells.Bytes = append(cells.Bytes, l.Classes[int(class)]...)
			cells.Offsets = append(cells.Offsets, int64(len(cells.Bytes)))
		}
	}
	return &ingest.Table{
		Def: &schema.Table{
			Name:    HistoryName,
			Columns: []schema.Column{label},
			Time:    &schema.RowTime{Column: -1, Via: -1, Until: -1, Reason: "anchor + horizon: the window has closed"},
		},
		Rows:    len(l.Label),
		Columns: []ingest.Column{cells},
		Times:   make([]int64, len(l.Label)),
	}
}

// Encoders fits the encoders of every table within reach of the task's entity on the
// rows visible at the validation anchor: no statistic looks at a row that training may
// not see.
func Encoders(g *graph.Graph, task *tasks.Task, hops int) ([]*encode.Table, error) {
	return encoders(g, task, Reach(EdgeTypes(g), len(g.Snap.Tables), task.Entity, hops))
}

// Encoders fits the encoders of the tables that a model of the config reads; see [Encoders].
func (c Config) Encoders(g *graph.Graph, task *tasks.Task) ([]*encode.Table, error) {
	return encoders(g, task, c.reach(EdgeTypes(g), len(g.Snap.Tables), task.Entity))
}

func encoders(g *graph.Graph, task *tasks.Task, reach []bool) ([]*encode.Table, error) {
	enc := make([]*encode.Table, len(g.Snap.Tables))
	for i, t := range g.Snap.Tables {
		if !reach[i] {
			continue
		}
		masked := func(column int) bool { return task.Options.Hides(i, column) }
		var err error
		if enc[i], err = encode.Fit(t, task.Options.Rule, task.Options.ValAnchor, masked); err != nil {
			return nil, err
		}
	}
	return enc, nil
}

// AddIDs adds vectors of their own for the rows of the tables that c names, within what
// the rows visible at the validation anchor show. A table that is not within reach is an
// error that names those that are.
func (c Config) AddIDs(g *graph.Graph, task *tasks.Task, enc []*encode.Table) error {
	for _, name := range c.IDs {
		at := g.Snap.Schema.Table(name)
		if at < 0 || enc[at] == nil {
			var reached []string
			for _, e := range enc {
				if e != nil {
					reached = append(reached, e.Name)
				}
			}
			return fmt.Errorf("no table %q within %d hops of the entity (have %q)", name, len(c.FanOut), reached)
		}
		if err := enc[at].AddID(g.Snap.Tables[at], task.Options.Rule, task.Options.ValAnchor); err != nil {
			return err
		}
	}
	return nil
}
