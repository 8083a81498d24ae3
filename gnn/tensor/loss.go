package tensor

import (
	"fmt"
	"math"
)

// Losses that compare element by element: the weighted mean over rows of the mean over
// a row's elements, 1x1. target holds one value per element of pred, weight one per
// row or is nil for equal weights. Values and sums are computed in double precision.

// pointLoss gives the loss of one element and its derivative by the prediction p; arg
// is the loss's parameter.
type pointLoss func(p, y, arg float64) (loss, slope float64)

const (
	lossL1 = iota
	lossMSE
	lossHuber
	lossSmoothL1
	lossBCE
	lossPoisson
	lossQuantile
)

var pointLosses = [...]pointLoss{
	lossL1: func(p, y, _ float64) (float64, float64) {
		return math.Abs(p - y), sign(p - y)
	},
	lossMSE: func(p, y, _ float64) (float64, float64) {
		return (p - y) * (p - y), 2 * (p - y)
	},
	lossHuber: huber,
	lossSmoothL1: func(p, y, beta float64) (float64, float64) {
		l, s := huber(p, y, beta)
		return l / beta, s / beta
	},
	// (1-y) p + w softplus(-p) with w = 1 + (arg-1) y, which stays finite for any p.
	lossBCE: func(p, y, posWeight float64) (float64, float64) {
		w := 1 + (posWeight-1)*y
		return (1-y)*p + w*softplus(-p), (1 - y) - w*sigmoid(-p)
	},
	lossPoisson: func(p, y, _ float64) (float64, float64) {
		e := math.Exp(p)
		return e - y*p, e - y
	},
	lossQuantile: func(p, y, q float64) (float64, float64) {
		switch {
		case y > p:
			return q * (y - p), -q
		case y < p:
			return (1 - q) * (p - y), 1 - q
		}
		return 0, 0
	},
}

func sign(x float64) float64 { return step(x) - step(-x) }

func huber(p, y, delta float64) (float64, float64) {
	d := p - y
	if math.Abs(d) <= delta {
		return 0.5 * d * d, d
	}
	return delta * (math.Abs(d) - 0.5*delta), delta * sign(d)
}

// L1 is the mean of |pred - target|; its derivative where they are equal is 0.
func (t *Tape) L1(pred *Var, target, weight []Real) *Var {
	return t.pointwise(lossL1, pred, target, weight, 0, nil)
}

// MSE is the mean of (pred - target)^2.
func (t *Tape) MSE(pred *Var, target, weight []Real) *Var {
	return t.pointwise(lossMSE, pred, target, weight, 0, nil)
}

// Huber is half the square up to delta and linear beyond (Huber, 1964).
func (t *Tape) Huber(pred *Var, target, weight []Real, delta float64) *Var {
	wantPositive("Huber delta", delta)
	return t.pointwise(lossHuber, pred, target, weight, delta, nil)
}

// SmoothL1 is Huber divided by its delta, here called beta.
func (t *Tape) SmoothL1(pred *Var, target, weight []Real, beta float64) *Var {
	wantPositive("smooth L1 beta", beta)
	return t.pointwise(lossSmoothL1, pred, target, weight, beta, nil)
}

// BCEWithLogits is the cross entropy of targets in [0, 1] against sigmoid(logit). The
// term of a positive target is multiplied by posWeight; 0 means 1.
func (t *Tape) BCEWithLogits(logit *Var, target, weight []Real, posWeight float64) *Var {
	if posWeight == 0 {
		posWeight = 1
	}
	return t.pointwise(lossBCE, logit, target, weight, posWeight, nil)
}

// MultilabelBCE is BCEWithLogits over the cells of a rows x labels matrix, with one
// weight of positive targets per label, or nil for 1.
func (t *Tape) MultilabelBCE(logit *Var, target, weight, posWeight []Real) *Var {
	return t.pointwise(lossBCE, logit, target, weight, 1, posWeight)
}

// PoissonNLL is exp(z) - target z, the negative log likelihood (up to a constant) of
// counts whose rate is exp(z).
func (t *Tape) PoissonNLL(z *Var, target, weight []Real) *Var {
	return t.pointwise(lossPoisson, z, target, weight, 0, nil)
}

// Quantile is the pinball loss, least at quantile q of the targets (Koenker and
// Bassett, 1978).
func (t *Tape) Quantile(pred *Var, target, weight []Real, q float64) *Var {
	if !(q > 0 && q < 1) {
		panic(fmt.Sprintf("tensor: quantile %v, want 0 < q < 1", q))
	}
	return t.pointwise(lossQuantile, pred, target, weight, q, nil)
}

func wantPositive(what string, v float64) {
	if !(v > 0) {
		panic(fmt.Sprintf("tensor: %s of %v, want a positive number", what, v))
	}
}

// pointwise records a loss. Its gradient is computed on the way: aux holds it.
func (t *Tape) pointwise(kind int, pred *Var, target, weight []Real, arg float64, args []Real) *Var {
	if len(target) != pred.Val.Len() {
		panic(fmt.Sprintf("tensor: %d targets for predictions of %s", len(target), pred.Val.shape()))
	}
	if args != nil && len(args) != pred.Cols() {
		panic(fmt.Sprintf("tensor: %d label weights for predictions of %s", len(args), pred.Val.shape()))
	}
	n := t.node(t.raw(1, 1), lossBack, pred)
	n.kind, n.b, n.w, n.arg1 = kind, Mat{pred.Rows(), pred.Cols(), target}, weight, arg
	n.part = args
	n.norm = 1 / (rowWeights(weight, pred.Rows()) * float64(max(pred.Cols(), 1)))
	t.runLoss(n, pointwiseBlock)
	return n.out
}

// rowWeights is the sum of the weights, or infinite when it is 0: no loss, no gradient.
func rowWeights(weight []Real, rows int) float64 {
	total := float64(rows)
	if weight != nil {
		if len(weight) != rows {
			panic(fmt.Sprintf("tensor: %d weights for %d rows", len(weight), rows))
		}
		total = 0
		for _, w := range weight {
			total += float64(w)
		}
	}
	if total == 0 {
		return math.Inf(1)
	}
	return total
}

// runLoss runs a loss over the rows of its input and adds up the blocks in order.
func (t *Tape) runLoss(n *node, fn func(*node, span)) {
	grain := rowGrain(n.x.Cols())
	n.aux = t.raw(n.x.Rows(), n.x.Cols())
	n.sums = t.sums.take(blocks(n.x.Rows(), grain))
	t.run(n.x.Rows(), grain, n, fn)
	n.out.Val.Data[0] = Real(inOrder(n.sums) * n.norm)
}

func pointwiseBlock(n *node, s span) {
	f := pointLosses[n.kind]
	var total float64
	for i := s.lo; i < s.hi; i++ {
		w := 1.0
		if n.w != nil {
			w = float64(n.w[i])
		}
		y, d := n.b.Row(i), n.aux.Row(i)
		for j, p := range n.x.Val.Row(i) {
			arg := n.arg1
			if n.part != nil {
				arg = float64(n.part[j])
			}
			l, slope := f(float64(p), float64(y[j]), arg)
			total += w * l
			d[j] = Real(w * slope * n.norm)
		}
	}
	n.sums[s.block] = total
}

func lossBack(t *Tape, n *node) { t.send(n.x, n.aux, n.out.grad.Data[0]) }
