package model

import (
	"context"
	"errors"
	"slices"
	"testing"
	"unsafe"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
)

// atCut asks for all drivers at one cut, some at two anchors.
func atCut(drivers int, cut int64) []Query {
	var q []Query
	for i := range drivers {
		for k := range 1 + i%2 {
			q = append(q, Query{Row: int32(i), Cut: cut, Anchor: cut + int64(i%4+k)*7*day})
		}
	}
	return q
}

// layerwise scores layer by layer.
func layerwise(t testing.TB, b *Bound, r *RowTables, rule ingest.TimeRule, threads int, q []Query) tensor.Mat {
	t.Helper()
	l, err := b.NewLayerwise(rule, q[0].Cut, r, tensor.NewPool(threads))
	if err != nil {
		t.Fatal(err)
	}
	out, err := l.Score(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Layer by layer gives what sampled subgraphs give, to the bit, for every layer.
func TestLayerwise_everyLayer(t *testing.T) {
	g := mustGraph(t, world(3, 4))
	for _, layer := range conv.Names() {
		for _, c := range []Config{
			{Strategy: "latest", Aggregate: "decay", FanOut: []int{3, 3, 3}},
			{Strategy: "latest", Aggregate: "mean", FanOut: []int{4, 4}, Plan: PlanPlain},
			{Strategy: "uniform", Aggregate: "sum", FanOut: []int{90, 80, 70}},
			{Strategy: "latest", Aggregate: "max", FanOut: []int{5}},
		} {
			if layer == "gorgonia-sage" || layer == "gorgonia-rgcn" {
				if testing.Short() || c.Aggregate == "sum" {
					continue // a graph is built and compiled for each batch
				}
			}
			c.Layer, c.Width, c.Outputs = layer, 8, 2
			b := mustBind(t, mustNew(t, c, g, 40*day), g, 1)
			q := atCut(48, 40*day)
			want := mustScore(t, b, q)
			for threads, r := range map[int]*RowTables{1: nil, 2: mustTables(t, b, TableOptions{})} {
				if r != nil && unsafe.Sizeof(tensor.Real(0)) != 4 {
					continue // tables are float32, the arithmetic is float64
				}
				if got := layerwise(t, b, r, ingest.TimeRule{}, threads, q); !slices.Equal(got.Data, want.Data) {
					t.Errorf("%s, %s: %v instead of %v, with tables %t", layer, c.Aggregate, got.Data[:6], want.Data[:6], r != nil)
				}
			}
		}
	}
}

// Rows that come to be known after the cut change no output by a bit.
func TestLayerwise_future(t *testing.T) {
	const cut = 50 * day
	for seed := range uint64(6) {
		rule := ingest.TimeRule{Strict: seed%2 == 1}
		before := world(seed, 2)
		after, number := alterFuture(before, draws(seed+200), rule, cut)
		g, g2 := mustGraph(t, before), mustGraph(t, after)
		m := mustNew(t, Config{Width: 8, FanOut: []int{3, 3, 3}, Outputs: 2}, g, 40*day)
		var q, q2 []Query
		for _, x := range atCut(24, cut) {
			if rule.Visible(g.Snap.Tables[drivers].Times[x.Row], x.Cut) {
				moved := x
				moved.Row = number[drivers][x.Row]
				q, q2 = append(q, x), append(q2, moved)
			}
		}
		want := layerwise(t, mustBind(t, m, g, 1), nil, rule, 1, q)
		got := layerwise(t, mustBind(t, m, g2, 1), nil, rule, 2, q2)
		if !slices.Equal(got.Data, want.Data) {
			t.Errorf("world %d: rows after the cut change predictions", seed)
		}
	}
}

// Where a row would read other neighbours in another place, the reason is told.
func TestNewLayerwise_refuses(t *testing.T) {
	g := mustGraph(t, world(3, 4))
	for want, c := range map[string]Config{
		"not layer by layer: results -f2p_driver-> drivers reads 3 children drawn for each example, and a row has 8 at the cut": {Strategy: "uniform", FanOut: []int{3, 3}},
		"not layer by layer: drivers -f2p_team-> teams reads 3 children in one hop and 2 in hop 3, and a row has 5 at the cut":  {FanOut: []int{4, 3, 2}},
		"not layer by layer: teams -rev_f2p_team-> drivers is read in one hop and not in hop 3": {FanOut: []int{3, 3, 3},
			FanOutByEdge: map[string][]int{"drivers.rev_f2p_team": {1, 1, 0}}},
	} {
		c.Width, c.Outputs = 8, 1
		b := mustBind(t, mustNew(t, c, g, 40*day), g, 1)
		_, err := b.NewLayerwise(ingest.TimeRule{}, 40*day, nil, tensor.NewPool(1))
		var refused *LayerwiseError
		if !errors.As(err, &refused) || err.Error() != want {
			t.Errorf("error %q, want %q", err, want)
		}
	}
}

// Shards go layer by layer where rows have many copies, and outputs stay as they are.
func TestShards_Choose(t *testing.T) {
	skipWide(t)
	g := mustGraph(t, world(3, 4))
	b := mustBind(t, mustNew(t, Config{FanOut: []int{3, 3, 3}, Width: 8, Outputs: 2}, g, 40*day), g, 1)
	same, mixed := atCut(48, 40*day), queries(200, 48)
	for _, r := range []*RowTables{nil, mustTables(t, b, TableOptions{})} {
		s, err := b.NewShards(ingest.TimeRule{}, tensor.NewPool(2))
		if err != nil {
			t.Fatal(err)
		}
		s.Use(r)
		if c := s.Choose(same); c.Layerwise == nil || c.Rows*layerCost >= c.Copies {
			t.Errorf("queries of one cut are %s", c)
		}
		if c := s.Choose(mixed); c.Layerwise != nil || c.Reason != "their cuts differ" {
			t.Errorf("queries of several cuts are %s", c)
		}
		for _, q := range [][]Query{same, mixed} {
			got, err := s.Score(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if want := mustScore(t, b, q); !slices.Equal(got.Data, want.Data) {
				t.Errorf("other outputs, with tables %t", r != nil)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Score(ctx, same); !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled call gives %v", err)
		}
	}
}
