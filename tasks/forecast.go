package tasks

import "slices"

// Forecasting is the task type that predicts a sum or a count in each of several
// timeframes that follow one another (rule R16). An example has one label per timeframe.
const Forecasting = "forecasting"

// Forecast says how the timeframes of a forecasting task lie. The task's Target is that of
// the first one, and its Horizon reaches to the end of the last.
type Forecast struct {
	Frames int  // number of timeframes
	Length Span // of one; timeframe i has the window of the first, i times Length later
	// Horizon ends the first timeframe, and ASSUMING where that ends later: from then on
	// what the first timeframe brought is a fact of the past.
	Horizon Span
}

// Frames is the number of labels per example: that of timeframes of a forecast, else 1.
func (t *Task) Frames() int {
	if t.Forecast == nil {
		return 1
	}
	return t.Forecast.Frames
}

// Targets lists the targets of a forecast's timeframes.
func (t *Task) Targets() []*Aggregate {
	out := make([]*Aggregate, t.Frames())
	for i, w := range t.frames() {
		a := *t.Target.(*Aggregate)
		a.Window = w
		out[i] = &a
	}
	return out
}

// frames lists the windows of a forecast's timeframes, each computed from the anchor itself.
func (t *Task) frames() []Window {
	w := t.Target.(*Aggregate).Window
	out := make([]Window, t.Frames())
	for i := range out {
		shift := t.Forecast.Length.Times(i)
		out[i] = Window{Start: w.Start.Plus(shift), End: w.End.Plus(shift)}
	}
	return out
}

// ahead appends the labels of the timeframes after the first, at the frame's entity and anchor.
func (x *Executor) ahead(out []float64, f *frame) []float64 {
	for _, r := range f.frames[1:] {
		out = append(out, x.series.value(f, r).Num)
	}
	return out
}

// historyPairs bounds the entities x anchors of a forecast's target history.
const historyPairs = 20_000_000

// FirstFrame is the task of a forecast's first timeframe alone, a regression whose labels are
// the series so far: one per timeframe, and where those would be too many for the number of
// entities one per several. Its anchors lie on those of the forecast. Other tasks are
// returned as they are.
func (t *Task) FirstFrame(entities int) *Task {
	if t.Forecast == nil {
		return t
	}
	first := *t
	first.Type, first.Horizon, first.Forecast = Regression, t.Forecast.Horizon, nil
	all := t.Options.DataUntil - t.Options.DataFrom
	for n := 1; n <= t.Forecast.Frames; n++ {
		step := t.Forecast.Length.Times(n)
		if days := step.ApproxDays(); t.Forecast.Frames%n == 0 && float64(all)/(days*microsPerDay)*float64(entities) <= historyPairs {
			first.Options.Step = step
			break
		}
	}
	return &first
}

// Truth returns the labels of example i, one per timeframe of a forecast, else one.
func (l *LabelTable) Truth(i int) []float64 {
	if l.Series == nil {
		return l.Label[i : i+1]
	}
	n := l.Task.Frames()
	return l.Series[i*n : (i+1)*n]
}

// truths returns the labels of the examples of one split in order, all timeframes of each.
func (l *LabelTable) truths(s Split) []float64 {
	var out []float64
	for _, i := range l.Rows(s) {
		out = append(out, l.Truth(i)...)
	}
	return out
}

// quantities are the task types whose label is a number on a scale.
var quantities = []string{Regression, Forecasting}

// Quantity reports whether the labels of a task type are numbers on a scale, which have
// errors, spreads and residuals.
func Quantity(taskType string) bool { return slices.Contains(quantities, taskType) }
