package model

import (
	"math"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
)

// A model of one hop reads drivers and the rows that point to them. With relgnn it also
// reads the rows that those point to, one step behind the last hop, at the cut of each
// seed; every other layer does not. Held rows change no bit.
func TestRelGNN_readsBehindTheLastHop(t *testing.T) {
	const cut = 50 * day
	for layer, reads := range map[string]bool{"relgnn": true, "transformer": false} {
		specs := world(3, 20)
		c := Config{Layer: layer, Width: 8, FanOut: []int{4}, Outputs: 2}
		g := mustGraph(t, specs)
		m := mustNew(t, c, g, 40*day)
		behind, far := -1, []bool(nil)
		near := Reach(m.Edges, len(m.Types), drivers, 1)
		far = m.Config.reach(m.Edges, len(m.Types), drivers)
		for typ := range far {
			if far[typ] && !near[typ] {
				behind = typ
			}
		}
		if reads != (behind >= 0) {
			t.Fatalf("%s: node type %d is behind the last hop; types within it %v, with far ends %v", layer, behind, near, far)
		}
		if !reads {
			continue
		}
		var q []Query
		for _, x := range queries(60, 20) {
			x.Cut = cut
			q = append(q, x)
		}
		b := mustBind(t, m, g, 1)
		want := score(t, b, ingest.TimeRule{}, q)
		tables, err := b.NewRowTables(t.Context(), TableOptions{}, tensor.NewPool(1))
		if err != nil {
			t.Fatal(err)
		}
		s, err := b.NewScorer(ingest.TimeRule{}, tensor.NewPool(2))
		if err != nil {
			t.Fatal(err)
		}
		s.Use(tables)
		held, err := s.Score(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		near32 := func(a, b tensor.Real) bool { return math.Abs(float64(a-b)) <= 1e-5*math.Max(1, math.Abs(float64(b))) }
		if !wide && !slices.Equal(held.Data, want.Data) || !slices.EqualFunc(held.Data, want.Data, near32) { // held in single precision
			t.Error("rows that are held give other outputs")
		}
		changed := alterVisible(t, specs, behind, cut)
		if slices.Equal(score(t, mustBind(t, m, mustGraph(t, changed), 1), ingest.TimeRule{}, q).Data, want.Data) {
			t.Errorf("other rows of %s change no output", m.Types[behind])
		}
	}
}

// alterVisible copies the tables with other numbers in the visible rows of one of them.
func alterVisible(t *testing.T, specs []spec, typ int, cut int64) []spec {
	t.Helper()
	out := slices.Clone(specs)
	s := &out[typ]
	s.cols = slices.Clone(s.cols)
	times, altered := s.times(s.time), 0
	for k := range s.cols[1:] {
		col := &s.cols[k+1]
		if col.name == s.time || col.name == s.until {
			continue
		}
		col.values = slices.Clone(col.values)
		for row, v := range col.values {
			if f, ok := v.(float64); ok && (times == nil || times[row] <= cut) {
				col.values[row] = -3*f - 1
				altered++
			}
		}
	}
	if altered == 0 {
		t.Fatalf("table %s has no visible number to alter", s.name)
	}
	return out
}
