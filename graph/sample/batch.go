package sample

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
)

// Batch holds the subgraphs of a batch of seeds side by side. They share nothing:
// a copy stands for one row within the subgraph of one seed, and a row that is reached
// twice within a seed is one copy. The zero value is ready for [Sampler.SampleInto],
// which owns all memory of the batch until the next call.
type Batch struct {
	Seeds []Seed
	Nodes []NodeSet // per table
	Edges []EdgeSet // per edge type

	Rule ingest.TimeRule // by which the copies are visible

	g    *graph.Graph
	hops int
	asm  *assembly // memory that the next call uses again
}

// NodeSet holds the copies of rows of one table, ordered by the hop that found them,
// then by seed, then by discovery. Copy i of the entity table is seed i.
type NodeSet struct {
	Rows   []int32 // row number of each copy
	SeedOf []int32 // batch position of the seed of each copy
	Age    []int64 // microseconds from the row's time to the seed's; 0 when Timed is false or the row is not visible
	HopEnd []int   // hops+1 long: the copies found up to hop h are those before HopEnd[h]
	Timed  bool    // whether the table has row times

	Distinct []int32 // the rows among the copies, each once, ascending
	CopyOf   []int32 // of each copy: its row is Distinct[CopyOf[i]]
}

// EdgeSet holds the edges of one edge type by destination: copy d of table Dst reads
// the copies Src[Ptr[d]:Ptr[d+1]] of table Src, in time order, ties by row number.
// Destinations are the copies before HopEnd[hops-1] of table Dst: those of the last
// hop read nothing. An edge type that is not walked has no edges.
type EdgeSet struct {
	Ptr    []int32
	Src    []int32
	Parent []int32 // of a functional type, per destination: the one copy that it reads, or -1; else nil
}

// Hops returns the number of hops of the batch.
func (b *Batch) Hops() int { return b.hops }

// Size returns the number of copies and of edges.
func (b *Batch) Size() (copies, edges int) {
	for t := range b.Nodes {
		copies += len(b.Nodes[t].Rows)
	}
	for e := range b.Edges {
		edges += len(b.Edges[e].Src)
	}
	return copies, edges
}

// reset prepares b for the seeds.
func (b *Batch) reset(s *Sampler, seeds []Seed) {
	if b.g != s.g {
		*b = Batch{g: s.g}
	}
	b.hops, b.Rule = len(s.opt.FanOut), s.opt.Rule
	b.Seeds = append(b.Seeds[:0], seeds...)
	b.Nodes, b.Edges = resize(b.Nodes, len(s.g.Snap.Tables)), resize(b.Edges, len(s.g.Edges))
	for t := range b.Nodes {
		b.Nodes[t].Timed = s.g.Snap.Tables[t].Times != nil
	}
}

// resize returns s with length n, keeping what the elements held for reuse.
func resize[T any](s []T, n int) []T {
	if n > cap(s) {
		s = append(s[:cap(s)], make([]T, n-cap(s))...)
	}
	return s[:n]
}

// String prints every copy and edge, for tests and the curious.
func (b *Batch) String() string {
	var out strings.Builder
	for t, n := range b.Nodes {
		if len(n.Rows) == 0 {
			continue
		}
		fmt.Fprintf(&out, "%s: %d copies of %d rows\n", b.g.Snap.Tables[t].Def.FullName(), len(n.Rows), len(n.Distinct))
		for i, row := range n.Rows {
			hop, _ := slices.BinarySearch(n.HopEnd, i+1)
			fmt.Fprintf(&out, "  %d: row %d, seed %d, hop %d", i, row, n.SeedOf[i], hop)
			if n.Timed {
				fmt.Fprintf(&out, ", age %d", n.Age[i])
			}
			out.WriteByte('\n')
		}
	}
	for e, set := range b.Edges {
		if len(set.Src) == 0 {
			continue
		}
		fmt.Fprintf(&out, "%s: %d edges\n", b.g.Label(e), len(set.Src))
		for d := range len(set.Ptr) - 1 {
			if src := set.Src[set.Ptr[d]:set.Ptr[d+1]]; len(src) > 0 {
				fmt.Fprintf(&out, "  %d <- %v\n", d, src)
			}
		}
	}
	return out.String()
}
