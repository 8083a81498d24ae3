package tql

import (
	"fmt"

	"github.com/rowlink/rowlink/tasks"
)

// target binds PREDICT and infers the task type. spec, which says what to make of a
// list, may be nil.
func (b *binder) target(e Expr, spec *Spec) {
	before := len(b.errs)
	v := b.expr(e, scope{table: b.task.Entity, role: roleTarget})
	b.task.Target = v.expr
	if len(b.errs) > before || !v.ok {
		return
	}
	if !hasAggregate(e) {
		b.staticTarget(e, v, spec != nil && spec.Kind == SpecRank)
		return
	}
	b.needFuture(e)
	b.refuseStaticOperand(e)
	switch {
	case spec != nil && spec.Kind == SpecRank:
		b.ranking(e, v, spec)
	case spec != nil && spec.Kind == SpecClassify:
		b.classify(e, v, spec)
	case spec != nil && spec.Kind == SpecForecast:
		b.forecast(e, v, spec)
	case v.kind == tasks.KindBool:
		b.task.Type = tasks.Binary
	case v.category || v.kind == tasks.KindText:
		b.task.Type = tasks.Multiclass
	case v.kind == tasks.KindNumber:
		b.task.Type = tasks.Regression
	case v.kind == tasks.KindList && spec == nil:
		b.fault(e.(*Aggregate).Name.Range(), "TK170", "a list is no target by itself").Hint =
			"rank it: " + e.String() + " RANK TOP 10, tell which values come: " + e.String() + " CLASSIFY, or test it: " + e.String() + " CONTAINS 'value'"
	case v.kind == tasks.KindTime:
		b.fault(e.Range(), "TK156", "a time cannot be predicted").Hint = "subtract ANCHOR for the seconds until it: " + e.String() + " - ANCHOR"
	}
}

// needFuture demands at least one window after the anchor.
func (b *binder) needFuture(e Expr) {
	var first *Aggregate
	future := false
	Inspect(e, func(x Expr) bool {
		if a, ok := x.(*Aggregate); ok && a.Window != nil && !a.Window.Bad {
			if first == nil {
				first = a
			}
			_, end := a.Window.Offsets()
			future = future || end.Inf > 0 || span(end).Positive()
		}
		return true
	})
	if first == nil || future {
		return
	}
	err := b.fault(first.Window.Range(), "TK112", "a target window must end after the anchor")
	err.Detail = fmt.Sprintf("%s lies in the past: it is already known when the prediction is made.", windowText(boundWindow(first.Window)))
	err.Hint = "for a filter on history put it in WHERE; for a target use 0, 30, days."
}

// refuseStaticOperand holds TK117: AND, OR and NOT of a temporal target join
// conditions that all look ahead.
func (b *binder) refuseStaticOperand(e Expr) {
	Inspect(e, func(x Expr) bool {
		if !hasAggregate(x) {
			return false
		}
		var terms []Expr
		switch x := x.(type) {
		case *Logic:
			terms = x.Terms
		case *Not:
			terms = []Expr{x.X}
		case *Aggregate:
			return false
		}
		for _, t := range terms {
			if !hasAggregate(t) {
				b.fault(t.Range(), "TK117", "%s does not depend on the future, so it is no part of a target", t).Hint = "move it to WHERE"
			}
		}
		return true
	})
}
