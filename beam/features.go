package beam

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/beam/piece"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/ingest/parquet"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tabular/asof"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

// featuresWork computes the as-of features of the examples of a piece.
var featuresWork = work{fields: featureFields, run: runFeatures}

func featureFields(j *job) []parquet.Field {
	out := []parquet.Field{{Name: "anchor", Kind: schema.Time}, {Name: "split", Kind: schema.Text}, {Name: "label", Kind: schema.Float}}
	plan, err := j.featurePlan()
	if err != nil {
		return out // the pieces meet the same fault, and tell
	}
	for _, n := range plan.Names {
		out = append(out, parquet.Field{Name: n, Kind: schema.Float})
	}
	return out
}

func runFeatures(ctx context.Context, p *pieceOf, emit func([]any) error) error {
	plan, err := p.featurePlan()
	if err != nil {
		return err
	}
	part, err := tasks.LabelPart(ctx, p.snap, p.task, 1, p.owns)
	if err != nil {
		return err
	}
	queries := make([]asof.Query, len(part.Entity))
	for i, row := range part.Entity {
		queries[i] = asof.Query{Row: row, Cut: p.task.Options.Cut(part.Split[i], part.Anchor[i]), Anchor: part.Anchor[i]}
	}
	x, err := rowlink.Over(p.snap, nil, rowlink.Options{Threads: 1}, p.part()).PartFeatures(ctx, p.task, plan, queries)
	if err != nil {
		return err
	}
	width := len(plan.Names)
	for i, row := range part.Entity {
		cells := append(parquet.KeyCells(p.entities(), row), part.Anchor[i], part.Split[i].String(), part.Label[i])
		for _, v := range x[i*width : (i+1)*width] {
			if math.IsNaN(v) {
				cells = append(cells, nil)
			} else {
				cells = append(cells, v)
			}
		}
		if err := emit(cells); err != nil {
			return err
		}
	}
	return nil
}

// plansRead keeps the plans of features that this process read, by the text of the job.
var plansRead sync.Map

// featurePlan reads the plan of features, which is too large to travel with every step.
func (j *job) featurePlan() (*rowlink.FeaturePlan, error) {
	path := filepath.Join(j.Out, planFile(j.Features))
	if p, ok := plansRead.Load(path); ok {
		return p.(*rowlink.FeaturePlan), nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the plan of features: %w", err)
	}
	p := &rowlink.FeaturePlan{}
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	plansRead.Store(path, p)
	return p, nil
}

func planFile(hash string) string { return "_features-" + hash + ".json" }

// Features computes the as-of features of all examples of a task, as [rowlink.Database.Features]
// does. What features there are is planned on this machine, by all rows of the database. A task
// without window, or whose labels are no numbers, is refused with a [ingest.UserError].
func Features(ctx context.Context, d *rowlink.Database, folder, text string, opt Options) (*Done, error) {
	f, err := d.Features(ctx, text, nil)
	if err != nil {
		return nil, err
	}
	task := f.Labels.Task
	if err := inPieces(task); err != nil {
		return nil, err
	}
	spec, err := newSpec("features", d.Snap, folder, task, opt)
	if err != nil {
		return nil, err
	}
	plan, needs := f.Plan()
	stored, err := json.Marshal(plan)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(stored)
	spec.Features = hex.EncodeToString(sum[:8])
	if err := os.MkdirAll(spec.Out, 0o755); err != nil {
		return nil, err
	}
	if err := workspace.WriteFile(filepath.Join(spec.Out, planFile(spec.Features)), stored); err != nil {
		return nil, err
	}
	spec.Plan.AddLabels(spec.Schema, task)
	spec.need(needs, task)
	return spec.run(ctx, d.Snap, opt)
}

// need adds what features read to a job.
func (s *Spec) need(n *rowlink.Needs, task *tasks.Task) {
	if len(n.Ways) > 0 {
		s.Plan.AddWay(s.Schema, nil, task)
	}
	for _, way := range n.Ways {
		var hops []piece.Hop
		for _, h := range way {
			hops = append(hops, piece.Hop(h))
		}
		s.Plan.AddWay(s.Schema, hops, task)
	}
	s.Plan.AddHops(s.Schema, n.Hops, task)
	s.Judged, s.Ranked = n.Judged, n.Ranked
	for _, r := range n.Ranked {
		if r.Table == model.HistoryName {
			s.Made = append(s.Made, Made{task.Entity, historyName})
		} else {
			s.Made = append(s.Made, Made{s.Schema.Table(r.Table), ranksName})
		}
	}
	s.All = slices.Clone(s.Made)
}

// inPieces refuses tasks whose history no piece knows.
func inPieces(task *tasks.Task) error {
	switch {
	case task.Static():
		return &ingest.UserError{Msg: fmt.Sprintf("task %s has no window: it asks about every row at its own time, which is compared with all rows of that time", task.Name), Hint: "rowlink features and rowlink batch do it on one machine, in shards"}
	case !task.Numeric():
		return &ingest.UserError{Msg: fmt.Sprintf("task %s is a %s: its history knows classes or rows of all entities, which no piece does", task.Name, task.Type), Hint: "rowlink features and rowlink batch do it on one machine, in shards"}
	}
	return nil
}
