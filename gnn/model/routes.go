package model

import (
	"slices"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph/sample"
)

// routes calls f for every way of two steps that a layer whose destinations are of the given
// node types can take: over an edge type that is not functional, and on over another
// foreign key of its rows. Both are positions in edges, where the two directions of a
// foreign key stand side by side.
func routes(edges []conv.EdgeType, dst []bool, f func(first, second int)) {
	for i, e := range edges {
		if e.Functional || !dst[e.Dst] {
			continue
		}
		for k, far := range edges {
			if far.Functional && far.Dst == e.Src && k != i^1 {
				f(i, k)
			}
		}
	}
}

// reach tells which node types have rows that a model of the config encodes: those within
// its hops and, for a layer that reads parents, the far ends of the last hop's routes.
func (c Config) reach(edges []conv.EdgeType, types, entity int) []bool {
	out := Reach(edges, types, entity, len(c.FanOut))
	if conv.ReadsParents(c.Layer) {
		routes(edges, Reach(edges, types, entity, len(c.FanOut)-1), func(_, second int) { out[edges[second].Src] = true })
	}
	return out
}

// readFar reads the far ends of all routes from the graph, for every copy whose foreign
// key they are, where the time rule lets the copy's seed see them: what a sampler with one
// hop more would find. They are encoded apart from the batch's own rows.
func (p *Pass) readFar(batch *sample.Batch, drop uint64) {
	b := p.bound
	for i, e := range b.far {
		if b.input[b.Edges[e].Src] == nil {
			continue
		}
		d := parentReader{p: p, batch: batch, edge: e, dst: &batch.Nodes[b.Edges[e].Dst], from: b.Graph.Snap.Tables[b.Edges[e].Src]}
		rows := p.tape.Ints(len(d.dst.Rows))
		d.direct(rows, 0)
		p.far[i] = p.encodeFar(&d, rows, tensor.Hash64(drop, uint64(len(b.Types)+e)))
	}
}

// encodeFar gives far ends their vectors: each row once.
func (p *Pass) encodeFar(d *parentReader, rows []int32, drop uint64) conv.Far {
	t, src := p.tape, p.bound.Edges[d.edge].Src
	distinct := t.Ints(len(rows))
	copy(distinct, rows)
	slices.Sort(distinct)
	distinct = slices.Compact(distinct)
	if len(distinct) > 0 && distinct[0] < 0 {
		distinct = distinct[1:]
	}
	f := conv.Far{Of: t.Ints(len(rows))}
	for c, row := range rows {
		at, found := slices.BinarySearch(distinct, row)
		if f.Of[c] = int32(at); !found {
			f.Of[c] = -1
		}
	}
	if len(distinct) == 0 {
		return f
	}
	r := p.bound.input[src]
	f.X = p.farRows(src, distinct, drop)
	if r.time != nil {
		f.TeOf = t.Ints(len(rows))
		for c, row := range rows {
			f.TeOf[c] = int32(c) | row>>31 // -1 for no parent
		}
		ages, _ := d.ages(rows)
		f.Te, f.T = t.AgeTerms(t.Days(ages), r.scales), r.time.Var(t)
	}
	return f
}

// farRows encodes rows of a node type, or reads them where tables hold them.
func (p *Pass) farRows(typ int, rows []int32, drop uint64) *tensor.Var {
	b, t := p.bound, p.tape
	if p.tables == nil || !p.tables.types[typ].held {
		return t.Dropout(b.input[typ].rows(t, b.features[typ], rows), b.Config.Dropout, drop)
	}
	table := p.tables.types[typ].rows
	if whole, ok := t.Whole(table); ok {
		return t.GatherRows(whole, rows)
	}
	return t.Lookup(table, rows)
}
