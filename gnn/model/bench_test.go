package model

import (
	"fmt"
	"testing"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// formula is a database of the size and shape of RelBench's rel-f1: 850 drivers with
// about 100 results, standings, qualifyings and labels each, 1,100 races.
func formula() []spec {
	const nTeams, nDrivers, nRaces, nResults, nStandings, nQuali, nHistory = 210, 850, 1100, 26000, 34000, 10000, 12000
	g := draws(1)
	cols := func(n, numbers, classes int) []colSpec {
		out := []colSpec{keys(n), {"date", schema.Time, schema.SemTimestamp, g.fill(n, g.within(0, 25000))}}
		for i := range numbers {
			out = append(out, colSpec{fmt.Sprintf("n%d", i), schema.Float, schema.SemNumerical, g.fill(n, g.number)})
		}
		for i := range classes {
			out = append(out, colSpec{fmt.Sprintf("c%d", i), schema.Text, schema.SemCategorical, g.fill(n, g.class)})
		}
		return out
	}
	to := func(name string, to, n, of int) linkSpec { return linkSpec{name, to, g.parents(n, of)} }
	return []spec{
		teams:   {name: "teams", cols: cols(nTeams, 0, 2)},
		drivers: {name: "drivers", cols: cols(nDrivers, 0, 3)},
		races:   {name: "races", cols: cols(nRaces, 2, 2), time: "date"},
		results: {name: "results", cols: cols(nResults, 7, 2), time: "date",
			links: []linkSpec{to("driver", drivers, nResults, nDrivers), to("race", races, nResults, nRaces), to("team", teams, nResults, nTeams)}},
		4: {name: "standings", cols: cols(nStandings, 3, 0), time: "date",
			links: []linkSpec{to("driver", drivers, nStandings, nDrivers), to("race", races, nStandings, nRaces)}},
		5: {name: "qualifying", cols: cols(nQuali, 2, 0), time: "date",
			links: []linkSpec{to("driver", drivers, nQuali, nDrivers), to("race", races, nQuali, nRaces), to("team", teams, nQuali, nTeams)}},
		6: {name: HistoryName, cols: cols(nHistory, 1, 0), time: "date", links: []linkSpec{to("entity", drivers, nHistory, nDrivers)}},
	}
}

// BenchmarkStep is one training step without sampling: 512 seeds, 32 channels, two hops.
func BenchmarkStep(b *testing.B) {
	g := mustGraph(b, formula())
	queries := make([]Query, 512)
	for i := range queries {
		at := int64(15000+i*7%9000) * day
		queries[i] = Query{Row: int32(i * 13 % 850), Cut: at, Anchor: at}
	}
	for _, threads := range []int{1, 2} {
		m := mustNew(b, Config{Outputs: 1}, g, 15000*day)
		bound := mustBind(b, m, g, threads)
		scorer, err := bound.NewScorer(ingest.TimeRule{}, tensor.NewPool(threads))
		if err != nil {
			b.Fatal(err)
		}
		batch := scorer.Sample(queries)
		copies, edges := batch.Size()
		anchors := make([]int64, len(queries))
		for i, q := range queries {
			anchors[i] = q.Anchor
		}
		for _, train := range []bool{false, true} {
			b.Run(fmt.Sprintf("train=%v/threads=%d", train, threads), func(b *testing.B) {
				t := tensor.NewTape(tensor.NewPool(threads))
				t.Train = train
				step := func() {
					t.Reset()
					m.Params.ZeroGrad()
					out := bound.Forward(t, batch, Seeds{Anchor: anchors, Drop: 7})
					if train {
						t.Backward(t.MeanAll(t.Mul(out, out)))
					}
				}
				step()
				step() // the arenas have their final size
				b.ReportAllocs()
				for b.Loop() {
					step()
				}
				b.ReportMetric(float64(copies), "copies")
				b.ReportMetric(float64(edges), "edges")
			})
		}
		b.Run(fmt.Sprintf("sample/threads=%d", threads), func(b *testing.B) {
			for b.Loop() {
				scorer.Sample(queries)
			}
		})
	}
}
