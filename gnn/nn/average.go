package nn

import "github.com/rowlink/rowlink/gnn/tensor"

// Average is a running mean of the trained values over the steps of an optimiser (Polyak
// and Juditsky, 1992, with exponential weights): it moves less than the values themselves,
// so that which step a training ends at matters less.
type Average struct {
	rate   float64
	params []*Param
	mean   []tensor.Mat // of each
	spare  []tensor.Mat
}

// NewAverage begins with the present values. Each step keeps the share rate of the mean
// so far, less in the first steps.
func NewAverage(s *Set, rate float64) *Average {
	a := &Average{rate: rate}
	for _, p := range s.params {
		if p.Grad.Len() > 0 {
			a.params = append(a.params, p)
			a.mean = append(a.mean, p.Value.Clone())
			a.spare = append(a.spare, tensor.NewMat(p.Value.Rows, p.Value.Cols))
		}
	}
	return a
}

// warmUp is the number of steps after which the share of the mean so far is above a half.
const warmUp = 8

// Step takes the present values into the mean; step counts from 0.
func (a *Average) Step(step int) {
	keep := tensor.Real(min(a.rate, float64(step+1)/float64(step+1+warmUp)))
	for i, p := range a.params {
		mean := a.mean[i].Data
		for k, v := range p.Value.Data {
			mean[k] += (1 - keep) * (v - mean[k])
		}
	}
}

// State returns the mean by the names of its parameters, to be saved; what is copied into
// it is the mean to go on with.
func (a *Average) State() []StateTensor {
	var out []StateTensor
	for i, p := range a.params {
		out = append(out, StateTensor{"mean." + p.Name, a.mean[i]})
	}
	return out
}

// Use puts the mean in the place of the values until the returned function is called.
func (a *Average) Use() (back func()) {
	for i, p := range a.params {
		copy(a.spare[i].Data, p.Value.Data)
		copy(p.Value.Data, a.mean[i].Data)
	}
	return func() {
		for i, p := range a.params {
			copy(p.Value.Data, a.spare[i].Data)
		}
	}
}
