package rowlink

import (
	"context"
	"math"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/tabular/baseline"
	"github.com/rowlink/rowlink/tabular/blend"
)

// attributed is a baseline that tells what its features do.
type attributed struct {
	byBaseline
	by baseline.Attributor
}

// scorerOf lets a baseline answer, with reasons where it has them.
func scorerOf(b baseline.Baseline) predict.Scorer {
	if by, ok := b.(baseline.Attributor); ok {
		return attributed{byBaseline{b}, by}
	}
	return byBaseline{b}
}

// Explain implements [predict.Explainer].
func (a attributed) Explain(q model.Query, top int) []predict.Reason {
	return predict.Largest(a.Effects(q, predict.Predicted(a, q)), top)
}

// Effects implements [predict.Explainer].
func (a attributed) Effects(q model.Query, output int) []predict.Reason {
	var out []predict.Reason
	for _, x := range a.by.Attribute(baseline.Query{Row: q.Row, Cut: q.Cut, Anchor: q.Anchor}, output) {
		r := predict.Reason{Table: x.Table, Column: x.Feature, Effect: x.Effect}
		if !math.IsNaN(x.Value) {
			r.Value = &x.Value
		}
		out = append(out, r)
	}
	return out
}

// explained is a blend with members that give reasons.
type explained struct{ *blended }

// Explain implements [predict.Explainer].
func (e explained) Explain(q model.Query, top int) []predict.Reason {
	return predict.Largest(e.Effects(q, predict.Predicted(e, q)), top)
}

// Effects carries what moves the members over to the blend: each effect is brought to where
// answers are averaged, weighed, and taken out of the blend's own answer. The same rows in
// several members are one reason.
func (e explained) Effects(q model.Query, output int) []predict.Reason {
	ask := func(s predict.Scorer) []float64 {
		out, err := s.Score(context.Background(), []model.Query{q})
		if err != nil {
			panic("rowlink: a query without a deadline was not scored: " + err.Error())
		}
		return out
	}
	full := ask(e)[output]
	var out []predict.Reason
	at := map[predict.Reason]int{} // without value and effect
	for i, m := range e.members {
		by, ok := m.(predict.Explainer)
		if !ok {
			continue
		}
		own := ask(m)[output]
		for _, r := range by.Effects(q, output) {
			moved := e.Weights[i] * (e.Mean.Open(own) - e.Mean.Open(own-r.Effect))
			id := r
			id.Value, id.Effect = nil, 0
			if have, ok := at[id]; ok {
				out[have].Effect += moved
				continue
			}
			at[id] = len(out)
			r.Effect = moved
			out = append(out, r)
		}
	}
	for i := range out {
		out[i].Effect = full - lacking(e.Mean, full, out[i].Effect)
	}
	return out
}

// lacking is an answer without something that adds to it where answers are averaged. Of
// several classes the others share the rest, as they do in the sum that is made 1.
func lacking(mean blend.Mean, answer, moved float64) float64 {
	if mean == blend.Arithmetic {
		return answer - moved
	}
	rest := answer * math.Exp(-moved)
	return rest / (1 - answer + rest)
}
