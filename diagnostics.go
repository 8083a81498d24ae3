package rowlink

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"

	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

// diagnosticsFile is stored with each version.
const diagnosticsFile = "diagnostics.json"

// Diagnostics is what pictures of a version are drawn from: how labels run over time, and
// how the answers of what is served lie beside what came true. It is of bounded size.
type Diagnostics struct {
	Anchors []AnchorLabels    `json:"anchors"` // in the order of time
	Val     *SplitDiagnostics `json:"val,omitempty"`
	Test    *SplitDiagnostics `json:"test,omitempty"`
}

// AnchorLabels counts the labels at one anchor.
type AnchorLabels struct {
	Anchor int64   `json:"anchor"` // microseconds UTC
	Split  string  `json:"split"`
	Rows   int     `json:"rows"`
	Mean   float64 `json:"mean"` // of the label: of a binary one the share of positives
}

// SplitDiagnostics are the answers to one split. Fields that a task type does not have are
// empty.
type SplitDiagnostics struct {
	Examples  int           `json:"examples"`
	ROC       [][2]float64  `json:"roc,omitempty"`       // false and true positive rate, by falling threshold
	PR        [][2]float64  `json:"pr,omitempty"`        // recall and precision
	Bins      []Bin         `json:"bins,omitempty"`      // by predicted value, of equal numbers of examples
	Confusion [][]int       `json:"confusion,omitempty"` // truth x prediction
	Classes   []string      `json:"classes,omitempty"`   // of the confusion
	Residuals []float64     `json:"residuals,omitempty"` // predicted minus true: quantiles 5, 25, 50, 75, 95 %
	ByAnchor  []AnchorScore `json:"by_anchor,omitempty"`
	ByFrame   []*float64    `json:"by_frame,omitempty"` // of a forecast: the metric in each timeframe
	Known     *Score        `json:"known,omitempty"`    // entities with a training label
	New       *Score        `json:"new,omitempty"`      // entities without
}

// Bin is a group of examples with similar predictions.
type Bin struct {
	Rows      int     `json:"rows"`
	Predicted float64 `json:"predicted"` // mean
	True      float64 `json:"true"`      // mean
}

// Score is the task's metric over some examples.
type Score struct {
	Rows  int      `json:"rows"`
	Value *float64 `json:"value"` // nil where it is not defined
}

// AnchorScore is the task's metric at one anchor.
type AnchorScore struct {
	Anchor int64 `json:"anchor"`
	Score
}

// Bounds of what is kept.
const (
	mostAnchors = 400
	curvePoints = 100
	mostBins    = 10
	mostClasses = 12
)

// diagnose gathers the diagnostics of what is served.
func (f *Fitted) diagnose() *Diagnostics {
	d := &Diagnostics{Anchors: f.anchorLabels()}
	for split, into := range map[tasks.Split]**SplitDiagnostics{tasks.Val: &d.Val, tasks.Test: &d.Test} {
		o := f.shown(split)
		if o == nil || len(o.Truth) == 0 || f.Task.Type == tasks.Multilabel {
			continue
		}
		shown := *o
		if h := f.Report.Honesty; h != nil && h.Calibration != nil {
			shown.Predicted = h.Calibration.Apply(slices.Clone(o.Predicted))
		}
		*into = shown.diagnose(f, split)
	}
	return d
}

// anchorLabels counts labels by anchor; where there are very many, only the latest.
func (f *Fitted) anchorLabels() []AnchorLabels {
	by := map[int64]*AnchorLabels{}
	l := f.Labels
	for i, at := range l.Anchor {
		a := by[at]
		if a == nil {
			a = &AnchorLabels{Anchor: at, Split: l.Split[i].String()}
			by[at] = a
		}
		a.Rows++
		if l.Label != nil && l.Classes == nil {
			a.Mean += mean(l.Truth(i))
		}
	}
	out := []AnchorLabels{}
	for _, a := range by {
		a.Mean /= float64(a.Rows)
		out = append(out, *a)
	}
	slices.SortFunc(out, func(a, b AnchorLabels) int { return cmp.Compare(a.Anchor, b.Anchor) })
	return out[max(0, len(out)-mostAnchors):]
}

func (o *Outcome) diagnose(f *Fitted, split tasks.Split) *SplitDiagnostics {
	s := &SplitDiagnostics{Examples: len(o.Truth)}
	width := len(o.Predicted) / len(o.Truth)
	switch f.Task.Type {
	case tasks.Binary:
		s.ROC, s.PR = curves(o.Truth, o.Predicted)
		s.Bins = bins(o.Truth, o.Predicted)
		s.Classes, s.Confusion = []string{"false", "true"}, [][]int{{0, 0}, {0, 0}}
		for i, t := range o.Truth {
			said := 0
			if o.Predicted[i] > 0.5 {
				said = 1
			}
			s.Confusion[int(t)][said]++
		}
	case tasks.Regression, tasks.Forecasting:
		s.Bins, s.Residuals = bins(o.Truth, o.Predicted), residuals(o.Truth, o.Predicted)
	case tasks.Multiclass:
		if classes := f.Labels.Classes; len(classes) <= mostClasses {
			s.Classes, s.Confusion = classes, make([][]int, len(classes))
			for c := range s.Confusion {
				s.Confusion[c] = make([]int, len(classes))
			}
			for i, t := range o.Truth {
				row := o.Predicted[i*width : (i+1)*width]
				s.Confusion[int(t)][slices.Index(row, slices.Max(row))]++
			}
		}
	}
	s.byAnchor(o, f.Report.metric)
	s.byFrame(o, f)
	s.Known, s.New = o.cold(f, split)
	return s
}

// where is the part of an outcome that keep selects.
func (o *Outcome) where(keep func(i int) bool) *Outcome {
	out, width := &Outcome{}, len(o.Predicted)/max(1, len(o.Truth))
	for i := range o.Truth {
		if keep(i) {
			out.Truth = append(out.Truth, o.Truth[i])
			out.Predicted = append(out.Predicted, o.Predicted[i*width:(i+1)*width]...)
		}
	}
	return out
}

func (o *Outcome) score(m tasks.Metric) *Score {
	s := &Score{Rows: len(o.Truth)}
	if len(o.Truth) > 0 {
		if v := m.Compute(o.Truth, o.Predicted); !math.IsNaN(v) && !math.IsInf(v, 0) {
			s.Value = &v
		}
	}
	return s
}

func (s *SplitDiagnostics) byAnchor(o *Outcome, m tasks.Metric) {
	anchors := slices.Compact(slices.Sorted(slices.Values(o.Anchor)))
	for _, at := range anchors[max(0, len(anchors)-mostAnchors):] {
		s.ByAnchor = append(s.ByAnchor, AnchorScore{at, *o.where(func(i int) bool { return o.Anchor[i] == at }).score(m)})
	}
}

// byFrame measures each timeframe of a forecast.
func (s *SplitDiagnostics) byFrame(o *Outcome, f *Fitted) {
	if f.Task.Forecast != nil {
		s.ByFrame = o.byFrame(f.Report.metric)
	}
}

func mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// ordered lists the examples by falling prediction.
func ordered(predicted []float64) []int {
	order := make([]int, len(predicted))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(predicted[b], predicted[a]) })
	return order
}

// curves are the ROC and the precision-recall curve, thinned. Examples of one prediction
// stand on one side of every threshold.
func curves(truth, predicted []float64) (roc, pr [][2]float64) {
	positive := 0.0
	for _, t := range truth {
		positive += t
	}
	negative := float64(len(truth)) - positive
	if positive == 0 || negative == 0 {
		return nil, nil
	}
	roc = append(roc, [2]float64{0, 0})
	order := ordered(predicted)
	tp, fp, next := 0.0, 0.0, 0.0
	for i, at := range order {
		tp += truth[at]
		fp += 1 - truth[at]
		last := i == len(order)-1
		if !last && predicted[order[i+1]] == predicted[at] {
			continue
		}
		if part := float64(i+1) / float64(len(order)); last || part >= next {
			next = part + 1.0/curvePoints
			roc = append(roc, [2]float64{fp / negative, tp / positive})
			pr = append(pr, [2]float64{tp / positive, tp / (tp + fp)})
		}
	}
	return roc, pr
}

// bins are groups of equal size by rising prediction.
func bins(truth, predicted []float64) []Bin {
	order := ordered(predicted)
	slices.Reverse(order)
	n := min(mostBins, len(order))
	out := make([]Bin, n)
	for b := range out {
		part := order[b*len(order)/n : (b+1)*len(order)/n]
		for _, i := range part {
			out[b].Predicted += predicted[i] / float64(len(part))
			out[b].True += truth[i] / float64(len(part))
		}
		out[b].Rows = len(part)
	}
	return out
}

func residuals(truth, predicted []float64) []float64 {
	all := make([]float64, len(truth))
	for i := range all {
		all[i] = predicted[i] - truth[i]
	}
	slices.Sort(all)
	var out []float64
	for _, q := range []float64{0.05, 0.25, 0.5, 0.75, 0.95} {
		out = append(out, all[min(len(all)-1, int(q*float64(len(all))))])
	}
	return out
}

// ReadDiagnostics reads the diagnostics of a version, nil for one that was stored without.
func ReadDiagnostics(m *workspace.Model) (*Diagnostics, error) {
	data, err := os.ReadFile(m.Path(diagnosticsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var d Diagnostics
	if err == nil {
		err = json.Unmarshal(data, &d)
	}
	if err != nil {
		return nil, fmt.Errorf("read the diagnostics of version %d of task %s: %w", m.Version, m.Task, err)
	}
	return &d, nil
}
