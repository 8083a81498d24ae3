package rowlink

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/scan"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tabular/asof"
	"github.com/rowlink/rowlink/tabular/baseline"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

// Part tells what a piece of a database cannot see by itself; the zero value = it is whole, or
// nothing asks.
type Part struct {
	Whole *asof.Whole                                   // of features
	Scan  func(g *graph.Graph, file string) *scan.Given // of a network of the layer scan, by its file in the version
}

// Over is a database that is in memory already, such as a piece of a larger one, beside the
// workspace that holds its tasks and versions. Closing it closes the snapshot.
func Over(snap *ingest.Snapshot, w *workspace.Workspace, opt Options, part Part) *Database {
	if opt.OnNote == nil {
		opt.OnNote = func(string, ...any) {}
	}
	return &Database{Snap: snap, Workspace: w, opt: opt, base: snap, part: part}
}

// Needs is what an answer about an entity follows from, beside the rows that its labels read.
type Needs struct {
	Hops   int           // all rows within so many links
	Ways   [][]asof.Hop  // rows at the ends of these ways; their parents and the entity's are read too, where there are ways
	Judged asof.Judged   // by all rows of the database
	Ranked []asof.Ranked // ranks among all rows of one time
	Scans  []string      // files of networks of the layer scan, in the folder of the version
}

// Needs tells what the answers of what is served follow from. What needs the database as a
// whole is an [ingest.UserError].
func (l *Loaded) Needs() (*Needs, error) {
	names := []string{l.Served}
	if l.Served == Blend {
		names = l.mixed.Names
	}
	n := &Needs{Judged: asof.Judged{Together: map[string]bool{}, Lasting: map[string]bool{}}}
	for _, name := range names {
		var err error
		if name == GNN || name == Scan {
			err = n.networks(l, name)
		} else {
			err = n.baseline(l, name)
		}
		if err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (n *Needs) networks(l *Loaded, name string) error {
	count, file := max(1, l.Report.Ensemble), modelFile
	if name == Scan {
		count, file = l.Report.Scans, scanFile
	}
	for i := range count {
		data, err := os.ReadFile(l.Version.Path(file(i)))
		if err != nil {
			return fmt.Errorf("read model: %w", err)
		}
		_, meta, err := model.ReadSafetensors(data)
		if err != nil {
			return err
		}
		if scan.Is(meta) {
			n.Scans = append(n.Scans, file(i))
			continue
		}
		m, err := model.Read(data)
		if err != nil {
			return err
		}
		if len(m.Config.IDs) > 0 {
			return &ingest.UserError{Msg: fmt.Sprintf("the network knows rows of %v by vectors of their own, which it finds by number in the whole database", m.Config.IDs), Hint: "rowlink batch scores it in shards over one snapshot"}
		}
		n.Hops = max(n.Hops, len(m.Config.FanOut))
	}
	return nil
}

func (n *Needs) baseline(l *Loaded, name string) error {
	b, err := l.baseline(name, tensor.NewPool(l.db.opt.Threads))
	if err != nil {
		return err
	}
	switch b := b.(type) {
	case *baseline.Boosted:
		plan, keep := b.Plan()
		n.add(plan, keep)
	case *baseline.Linear: // reads the children of the entity
		for _, e := range l.graph.Edges {
			if !e.Rev && e.Dst == l.Task.Entity {
				n.Ways = append(n.Ways, []asof.Hop{{Table: e.Table, Link: e.Link}})
			}
		}
	}
	return nil
}

func (n *Needs) add(plan *asof.Wide, keep []int) {
	n.Ways = append(n.Ways, plan.Ways(keep)...)
	n.Ranked = append(n.Ranked, plan.Ranked()...)
	slices.SortFunc(n.Ranked, func(a, b asof.Ranked) int { return cmp.Compare(a.Table, b.Table) })
	n.Ranked = slices.CompactFunc(n.Ranked, func(a, b asof.Ranked) bool { return a.Table == b.Table })
	judged := plan.Judged()
	maps.Copy(n.Judged.Together, judged.Together)
	maps.Copy(n.Judged.Lasting, judged.Lasting)
}

// FeaturePlan says what features a task has, so that parts of the database give the same.
type FeaturePlan struct {
	Names    []string
	Encoders []*encode.Table
}

// Plan is the plan of the features, and what a part of the database must know for it.
func (f *Features) Plan() (FeaturePlan, *Needs) {
	n := &Needs{Judged: asof.Judged{Together: map[string]bool{}, Lasting: map[string]bool{}}}
	n.add(f.wide, nil)
	return FeaturePlan{f.Names, f.enc}, n
}

// PartFeatures computes the features of entity rows of a part of a database: queries x names,
// row-major, NaN where there is none. The options of the task must be resolved already.
func (d *Database) PartFeatures(ctx context.Context, task *tasks.Task, plan *FeaturePlan, queries []asof.Query) ([]float64, error) {
	links, err := d.links()
	if err != nil {
		return nil, err
	}
	g, err := model.GraphOver(ctx, links, task, true)
	if err != nil {
		return nil, err
	}
	data := attach(g, task, nil, plan.Encoders, tensor.NewPool(d.opt.Threads))
	data.Whole = d.part.Whole
	wide, err := baseline.Wide(data)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(wide.Names, plan.Names) {
		return nil, fmt.Errorf("a part of the database plans other features than the whole: %d of %d agree", agreeing(wide.Names, plan.Names), len(plan.Names))
	}
	return wide.Features(data.Pool, queries, nil), nil
}

func agreeing(a, b []string) (n int) {
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			n++
		}
	}
	return n
}

// Edges are the edge types of the graph that the version is bound to.
func (l *Loaded) Edges() []graph.EdgeType { return l.graph.Edges }
