package scan

import (
	"fmt"
	"math"
	"testing"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
)

// Pass by pass, in blocks of any size, queries answer as in one pass over all rows.
func TestPassesAnswerAsOnePass(t *testing.T) {
	before := foldRows
	t.Cleanup(func() { foldRows = before })
	for layers := 1; layers <= 3; layers++ {
		for _, foldRows = range []int{3, 4096} {
			for _, strict := range []bool{false, true} {
				rule := ingest.TimeRule{Strict: strict}
				g := draw(2, 1).graph(t)
				m := network(t, config(layers), g, rule, 60*day)
				whole := bind(t, m, g, rule, 1)
				whole.NewTraining(queries(27, 9), nil).Forward(0)
				var asked []model.Query
				for _, q := range queries(27, 9) {
					if q.Cut == 40*day {
						asked = append(asked, q)
					}
				}
				want := score(t, whole, asked)
				got := score(t, inPasses(t, m, whole, rule, 40*day), asked)
				for i := range want.Data {
					if d := math.Abs(float64(got.Data[i] - want.Data[i])); d > 2e-5*max(1, math.Abs(float64(want.Data[i]))) {
						t.Fatalf("%d layers, blocks of %d, strict %t: output %d is %v, in one pass %v", layers, foldRows, strict, i, got.Data[i], want.Data[i])
					}
				}
			}
		}
	}
}

// inPasses does all passes over the whole of a database, and keeps what they give.
func inPasses(t *testing.T, m *Model, whole *Bound, rule ingest.TimeRule, at int64) *Bound {
	t.Helper()
	given := map[string][]tensor.Real{}
	take := func(key string, to []tensor.Real) bool {
		v, ok := given[key]
		if ok && len(v) != len(to) {
			t.Fatalf("%s: %d numbers are read, %d were told", key, len(to), len(v))
		}
		copy(to, v)
		return ok
	}
	b, err := m.BindPart(whole.graph, rule, &Given{
		Reads: func(layer, table int, row int32, path, state string, to []tensor.Real) bool {
			return take(fmt.Sprint(layer, table, row, path, state), to)
		},
		States: func(table int, row int32, state string, to []tensor.Real) bool {
			return take(fmt.Sprint(table, row, state), to)
		},
	}, tensor.NewPool(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range m.Passes() {
		var tops []int32
		for row := range whole.graph.Snap.Tables[p.Table].Rows {
			tops = append(tops, int32(row))
		}
		if p.Last {
			b.At(p.Table, tops, at, func(top int32, state string, values []tensor.Real) {
				if n := len(m.ReadNames(state)); n != len(values) {
					t.Fatalf("%d names of %d numbers", n, len(values))
				}
				given[fmt.Sprint(p.Table, top, state)] = values
			})
			continue
		}
		b.Before(p.Layer, tops, p.Table, func(table int, row int32, path, state string, values []tensor.Real) {
			given[fmt.Sprint(p.Layer+1, table, row, path, state)] = values
		})
	}
	if len(given) == 0 {
		t.Fatal("no pass gave anything")
	}
	return b
}
