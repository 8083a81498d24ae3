// Package asof owns the as-of features of a seed: what its entity and the entity's
// child rows looked like at the feature cut, as one flat row of numbers with names
// that a person reads. Every read asks the time rule, so a feature never depends on a
// row that is not visible at the cut.
package asof

import (
	"fmt"
	"math"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
)

// Query asks for the features of one entity row at one cut. The anchor, of which only
// calendar and distance are read, may lie later.
type Query struct {
	Row         int32
	Cut, Anchor int64 // microseconds UTC
}

// Options configures [New].
type Options struct {
	Entity    int             // entity table
	HalfLives []float64       // days
	Rule      ingest.TimeRule // which rows a cut may see
	At        int64           // of [NewWide]: what features there are is judged by the rows visible then
	// Own tells [NewWide] that entity rows are asked about at their own times, as those of a
	// target without window are: rows that share parents with them, and rows of their own
	// time, say more then than what lies below them.
	Own bool
	// Whole tells [NewWide], over a part of a database, what only the whole of it shows; nil =
	// the graph is the whole.
	Whole *Whole
}

// Plan knows which features there are. It is immutable and safe for concurrent use.
//
// The features of (row, cut) are, in this order: the entity's own dense features and its
// most frequent categories as 0 and 1; log(1 + days) since the entity's own time; and per
// foreign key that points to the entity and per half-life the decayed mean of every dense
// feature and of the most frequent categories of the child table, drawn to 0 as if by half
// a child more, and the log of the decayed count; and once per foreign key log(1 + days
// since the latest child). All values come from the encoders, so they are scaled and
// their statistics look no further than the encoders' own cut.
type Plan struct {
	Names  []string
	Tables []string // whose rows each feature tells of

	opt      Options
	g        *graph.Graph
	own      *encode.Features
	ownCodes encode.Chosen
	children []child
}

// child is one foreign key that points to the entity table.
type child struct {
	edge  int
	table *ingest.Table
	feat  *encode.Features
	codes encode.Chosen
}

// mostCodes is how many codes of a categorical column become features: NULL, other, and
// the most frequent values.
const mostCodes = 14

// noChildDays stands for "never" in days since the latest child.
const noChildDays = 10_000

const dayMicros = 86_400_000_000

// New plans the features over g, with enc the fitted encoder of each table (nil for
// tables that take no part).
func New(g *graph.Graph, enc []*encode.Table, opt Options, pool *tensor.Pool) (*Plan, error) {
	p := &Plan{opt: opt, g: g}
	entity := g.Snap.Tables[opt.Entity]
	var err error
	if p.own, err = enc[opt.Entity].Features(pool, entity); err != nil {
		return nil, err
	}
	p.ownCodes = enc[opt.Entity].Choose(mostCodes)
	p.Names = append(denseNames(p.Names, enc[opt.Entity], "%s.%s"), p.ownCodes.Names...)
	p.Names = append(p.Names, "age of "+entity.Def.Name)
	p.of(entity)
	for i, e := range g.Edges {
		if e.Rev || e.Dst != opt.Entity || enc[e.Src] == nil {
			continue
		}
		c := child{edge: i, table: g.Snap.Tables[e.Src], codes: enc[e.Src].Choose(mostCodes)}
		if c.feat, err = enc[e.Src].Features(pool, c.table); err != nil {
			return nil, err
		}
		p.nameChild(&c, enc[e.Src])
		p.of(c.table)
		p.children = append(p.children, c)
	}
	return p, nil
}

// of notes whose rows the latest names tell of.
func (p *Plan) of(t *ingest.Table) {
	for len(p.Tables) < len(p.Names) {
		p.Tables = append(p.Tables, t.Def.FullName())
	}
}

// addCodes adds weight to the slot of each chosen category of a row.
func addCodes(c *encode.Chosen, r *encode.Row, weight float64, to []float64) {
	for _, code := range r.Codes {
		if at := c.At[code.ID]; at >= 0 {
			to[at] += weight
		}
	}
}

// nameChild names the features of one foreign key.
func (p *Plan) nameChild(c *child, enc *encode.Table) {
	via := p.g.Edges[c.edge].Name
	for _, h := range p.opt.HalfLives {
		suffix := fmt.Sprintf(" (%s), half-life %g d", via, h)
		for _, n := range denseNames(nil, enc, "mean %s.%s") {
			p.Names = append(p.Names, n+suffix)
		}
		for _, n := range c.codes.Names {
			p.Names = append(p.Names, "share "+n+suffix)
		}
		p.Names = append(p.Names, "count "+enc.Name+suffix)
	}
	p.Names = append(p.Names, fmt.Sprintf("days since last %s (%s)", enc.Name, via))
}

func denseNames(to []string, enc *encode.Table, format string) []string {
	for _, c := range enc.Columns {
		dense, _ := c.Encoder.Shape()
		for k := range dense {
			name := fmt.Sprintf(format, enc.Name, c.Name)
			if k > 0 {
				name += fmt.Sprintf("[%d]", k)
			}
			to = append(to, name)
		}
	}
	return to
}

// queryGrain is the fixed number of queries in one block of work.
const queryGrain = 64

// Features returns queries x len(Names), row-major. Cost: the number of visible child
// rows times the columns.
func (p *Plan) Features(pool *tensor.Pool, queries []Query) []float64 {
	width := len(p.Names)
	out := make([]float64, len(queries)*width)
	pool.Run(len(queries), queryGrain, func(lo, hi int) {
		var r encode.Row
		for i := lo; i < hi; i++ {
			p.row(queries[i], out[i*width:(i+1)*width], &r)
		}
	})
	return out
}

func (p *Plan) row(q Query, out []float64, r *encode.Row) {
	p.own.Read(q.Row, r)
	for i, v := range r.Dense {
		out[i] = float64(v)
	}
	at := len(r.Dense)
	addCodes(&p.ownCodes, r, 1, out[at:])
	at += len(p.ownCodes.Names)
	if t := p.g.Snap.Tables[p.opt.Entity].TimeOf(q.Row); t != ingest.Always && p.opt.Rule.Visible(t, q.Cut) {
		out[at] = math.Log1p(float64(q.Cut-t) / dayMicros)
	}
	at++
	for i := range p.children {
		at += p.children[i].fill(p, q, out[at:], r)
	}
}

// fill writes the features of one foreign key and returns how many there are.
func (c *child) fill(p *Plan, q Query, out []float64, r *encode.Row) int {
	dense := c.feat.Width()
	block := dense + len(c.codes.Names) + 1
	latest := float64(noChildDays)
	for _, row := range p.g.Children(c.edge, q.Row, p.opt.Rule, q.Cut) {
		if !c.table.VisibleAt(p.opt.Rule, row, q.Cut) {
			continue
		}
		days := 0.0
		if c.table.Times != nil {
			days = float64(q.Cut-c.table.Times[row]) / dayMicros
		}
		latest = min(latest, days)
		c.feat.Read(row, r)
		for k, half := range p.opt.HalfLives {
			w := math.Exp2(-days / half)
			sums := out[k*block : (k+1)*block]
			for j, v := range r.Dense {
				sums[j] += w * float64(v)
			}
			addCodes(&c.codes, r, w, sums[dense:])
			sums[block-1] += w
		}
	}
	for k := range p.opt.HalfLives {
		sums := out[k*block : (k+1)*block]
		n := sums[block-1]
		for j := range sums[:block-1] {
			sums[j] /= n + 0.5
		}
		sums[block-1] = math.Log(n + 0.05)
	}
	n := len(p.opt.HalfLives) * block
	out[n] = math.Log1p(latest)
	return n + 1
}
