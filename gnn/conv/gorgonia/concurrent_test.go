package gorgonia_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/internal/convtest"
)

// Layers are used by several goroutines at once, each with a tape of its own; gorgonia
// keeps state in package variables.
func TestForward_concurrent(t *testing.T) {
	const callers, rounds = 4, 8
	trials := make([]*convtest.Trial, callers)
	want := make([][]tensor.Mat, callers)
	for i := range trials {
		trials[i] = convtest.NewTrial(t, "gorgonia-sage", "mean", 3+i, uint64(i))
		want[i] = run(trials[i])
	}
	var wg sync.WaitGroup
	for i, tr := range trials {
		wg.Go(func() {
			for range rounds {
				for typ, m := range run(tr) {
					if !slices.Equal(m.Data, want[i][typ].Data) {
						t.Errorf("caller %d: results of type %d differ from those alone", i, typ)
					}
				}
			}
		})
	}
	wg.Wait()
}

// A tape that is not run backwards, and one that asks for no gradient, leave nothing
// behind; inference gives the bits of training.
func TestForward_withoutGradient(t *testing.T) {
	tr := convtest.NewTrial(t, "gorgonia-rgcn", "mean", 6, 1)
	want := run(tr)
	tape := tensor.NewTape(tensor.NewPool(1))
	tape.Train = false
	tr.Set.ZeroGrad()
	loss, out := tr.Forward(tape)
	for i, o := range out {
		if o != nil && !slices.Equal(o.Val.Data, want[i].Data) {
			t.Errorf("results of type %d in inference are %v, in training %v", i, o.Val.Data, want[i].Data)
		}
	}
	tape.Backward(loss)
	for _, p := range tr.Set.All() {
		if slices.ContainsFunc(p.Grad.Data, func(g tensor.Real) bool { return g != 0 }) {
			t.Errorf("parameter %s gets a gradient in inference", p.Name)
		}
	}
}
