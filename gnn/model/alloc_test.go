//go:build !race

package model

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
)

// A training step of a size seen before allocates nothing, in any layer of ours and at
// any number of threads. (Layers written as gorgonia expressions build graphs.)
func TestPass_allocations(t *testing.T) {
	for _, aggregate := range conv.Aggregators() {
		for _, plan := range []string{PlanFactored, PlanPlain} {
			wantNoAllocations(t, Config{Aggregate: aggregate, Plan: plan})
		}
	}
	for _, layer := range conv.Names() {
		if layer != "sage" && !strings.HasPrefix(layer, "gorgonia-") {
			wantNoAllocations(t, Config{Layer: layer})
		}
	}
}

func wantNoAllocations(t *testing.T, c Config) {
	t.Helper()
	c.Width, c.FanOut, c.Outputs, c.Dropout = 8, []int{4, 2, 2}, 2, 0.2
	g, q := mustGraph(t, world(2, 20)), queries(300, 240)
	for _, threads := range []int{1, 2} {
		b, pool := mustBind(t, mustNew(t, c, g, 40*day), g, threads), tensor.NewPool(threads)
		s, err := b.NewScorer(ingest.TimeRule{}, pool)
		if err != nil {
			t.Fatal(err)
		}
		batch, anchors, tape := s.Sample(q), anchorsOf(q), tensor.NewTape(pool)
		pass := b.NewPass(tape)
		step := func() {
			tape.Reset()
			b.Params.ZeroGrad()
			v := pass.Forward(batch, Seeds{Anchor: anchors, Drop: 9})
			tape.Backward(tape.MeanAll(tape.Mul(v, v)))
		}
		step() // the arenas grow
		step()
		n := testing.AllocsPerRun(10, step)
		for range 3 { // the runtime itself may allocate now and then; a step that does would every time
			n = min(n, testing.AllocsPerRun(10, step))
		}
		if n >= 1 {
			t.Errorf("%s: %.1f allocations per step at %d threads, want none", fmt.Sprint(c.Layer, " ", c.Aggregate, " ", c.Plan), n, threads)
		}
	}
}
