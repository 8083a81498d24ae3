package scan

import (
	"math"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/ingest"
)

// Every answer without the rows of a path is that of the equations over an entity that has
// none, and the rows are those that the cut sees.
func TestWithout_isTheRecursion(t *testing.T) {
	for seed := range uint64(4) {
		rule := ingest.TimeRule{Strict: seed%2 == 1}
		g := draw(seed, 1).graph(t)
		b := bind(t, network(t, config(2), g, rule, 60*day), g, rule, 1)
		q := queries(27, 9)
		b.NewTraining(q, nil).Forward(0)
		s := b.NewScorer()
		moved, paths := 0, map[string]bool{}
		for _, q := range q {
			n := naive{b, map[[3]int][]float64{}, -1}
			gathered, out := s.Without(q)
			if out.Rows != 1+len(gathered) {
				t.Fatalf("%d answers without each of %d paths", out.Rows, len(gathered))
			}
			near := func(row int) {
				for c, want := range n.outputs(q) {
					if v := float64(out.At(row, c)); math.Abs(v-want) > 2e-4*max(1, math.Abs(want)) {
						t.Fatalf("world %d, query %+v, answer %d: %v, by the equations %v", seed, q, row, v, want)
					}
				}
			}
			near(0)
			at := 0
			for k, p := range b.plan.states {
				if p.to != drivers {
					continue
				}
				rows := 0
				for row := range int32(g.Snap.Tables[p.from].Rows) {
					if _, up, ok := n.climb(&p, row, rule, q.Cut); ok && up == q.Row {
						rows++
					}
				}
				if rows == 0 {
					continue
				}
				if want := (Gathered{p.from, p.name, rows}); gathered[at] != want {
					t.Fatalf("world %d, query %+v: gathered %+v, want %+v", seed, q, gathered[at], want)
				}
				n.hidden = k
				near(1 + at)
				if !slices.Equal(out.Row(0), out.Row(1+at)) {
					moved, paths[p.name] = moved+1, true
				}
				at++
			}
			if at != len(gathered) {
				t.Fatalf("%d paths gathered, want %d", len(gathered), at)
			}
		}
		if moved < 50 || len(paths) < 5 {
			t.Errorf("world %d: %d answers moved over %d paths, too few to show anything", seed, moved, len(paths))
		}
	}
}
