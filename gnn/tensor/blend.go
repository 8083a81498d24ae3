package tensor

import "fmt"

// Blend is s x + (1-s) y with s = sigmoid(gate), a learned skip connection. x and y are
// of one shape, gate is 1 x 1.
func (t *Tape) Blend(x, y, gate *Var) *Var {
	wantSame("blend", x, y)
	if gate.Val.Len() != 1 {
		panic(fmt.Sprintf("tensor: blend by a gate of %s, want 1x1", gate.Val.shape()))
	}
	n := t.node(t.raw(x.Rows(), x.Cols()), blendBack, x, y, gate)
	n.r1 = Real(sigmoid(float64(gate.Val.Data[0])))
	t.run(x.Val.Len(), flatGrain, n, blendBlock)
	return n.out
}

func blendBlock(n *node, s span) {
	x, y, out := n.x.Val.Data[s.lo:s.hi], n.y.Val.Data[s.lo:s.hi], n.out.Val.Data[s.lo:s.hi]
	share, rest := n.r1, 1-n.r1
	for j := range out {
		out[j] = share*x[j] + rest*y[j]
	}
}

func blendBack(t *Tape, n *node) {
	g := n.out.grad
	if n.z.needs {
		n.sums = t.sums.take(blocks(g.Len(), flatGrain))
		t.run(g.Len(), flatGrain, n, blendGateBlock)
		t.GradOf(n.z).Data[0] += n.r1 * (1 - n.r1) * Real(inOrder(n.sums))
	}
	t.send(n.x, g, n.r1)
	t.send(n.y, g, 1-n.r1)
}

func blendGateBlock(n *node, s span) {
	x, y, g := n.x.Val.Data[s.lo:s.hi], n.y.Val.Data[s.lo:s.hi], n.out.grad.Data[s.lo:s.hi]
	var total float64
	for j, d := range g {
		total += float64(d * (x[j] - y[j]))
	}
	n.sums[s.block] = total
}
