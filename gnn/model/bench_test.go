package model

import (
	"fmt"
	"syscall"
	"testing"
	"time"

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

// BenchmarkStep is one training step without sampling of 512 seeds: in the default
// setting, and in that of RelBench's reference network (128 channels, 128 and 64
// neighbours, four residual blocks), each factored and plain.
func BenchmarkStep(b *testing.B) {
	g := mustGraph(b, formula())
	queries := make([]Query, 512)
	for i := range queries {
		at := int64(15000+i*7%9000) * day
		queries[i] = Query{Row: int32(i * 13 % 850), Cut: at, Anchor: at}
	}
	for _, c := range []struct {
		name   string
		config Config
	}{
		{"default", Config{Outputs: 1}},
		{"128", Config{Outputs: 1, Width: 128, FanOut: []int{128, 64}, Strategy: "uniform", Aggregate: "sum"}},
		{"reference", Config{Outputs: 1, Width: 128, FanOut: []int{128, 64}, Strategy: "uniform", Aggregate: "sum", Blocks: 4}},
	} {
		for _, plan := range []string{PlanPlain, PlanFactored} {
			c.config.Plan = plan
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("%s/%s/threads=%d", c.name, plan, threads), func(b *testing.B) {
					benchmarkStep(b, mustBind(b, mustNew(b, c.config, g, 15000*day), g, threads), queries, threads)
				})
			}
		}
	}
}

func benchmarkStep(b *testing.B, bound *Bound, queries []Query, threads int) {
	pool := tensor.NewPool(threads)
	scorer, err := bound.NewScorer(ingest.TimeRule{}, pool)
	if err != nil {
		b.Fatal(err)
	}
	batch := scorer.Sample(queries)
	copies, edges := batch.Size()
	anchors := anchorsOf(queries)
	t := tensor.NewTape(pool)
	pass := bound.NewPass(t)
	step := func() {
		t.Reset()
		bound.Params.ZeroGrad()
		out := pass.Forward(batch, Seeds{Anchor: anchors, Drop: 7})
		t.Backward(t.MeanAll(t.Mul(out, out)))
	}
	step()
	step() // the arenas have their final size
	b.ReportAllocs()
	used := cpuTime()
	for b.Loop() {
		step()
	}
	b.ReportMetric((cpuTime()-used).Seconds()*1e3/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(copies), "copies")
	b.ReportMetric(float64(edges), "edges")
}

// cpuTime is what the process has used: on a shared machine it says more than the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
