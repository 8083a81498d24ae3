package baseline

import "math"

// Attribution is what a feature does to one prediction.
type Attribution struct {
	Feature string
	Table   string  // whose rows it tells of
	Value   float64 // NaN where it has none
	Effect  float64 // the prediction minus the one without the feature's share
}

// Attributor is a [Baseline] that tells what its features do.
type Attributor interface {
	Baseline
	// Attribute looks at one output of one query. Features that change nothing are left out;
	// the others are in the order of the features.
	Attribute(q Query, output int) []Attribution
}

var (
	_ Attributor = (*Boosted)(nil)
	_ Attributor = (*Linear)(nil)
)

// Attribute takes each feature's Shapley value (see [boost.Model.Explain]) out of the score
// before the link, in every output, and averages what that does over the models.
func (b *Boosted) Attribute(q Query, output int) []Attribution {
	x := b.matrix([]Query{q})
	effects := make([]float64, len(b.Features))
	models := b.Models
	if b.data.apart() { // every output has models of its own, in turn
		models = nil
		for i := output; i < len(b.Models); i += b.data.Width() {
			models = append(models, b.Models[i])
		}
		output = 0
	}
	for _, m := range models {
		width := len(m.Features) + 1
		phi := m.Explain(x)
		full := m.Predict(x, 1)[output]
		raw := m.Raw(x, 1)
		for f := range effects {
			lacks := append([]float64(nil), raw...)
			moved := false
			for o := range lacks {
				lacks[o] -= phi[o*width+f]
				moved = moved || phi[o*width+f] != 0
			}
			if moved {
				m.Link(lacks)
				effects[f] += (full - lacks[output]) / float64(len(models))
			}
		}
	}
	var out []Attribution
	for f, e := range effects {
		if e != 0 {
			out = append(out, Attribution{b.Features[f], b.plan.Tables[b.keep[f]], x[f], e})
		}
	}
	return out
}

// Attribute takes what a feature adds, compared with its mean over the training examples,
// out of the score before the link, in every output.
func (l *Linear) Attribute(q Query, output int) []Attribution {
	x := l.matrix([]Query{q})
	values := append([]float64(nil), x.row(0)...)
	if l.Chosen != nil {
		x = x.take(l.Chosen)
		values = at(values, l.Chosen)
	}
	x.apply(l.Mean, l.Scale)
	row := x.row(0)
	raw := make([]float64, len(l.Weights))
	for c, w := range l.Weights {
		raw[c] = dot(w, row)
	}
	full := l.answer(append([]float64(nil), raw...))[output]
	var out []Attribution
	for f := range l.Mean {
		lacks := append([]float64(nil), raw...)
		for c, w := range l.Weights {
			lacks[c] -= w[f] * row[f]
		}
		name := f
		if l.Chosen != nil {
			name = l.Chosen[f]
		}
		if e := full - l.answer(lacks)[output]; e != 0 && !math.IsNaN(e) {
			out = append(out, Attribution{l.Features[name], l.plan.Tables[name], values[f], e})
		}
	}
	return out
}
