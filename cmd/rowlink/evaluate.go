package main

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/tasks"
)

func init() { subcommands.Add("evaluate", evaluateCommand) }

// besides are the baselines that stand beside the predictor under evaluation.
var besides = []string{"constant", "entity mean", "decayed entity mean"}

// evaluateFlags are the flags of evaluate.
type evaluateFlags struct {
	storedFlags
	split, regime string
	at            []string
}

func evaluateCommand(a *app) *cobra.Command {
	var f evaluateFlags
	cmd := &cobra.Command{
		Use:   "evaluate TASK",
		Short: "Score a stored version on any split or anchor, beside the simple baselines",
		Long: `evaluate computes the labels of the task on the present snapshot, at the anchors of the training or
at those of --at, lets the served predictor of a stored version answer them, and prints every metric
beside the constant, the entity's mean and its decayed mean. The standard errors come from a bootstrap
that draws whole anchors, because the labels of one anchor are not independent; with a single anchor
it draws examples. TASK is a stored task, or a file that creates one.`,
		Example: "  rowlink evaluate churn\n  rowlink evaluate churn --split test --regime frozen\n  rowlink evaluate churn --model gnn --at 2024-11-02 --at 2024-12-02",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := f.evaluation()
			if err != nil {
				return err
			}
			if r, err := a.ranking(cmd.Context(), args[0], f.storedFlags); err != nil {
				return err
			} else if r != nil {
				defer r.db.Close()
				return a.evaluateRanking(cmd.Context(), r, e, f.at)
			}
			if e.storedModel, err = a.stored(cmd.Context(), args[0], f.storedFlags); err != nil {
				return err
			}
			defer e.db.Close()
			if err := e.compute(cmd.Context(), a, f.at); err != nil {
				return err
			}
			return a.print(e.document(), e.text)
		},
	}
	f.registerEvaluate(cmd)
	return cmd
}

func (f *evaluateFlags) registerEvaluate(cmd *cobra.Command) {
	c := cmd.Flags()
	c.StringVar(&f.split, "split", "", "val or test (default: both)")
	c.StringVar(&f.regime, "regime", "", "rolling or frozen (default: that of the training)")
	c.StringArrayVar(&f.at, "at", nil, "anchor (repeatable): a date or time in the task's zone, whose label window is complete")
	f.register(cmd)
}

// evaluation is a predictor's scores beside those of the simple baselines.
type evaluation struct {
	*storedModel
	regime  *tasks.Regime // nil = that of the training
	splits  []tasks.Split
	labels  *tasks.LabelTable
	metrics []tasks.Metric
	parts   []evaluationPart
}

// evaluationPart is one split, or the anchors of --at.
type evaluationPart struct {
	Split       string           `json:"split"` // val, test, or at
	Regime      string           `json:"regime"`
	Examples    int              `json:"examples"`
	Anchors     int              `json:"anchors"`
	First       string           `json:"first_anchor"`
	Last        string           `json:"last_anchor"`
	UnseenClass int              `json:"unseen_class,omitempty"` // labels left out because training never saw their class
	Bootstrap   string           `json:"bootstrap"`              // what is drawn: anchors or examples
	Scores      []predictorScore `json:"scores"`
}

// predictorScore is one predictor's scores; what is not defined is null in JSON.
type predictorScore struct {
	Name    string         `json:"name"`
	Served  bool           `json:"served"`
	Metrics rowlink.Scores `json:"metrics"`
	Errors  rowlink.Scores `json:"standard_errors"`
}

// evaluation reads the flags.
func (f *evaluateFlags) evaluation() (e *evaluation, err error) {
	e = &evaluation{splits: []tasks.Split{tasks.Val, tasks.Test}}
	if err := f.storedFlags.check(); err != nil {
		return nil, err
	}
	if e.regime, err = parseRegime(f.regime); err != nil {
		return nil, err
	}
	switch {
	case f.split != "" && len(f.at) > 0:
		return nil, usage("take one of them", "--split names anchors of the training, --at others")
	case f.split == tasks.Val.String():
		e.splits = e.splits[:1]
	case f.split == tasks.Test.String():
		e.splits = e.splits[1:]
	case f.split != "":
		return nil, usage("scores on training labels say nothing about new ones", "--split is %q, want val or test", f.split)
	}
	return e, nil
}

// compute labels, asks and scores.
func (e *evaluation) compute(ctx context.Context, a *app, at []string) (err error) {
	o := &e.Task.Options
	if e.regime != nil {
		o.Regime, o.ValRegime = *e.regime, *e.regime
	}
	if len(at) > 0 {
		err = e.labelAt(ctx, a, at)
	} else {
		e.labels, err = tasks.Label(ctx, e.Snap, e.Task, a.threads)
	}
	if err != nil {
		return err
	}
	if !e.asTrained() && len(at) == 0 && e.regime == nil {
		a.warn("the labels differ from those of the training, because the data has changed since: the scores differ from those that train printed")
	}
	for _, name := range tasks.MetricNames(e.Task.Type) {
		m, err := tasks.MetricByName(e.Task.Type, name, e.Scaling)
		if err != nil {
			return err
		}
		e.metrics = append(e.metrics, m)
	}
	for _, s := range e.splits {
		part, err := e.part(ctx, s, len(at) > 0)
		if err != nil {
			return err
		}
		e.parts = append(e.parts, *part)
	}
	return nil
}

// asTrained reports whether the labels are those of the training.
func (e *evaluation) asTrained() bool { return e.labels.Hash() == e.Report.LabelHash }

// labelAt computes the labels at the anchors of --at.
func (e *evaluation) labelAt(ctx context.Context, a *app, at []string) error {
	if e.Task.Static() {
		return usage("", "--at: the target of task %s has no window, so each row is its own anchor", e.Task.Name)
	}
	o := &e.Task.Options
	var anchors []int64
	for _, text := range at {
		anchor, err := parseInstant(text, o.Zone)
		if err != nil {
			return err
		}
		if err := e.CheckAnchor(anchor); err != nil {
			return err
		}
		if anchor < o.TestAnchor {
			a.warn("anchor %s lies before the test anchor %s: the version was trained or chosen on labels like these", instant(anchor), instant(o.TestAnchor))
		}
		if end := o.Closed(anchor, e.Task.Horizon); end > o.DataUntil {
			return dataError{fmt.Errorf("the label window of anchor %s ends at %s, after the data, which ends at %s", instant(anchor), instant(end), instant(o.DataUntil))}
		}
		anchors = append(anchors, anchor)
	}
	slices.Sort(anchors)
	e.splits = []tasks.Split{tasks.Test}
	var err error
	e.labels, err = tasks.LabelAt(ctx, e.Snap, e.Task, slices.Compact(anchors))
	return err
}

// bootstrapRounds and bootstrapSeed fix the standard errors.
const (
	bootstrapRounds = 200
	bootstrapSeed   = 1
)

// part scores every predictor on one split.
func (e *evaluation) part(ctx context.Context, s tasks.Split, at bool) (*evaluationPart, error) {
	o := &e.Task.Options
	p := &evaluationPart{Split: s.String(), Regime: o.Regime.String(), Bootstrap: "anchors"}
	switch {
	case at:
		p.Split = "at"
	case s == tasks.Val:
		p.Regime = o.ValRegime.String()
	}
	names := []string{e.Served}
	for _, b := range besides {
		if b != e.Served {
			names = append(names, b)
		}
	}
	for i, name := range names {
		scorer := e.Scorer
		if i > 0 {
			var err error
			if scorer, err = e.ScorerOf(ctx, name); err != nil {
				return nil, err
			}
		}
		outcome, err := rowlink.Ask(ctx, scorer, e.labels, s)
		if err != nil {
			return nil, fmt.Errorf("score %s: %w", name, err)
		}
		if i == 0 {
			if len(outcome.Truth) == 0 {
				return nil, dataError{fmt.Errorf("there are no labels to evaluate on (%s)", p.Split)}
			}
			p.count(outcome.Anchor)
		}
		p.UnseenClass = e.Known(e.labels, outcome)
		p.Examples = len(outcome.Truth) / e.Task.Frames()
		p.Scores = append(p.Scores, e.score(name, outcome, p))
	}
	return p, nil
}

// count counts the anchors; they ascend.
func (p *evaluationPart) count(anchors []int64) {
	p.Anchors = len(slices.Compact(slices.Clone(anchors)))
	p.First, p.Last = instant(anchors[0]), instant(anchors[len(anchors)-1])
	if p.Anchors == 1 {
		p.Bootstrap = "examples"
	}
}

// score computes every metric with its standard error.
func (e *evaluation) score(name string, o *rowlink.Outcome, p *evaluationPart) predictorScore {
	groups := o.Anchor
	if p.Bootstrap == "examples" {
		groups = make([]int64, len(o.Anchor))
		for i := range groups {
			groups[i] = int64(i)
		}
	}
	s := predictorScore{Name: name, Served: name == e.Served, Metrics: rowlink.Scores{}, Errors: rowlink.Scores{}}
	for _, m := range e.metrics {
		s.Metrics[m.Name()] = m.Compute(o.Truth, o.Predicted)
		s.Errors[m.Name()] = math.NaN()
		if len(o.Truth) > 1 {
			s.Errors[m.Name()] = tasks.Bootstrap(m, o.Truth, o.Predicted, groups, bootstrapRounds, bootstrapSeed)
		}
	}
	return s
}
