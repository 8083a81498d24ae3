package tensor

import (
	"fmt"
	"math"
)

// CrossEntropyOptions configures [Tape.CrossEntropy]. The zero value is usable.
type CrossEntropyOptions struct {
	ClassWeights []Real  // one per class; nil means equal
	RowWeights   []Real  // one per row; nil means equal
	Smoothing    float64 // share of the target spread evenly over all classes
}

// CrossEntropy is the cross entropy of classes against softmax(logits), rows x classes,
// 1x1: the sum over rows divided by the sum of the weights of their targets. A row
// with target -1 is left out.
func (t *Tape) CrossEntropy(logits *Var, target []int32, o CrossEntropyOptions) *Var {
	if len(target) != logits.Rows() {
		panic(fmt.Sprintf("tensor: %d targets for logits of %s", len(target), logits.Val.shape()))
	}
	if o.ClassWeights != nil && len(o.ClassWeights) != logits.Cols() {
		panic(fmt.Sprintf("tensor: %d class weights for logits of %s", len(o.ClassWeights), logits.Val.shape()))
	}
	n := t.node(t.raw(1, 1), lossBack, logits)
	n.idx, n.w, n.part, n.arg1 = target, o.RowWeights, o.ClassWeights, o.Smoothing
	var total float64
	for i, y := range target {
		if y >= 0 {
			total += n.rowWeight(i) * n.classWeight(int(y))
		}
	}
	if total != 0 {
		n.norm = 1 / total
	}
	t.runLoss(n, crossEntropyBlock)
	return n.out
}

func (n *node) rowWeight(i int) float64 {
	if n.w == nil {
		return 1
	}
	return float64(n.w[i])
}

func (n *node) classWeight(c int) float64 {
	if n.part == nil {
		return 1
	}
	return float64(n.part[c])
}

func crossEntropyBlock(n *node, s span) {
	var total float64
	for i := s.lo; i < s.hi; i++ {
		d := n.aux.Row(i)
		if n.idx[i] < 0 {
			clear(d)
			continue
		}
		total += n.rowWeight(i) * n.entropy(n.x.Val.Row(i), d, int(n.idx[i]), n.rowWeight(i)*n.norm)
	}
	n.sums[s.block] = total
}

// entropy returns the loss of one row and stores r times its gradient in d. With class
// weights w and smoothing e the target puts q[c] = w[c] (e/classes + (1-e)[c = y]) on
// class c, the loss is -sum q log p, and its gradient p sum(q) - q.
func (n *node) entropy(z, d []Real, y int, r float64) float64 {
	top := math.Inf(-1)
	for _, v := range z {
		top = max(top, float64(v))
	}
	var exps float64
	for _, v := range z {
		exps += math.Exp(float64(v) - top)
	}
	logSum := top + math.Log(exps)
	var loss, mass float64
	for c, v := range z {
		q := n.targetMass(c, y, len(z))
		mass += q
		loss += q * (logSum - float64(v))
	}
	for c, v := range z {
		d[c] = Real(r * (mass*math.Exp(float64(v)-logSum) - n.targetMass(c, y, len(z))))
	}
	return loss
}

func (n *node) targetMass(c, y, classes int) float64 {
	q := n.arg1 / float64(classes)
	if c == y {
		q += 1 - n.arg1
	}
	return q * n.classWeight(c)
}
