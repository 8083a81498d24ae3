package model

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph/sample"
	"github.com/rowlink/rowlink/ingest"
)

// The server predicts one seed at a time, the batch job hundreds: both must agree.
func TestScore_aloneAsInABatch(t *testing.T) {
	eachVariant(t, func(t *testing.T, c Config) {
		g := mustGraph(t, world(1, 1))
		b := mustBind(t, mustNew(t, c, g, 40*day), g, 1)
		q := queries(50, 12)
		want := mustScore(t, b, q)
		for i := range q {
			if got := mustScore(t, b, q[i:i+1]); !slices.Equal(got.Data, want.Row(i)) {
				t.Errorf("query %d alone gives %v, in a batch %v", i, got.Data, want.Row(i))
			}
		}
		for i, v := range want.Data {
			if math.IsNaN(float64(v)) || math.Abs(float64(v)) > 1e3 {
				t.Errorf("output %d is %v", i, v)
			}
		}
	})
}

// More queries than one batch holds come back in their places.
func TestScore_batches(t *testing.T) {
	g := mustGraph(t, world(1, 1))
	b := mustBind(t, mustNew(t, Config{Outputs: 1, Width: 4}, g, 40*day), g, 1)
	q := queries(2*scoreBatch+3, 12)
	want := mustScore(t, b, q)
	for _, lo := range []int{0, 1, scoreBatch - 1, scoreBatch, 2 * scoreBatch} {
		if got := mustScore(t, b, q[lo:lo+3]); !slices.Equal(got.Data, want.Data[lo:lo+3]) {
			t.Errorf("queries %d to %d give %v, among all %v", lo, lo+3, got.Data, want.Data[lo:lo+3])
		}
	}
	if got := mustScore(t, b, nil); got.Rows != 0 || got.Cols != 1 {
		t.Errorf("no queries give %dx%d", got.Rows, got.Cols)
	}
}

// Several scorers of one bound model work side by side.
func TestScore_concurrent(t *testing.T) {
	g := mustGraph(t, world(1, 1))
	m := mustNew(t, Config{Outputs: 1, Width: 4}, g, 40*day)
	want := mustScore(t, mustBind(t, m, g, 1), queries(20, 12))
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if got := mustScore(t, mustBind(t, m, g, 1), queries(20, 12)); !slices.Equal(got.Data, want.Data) {
				t.Error("other predictions beside other scorers")
			}
		})
	}
	wg.Wait()
}

// step is one training step: its outputs and the gradients of all parameters.
func step(t *testing.T, c Config, threads int, twice bool) (out []tensor.Real, grads []tensor.Mat) {
	t.Helper()
	g := mustGraph(t, world(2, 20))
	m := mustNew(t, c, g, 40*day)
	b := mustBind(t, m, g, threads)
	q := queries(300, 240)
	s, err := b.NewScorer(ingest.TimeRule{}, tensor.NewPool(threads))
	if err != nil {
		t.Fatal(err)
	}
	batch := s.Sample(q)
	tape := tensor.NewTape(tensor.NewPool(threads))
	if twice { // so that the step runs in used memory
		stepOn(tape, b, batch, q)
	}
	return stepOn(tape, b, batch, q)
}

func stepOn(tape *tensor.Tape, b *Bound, batch *sample.Batch, q []Query) (out []tensor.Real, grads []tensor.Mat) {
	tape.Reset()
	b.Params.ZeroGrad()
	v := b.NewPass(tape).Forward(batch, Seeds{Anchor: anchorsOf(q), Drop: 9})
	tape.Backward(tape.MeanAll(tape.Mul(v, v)))
	for _, p := range b.Params.All() {
		grads = append(grads, p.Grad.Clone())
	}
	return slices.Clone(v.Val.Data), grads
}

func anchorsOf(q []Query) []int64 {
	out := make([]int64, len(q))
	for i := range q {
		out[i] = q[i].Anchor
	}
	return out
}

func TestForward_gradientsAtAnyThreadCount(t *testing.T) {
	eachVariant(t, func(t *testing.T, c Config) {
		out, grads := step(t, c, 1, false)
		for i, g := range grads {
			if !slices.ContainsFunc(g.Data, func(v tensor.Real) bool { return v != 0 }) {
				t.Errorf("parameter %d has no part in the outputs", i)
			}
		}
		for _, threads := range []int{2, 4} {
			gotOut, gotGrads := step(t, c, threads, true)
			if !slices.Equal(gotOut, out) {
				t.Errorf("other outputs at %d threads", threads)
			}
			for i := range grads {
				if !slices.Equal(gotGrads[i].Data, grads[i].Data) {
					t.Errorf("gradient %d differs at %d threads", i, threads)
				}
			}
		}
	})
}

// A row that many seeds read is encoded once; that is a saving and nothing else.
func TestForward_distinctRowsAsEveryCopy(t *testing.T) {
	g := mustGraph(t, world(1, 1))
	b := mustBind(t, mustNew(t, Config{Outputs: 2, Width: 8, FanOut: []int{4, 3}}, g, 40*day), g, 1)
	q := queries(40, 12)
	s, err := b.NewScorer(ingest.TimeRule{}, tensor.NewPool(1))
	if err != nil {
		t.Fatal(err)
	}
	batch := s.Sample(q)
	want := s.Forward(batch, q)
	copies := *batch
	copies.Nodes = slices.Clone(batch.Nodes)
	saved := 0
	for i := range copies.Nodes {
		n := &copies.Nodes[i]
		saved += len(n.Rows) - len(n.Distinct)
		n.Distinct, n.CopyOf = n.Rows, make([]int32, len(n.Rows))
		for k := range n.CopyOf {
			n.CopyOf[k] = int32(k)
		}
	}
	if got := s.Forward(&copies, q); !slices.Equal(got.Data, want.Data) {
		t.Error("every copy encoded by itself gives other predictions")
	}
	if saved == 0 {
		t.Error("no row has two copies: the test shows nothing")
	}
}

// wide says that the engine computes in double precision (build tag real64).
var wide = tensor.Real(1)+1e-10 != 1

// The gradient of every parameter, at a few places each, against finite differences.
func TestForward_gradient(t *testing.T) {
	if !wide {
		t.Skip("finite differences of a whole network need double precision: run with -tags real64")
	}
	eachVariant(t, func(t *testing.T, c Config) {
		if c.Strategy != "latest" { // which rows are sampled is no matter of the gradient
			return
		}
		g := mustGraph(t, world(3, 1))
		m := mustNew(t, c, g, 40*day)
		b := mustBind(t, m, g, 1)
		q := queries(8, 12)
		s, err := b.NewScorer(ingest.TimeRule{}, tensor.NewPool(1))
		if err != nil {
			t.Fatal(err)
		}
		batch := s.Sample(q)
		tape := tensor.NewTape(tensor.NewPool(1))
		_, grads := stepOn(tape, b, batch, q)
		loss := func() float64 {
			tape.Reset()
			v := b.NewPass(tape).Forward(batch, Seeds{Anchor: anchorsOf(q), Drop: 9})
			return float64(tape.MeanAll(tape.Mul(v, v)).Val.Data[0])
		}
		for k, p := range m.Params.All() {
			data := p.Value.Data
			for _, i := range []int{0, len(data) / 3, 2 * len(data) / 3, len(data) - 1} {
				got, want, ok := float64(grads[k].Data[i]), 0.0, false
				for _, h := range []float64{1e-5, 1e-7} { // the second where the first steps over a bend
					x := data[i]
					data[i] = x + tensor.Real(h)
					up := loss()
					data[i] = x - tensor.Real(h)
					want = (up - loss()) / (2 * h)
					data[i] = x
					if ok = math.Abs(got-want) <= 1e-7*math.Max(1, math.Abs(want)); ok {
						break
					}
				}
				if !ok {
					t.Errorf("gradient of %s at %d is %v, finite difference %v", p.Name, i, got, want)
				}
			}
		}
	})
}

// Both plans give the same outputs and gradients, up to rounding: with dropout off, as
// the masks of copies and of rows differ.
func TestForward_plans(t *testing.T) {
	eachVariant(t, func(t *testing.T, c Config) {
		c.Dropout = 0
		c.Plan = PlanFactored
		out, grads := step(t, c, 1, false)
		c.Plan = PlanPlain
		wantOut, wantGrads := step(t, c, 1, false)
		near := func(what string, got, want []tensor.Real) {
			largest := 0.0
			for _, v := range want {
				largest = math.Max(largest, math.Abs(float64(v)))
			}
			for i := range want {
				if math.Abs(float64(got[i]-want[i])) > tolerance(2e-4, 1e-10)*math.Max(largest, 1e-3) {
					t.Fatalf("%s at %d is %v factored and %v plain", what, i, got[i], want[i])
				}
			}
		}
		near("output", out, wantOut)
		for k := range grads {
			near(fmt.Sprintf("gradient of parameter %d", k), grads[k].Data, wantGrads[k].Data)
		}
	})
}

func tolerance(narrow, double float64) float64 {
	if wide {
		return double
	}
	return narrow
}

// In a frozen evaluation the anchor lies after the cut; the model is told how far.
func TestForward_readsTheAnchor(t *testing.T) {
	g := mustGraph(t, world(1, 1))
	b := mustBind(t, mustNew(t, Config{Outputs: 1, Width: 8}, g, 40*day), g, 1)
	q := []Query{{Row: 1, Cut: 40 * day, Anchor: 40 * day}, {Row: 1, Cut: 40 * day, Anchor: 60 * day}}
	if got := mustScore(t, b, q); got.Data[0] == got.Data[1] {
		t.Errorf("anchors 20 days apart give the same output %v", got.Data)
	}
}
