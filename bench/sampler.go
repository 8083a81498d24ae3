package bench

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/graph/sample"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// samplerBatch is the number of seeds per batch in both loads.
const samplerBatch = 512

// SamplerCase prepares a pass of the temporal sampler at the given number of threads,
// uniformly without replacement:
//
//	"f1"             rel-f1 up to the test anchor, one epoch of the training seeds of
//	                 driver-position, fan-out 128 then 64
//	"synth"          1 M entities x 20 M facts, 102,400 seeds, fan-out 128: children only
//	"synth+parents"  the same and a second hop, in which the facts read their entity
//
// A pass draws every batch of 512 once, as many batches at a time as there are threads,
// and returns the edges that were written: of each
// edge type and hop, one per (copy, neighbour) pair, also where the neighbour is a copy
// that was there already. pyg-lib's row and col arrays list the same pairs. Beside
// edges a batch holds rows, seeds and ages of all copies; distinct rows are left out.
func SamplerCase(load string, threads int) (pass func() (edges int64), err error) {
	l, err := samplerLoadOf(load)
	if err != nil {
		return nil, err
	}
	s, err := sample.New(l.graph, sample.Options{Entity: l.entity, FanOut: l.fan, Seed: 1, Threads: threads, NoDistinct: true})
	if err != nil {
		return nil, err
	}
	series, epoch, edges := s.NewSeries(0), uint64(0), int64(0)
	count := func(b *sample.Batch) {
		_, n := b.Size()
		edges += int64(n)
	}
	return func() int64 {
		edges = 0
		epoch++
		series.Each(l.seeds, samplerBatch, epoch, count)
		return edges
	}, nil
}

// samplerLoad is a graph with seeds in random order.
type samplerLoad struct {
	graph  *graph.Graph
	entity int
	fan    []int
	seeds  []sample.Seed
}

func samplerLoadOf(name string) (*samplerLoad, error) {
	switch name {
	case "f1":
		return f1Load()
	case "synth":
		return synthLoad([]int{128})
	case "synth+parents":
		return synthLoad([]int{128, 1})
	}
	return nil, fmt.Errorf("unknown load %q (have f1, synth, synth+parents)", name)
}

// shuffle puts the seeds in a random order that is the same in every run.
func (l *samplerLoad) shuffle() {
	draws := sample.Stream(3)
	slices.SortFunc(l.seeds, func(a, b sample.Seed) int { return cmp.Compare(draws.Draw(a.Key), draws.Draw(b.Key)) })
}

// linked is a snapshot of rows, times and links without columns: all that sampling reads.
type linked struct{ snap *ingest.Snapshot }

func newLinked() *linked { return &linked{&ingest.Snapshot{Schema: &schema.Schema{}}} }

// table adds a table; times is nil for one without row times.
func (l *linked) table(name string, rows int, times []int64) int {
	def := &schema.Table{Name: name, Columns: []schema.Column{{Name: "id"}}, Key: []int{0}}
	if times != nil {
		def.Columns = append(def.Columns, schema.Column{Name: "date", Kind: schema.Time})
		def.Time = &schema.RowTime{Column: 1, Via: -1, Until: -1}
	}
	l.snap.Schema.Tables = append(l.snap.Schema.Tables, def)
	l.snap.Tables = append(l.snap.Tables, &ingest.Table{Def: def, Rows: rows, Times: times})
	return len(l.snap.Tables) - 1
}

// link adds a foreign key of table child to table to; parents holds row numbers.
func (l *linked) link(child, to int, column string, parents []int32) {
	t := l.snap.Tables[child]
	t.Def.Columns = append(t.Def.Columns, schema.Column{Name: column})
	t.Def.Links = append(t.Def.Links, schema.Link{Columns: []int{len(t.Def.Columns) - 1}, To: to, Ref: []int{0}})
	t.Parents = append(t.Parents, parents)
}
