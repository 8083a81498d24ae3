package scan

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
)

// staying is the graph of a world whose rows do not end.
func staying(t *testing.T, w world) *graph.Graph {
	snap := w.snapshot()
	snap.Tables[contracts].Until = nil
	g, err := graph.Build(snap)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// feed lists the rows of all tables in the order of their times.
func feed(g *graph.Graph) (rows [][2]int) {
	for t, table := range g.Snap.Tables {
		for row := range table.Rows {
			rows = append(rows, [2]int{t, row})
		}
	}
	at := func(r [2]int) int64 { return g.Snap.Tables[r[0]].TimeOf(int32(r[1])) }
	slices.SortStableFunc(rows, func(a, b [2]int) int {
		switch x, y := at(a), at(b); {
		case x == y:
			return 0
		case x == ingest.Always || y != ingest.Always && x < y:
			return -1
		}
		return 1
	})
	return rows
}

// States that are updated row by row, some of them late, answer as a pass over all rows
// does, at many times, with nothing appended that is not known yet.
func TestOnline_isTheBatchPass(t *testing.T) {
	for seed := range uint64(4) {
		rule := ingest.TimeRule{Strict: seed%2 == 1}
		g := staying(t, draw(seed, 1))
		b := bind(t, network(t, config(1), g, rule, 60*day), g, rule, 1)
		b.NewTraining(queries(27, 9), nil).Forward(0)
		o, err := b.NewOnline()
		if err != nil {
			t.Fatal(err)
		}
		rows, apart, step := feed(g), 0, 0
		var late [][2]int
		before := make([]float64, 9)
		for cut := int64(3 * day); cut < 110*day; cut += 2*day + day/5 {
			for len(rows) > 0 && g.Snap.Tables[rows[0][0]].TimeOf(int32(rows[0][1])) <= cut {
				if step++; step%7 == 0 {
					late = append(late, rows[0])
				} else {
					o.Append(rows[0][0], int32(rows[0][1]))
				}
				rows = rows[1:]
			}
			for i := range int32(9) { // states move on before the late rows come
				if _, err := o.Score(model.Query{Row: i, Cut: cut, Anchor: cut}); err != nil {
					t.Fatal(err)
				}
			}
			for ; len(late) > 0; late = late[1:] {
				o.Append(late[0][0], int32(late[0][1]))
			}
			var q []model.Query
			for driver := range int32(9) {
				q = append(q, model.Query{Row: driver, Cut: cut, Anchor: cut})
			}
			want := score(t, b, q)
			for i := range q {
				got, err := o.Score(q[i])
				if err != nil {
					t.Fatal(err)
				}
				for c, v := range got {
					if w := float64(want.At(i, c)); !(math.Abs(float64(v)-w) <= 1e-5*max(1, math.Abs(w))) {
						t.Fatalf("world %d, query %+v: output %d is %v, of the batch pass %v", seed, q[i], c, v, w)
					}
				}
				if float64(got[0]) != before[i] {
					apart++
				}
				before[i] = float64(got[0])
			}
		}
		if apart < 300 {
			t.Errorf("world %d: answers changed %d times, too few to show anything", seed, apart)
		}
		if _, err := o.Score(model.Query{Row: 0, Cut: day, Anchor: day}); err == nil {
			t.Error("a cut that lies before the last one is answered")
		}
	}
}

// What online states cannot do is said.
func TestOnline_refuses(t *testing.T) {
	g := draw(1, 1).graph(t)
	for layers, want := range map[int]string{1: "end: score with a snapshot", 2: "know one layer"} {
		b := bind(t, network(t, config(layers), g, ingest.TimeRule{}, 60*day), g, ingest.TimeRule{}, 1)
		if _, err := b.NewOnline(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d layers: error %v, want %q", layers, err, want)
		}
	}
}
