package tql

import "github.com/rowlink/rowlink/tasks"

// forecastHint is how a forecast is written.
const forecastHint = "write one sum or count with a window of its own: SUM(orders.amount, 0, 7, days) FORECAST 8 TIMEFRAMES"

// forecastable are the aggregates that a forecast sums up: over nothing they are 0.
var forecastable = map[string]bool{"sum": true, "count": true, "count_distinct": true}

// forecast binds FORECAST n: the target is summed up in n timeframes, each as long as its
// window, one after another (rule R16).
func (b *binder) forecast(e Expr, v bound, spec *Spec) {
	a, ok := v.expr.(*tasks.Aggregate)
	if !ok || !forecastable[a.Fn] {
		b.fault(e.Range(), "TK174", "FORECAST needs a single SUM or COUNT, and %s is none", e).Hint = forecastHint
		return
	}
	if a.OnEmpty && (a.Skip || a.Empty.Null || a.Empty.Num != 0) {
		b.fault(e.Range(), "TK174", "an empty timeframe of a forecast counts 0").Hint = "leave ON EMPTY out"
		return
	}
	w := a.Window
	length := w.End.Plus(w.Start.Times(-1))
	if mixedSigns(length) || !length.Positive() {
		b.fault(e.(*Aggregate).Window.Range(), "TK174", "the window %s has no length that could be repeated", windowText(w)).Hint = "give both ends in the same unit"
		return
	}
	n := int(spec.Steps.N)
	b.task.Type = tasks.Forecasting
	b.task.Forecast = &tasks.Forecast{Frames: n, Length: length}
	b.horizon(spec.Range(), w.End.Plus(length.Times(n-1)))
}

// mixedSigns reports whether a span goes forward in one unit and back in another.
func mixedSigns(s tasks.Span) bool {
	forward := s.Months > 0 || s.Days > 0 || s.Micros > 0
	back := s.Months < 0 || s.Days < 0 || s.Micros < 0
	return forward && back
}

// endFirst notes when the first timeframe, and ASSUMING, are over.
func (b *binder) endFirst() {
	f := b.task.Forecast
	if f == nil {
		return
	}
	f.Horizon = b.task.Target.(*tasks.Aggregate).Window.End
	eachAggregate(b.task.Assuming, func(a *tasks.Aggregate) {
		if order, _ := a.Window.End.Compare(f.Horizon); order > 0 {
			f.Horizon = a.Window.End
		}
	})
}
