package tasks

import "math"

func init() { types.Add(Multiclass, multiclassType{}) }

// multiclassType has one logit per class that training saw; its loss is the cross-entropy of
// their softmax.
type multiclassType struct{}

func (multiclassType) Outputs(s *Scaling) int { return len(s.Classes) }

func (multiclassType) Loss(s *Scaling, out, target, grad []float64) float64 {
	var sum float64
	n, k := float64(len(target)), len(s.Classes)
	for i, y := range target {
		row, g := out[i*k:(i+1)*k], grad[i*k:(i+1)*k]
		sum += softmax(row, g) - row[int(y)]
		g[int(y)]--
		for c := range g {
			g[c] /= n
		}
	}
	return sum / n
}

func (multiclassType) Decode(s *Scaling, out []float64) []float64 {
	k := len(s.Classes)
	p := make([]float64, len(out))
	for i := 0; i < len(out); i += k {
		softmax(out[i:i+k], p[i:i+k])
	}
	return p
}

// softmax stores the softmax of x in p and returns log sum exp x.
func softmax(x, p []float64) float64 {
	top := x[0]
	for _, v := range x {
		top = math.Max(top, v)
	}
	var sum float64
	for c, v := range x {
		p[c] = math.Exp(v - top)
		sum += p[c]
	}
	for c := range p {
		p[c] /= sum
	}
	return top + math.Log(sum)
}
