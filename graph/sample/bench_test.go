package sample_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/graph/sample"
)

// shop builds users, items and facts that link both; fact times ascend with the row
// number and run from 0 to 1000. A user has few facts or many: the numbers are skewed.
func shop(users, items, facts int) *world {
	w := newWorld()
	w.table("users", users, nil, nil)
	w.table("items", items, nil, nil)
	times, user, item := make([]int64, facts), make([]int32, facts), make([]int32, facts)
	draws := sample.Stream(7)
	for i := range facts {
		times[i] = int64(i) * 1000 / int64(facts)
		u := draws.Below(uint64(3*i), uint64(users))
		if draws.Draw(uint64(3*i+1))%4 == 0 {
			u = u * u / uint64(users) // one in four goes to the lower numbers
		}
		user[i], item[i] = int32(u), int32(draws.Below(uint64(3*i+2), uint64(items)))
	}
	f := w.table("facts", facts, times, nil)
	w.link(f, 0, "user_id", user)
	w.link(f, 1, "item_id", item)
	return w
}

// large is 1 M entities with 20 M facts, built once for all benchmarks.
var large = sync.OnceValue(func() *graph.Graph {
	g, err := graph.Build(shop(1_000_000, 100_000, 20_000_000).snap)
	if err != nil {
		panic(err)
	}
	return g
})

func BenchmarkSample(b *testing.B) {
	for _, c := range []struct {
		name  string
		fan   []int
		users int
		graph func() *graph.Graph
	}{
		{"20M/children", []int{128}, 1_000_000, large},
		{"20M/children+parents", []int{128, 0}, 1_000_000, large},
		{"20M/three hops", []int{64, 32, 16}, 1_000_000, large},
		// The size of rel-f1: 900 drivers, 1,100 races, 26,000 results.
		{"26k/three hops", []int{128, 64, 16}, 900, func() *graph.Graph { return shop(900, 1100, 26_000).graph(b) }},
	} {
		if testing.Short() && c.users > 1000 {
			continue // needs 1 GB of memory
		}
		g := c.graph()
		for _, strategy := range sample.Strategies() {
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("%s/%s/threads=%d", c.name, strategy, threads), func(b *testing.B) {
					measure(b, mustNew(b, g, sample.Options{FanOut: c.fan, Strategy: strategy, HalfLife: 100, Seed: 1, Threads: threads}), c.users)
				})
			}
		}
	}
}

// measure reports rates of batches of 512 seeds at a moment when nine tenths of the
// facts are known.
func measure(b *testing.B, s *sample.Sampler, users int) {
	draws := sample.Stream(11)
	seeds := make([]sample.Seed, 512)
	var batch sample.Batch
	total, rows, key := 0, 0, uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		for i := range seeds {
			key++
			seeds[i] = sample.Seed{Row: int32(draws.Below(key, uint64(users))), At: 900, Key: key}
		}
		s.SampleInto(&batch, seeds, 0)
		copies, edges := batch.Size()
		total, rows = total+edges, rows+copies
	}
	b.ReportMetric(float64(total)/b.Elapsed().Seconds()/1e6, "Medges/s")
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds()/1e6, "Mcopies/s")
	b.ReportMetric(float64(total)/float64(b.N)/512, "edges/seed")
}
