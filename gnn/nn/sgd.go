package nn

import "github.com/rowlink/rowlink/gnn/tensor"

// SGDOptions configures [NewSGD]. The zero value is plain gradient descent.
type SGDOptions struct {
	Momentum float64 // share of the last step's velocity that is kept
	Nesterov bool    // look ahead along the velocity (Nesterov, 1983)
	Decay    float64 // L2 penalty, on parameters that ask for it
}

// SGD is gradient descent with momentum, in PyTorch's form: v = momentum v + g, then
// the step is lr v, or lr (g + momentum v) with Nesterov.
type SGD struct {
	memory
	opts   SGDOptions
	pool   *tensor.Pool
	chunks []chunk
	lr     tensor.Real
	update func(lo, hi int)
}

// NewSGD returns an optimiser of the parameters that s holds now.
func NewSGD(s *Set, pool *tensor.Pool, o SGDOptions) *SGD {
	params, chunks := trained(s)
	g := &SGD{memory: newMemory("sgd", params, "velocity"), opts: o, pool: pool, chunks: chunks}
	g.update = func(lo, _ int) { g.updateChunk(g.chunks[lo]) }
	return g
}

// Step moves all parameters against their gradients at that learning rate.
func (s *SGD) Step(lr float64) {
	s.lr = tensor.Real(lr)
	s.step.Data[0]++
	s.pool.Run(len(s.chunks), 1, s.update)
}

func (s *SGD) updateChunk(c chunk) {
	p := s.params[c.param]
	w, g := p.Value.Data[c.lo:c.hi], p.Grad.Data[c.lo:c.hi]
	v := s.values[0][c.param][c.lo:c.hi]
	mu := tensor.Real(s.opts.Momentum)
	var l2 tensor.Real
	if p.Decay {
		l2 = tensor.Real(s.opts.Decay)
	}
	for i := range w {
		d := g[i] + l2*w[i]
		v[i] = mu*v[i] + d
		if s.opts.Nesterov {
			d += mu * v[i]
		} else {
			d = v[i]
		}
		w[i] -= s.lr * d
	}
}
