package scan

import (
	"math"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// blockwise lets all states be made in blocks of some events.
func blockwise(t *testing.T, events int) {
	t.Helper()
	bytes, before := wholeStates, blockEvents
	wholeStates, blockEvents = 0, events
	t.Cleanup(func() { wholeStates, blockEvents = bytes, before })
}

// Block by block, in blocks of any size, outputs have the bits of one pass over all rows, and
// gradients are equal up to the order of their sums.
func TestBlocks(t *testing.T) {
	whole, tr, weights := training(t, 1, 2)
	if whole.blocks {
		t.Fatal("a small world is made block by block")
	}
	pass := func(b *Bound, tr *Training) (out []tensor.Real, grad [][]tensor.Real) {
		b.Params.ZeroGrad()
		train, val := tr.Forward(0)
		out = slices.Concat(train.Val.Data, val.Val.Data)
		tr.Backward(train, weights)
		for _, p := range b.Params.All() {
			grad = append(grad, slices.Clone(p.Grad.Data))
		}
		return out, grad
	}
	want, wantGrad := pass(whole, tr)
	q := queries(27, 9)
	scores := slices.Clone(score(t, whole, q).Data)
	for _, events := range []int{1, 7, 1 << 20} {
		blockwise(t, events)
		b, tr, _ := training(t, 1, 2)
		if !b.blocks || b.raw != nil {
			t.Fatal("the world is made in one pass")
		}
		n := 0
		for _, s := range tr.seeds.reads {
			n = max(n, len(tr.blocks.states[s.state].blocks))
		}
		if (n > 1) != (events < 100) {
			t.Errorf("blocks of %d events: %d of them", events, n)
		}
		for range 2 { // a second pass finds nothing of the first
			got, grad := pass(b, tr)
			if !slices.Equal(got, want) {
				t.Errorf("blocks of %d events: other outputs than in one pass", events)
			}
			for i, p := range b.Params.All() {
				for j, g := range grad[i] {
					if w := wantGrad[i][j]; math.Abs(float64(g-w)) > 1e-5*max(1, math.Abs(float64(w))) {
						t.Fatalf("blocks of %d events: gradient %v of %s at %d, in one pass %v", events, g, p.Name, j, w)
					}
				}
			}
		}
		if got := score(t, b, q).Data; !slices.Equal(got, scores) {
			t.Errorf("blocks of %d events: other scores than in one pass", events)
		}
		for i := range q {
			if !slices.Equal(score(t, b, q[i:i+1]).Data, scores[i*len(scores)/len(q):(i+1)*len(scores)/len(q)]) {
				t.Errorf("blocks of %d events: query %d alone has another score", events, i)
			}
		}
	}
}

// What is counted grows with what is read, not with the states of all rows.
func TestModel_Bytes_blocks(t *testing.T) {
	b, _, _ := training(t, 1, 1)
	whole := b.Bytes(b.graph, 10)
	blockwise(t, 1)
	if part := b.Bytes(b.graph, 10); part >= whole {
		t.Errorf("%d bytes block by block, %d in one pass", part, whole)
	}
}
