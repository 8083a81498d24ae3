package model

import (
	"fmt"

	"github.com/rowlink/rowlink/ingest"
)

// Choice says how queries are scored: each on a sampled subgraph of its own, or all of them
// layer by layer.
type Choice struct {
	Layerwise *Layerwise // nil = sampled
	Queries   int
	Copies    int // of rows that layers before the last would compute on sampled subgraphs, by estimate
	Rows      int // the most rows that they compute layer by layer
	Reason    string
}

// String says it in a line.
func (c *Choice) String() string {
	how := "sampled"
	if c.Layerwise != nil {
		how = "layer by layer"
	}
	return fmt.Sprintf("%d queries scored %s: %s", c.Queries, how, c.Reason)
}

const (
	// pilot is how many queries are sampled to learn how many copies a query has.
	pilot = 64
	// layerCost is what a row costs layer by layer, in copies of a sampled subgraph: its
	// neighbours are read twice, and its vector goes through memory.
	layerCost = 2
	// countShare: counting the visible rows of a table pays when it has fewer rows than so
	// many times the copies.
	countShare = 8
	// layerBytes bounds the memory for vectors of rows.
	layerBytes = 2 << 30
)

// Choose weighs both ways for the queries, by what is visible at their cut. Outputs do not
// depend on the choice.
func (s *Shards) Choose(queries []Query) *Choice {
	c := &Choice{Queries: len(queries)}
	b := s.bound
	if c.Reason = s.sampledOnly(queries); c.Reason != "" {
		return c
	}
	seen, entities := make([]bool, b.Graph.Snap.Tables[b.Entity].Rows), 0
	for _, q := range queries {
		if !seen[q.Row] {
			seen[q.Row] = true
			entities++
		}
	}
	cut := queries[0].Cut
	for typ, copies := range s.copies(queries) {
		c.Copies += int(copies * float64(len(queries)))
		rows := copies * float64(entities)
		if float64(b.Graph.Snap.Tables[typ].Rows) < countShare*rows {
			rows = min(rows, float64((len(b.layers)-1)*b.visible(s.rule, typ, cut)))
		}
		c.Rows += int(rows)
	}
	if bytes := int64(c.Rows) * int64(b.Config.Width) * realBytes; bytes > layerBytes {
		c.Reason = fmt.Sprintf("the vectors of %d rows would take %d GB", c.Rows, bytes>>30)
		return c
	}
	if c.Rows*layerCost >= c.Copies {
		c.Reason = fmt.Sprintf("%d rows have %d copies", c.Rows, c.Copies)
		return c
	}
	l, err := b.NewLayerwise(s.rule, cut, s.Tables(), s.pool)
	if err != nil {
		c.Reason = err.Error()
		return c
	}
	c.Layerwise, c.Reason = l, fmt.Sprintf("%d rows instead of %d copies", c.Rows, c.Copies)
	return c
}

// sampledOnly says what keeps the queries from being scored together.
func (s *Shards) sampledOnly(queries []Query) string {
	if s.Sampled {
		return "asked for"
	}
	if len(queries) <= pilot || len(s.bound.layers) == 1 {
		return "few queries, or one layer"
	}
	for _, q := range queries {
		if q.Cut != queries[0].Cut {
			return "their cuts differ"
		}
	}
	return ""
}

// copies estimates how many copies of each node type a query has that layers before the
// last compute, each counted once per layer.
func (s *Shards) copies(queries []Query) []float64 {
	one := s.Scorer()
	defer s.Return(one)
	some := make([]Query, pilot)
	for i := range some {
		some[i] = queries[i*len(queries)/pilot]
	}
	batch, layers := one.Sample(some), len(s.bound.layers)
	out := make([]float64, len(batch.Nodes))
	for typ := range out {
		for l := range layers - 1 {
			out[typ] += float64(batch.Nodes[typ].HopEnd[layers-1-l]) / pilot
		}
	}
	return out
}

// visible counts the rows of a table that are visible at the cut: O(rows).
func (b *Bound) visible(rule ingest.TimeRule, typ int, cut int64) int {
	t, n := b.Graph.Snap.Tables[typ], 0
	for row := range int32(t.Rows) {
		if t.VisibleAt(rule, row, cut) {
			n++
		}
	}
	return n
}
