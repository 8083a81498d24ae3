package boost

import (
	"fmt"
	"math"
)

func init() { kinds.Add("softmax", kind{fit: fitSoftmax, link: softmax, wide: true}) }

// multiclass is the log loss of classes, one score each.
type multiclass struct {
	label, weight []float64
	base          []float64
}

var _ Objective = (*multiclass)(nil)

func fitSoftmax(d *Dataset, o ObjectiveOptions) (Objective, error) {
	if o.Classes < 2 || o.Classes > maxOutputs {
		return nil, fmt.Errorf("Objectives.Classes is %d, want 2 to %d", o.Classes, maxOutputs)
	}
	want := fmt.Sprintf("a class below %d", o.Classes)
	if err := eachLabel(d.Label, want, func(y float64) bool { return y >= 0 && y < float64(o.Classes) && whole(y) }); err != nil {
		return nil, err
	}
	share := make([]float64, o.Classes)
	var total float64
	for i, y := range d.Label {
		w := 1.0
		if d.Weight != nil {
			w = d.Weight[i]
		}
		share[int(y)] += w
		total += w
	}
	for k, s := range share {
		share[k] = math.Log(math.Max(s/total, 1e-6))
	}
	return &multiclass{d.Label, d.Weight, share}, nil
}

func (o *multiclass) Outputs() int { return len(o.base) }

func (o *multiclass) Base() []float64 { return o.base }

// Gradients scales the diagonal of the Hessian by K/(K-1): scores have one degree of
// freedom less than there are classes (Friedman, 2001).
func (o *multiclass) Gradients(p pool, score, grad, hess [][]float64) {
	k := len(o.base)
	factor := float64(k) / float64(k-1)
	p.rows(len(o.label), func(lo, hi int) {
		row := make([]float64, k)
		for i := lo; i < hi; i++ {
			for c := range row {
				row[c] = score[c][i]
			}
			softmax(row)
			w := 1.0
			if o.weight != nil {
				w = o.weight[i]
			}
			for c, q := range row {
				hess[c][i] = w * factor * q * (1 - q)
				if int(o.label[i]) == c {
					q--
				}
				grad[c][i] = w * q
			}
		}
	})
}

func softmax(s []float64) {
	most, sum := math.Inf(-1), 0.0
	for _, v := range s {
		most = math.Max(most, v)
	}
	for i, v := range s {
		s[i] = math.Exp(v - most)
		sum += s[i]
	}
	for i := range s {
		s[i] /= sum
	}
}
