package scan

import (
	"math"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
)

// training is one of a small world with random weights of its outputs.
func training(t *testing.T, layers, threads int) (*Bound, *Training, tensor.Mat) {
	t.Helper()
	g := draw(2, 1).graph(t)
	b := bind(t, network(t, config(layers), g, ingest.TimeRule{}, 60*day), g, ingest.TimeRule{}, threads)
	q := queries(27, 9)
	weights := tensor.NewMat(20, b.Config.Outputs)
	for i := range weights.Data {
		weights.Data[i] = tensor.Real(tensor.Normal(9, uint64(i)))
	}
	return b, b.NewTraining(q[:20], q[20:]), weights
}

// The gradient of every parameter equals finite differences through the whole network:
// batch statistics, readings, scans, messages of two layers, endings and priors.
func TestBackward_matchesFiniteDifferences(t *testing.T) {
	if !double() {
		t.Skip("finite differences need double precision")
	}
	for layers := 1; layers <= 2; layers++ {
		b, tr, weights := training(t, layers, 1)
		loss := func() float64 {
			out, _ := tr.Forward(0)
			var sum float64
			for i, v := range out.Val.Data {
				sum += float64(v * weights.Data[i])
			}
			return sum
		}
		b.Params.ZeroGrad()
		out, _ := tr.Forward(0)
		tr.Backward(out, weights)
		moved := 0
		for k, p := range b.Params.All() {
			if !p.Trained() {
				continue
			}
			got := p.Grad.Clone()
			for n := range 12 {
				i := int(tensor.Hash64(uint64(k), uint64(n)) % uint64(p.Value.Len()))
				const h = 1e-6
				x := p.Value.Data[i]
				p.Value.Data[i] = x + h
				up := loss()
				p.Value.Data[i] = x - h
				want := (up - loss()) / (2 * h)
				p.Value.Data[i] = x
				if !(math.Abs(float64(got.Data[i])-want) <= 1e-5*max(1, math.Abs(want))) {
					t.Fatalf("%d layers: gradient of %s at %d is %v, finite difference %v", layers, p.Name, i, got.Data[i], want)
				}
				if want != 0 {
					moved++
				}
			}
		}
		if moved < 200 {
			t.Errorf("%d layers: only %d gradients are not 0", layers, moved)
		}
	}
}

// Outputs and gradients have the same bits at any number of threads, and a query's outputs
// do not depend on the others.
func TestTraining_threads(t *testing.T) {
	var outputs, gradients []tensor.Real
	for _, threads := range []int{1, 2, 4, 8} {
		b, tr, weights := training(t, 2, threads)
		b.Params.ZeroGrad()
		train, val := tr.Forward(0)
		out := slices.Concat(train.Val.Data, val.Val.Data)
		tr.Backward(train, weights)
		var grad []tensor.Real
		for _, p := range b.Params.All() {
			grad = append(grad, p.Grad.Data...)
		}
		if outputs == nil {
			outputs, gradients = out, grad
		}
		if !slices.Equal(outputs, out) || !slices.Equal(gradients, grad) {
			t.Errorf("%d threads give other bits than one", threads)
		}
		q := queries(27, 9)
		all := score(t, b, q)
		for i := range q {
			if !slices.Equal(all.Row(i), score(t, b, q[i:i+1]).Row(0)) {
				t.Errorf("query %d alone has other outputs than among others", i)
			}
		}
		if !slices.Equal(all.Data[20*all.Cols:], val.Val.Data) {
			t.Errorf("validation outputs of training are not those of the scorer")
		}
	}
}
