package rowlink

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

// Importance says what a version loses on validation when the values of a column, the
// parents over a link, or both of a whole table are redrawn from other rows (see
// [ingest.Table.Redrawn]): permutation importance that holds for whatever is served, networks,
// trees and blends. What two columns say alike is important in neither, but in their table.
type Importance struct {
	Task     string           `json:"task"`
	Version  int              `json:"version"`
	Served   string           `json:"served"`
	Metric   string           `json:"metric"`
	Snapshot string           `json:"snapshot"`
	Examples int              `json:"examples"` // of validation
	Draws    int              `json:"draws"`    // the loss is a mean over so many
	Score    float64          `json:"score"`    // of the metric, as it is
	Items    []ImportanceItem `json:"items"`    // the most important first
	Seconds  float64          `json:"seconds"`
}

// Kinds of items.
const (
	ImportantColumn = "column"
	ImportantLink   = "link"
	ImportantTable  = "table"
)

// ImportanceItem is a column, a link or a table.
type ImportanceItem struct {
	Kind   string  `json:"kind"` // column, link or table
	Table  string  `json:"table"`
	Name   string  `json:"name,omitempty"` // of the column or link; empty of a table
	Loss   float64 `json:"loss"`           // by which the metric is worse without; below 0 = better
	Spread float64 `json:"spread"`         // standard deviation over the draws

	table          int
	columns, links []int
}

// Title names an item for people.
func (i ImportanceItem) Title() string {
	if i.Name == "" {
		return i.Table
	}
	return i.Table + "." + i.Name
}

// ImportanceOptions bound what is computed; the zero value has defaults.
type ImportanceOptions struct {
	Examples int // most validation examples; default 2,000
	Draws    int // default 2

	Progress func(done, total int) // nil = nobody is told
}

// importanceSeed fixes the draws.
const importanceSeed = 0x1339

// Importance redraws every column, link and table that the version may read, one after
// another. Equal snapshots give equal bits.
func (l *Loaded) Importance(ctx context.Context, o ImportanceOptions) (*Importance, error) {
	start := time.Now()
	o.Examples, o.Draws = cmp.Or(o.Examples, 2000), cmp.Or(o.Draws, 2)
	examples, err := l.validation(ctx, o.Examples)
	if err != nil {
		return nil, err
	}
	metric, err := tasks.MetricByName(l.Task.Type, l.Report.Metric, l.Scaling)
	if err != nil {
		return nil, err
	}
	whole, err := examples.score(ctx, l.Scorer, metric)
	if err != nil {
		return nil, err
	}
	if math.IsNaN(whole) {
		return nil, &ingest.UserError{Msg: fmt.Sprintf("metric %s is not defined on the %d validation labels of this snapshot", metric.Name(), len(examples.truth)), Hint: "ask over the snapshot of the training"}
	}
	out := &Importance{Task: l.Version.Task, Version: l.Version.Version, Served: l.Served, Metric: metric.Name(), Snapshot: l.Snap.ID, Examples: len(examples.queries), Draws: o.Draws, Score: whole,
		Items: l.readable()}
	for i := range out.Items {
		item := &out.Items[i]
		losses := make([]float64, o.Draws)
		for d := range losses {
			other, err := l.over(ctx, item, importanceSeed+uint64(d))
			if err != nil {
				return nil, fmt.Errorf("importance of %s: %w", item.Title(), err)
			}
			without, err := examples.score(ctx, other, metric)
			if err != nil {
				return nil, err
			}
			if losses[d] = whole - without; !metric.HigherIsBetter() {
				losses[d] = -losses[d]
			}
		}
		item.Loss, item.Spread = meanSpread(losses)
		if o.Progress != nil {
			o.Progress(i+1, len(out.Items))
		}
	}
	slices.SortStableFunc(out.Items, func(a, b ImportanceItem) int { return cmp.Compare(b.Loss, a.Loss) })
	out.Seconds = time.Since(start).Seconds()
	return out, nil
}

func meanSpread(values []float64) (mean, spread float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		spread += (v - mean) * (v - mean) / float64(max(1, len(values)-1))
	}
	return mean, math.Sqrt(spread)
}

// examples are labels with what is asked for them.
type examples struct {
	queries []model.Query
	truth   []float64
}

// validation labels the task on the snapshot and keeps at most so many examples, evenly.
func (l *Loaded) validation(ctx context.Context, most int) (*examples, error) {
	labels, err := tasks.Label(ctx, l.Snap, l.Task, l.db.opt.Threads)
	if err != nil {
		return nil, err
	}
	rows := labels.Rows(tasks.Val)
	e := &examples{}
	for k := range min(len(rows), most) {
		r := rows[k*len(rows)/min(len(rows), most)]
		truth := labels.Truth(r)
		if class, known := l.class(labels, truth[0]); !known {
			continue
		} else if labels.Classes != nil {
			truth = []float64{class}
		}
		e.queries = append(e.queries, model.Query{Row: labels.Entity[r], Cut: labels.Cut(r), Anchor: labels.Anchor[r]})
		e.truth = append(e.truth, truth...)
	}
	if len(e.truth) == 0 {
		return nil, &ingest.UserError{Msg: "the snapshot has no validation labels of the task", Hint: "ask over the snapshot of the training"}
	}
	return e, nil
}

func (e *examples) score(ctx context.Context, s predict.Scorer, m tasks.Metric) (float64, error) {
	predicted, err := s.Score(ctx, e.queries)
	if err != nil {
		return 0, err
	}
	return m.Compute(e.truth, predicted), nil
}

// readable lists what a model may read: columns that are features and are not hidden, links,
// and the tables that have any.
func (l *Loaded) readable() []ImportanceItem {
	var out []ImportanceItem
	for t, table := range l.graph.Snap.Tables {
		if table.Def.Ignore || table.Rows == 0 {
			continue
		}
		whole := ImportanceItem{Kind: ImportantTable, Table: table.Def.FullName(), table: t}
		for c, column := range table.Def.Columns {
			if column.Sem == schema.SemID || column.Sem == schema.SemIgnore || table.Columns[c].Kind == schema.Opaque || l.Task.Options.Hides(t, c) {
				continue
			}
			whole.columns = append(whole.columns, c)
			out = append(out, ImportanceItem{Kind: ImportantColumn, Table: whole.Table, Name: column.Name, table: t, columns: []int{c}})
		}
		for k, link := range table.Def.Links {
			if l.graph.Snap.Tables[link.To].Def.Ignore {
				continue
			}
			whole.links = append(whole.links, k)
			out = append(out, ImportanceItem{Kind: ImportantLink, Table: whole.Table, Name: table.Def.Label(link), table: t, links: []int{k}})
		}
		if len(whole.columns)+len(whole.links) > 1 {
			out = append(out, whole)
		}
	}
	return out
}

// over binds what is served to the graph with an item redrawn.
func (l *Loaded) over(ctx context.Context, item *ImportanceItem, seed uint64) (predict.Scorer, error) {
	t, err := l.graph.Snap.Tables[item.table].Redrawn(l.Task.Options.Rule, item.columns, item.links, seed)
	if err != nil {
		return nil, err
	}
	other := *l
	if other.graph, err = l.graph.Replace(item.table, t); err != nil {
		return nil, err
	}
	s, err := other.ScorerOf(ctx, l.Served)
	if err != nil {
		return nil, err
	}
	return calibrateScorer(s, l.calibration), nil
}

// Text prints the items for people, tables first.
func (i *Importance) Text(w io.Writer) error {
	fmt.Fprintf(w, "task %s, version %d, %s: %s %.4f on %d validation examples; by how much it is worse when values or links are those of other rows\n",
		i.Task, i.Version, i.Served, i.Metric, i.Score, i.Examples)
	for _, kind := range []string{ImportantTable, ImportantLink, ImportantColumn} {
		fmt.Fprintln(w)
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintf(tw, "%s\tloss\t±\n", kind)
		for _, item := range i.Items {
			if item.Kind == kind {
				fmt.Fprintf(tw, "%s\t%.4f\t%.4f\n", item.Title(), item.Loss, item.Spread)
			}
		}
		if err := tw.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// importanceFile holds the importance of a version, beside it: it is of a snapshot and may be
// computed anew, and a version never changes.
const importanceFile = "importance.json"

// Keep stores the importance with the version.
func (i *Importance) Keep(w *workspace.Workspace) error {
	data, err := json.MarshalIndent(i, "", " ")
	if err != nil {
		return err
	}
	return w.SaveNote(i.Task, i.Version, importanceFile, append(data, '\n'))
}

// ReadImportance reads what was computed last of a version; nil = nothing yet.
func ReadImportance(w *workspace.Workspace, task string, version int) (*Importance, error) {
	data, err := os.ReadFile(w.NotePath(task, version, importanceFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var i Importance
	if err == nil {
		err = json.Unmarshal(data, &i)
	}
	if err != nil {
		return nil, fmt.Errorf("read the importance of version %d of task %s: %w", version, task, err)
	}
	return &i, nil
}
