package rowlink

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tabular/calibrate"
	"github.com/rowlink/rowlink/tasks"
)

// Honesty says how far the answers of what is served can be taken at their word: of
// probabilities their calibration, of values their intervals. Both are learned on
// validation; what is measured is measured on test.
type Honesty struct {
	Examples    int                    `json:"examples"` // of validation
	Anchors     int                    `json:"anchors"`
	Calibration *calibrate.Calibration `json:"calibration,omitempty"`
	Before      *calibrate.Quality     `json:"before,omitempty"` // of probabilities, on test
	After       *calibrate.Quality     `json:"after,omitempty"`
	Interval    *calibrate.Interval    `json:"interval,omitempty"`
	Steps       calibrate.Bands        `json:"intervals_by_step,omitempty"` // of a forecast, one per timeframe
	Coverage    []Coverage             `json:"coverage,omitempty"`
}

// Coverage says how often test values lay in the intervals of one level.
type Coverage struct {
	Level  float64 `json:"level"`
	Inside float64 `json:"inside"` // share of test examples
	Width  float64 `json:"width"`  // mean
}

// levels are those that the report looks at.
var levels = []float64{0.5, 0.8, 0.9, 0.95}

// calibrate learns on validation how to put right what is served, and measures on test.
func (f *Fitted) calibrate() {
	r := f.Report
	if f.Task.Type == tasks.Multilabel {
		return // each output would need a map of its own
	}
	val, test := f.outcomes[r.Served][tasks.Val], f.outcomes[r.Served][tasks.Test]
	if f.refitted != nil {
		test = f.refitted
	}
	a := calibrate.Answers{Truth: val.Truth, Predicted: val.Predicted, Anchor: val.groups()}
	h := &Honesty{Examples: len(a.Truth), Anchors: len(slices.Compact(slices.Sorted(slices.Values(val.Anchor))))}
	switch {
	case f.Task.Forecast != nil:
		h.Steps = calibrate.NewBands(a, f.Task.Frames(), f.floor())
		h.cover(test)
	case f.Task.Type == tasks.Regression:
		h.Interval = calibrate.NewInterval(a, f.floor())
		h.cover(test)
	default:
		h.Calibration = calibrate.Choose(a)
		h.compare(test)
	}
	r.Honesty = h
}

// cover measures the intervals.
func (h *Honesty) cover(test *Outcome) {
	b := h.bands()
	if b == nil || len(test.Truth) == 0 {
		return
	}
	for _, level := range levels {
		if level <= b.Most() {
			inside, width := b.Coverage(level, test.Truth, test.Predicted)
			h.Coverage = append(h.Coverage, Coverage{level, inside, width})
		}
	}
}

// bands are the intervals, nil where there are none.
func (h *Honesty) bands() calibrate.Bands {
	if h.Interval != nil {
		return calibrate.Bands{h.Interval}
	}
	return h.Steps
}

// compare measures the probabilities before and after.
func (h *Honesty) compare(test *Outcome) {
	if len(test.Truth) == 0 {
		return
	}
	before := calibrate.QualityOf(test.Truth, test.Predicted)
	after := calibrate.QualityOf(test.Truth, h.Calibration.Apply(test.Predicted))
	h.Before, h.After = &before, &after
}

// floor is 0 where no training label lies below it: counts and sums of such.
func (f *Fitted) floor() *float64 {
	for _, i := range f.Labels.Rows(tasks.Train) {
		if f.Labels.Label[i] < 0 {
			return nil
		}
	}
	return new(float64)
}

func (h *Honesty) text(w io.Writer) {
	if c := h.Calibration; c != nil {
		what := "probabilities are left as they are: no calibration gains on validation anchors that it did not see"
		if c.Kind != calibrate.Identity {
			what = fmt.Sprintf("probabilities are calibrated (%s): validation log loss %.4f ± %.4f lower on anchors that it did not see", c.Kind, c.Gain, c.Error)
		}
		fmt.Fprintln(w, what)
		if b, a := h.Before, h.After; b != nil && c.Kind == calibrate.Identity {
			fmt.Fprintf(w, "  test: Brier %.4f, log loss %.4f, calibration error %.4f\n", b.Brier, b.LogLoss, b.ECE)
		} else if b != nil {
			fmt.Fprintf(w, "  test before -> after: Brier %.4f -> %.4f, log loss %.4f -> %.4f, calibration error %.4f -> %.4f\n",
				b.Brier, a.Brier, b.LogLoss, a.LogLoss, b.ECE, a.ECE)
		}
	}
	if b := h.bands(); b != nil {
		v := b[0]
		how, of := "one width for all", fmt.Sprintf("%d validation anchors", v.Groups)
		if v.Spread != nil {
			how = "wider where the predicted value says so"
		}
		if v.ByExample {
			of = fmt.Sprintf("%d validation examples of %d anchors, which are too few to weigh alone", v.Groups, h.Anchors)
		}
		if h.Steps != nil {
			how = "by timeframe"
		}
		fmt.Fprintf(w, "intervals (predict --interval): %s, from %s\n", how, of)
		for _, c := range h.Coverage {
			fmt.Fprintf(w, "  %2.0f %%: holds %.1f %% of test values, mean width %.4g\n", 100*c.Level, 100*c.Inside, c.Width)
		}
	}
}

// calibrated is a [predict.Scorer] whose probabilities are put right.
type calibrated struct {
	predict.Scorer
	by *calibrate.Calibration
}

// calibrateScorer binds a calibration to what it was learned for.
func calibrateScorer(s predict.Scorer, by *calibrate.Calibration) predict.Scorer {
	if by == nil || by.Kind == calibrate.Identity {
		return s
	}
	c := calibrated{s, by}
	if e, ok := s.(predict.Explainer); ok {
		return calibratedReasons{c, e}
	}
	return c
}

// Score implements [predict.Scorer].
func (c calibrated) Score(ctx context.Context, queries []model.Query) ([]float64, error) {
	out, err := c.Scorer.Score(ctx, queries)
	if err != nil {
		return nil, err
	}
	return c.by.Apply(out), nil
}

// Plan is that of the scorer, empty where it has none.
func (c calibrated) Plan(queries []model.Query) string {
	if p, ok := c.Scorer.(interface {
		Plan(queries []model.Query) string
	}); ok {
		return p.Plan(queries)
	}
	return ""
}

// calibratedReasons gives the reasons of a scorer in calibrated probabilities.
type calibratedReasons struct {
	calibrated
	explainer predict.Explainer
}

// Explain implements [predict.Explainer].
func (c calibratedReasons) Explain(q model.Query, top int) []predict.Reason {
	return predict.Largest(c.Effects(q, predict.Predicted(c.Scorer, q)), top)
}

// Effects are those on the calibrated probability: what it is minus what it would be
// without the rows. Of several classes the others' probabilities are taken to share the
// change, as they do in the sum that is made 1.
func (c calibratedReasons) Effects(q model.Query, output int) []predict.Reason {
	out, err := c.Scorer.Score(context.Background(), []model.Query{q})
	if err != nil {
		panic("rowlink: a query without a deadline was not scored: " + err.Error())
	}
	full := c.by.Apply(out)[output]
	reasons := c.explainer.Effects(q, output)
	for i := range reasons {
		reasons[i].Effect = full - c.by.Apply(without(out, output, reasons[i].Effect))[output]
	}
	return reasons
}

// without is an answer whose probability at one place lacks an effect.
func without(out []float64, at int, effect float64) []float64 {
	rest := slices.Clone(out)
	rest[at] = min(max(out[at]-effect, 0), 1)
	for k := range rest {
		if k != at && out[at] < 1 {
			rest[k] *= (1 - rest[at]) / (1 - out[at])
		}
	}
	return rest
}

// An Around returns the interval around a predicted value: of a forecast that of the timeframe
// step, the first being 1; of a single value step is 0.
type Around func(step int, predicted float64) (lower, upper float64)

// Interval returns the interval of a level, such as 0.9, around predictions of the
// version. The error is an [ingest.UserError] where there is none.
func (l *Loaded) Interval(level float64) (Around, error) {
	return intervalOf(l.bands, l.Task, level, &ingest.UserError{
		Msg:  fmt.Sprintf("version %d of task %s has no intervals for %q", l.Version.Version, l.Version.Task, l.Served),
		Hint: "intervals belong to what is served, and need 20 validation examples: train again, and leave out --model"})
}

// Interval returns the interval of a level around predictions, as [Loaded.Interval] does.
func (i *Instant) Interval(level float64) (Around, error) {
	return intervalOf(i.bands, i.Task, level, &ingest.UserError{
		Msg:  fmt.Sprintf("%d validation examples are too few for intervals", i.Report.Examples[tasks.Val]),
		Hint: "intervals need 20 validation examples: leave --interval out, or ask over a shorter window"})
}

// intervalOf returns the interval of a level; none is the error where there are no bands.
func intervalOf(b calibrate.Bands, task *tasks.Task, level float64, none error) (Around, error) {
	switch {
	case !(level > 0 && level < 1):
		return nil, &ingest.UserError{Msg: fmt.Sprintf("interval %g is not between 0 and 1", level), Hint: "write the share of values that the interval is to hold, such as 0.9"}
	case task.Type != tasks.Regression && task.Forecast == nil:
		return nil, &ingest.UserError{Msg: fmt.Sprintf("task %s predicts probabilities, which have no interval", task.Name), Hint: "leave the interval out; the probabilities are calibrated"}
	case b == nil:
		return nil, none
	case level > b.Most():
		return nil, &ingest.UserError{Msg: fmt.Sprintf("validation can promise intervals up to %.3f, not %g", b.Most(), level), Hint: "ask for a lower level, or train with more eval_anchors"}
	}
	return func(step int, predicted float64) (lower, upper float64) { return b.Around(level, step, predicted) }, nil
}
