package recommend

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
)

// Row is what one predictor reached, by metric.
type Row struct {
	Name   string             `json:"name"`
	Val    map[string]float64 `json:"val"`
	Test   map[string]float64 `json:"test,omitempty"`
	Blocks []float64          `json:"blocks"` // the metric that chooses on each validation block, the last first; their mean chooses
	Mean   float64            `json:"mean"`
	// Error is the standard error of the metric that chooses on test, as if the entities were
	// independent: those of one anchor are not quite, so it is rather larger.
	Error float64 `json:"standard_error,omitempty"`
}

// Report says how the predictors of a link prediction task did.
type Report struct {
	Metric string `json:"metric"` // that chooses
	Top    int    `json:"top"`    // lists are cut there
	Served string `json:"served"`
	Rows   []Row  `json:"rows"` // the simplest first
	// Reached is the share of what came true that was among the candidates, on validation.
	Reached  float64   `json:"reached"`
	Channels []string  `json:"channels"`  // events that are read
	Features int       `json:"features"`  // of a pair
	BlockEnd []int64   `json:"block_end"` // anchor from which each block is validated, microseconds UTC
	Fused    [3]string `json:"fused"`     // what the blend joins
}

// earlierAnchors is how many training anchors validate too, each with what was known then.
const earlierAnchors = 3

// ruleAnchors is how many training anchors before those judge the half-lives of rules,
// which learn nothing and cost little.
const ruleAnchors = 12

// fitting is a fit in progress.
type fitting struct {
	*world
	labels  *tasks.LabelTable
	metric  tasks.RankingMetric
	rules   []rule
	report  *Report
	blocks  []*block
	older   []*block // answered by rules alone
	testing *block
}

// block is a stretch of examples with what each predictor answered.
type block struct {
	rows  []int // of the label table
	lists map[string][][]int32
	truth [][]int32
}

// Fit chooses among rules and trees for a link prediction task and returns what is served,
// with the report. Trees learn from windows that closed before what they are judged on;
// in the end from training and validation examples together. Equal arguments give equal
// bits at any number of threads.
func Fit(ctx context.Context, snap *ingest.Snapshot, labels *tasks.LabelTable, threads int) (*Model, *Report, error) {
	w, err := newWorld(snap, labels.Task, max(1, threads))
	if err != nil {
		return nil, nil, err
	}
	f := &fitting{world: w, labels: labels, rules: w.rules(), report: &Report{Top: labels.Task.Ranking.Top, Features: len(w.names)}}
	if f.metric, err = tasks.RankingMetricByName(labels.Task.Options.Metric); err != nil {
		return nil, nil, err
	}
	f.report.Metric = f.metric.Name
	for _, c := range w.channels {
		f.report.Channels = append(f.report.Channels, c.name)
	}
	if len(labels.Rows(tasks.Train)) == 0 || len(labels.Rows(tasks.Val)) == 0 {
		return nil, nil, &tasks.Error{Code: "TK133", Msg: fmt.Sprintf("task %s has %d training and %d validation examples, want at least one of each", labels.Task.Name,
			len(labels.Rows(tasks.Train)), len(labels.Rows(tasks.Val))), Hint: "check WHERE, the window and data_from with rowlink explain"}
	}
	if err := f.validate(ctx); err != nil {
		return nil, nil, err
	}
	m, err := f.choose(ctx)
	return m, f.report, err
}

// validate judges every predictor on the validation examples and on those of the latest
// training anchors.
func (f *fitting) validate(ctx context.Context) error {
	o := &f.task.Options
	val := f.labels.Rows(tasks.Val)
	ends := []int64{o.ValAnchor}
	stretches := [][]int{val}
	train := f.labels.Rows(tasks.Train)
	for i := len(train) - 1; i >= 0 && len(stretches) <= earlierAnchors+ruleAnchors; {
		anchor := f.labels.Anchor[train[i]]
		var rows []int
		for ; i >= 0 && f.labels.Anchor[train[i]] == anchor; i-- {
			rows = append(rows, train[i])
		}
		slices.Reverse(rows)
		ends, stretches = append(ends, anchor), append(stretches, rows)
	}
	for k, rows := range stretches {
		if k > earlierAnchors {
			b, err := f.answer(ctx, nil, rows)
			if err != nil {
				return err
			}
			f.older = append(f.older, b)
			continue
		}
		b, err := f.block(ctx, f.closed(ends[k]), rows)
		if err != nil {
			return err
		}
		if b == nil {
			break // nothing had closed by then
		}
		f.blocks, f.report.BlockEnd = append(f.blocks, b), append(f.report.BlockEnd, ends[k])
	}
	if len(f.blocks) == 0 {
		return &tasks.Error{Code: "TK133", Msg: "no label window closes before the validation anchor", Hint: "move val_anchor later, or shorten the window"}
	}
	return nil
}

// closed lists the training examples whose window closes by an anchor.
func (f *fitting) closed(by int64) []int {
	var out []int
	for _, r := range f.labels.Rows(tasks.Train) {
		if f.task.Options.Closed(f.labels.Anchor[r], f.task.Horizon) <= by {
			out = append(out, r)
		}
	}
	return out
}

func (f *fitting) queries(rows []int) (q []Query, truth [][]int32) {
	for _, r := range rows {
		q, truth = append(q, Query{f.labels.Entity[r], f.labels.Cut(r)}), append(truth, f.labels.Items(r))
	}
	return q, truth
}

// trees fits both kinds of trees to examples; nil where there is nothing to learn from.
func (f *fitting) trees(ctx context.Context, rows []int) (map[string]*learned, error) {
	q, truth := f.queries(rows)
	t, err := f.examples(ctx, q, truth)
	if err != nil || len(t.group) == 0 {
		return nil, err
	}
	out := map[string]*learned{}
	for _, name := range []string{onePer, pairwise} {
		if out[name], err = f.learn(ctx, name, t); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// block fits to some examples and answers others; nil where there is nothing to learn from.
func (f *fitting) block(ctx context.Context, fit, rows []int) (*block, error) {
	trees, err := f.trees(ctx, fit)
	if err != nil || trees == nil {
		return nil, err
	}
	return f.answer(ctx, trees, rows)
}

// answer lets every predictor but the blend answer some examples; without trees the rules.
func (f *fitting) answer(ctx context.Context, trees map[string]*learned, rows []int) (*block, error) {
	b := &block{rows: rows, lists: map[string][][]int32{}}
	var queries []Query
	queries, b.truth = f.queries(rows)
	var names []string
	var scorers []scorer
	for _, r := range f.rules {
		names, scorers = append(names, r.name), append(scorers, f.ruleScorer(r))
	}
	for _, name := range []string{onePer, pairwise} {
		if trees == nil {
			break
		}
		names = append(names, name)
		scorers = append(scorers, func(p part) []float64 { return trees[name].score(p.x, 1) })
	}
	lists, err := f.lists(ctx, queries, scorers)
	for i, name := range names {
		b.lists[name] = lists[i]
	}
	return b, err
}

// choose adds the blend of trees and the best rules of two kinds, picks what is best on average
// over the blocks, and fits it anew with the validation examples.
func (f *fitting) choose(ctx context.Context) (*Model, error) {
	f.report.Fused = [3]string{f.bestOf(popular), f.bestOf(own), pairwise}
	trees, err := f.trees(ctx, slices.Concat(f.labels.Rows(tasks.Train), f.labels.Rows(tasks.Val)))
	if err != nil {
		return nil, err
	}
	if test := f.labels.Rows(tasks.Test); len(test) > 0 {
		if f.testing, err = f.answer(ctx, trees, test); err != nil {
			return nil, err
		}
	}
	names := []string{}
	for _, r := range f.rules {
		names = append(names, r.name)
	}
	best := math.Inf(-1)
	candidates := []string{f.bestOf(popular), f.bestOf(own), f.bestOf(both), f.bestOf(common), onePer, pairwise, fusion}
	for _, name := range append(names, onePer, pairwise, fusion) {
		row := f.row(name)
		f.report.Rows = append(f.report.Rows, row)
		if row.Mean > best && slices.Contains(candidates, name) {
			best, f.report.Served = row.Mean, name
		}
	}
	f.report.Reached = f.reached()
	return &Model{world: f.world, Served: f.report.Served, Fused: f.report.Fused[:], Trees: trees, Features: f.names}, nil
}

// bestOf names the rule of a kind that is best on average over the blocks and the older
// anchors: a half-life is better told from many anchors.
func (f *fitting) bestOf(kind string) string {
	best, name := math.Inf(-1), ""
	for _, r := range f.rules {
		sum := 0.0
		for _, b := range slices.Concat(f.blocks, f.older) {
			sum += f.metric.Compute(b.truth, b.lists[r.name], f.report.Top)
		}
		if r.kind == kind && sum > best {
			best, name = sum, r.name
		}
	}
	return name
}

// mean is the metric of a predictor on average over the blocks.
func (f *fitting) mean(name string) float64 {
	sum := 0.0
	for _, b := range f.blocks {
		sum += f.metric.Compute(b.truth, f.of(b, name), f.report.Top) / float64(len(f.blocks))
	}
	return sum
}

// of is what a predictor answered in a block.
func (f *fitting) of(b *block, name string) [][]int32 {
	if name != fusion || b.lists[fusion] != nil {
		return b.lists[name]
	}
	out := make([][]int32, len(b.truth))
	for i := range out {
		var lists [][]int32
		for _, part := range f.report.Fused {
			lists = append(lists, b.lists[part][i])
		}
		out[i], _ = fuse(lists)
	}
	b.lists[fusion] = out
	return out
}

func (f *fitting) row(name string) Row {
	row := Row{Name: name, Val: f.scores(f.blocks[0], name), Mean: f.mean(name)}
	for _, b := range f.blocks {
		row.Blocks = append(row.Blocks, f.metric.Compute(b.truth, f.of(b, name), f.report.Top))
	}
	if f.testing != nil {
		row.Test = f.scores(f.testing, name)
		row.Error = standardError(f.metric.Each(f.testing.truth, f.of(f.testing, name), f.report.Top))
	}
	return row
}

// standardError is that of the mean of the values that are defined; 0 for fewer than two.
func standardError(values []float64) float64 {
	values = slices.DeleteFunc(values, math.IsNaN)
	n, mean, square := float64(len(values)), 0.0, 0.0
	if n < 2 {
		return 0
	}
	for _, v := range values {
		mean += v / n
	}
	for _, v := range values {
		square += (v - mean) * (v - mean) / (n - 1)
	}
	return math.Sqrt(square / n)
}

// scores are all metrics of a predictor in a block.
func (f *fitting) scores(b *block, name string) map[string]float64 {
	out := map[string]float64{}
	for _, n := range tasks.RankingMetricNames() {
		m, _ := tasks.RankingMetricByName(n) // of the list of names
		out[n] = m.Compute(b.truth, f.of(b, name), f.report.Top)
	}
	return out
}

// reached is the share of what came true on validation that was among the candidates.
func (f *fitting) reached() float64 {
	b := f.blocks[0]
	hit, all := 0, 0
	for i, truth := range b.truth {
		list := b.lists[f.rules[0].name][i]
		for _, item := range truth {
			all++
			if slices.Contains(list, item) {
				hit++
			}
		}
	}
	return float64(hit) / float64(max(1, all))
}
