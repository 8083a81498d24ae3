package blend

import (
	"math"
	"slices"
)

// Weighing is a blend with what it gained.
type Weighing struct {
	Blend *Blend `json:"blend"` // nil where fewer than two predictors have a part in it
	// Gain is by how much the blend beats the best single predictor on anchors that its
	// weights did not see, on average over the draws; above 0 it is better, in the
	// metric's unit; 0 where no draw leaves anchors out.
	Gain float64 `json:"gain"`
	// Worth is true where the blend was better in most of the draws and on average.
	Worth bool `json:"worth"`
	// Without is the metric on validation of the blend without each of its members, in the
	// order of its names, the others keeping their proportions: what each part adds.
	Without []float64 `json:"without,omitempty"`
}

const (
	weighRounds = 25   // draws of anchors
	mostPicks   = 12   // predictors picked per draw, with repetition
	leastWeight = 0.05 // predictors below it are left out
)

// Weigh finds the weights of a blend by ensemble selection (Caruana et al., 2004) over
// draws of validation anchors: in each draw predictors are picked one after the other,
// with repetition, as long as the mean of the picks gets better; a predictor's weight is
// its share of the picks, averaged over the draws. The gain is measured on the anchors
// that a draw leaves out, against the predictor that is best on all of validation, which
// favours that one. Equal arguments give equal bits.
func (v *Validation) Weigh(mean Mean) Weighing {
	t := v.thinned()
	if len(t.Blocks) == 0 || len(t.Names) < 2 {
		return Weighing{}
	}
	single, _ := t.best()
	if single < 0 {
		return Weighing{}
	}
	m := t.open(mean)
	share := make([]float64, len(t.Names))
	var gains []float64
	for round := range weighRounds {
		drawn, left := t.draw(round)
		picks := m.pick(drawn)
		for i, p := range picks {
			share[i] += p / weighRounds
		}
		if gain := t.score(m.mix(picks), left) - t.score(t.answers(single), left); !math.IsNaN(gain) {
			gains = append(gains, gain)
		}
	}
	w := Weighing{Blend: m.blend(share)}
	if w.Blend != nil && t.score(w.Blend.over(t), t.all()) < t.score(t.answers(0), t.all()) {
		return Weighing{} // few examples: draws differ so much that their mean is worse than the simplest
	}
	w.Gain, w.Worth = summed(gains)
	w.Worth = w.Worth && w.Blend != nil
	w.Without = t.without(w.Blend)
	return w
}

// without scores the blend with one member less, for each of them.
func (v *Validation) without(b *Blend) []float64 {
	if b == nil {
		return nil
	}
	out := make([]float64, len(b.Names))
	for skip := range b.Names {
		rest := Blend{Mean: b.Mean, Width: b.Width}
		for i, name := range b.Names {
			if i != skip {
				rest.Names, rest.Weights = append(rest.Names, name), append(rest.Weights, b.Weights[i]/(1-b.Weights[skip]))
			}
		}
		out[skip] = v.metric(rest.over(v))
	}
	return out
}

// over answers every block's examples.
func (b *Blend) over(v *Validation) [][]float64 {
	out := make([][]float64, len(v.Blocks))
	for i, block := range v.Blocks {
		var answers [][]float64
		for _, name := range b.Names {
			answers = append(answers, block.Answers[slices.Index(v.Names, name)])
		}
		out[i] = b.Combine(answers)
	}
	return out
}

// opened is a validation whose answers stand where they are averaged.
type opened struct {
	*Validation
	mean  Mean
	width int
	open  [][][]float64 // per block and candidate
}

func (v *Validation) open(mean Mean) *opened {
	m := &opened{v, mean, v.Blocks[0].width(), make([][][]float64, len(v.Blocks))}
	for i, b := range v.Blocks {
		for _, answer := range b.Answers {
			x := make([]float64, len(answer))
			for k, a := range answer {
				x[k] = mean.Open(a)
			}
			m.open[i] = append(m.open[i], x)
		}
	}
	return m
}

// mix is the blend of the candidates by weight, per block.
func (m *opened) mix(weights []float64) [][]float64 {
	out := make([][]float64, len(m.Blocks))
	for i, of := range m.open {
		sum := make([]float64, len(of[0]))
		for c, w := range weights {
			if w == 0 {
				continue
			}
			for k, a := range of[c] {
				sum[k] += w * a
			}
		}
		m.mean.close(sum, m.width)
		out[i] = sum
	}
	return out
}

// pick returns every candidate's share of the picks of one draw.
func (m *opened) pick(drawn sample) []float64 {
	count := make([]float64, len(m.Names))
	best := math.Inf(-1)
	for picks := 1.0; picks <= mostPicks; picks++ {
		at := -1
		for c := range count {
			count[c]++
			if s := m.score(m.mix(scaled(count, 1/picks)), drawn); s > best {
				best, at = s, c
			}
			count[c]--
		}
		if at < 0 {
			return scaled(count, 1/max(1, picks-1))
		}
		count[at]++
	}
	return scaled(count, 1.0/mostPicks)
}

func scaled(x []float64, by float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v * by
	}
	return out
}

// blend drops candidates of little weight; nil where one is left.
func (m *opened) blend(share []float64) *Blend {
	b, total := &Blend{Mean: m.mean, Width: m.width}, 0.0
	for i, w := range share {
		if w >= leastWeight {
			b.Names, b.Weights = append(b.Names, m.Names[i]), append(b.Weights, w)
			total += w
		}
	}
	if len(b.Names) < 2 {
		return nil
	}
	for i := range b.Weights {
		b.Weights[i] /= total
	}
	return b
}

// summed is the mean of gains, and whether they are gains on average and mostly.
func summed(gains []float64) (mean float64, worth bool) {
	if len(gains) == 0 {
		return 0, false
	}
	better := 0
	for _, g := range gains {
		mean += g / float64(len(gains))
		if g > 0 {
			better++
		}
	}
	return mean, mean > 0 && 2*better > len(gains)
}
