package rowlink

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tabular/recommend"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

// rankingFile holds the model of a link prediction task in its version.
const rankingFile = "ranking.json"

// FittedRanking is a trained link prediction task.
type FittedRanking struct {
	Task   *tasks.Task
	Labels *tasks.LabelTable
	Model  *recommend.Model
	Report *RankingReport
	Job    string // of a server, for which it is; see [Provenance]
}

// RankingReport says how the predictors of a link prediction task did.
type RankingReport struct {
	Task      string  `json:"task"`
	Type      string  `json:"type"`
	Reading   string  `json:"reading"`
	Regime    string  `json:"regime"`
	ValRegime string  `json:"val_regime"`
	Snapshot  string  `json:"snapshot"`
	Source    string  `json:"source"`
	LabelHash string  `json:"label_hash"`
	Examples  [3]int  `json:"examples"` // train, val, test
	Seconds   float64 `json:"seconds"`
	*recommend.Report
}

// FitRanking labels a link prediction task, fits rules and trees, and chooses among them
// on validation. regime replaces the task's; nil leaves it.
func (d *Database) FitRanking(ctx context.Context, text string, regime *tasks.Regime) (*FittedRanking, error) {
	start := time.Now()
	f := &FittedRanking{}
	var err error
	if f.Task, err = d.Task(text); err != nil {
		return nil, err
	}
	if f.Task.Ranking == nil {
		return nil, &ingest.UserError{Msg: fmt.Sprintf("task %s is of type %s and ranks nothing", f.Task.Name, f.Task.Type), Hint: "write LIST_DISTINCT(foreign key, ...) RANK TOP k"}
	}
	if regime != nil {
		f.Task.Options.Regime, f.Task.Options.ValRegime = *regime, *regime
	}
	if f.Labels, err = tasks.Label(ctx, d.Snap, f.Task, d.opt.Threads); err != nil {
		return nil, err
	}
	if err := d.keepEntities(ctx, f.Task); err != nil {
		return nil, err
	}
	o := &f.Task.Options
	f.Report = &RankingReport{Task: f.Task.Name, Type: f.Task.Type, Reading: f.Task.Reading, Regime: o.Regime.String(), ValRegime: o.ValRegime.String(), Snapshot: d.Snap.ID, Source: d.Source,
		LabelHash: f.Labels.Hash(), Examples: f.Labels.Report.Examples}
	if f.Model, f.Report.Report, err = recommend.Fit(ctx, d.Snap, f.Labels, tensor.NewPool(d.opt.Threads).Threads()); err != nil {
		return nil, err
	}
	f.Report.Seconds = time.Since(start).Seconds()
	return f, nil
}

// Save stores the task's text and the model as a new version, and promotes it to prod if
// the task has none there.
func (f *FittedRanking) Save(w *workspace.Workspace) (version int, err error) {
	r := f.Report
	from := &Provenance{Text: f.Task.Text, LabelHash: r.LabelHash, Source: r.Source, Settings: &Settings{Regime: r.Regime}, Program: program(), Job: f.Job}
	return newVersion(w, f.Task, versionInfo{r.Served, r.Regime, r.Metric, f.Task.Type, r.Rows, from, r.Snapshot}, func(dir string) error {
		return writeFiles(dir, map[string]any{
			rankingFile: f.Model,
			reportFile:  r,
			taskFile:    stored{Text: f.Task.Text, Options: optionsOf(f.Task), Served: r.Served},
		})
	})
}

// LoadedRanking is a stored version of a link prediction task, bound to the snapshot.
type LoadedRanking struct {
	*predict.Predictor // whom the task asks about; it has no scorer
	Version            *workspace.Model
	Report             *RankingReport
	Model              *recommend.Model
}

// LoadRanking reads a stored version of a link prediction task; ref is as in [Database.Load].
func (d *Database) LoadRanking(ctx context.Context, taskName, ref string) (*LoadedRanking, error) {
	version, err := d.Workspace.Model(taskName, ref)
	if err != nil {
		return nil, err
	}
	l := &LoadedRanking{Version: version, Report: &RankingReport{}, Model: &recommend.Model{}}
	var st stored
	for name, into := range map[string]any{taskFile: &st, reportFile: l.Report, rankingFile: l.Model} {
		if err := readJSON(version.Path(name), into); err != nil {
			return nil, err
		}
	}
	task, dataUntil, err := d.restore(st)
	if err != nil {
		return nil, fmt.Errorf("bind version %d of task %s: %w", version.Version, taskName, err)
	}
	if task.Ranking == nil {
		return nil, fmt.Errorf("version %d of task %s: its task ranks nothing", version.Version, taskName)
	}
	if l.Predictor, err = predict.New(d.Snap, task, nil, nil, dataUntil); err != nil {
		return nil, err
	}
	if err := l.Model.Bind(d.Snap, task, tensor.NewPool(d.opt.Threads).Threads()); err != nil {
		return nil, fmt.Errorf("bind version %d of task %s: %w", version.Version, taskName, err)
	}
	return l, ctx.Err()
}

// Rank answers for rows of the entity table at an anchor, reading nothing beyond it: top
// items of each, the likeliest first.
func (l *LoadedRanking) Rank(ctx context.Context, rows []int32, anchor int64, top int) ([][]recommend.Item, error) {
	queries := make([]recommend.Query, len(rows))
	for i, r := range rows {
		queries[i] = recommend.Query{Row: r, Cut: anchor}
	}
	return l.Model.Rank(ctx, queries, top)
}

// Evaluate computes every metric of what is served on one split of a label table.
func (l *LoadedRanking) Evaluate(ctx context.Context, labels *tasks.LabelTable, split tasks.Split) (Scores, error) {
	var queries []recommend.Query
	var truth [][]int32
	for _, i := range labels.Rows(split) {
		queries, truth = append(queries, recommend.Query{Row: labels.Entity[i], Cut: labels.Cut(i)}), append(truth, labels.Items(i))
	}
	answers, err := l.Model.Rank(ctx, queries, l.Task.Ranking.Top)
	if err != nil {
		return nil, err
	}
	lists := make([][]int32, len(answers))
	for i, a := range answers {
		for _, item := range a {
			lists[i] = append(lists[i], item.Row)
		}
	}
	out := Scores{}
	for _, name := range tasks.RankingMetricNames() {
		m, err := tasks.RankingMetricByName(name)
		if err != nil {
			return nil, err
		}
		out[name] = m.Compute(truth, lists, l.Task.Ranking.Top)
	}
	return out, nil
}

// Ranks reports whether a stored version is of a link prediction task.
func Ranks(version *workspace.Model) bool {
	var info struct {
		Type string `json:"type"`
	}
	return json.Unmarshal(version.Info, &info) == nil && info.Type == tasks.LinkPrediction
}

// Text prints the comparison for people.
func (r *RankingReport) Text(w io.Writer) error {
	fmt.Fprintf(w, "task %s: %s, regime %s (validation %s), %d/%d/%d examples, metric %s at %d\n", r.Task, r.Type, r.Regime, r.ValRegime, r.Examples[0], r.Examples[1], r.Examples[2], r.Metric, r.Top)
	fmt.Fprintf(w, "events: %s; %d features of a pair; %.1f %% of what came true on validation was among the candidates\n\n", strings.Join(r.Channels, "; "), r.Features, 100*r.Reached)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "predictor\t%s on %d blocks\tval\ttest\tprecision\trecall\tndcg\tmrr\n", r.Metric, len(r.BlockEnd))
	for _, row := range r.Rows {
		mark := ""
		if row.Name == r.Served {
			mark = "  <- served"
		}
		test := func(name string) string {
			if row.Test == nil {
				return "-"
			}
			return fmt.Sprintf("%.4f", row.Test[name])
		}
		fmt.Fprintf(tw, "%s\t%.4f\t%.4f\t%s\t%s\t%s\t%s\t%s%s\n", row.Name, row.Mean, row.Val[r.Metric], test(r.Metric), test("precision"), test("recall"), test("ndcg"), test("mrr"), mark)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nThe mean over the blocks chooses. Trees that answer the test examples, and that are stored, learned from validation examples too.\nThe blend joins %s. %.1f s in all\n",
		strings.Join(r.Fused[:], ", "), r.Seconds)
	return err
}
