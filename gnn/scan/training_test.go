package scan

import (
	"math"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
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

// Networks that differ in parameters alone share what is made of the rows, and answer as
// they do without; another plan, graph or rule shares nothing.
func TestBindLike(t *testing.T) {
	g, q := draw(2, 1).graph(t), queries(27, 9)
	first := bind(t, network(t, config(2), g, ingest.TimeRule{}, 60*day), g, ingest.TimeRule{}, 1)
	like := func(c model.Config, g *graph.Graph, rule ingest.TimeRule) *Bound {
		m := network(t, c, g, rule, 60*day)
		for _, p := range m.Params.All() {
			for i := range p.Value.Data {
				p.Value.Data[i] *= 1.5
			}
		}
		b, err := m.BindLike(first, g, rule, tensor.NewPool(1))
		if err != nil {
			t.Fatal(err)
		}
		if want := score(t, bind(t, m, g, rule, 1), q); !slices.Equal(score(t, b, q).Data, want.Data) {
			t.Error("a network that was bound like another gives other answers")
		}
		return b
	}
	if b := like(config(2), g, ingest.TimeRule{}); b.made != first.made || slices.Equal(score(t, b, q).Data, score(t, first, q).Data) {
		t.Error("networks of one plan share no rows, or give the same answers")
	}
	wider := config(2)
	wider.HalfLives = []float64{5, 30}
	for _, b := range []*Bound{like(config(1), g, ingest.TimeRule{}), like(wider, g, ingest.TimeRule{}), like(config(2), g, ingest.TimeRule{Strict: true}), like(config(2), draw(2, 1).graph(t), ingest.TimeRule{})} {
		if b.made == first.made {
			t.Error("a network of another plan, graph or rule shares rows")
		}
	}
}

// Columns that name their row, or tell when it is rather than whose it is, are left out.
func TestChoose(t *testing.T) {
	w := draw(3, 1)
	g := w.graph(t)
	table := g.Snap.Tables[results]
	for row, at := range table.Times { // a trend, two thirds of it the same for all rows of a time
		table.Columns[2].Valid[row>>3] |= 1 << (row & 7)
		table.Columns[2].Floats[row] = float64(at%7919) + 800*float64(row%3)
	}
	columns := func(rule ingest.TimeRule, ranked bool) (names, levels []string) {
		enc, err := encode.Fit(table, rule, 60*day, nil)
		if err != nil {
			t.Fatal(err)
		}
		kept, levels, err := choose(table, enc, ranked, rule, 60*day)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range kept.Columns {
			names = append(names, c.Name)
		}
		return names, levels
	}
	check := func(what string, ranked bool, want, wantLevels []string) {
		if names, levels := columns(ingest.TimeRule{}, ranked); !slices.Equal(names, want) || !slices.Equal(levels, wantLevels) {
			t.Errorf("%s: kept %q with levels %q, want %q with %q", what, names, levels, want, wantLevels)
		}
	}
	check("a number that differs between times", true, []string{"number", "class"}, []string{"number"})
	check("the same in a table without ranks", false, []string{"number", "class"}, nil)
	for row, at := range table.Times {
		table.Columns[2].Floats[row] = float64(at) / day
	}
	check("a number that follows time", false, []string{"class"}, nil)
	for row, at := range table.Times {
		table.Columns[2].Floats[row] = float64(row % 5)
		if at/day%2 == 0 {
			table.Columns[2].Valid[row>>3] &^= 1 << (row & 7)
		}
	}
	check("a number that is known at some times", true, []string{"class"}, nil)
}
