package bench

import (
	"slices"
	"sync"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/graph/sample"
)

const (
	synthEntities = 1_000_000
	synthFacts    = 20_000_000
	synthSeeds    = 200 * samplerBatch
	secondMicros  = 1_000_000
	synthSpan     = 10 * 365 * 86_400 // seconds
)

// synthGraph is built once: it takes about ten seconds and 500 MB.
var synthGraph = sync.OnceValues(func() (*graph.Graph, error) {
	draws := sample.Stream(0)
	times, entity := make([]int64, synthFacts), make([]int32, synthFacts)
	for i := range times {
		times[i] = int64(draws.Below(uint64(2*i), synthSpan)) * secondMicros
		entity[i] = int32(draws.Below(uint64(2*i+1), synthEntities))
	}
	slices.Sort(times)
	l := newLinked()
	to := l.table("ent", synthEntities, nil)
	l.link(l.table("fact", synthFacts, times), to, "ent", entity)
	return graph.Build(l.snap)
})

// synthLoad draws seeds over all entities at moments in the second half of the facts.
func synthLoad(fan []int) (*samplerLoad, error) {
	g, err := synthGraph()
	if err != nil {
		return nil, err
	}
	l := &samplerLoad{graph: g, fan: fan, seeds: make([]sample.Seed, synthSeeds)}
	draws := sample.Stream(1)
	for i := range l.seeds {
		at := synthSpan/2 + draws.Below(uint64(2*i), synthSpan/2)
		l.seeds[i] = sample.Seed{Row: int32(draws.Below(uint64(2*i+1), synthEntities)), At: int64(at) * secondMicros, Key: uint64(i)}
	}
	return l, nil
}
