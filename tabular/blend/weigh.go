package blend

import (
	"math"

	"github.com/rowlink/rowlink/tasks"
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
	if len(v.Truth) == 0 || len(v.Candidates) < 2 {
		return Weighing{}
	}
	width := len(v.Candidates[0].Answer) / len(v.Truth)
	t := v.thinned()
	open := t.opened(mean)
	single, _ := t.best(t.all())
	if single < 0 {
		return Weighing{}
	}
	draws := tasks.NewAnchors(t.Anchor, t.Seed)
	share := make([]float64, len(t.Candidates))
	var gains []float64
	for round := range weighRounds {
		drawn := make([]bool, len(t.Truth))
		rows := draws.Draw(round, nil, drawn)
		picks := t.pick(open, mean, width, rows)
		for i, p := range picks {
			share[i] += p / weighRounds
		}
		if gain := t.gain(open, mean, width, picks, single, drawn); !math.IsNaN(gain) {
			gains = append(gains, gain)
		}
	}
	w := Weighing{Blend: t.blend(share, mean, width)}
	w.Gain, w.Worth = summed(gains)
	w.Worth = w.Worth && w.Blend != nil
	return w
}

// opened holds the candidates' answers where they are averaged.
func (v *Validation) opened(mean Mean) [][]float64 {
	out := make([][]float64, len(v.Candidates))
	for i, c := range v.Candidates {
		out[i] = make([]float64, len(c.Answer))
		for k, a := range c.Answer {
			out[i][k] = mean.open(a)
		}
	}
	return out
}

// pick returns every candidate's share of the picks of one draw.
func (v *Validation) pick(open [][]float64, mean Mean, width int, rows []int) []float64 {
	share := make([]float64, len(open))
	sum, trial := make([]float64, len(open[0])), make([]float64, len(open[0]))
	best, picks := math.Inf(-1), 0.0
	for range mostPicks {
		at := -1
		for i := range open {
			for k := range trial {
				trial[k] = (sum[k] + open[i][k]) / (picks + 1)
			}
			mean.close(trial, width)
			if s := v.score(trial, rows); s > best {
				best, at = s, i
			}
		}
		if at < 0 {
			break
		}
		share[at]++
		picks++
		for k := range sum {
			sum[k] += open[at][k]
		}
	}
	for i := range share {
		share[i] /= max(picks, 1)
	}
	return share
}

// gain is by how much the picks beat a single candidate on the examples that were not
// drawn; NaN where there is no score.
func (v *Validation) gain(open [][]float64, mean Mean, width int, picks []float64, single int, drawn []bool) float64 {
	var rows []int
	for i, d := range drawn {
		if !d {
			rows = append(rows, i)
		}
	}
	if len(rows) == 0 {
		return math.NaN()
	}
	sum := make([]float64, len(open[0]))
	for i, w := range picks {
		for k, a := range open[i] {
			sum[k] += w * a
		}
	}
	mean.close(sum, width)
	return v.score(sum, rows) - v.score(v.Candidates[single].Answer, rows)
}

// blend drops candidates of little weight; nil where one is left.
func (v *Validation) blend(share []float64, mean Mean, width int) *Blend {
	b, total := &Blend{Mean: mean, Width: width}, 0.0
	for i, w := range share {
		if w >= leastWeight {
			b.Names, b.Weights = append(b.Names, v.Candidates[i].Name), append(b.Weights, w)
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
