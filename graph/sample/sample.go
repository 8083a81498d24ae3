// Package sample owns which past neighbours a seed may see: it draws, for a batch of
// seeds, one subgraph per seed out of the rows that are visible at the seed's moment.
// Every comparison of a row time with that moment is made by ingest.TimeRule.
package sample

import (
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
)

// MaxHops is the most hops that a sampler takes; it comes from the packing of codes.
const MaxHops = 1<<(32-codeBits) - 1

// Seed asks for the subgraph of one row of the entity table at one moment.
type Seed struct {
	Row int32  // row number in the entity table
	At  int64  // feature cut, microseconds UTC: rows that are not visible then do not exist
	Key uint64 // identity of the example that survives new rows, for example a hash of (entity key, anchor)
}

// Options says what a sampler reads. FanOut is needed; the zero value of every other
// field is usable.
type Options struct {
	Entity   int             // table of the seeds
	FanOut   []int           // per hop: most children read per row and edge type; -1 = all; length = hops
	PerEdge  map[int][]int   // by edge type: replaces FanOut for it; 0 stops a functional one too
	Strategy string          // which children are read when there are more: "uniform" (default) or "latest"
	Seed     uint64          // of all draws
	Rule     ingest.TimeRule // who is visible
	Edges    []bool          // per edge type: whether it is walked; nil = all
	Threads  int             // at most; 0 = GOMAXPROCS. Never changes a result
}

// Sampler draws subgraphs of one graph. It is immutable and safe for concurrent use,
// each caller with a batch of its own.
type Sampler struct {
	g     *graph.Graph
	opt   Options
	pick  Strategy
	edges []edge  // per edge type
	hops  [][]int // per hop, from 0: tables whose copies of the hop before are expanded
}

// edge is one edge type as the sampler reads it.
type edge struct {
	on, rev bool
	src     int
	from    *ingest.Table // table src
	list    *graph.List   // of a type that reads children
	parents []int32       // of a functional type
	fan     []int         // per hop; -1 = all
}

// New returns a sampler over g. The error lists all faults of the options.
func New(g *graph.Graph, o Options) (*Sampler, error) {
	if o.Strategy == "" {
		o.Strategy = "uniform"
	}
	if o.Threads <= 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	if err := o.validate(g); err != nil {
		return nil, fmt.Errorf("sampler options: %w", err)
	}
	pick, err := strategies.Get(o.Strategy)
	if err != nil {
		return nil, fmt.Errorf("sampler options: %w", err)
	}
	s := &Sampler{g: g, opt: o, pick: pick, edges: make([]edge, len(g.Edges))}
	for i, t := range g.Edges {
		e := edge{on: o.Edges == nil || o.Edges[i], rev: t.Rev, src: t.Src, from: g.Snap.Tables[t.Src], fan: o.FanOut}
		if f, ok := o.PerEdge[i]; ok {
			e.fan = f
		}
		if t.Rev {
			e.parents = g.Parents(i)
		} else {
			e.list = g.List(i)
		}
		s.edges[i] = e
	}
	s.reach()
	return s, nil
}

func (o *Options) validate(g *graph.Graph) error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	tables := g.Snap.Tables
	switch {
	case o.Entity < 0 || o.Entity >= len(tables):
		fault("Entity is %d, want a table number below %d", o.Entity, len(tables))
	case tables[o.Entity].Def.Ignore:
		fault("Entity is table %q, which is ignored", tables[o.Entity].Def.FullName())
	}
	if len(o.FanOut) == 0 || len(o.FanOut) > MaxHops {
		fault("FanOut has %d hops, want 1 to %d", len(o.FanOut), MaxHops)
	}
	check := func(name string, fan []int) {
		for h, k := range fan {
			if k < -1 {
				fault("%s of hop %d is %d, want -1 (all) or more", name, h+1, k)
			}
		}
	}
	check("FanOut", o.FanOut)
	for e := range o.PerEdge {
		if e < 0 || e >= len(g.Edges) {
			fault("PerEdge names edge type %d of %d", e, len(g.Edges))
		}
	}
	for e := range g.Edges {
		if fan, ok := o.PerEdge[e]; ok {
			if len(fan) != len(o.FanOut) {
				fault("PerEdge of %q has %d hops, want %d", g.Label(e), len(fan), len(o.FanOut))
			}
			check(fmt.Sprintf("PerEdge of %q", g.Label(e)), fan)
		}
	}
	if o.Edges != nil && len(o.Edges) != len(g.Edges) {
		fault("Edges has %d entries, want one for each of %d edge types", len(o.Edges), len(g.Edges))
	}
	return errors.Join(errs...)
}

// reads tells whether the edge type is walked in hop h, counted from 0. A functional
// type follows its one parent whatever FanOut is, unless its own fan-out is 0.
func (s *Sampler) reads(e, h int) bool {
	if !s.edges[e].on {
		return false
	}
	if s.edges[e].rev {
		own, ok := s.opt.PerEdge[e]
		return !ok || own[h] != 0
	}
	return s.edges[e].fan[h] != 0
}

// reach finds for each hop the tables that can hold copies of the hop before it.
func (s *Sampler) reach() {
	now := []int{s.opt.Entity}
	for h := range s.opt.FanOut {
		s.hops = append(s.hops, now)
		var next []int
		for _, t := range now {
			for _, e := range s.g.Into[t] {
				if s.reads(e, h) {
					next = append(next, s.edges[e].src)
				}
			}
		}
		slices.Sort(next)
		now = slices.Compact(next)
	}
}

// Sample draws the subgraphs of the seeds into a new batch; see [Sampler.SampleInto].
func (s *Sampler) Sample(seeds []Seed, epoch uint64) *Batch {
	b := new(Batch)
	s.SampleInto(b, seeds, epoch)
	return b
}

// SampleInto draws the subgraphs of the seeds into b, reusing its memory: what b held
// before is overwritten, and in steady state next to nothing is allocated.
//
// The subgraph of a seed is a pure function of Options.Seed, the epoch, the seed and
// the rows that it may see. It depends neither on the other seeds of the batch nor on
// row numbers, nor on rows that are not visible, nor on the number of threads. The row
// of the seed itself is part of it even when it is not visible: that is the caller's
// decision. A seed whose row number is out of range is a bug and panics.
func (s *Sampler) SampleInto(b *Batch, seeds []Seed, epoch uint64) {
	rows := s.g.Snap.Tables[s.opt.Entity].Rows
	for i, seed := range seeds {
		if seed.Row < 0 || int(seed.Row) >= rows {
			panic(fmt.Sprintf("sample: seed %d is row %d of %d", i, seed.Row, rows))
		}
	}
	b.reset(s, seeds)
	parallel(s.opt.Threads, len(b.blocks), func(thread, i int) {
		b.workers[thread].run(s, b, i, epoch)
	})
	b.layout()
	parallel(s.opt.Threads, len(b.blocks), func(_, i int) { b.place(i) })
	parallel(s.opt.Threads, len(b.Nodes), func(_, t int) {
		b.Nodes[t].distinct(&b.sorts[t], s.g.Snap.Tables[t].Rows)
	})
}
