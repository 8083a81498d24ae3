package nn

import (
	"math"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// AdamOptions configures [NewAdam]. The zero value has PyTorch's defaults.
type AdamOptions struct {
	Beta1, Beta2 float64 // decay of the two moments; 0 means 0.9 and 0.999
	Eps          float64 // added to the denominator; 0 means 1e-8
	Decay        float64 // weight decay, on parameters that ask for it
	Decoupled    bool    // decay shrinks the weights directly (AdamW), else it joins the gradient
	AMSGrad      bool    // the denominator uses the largest second moment seen
}

func (o AdamOptions) withDefaults() AdamOptions {
	if o.Beta1 == 0 {
		o.Beta1 = 0.9
	}
	if o.Beta2 == 0 {
		o.Beta2 = 0.999
	}
	if o.Eps == 0 {
		o.Eps = 1e-8
	}
	return o
}

// Adam is the optimiser of Kingma and Ba (2015) and its relatives AdamW (Loshchilov and
// Hutter, 2019) and AMSGrad (Reddi et al., 2018).
type Adam struct {
	memory
	opts   AdamOptions
	pool   *tensor.Pool
	chunks []chunk
	lr     float64
	update func(lo, hi int) // built once, so that a step allocates nothing
}

// NewAdam returns an optimiser of the parameters that s holds now.
func NewAdam(s *Set, pool *tensor.Pool, o AdamOptions) *Adam {
	params, chunks := trained(s)
	a := &Adam{opts: o.withDefaults(), pool: pool, chunks: chunks}
	if o.AMSGrad {
		a.memory = newMemory("adam", params, "m", "v", "vmax")
	} else {
		a.memory = newMemory("adam", params, "m", "v")
	}
	a.update = func(lo, _ int) { a.updateChunk(a.chunks[lo]) }
	return a
}

// NewAdamW is NewAdam with decoupled decay.
func NewAdamW(s *Set, pool *tensor.Pool, o AdamOptions) *Adam {
	o.Decoupled = true
	return NewAdam(s, pool, o)
}

// Step moves all parameters against their gradients at that learning rate.
func (a *Adam) Step(lr float64) {
	a.lr = lr
	a.step.Data[0]++
	a.pool.Run(len(a.chunks), 1, a.update)
}

func (a *Adam) updateChunk(c chunk) {
	p := a.params[c.param]
	w, g := p.Value.Data[c.lo:c.hi], p.Grad.Data[c.lo:c.hi]
	m, v := a.values[0][c.param][c.lo:c.hi], a.values[1][c.param][c.lo:c.hi]
	s := a.numbers(p.Decay)
	if a.opts.AMSGrad {
		amsGrad(w, g, m, v, a.values[2][c.param][c.lo:c.hi], s)
		return
	}
	tensor.AdamUpdate(w, g, m, v, s)
}

func (a *Adam) numbers(decay bool) tensor.AdamStep {
	o, t := a.opts, float64(a.step.Data[0])
	s := tensor.AdamStep{
		Beta1: tensor.Real(o.Beta1), Beta2: tensor.Real(o.Beta2), Eps: tensor.Real(o.Eps), Shrink: 1,
		Rate: tensor.Real(a.lr / (1 - math.Pow(o.Beta1, t))),
		Root: tensor.Real(1 / math.Sqrt(1-math.Pow(o.Beta2, t))),
	}
	switch {
	case decay && o.Decoupled:
		s.Shrink = tensor.Real(1 - a.lr*o.Decay)
	case decay:
		s.L2 = tensor.Real(o.Decay)
	}
	return s
}

// amsGrad is the Adam step with the largest second moment so far, top, in the denominator.
func amsGrad(p, g, m, v, top []tensor.Real, s tensor.AdamStep) {
	for i := range p {
		d := g[i] + s.L2*p[i]
		m[i] = s.Beta1*m[i] + (1-s.Beta1)*d
		v[i] = s.Beta2*v[i] + (1-s.Beta2)*d*d
		top[i] = max(top[i], v[i])
		p[i] = s.Shrink*p[i] - s.Rate*m[i]/(s.Root*sqrt(top[i])+s.Eps)
	}
}
