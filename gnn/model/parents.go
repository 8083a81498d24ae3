package model

import (
	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/graph/sample"
	"github.com/rowlink/rowlink/ingest"
)

// directParents gives the first layer the parents of its destinations as rows of tables.
// Those of the copies that the last hop but one found were not sampled: they are read
// from the graph where the time rule lets the seed see them, which is what the sampler
// does. It may be called where every row is held in a table that is read as it lies.
func (p *Pass) directParents(batch *sample.Batch, block *conv.Block) {
	b := p.bound
	for i, e := range b.layers[0].edges {
		if b.Edges[e].Functional {
			d := parentReader{p: p, batch: batch, edge: e, dst: &batch.Nodes[b.Edges[e].Dst], from: b.Graph.Snap.Tables[b.Edges[e].Src]}
			block.Edges[i].Parents = d.read()
		}
	}
}

// parentReader reads one edge type.
type parentReader struct {
	p     *Pass
	batch *sample.Batch
	edge  int
	dst   *sample.NodeSet
	from  *ingest.Table
}

func (d *parentReader) read() conv.Parents {
	t, hops := d.p.tape, d.batch.Hops()
	sampled, n := d.dst.HopEnd[hops-2], d.dst.HopEnd[hops-1]
	rows := t.Ints(n)
	d.sampled(rows[:sampled])
	d.direct(rows, sampled)
	out := conv.Parents{Rows: rows}
	r := d.p.in[d.p.bound.Edges[d.edge].Src]
	if r == nil || r.Te == nil || n == 0 {
		return out
	}
	out.TeOf = t.Ints(n)
	for c, row := range rows {
		out.TeOf[c] = int32(c) | row>>31 // -1 for no parent
	}
	ages, same := d.ages(rows)
	if own := d.p.in[d.p.bound.Edges[d.edge].Dst]; same && own.Te != nil {
		out.Te = own.Te
		return out
	}
	out.Te = t.AgeTerms(t.Days(ages), d.p.bound.Config.TimeScale)
	return out
}

// sampled fills in the rows of the parents that are copies of the batch.
func (d *parentReader) sampled(rows []int32) {
	parent, of := d.batch.Edges[d.edge].Parent, d.batch.Nodes[d.p.bound.Edges[d.edge].Src].Rows
	for c := range rows {
		if rows[c] = parent[c]; parent[c] >= 0 {
			rows[c] = of[parent[c]]
		}
	}
}

// direct fills in the others.
func (d *parentReader) direct(rows []int32, first int) {
	parents, times, rule := d.p.bound.Graph.Parents(d.edge), d.from.Times, d.batch.Rule
	for c := first; c < len(rows); c++ {
		row := parents[d.dst.Rows[c]]
		if row >= 0 && times != nil {
			at := d.batch.Seeds[d.dst.SeedOf[c]].At
			if !rule.Visible(times[row], at) || d.from.Until != nil && !d.from.VisibleAt(rule, row, at) {
				row = -1
			}
		}
		rows[c] = row
	}
}

// ages returns the age of each parent, and whether each is that of its child.
func (d *parentReader) ages(rows []int32) (ages []int64, same bool) {
	ages, times, same := d.p.micros(len(rows)), d.from.Times, d.dst.Timed
	for c, row := range rows {
		ages[c] = 0
		if row >= 0 {
			ages[c] = sample.Age(times[row], d.batch.Seeds[d.dst.SeedOf[c]].At)
			same = same && ages[c] == d.dst.Age[c]
		}
	}
	return ages, same
}

// micros returns room for n ages that lives until the next pass.
func (p *Pass) micros(n int) []int64 {
	if p.used+n > len(p.parentAges) {
		p.parentAges = make([]int64, 2*(p.used+n)) // earlier ones keep theirs
	}
	out := p.parentAges[p.used:][:n:n]
	p.used += n
	return out
}
