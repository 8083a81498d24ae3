// Package sample owns which past neighbours a seed may see: it draws, for a batch of
// seeds, one subgraph per seed out of the rows that are visible at the seed's moment.
// Every comparison of a row time with that moment is made by ingest.TimeRule.
package sample

import (
	"errors"
	"fmt"
	"runtime"

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
	Strategy string          // which children are read when there are more: "uniform" (default), "latest" or "recency"
	Seed     uint64          // of all draws
	Rule     ingest.TimeRule // who is visible
	Edges    []bool          // per edge type: whether it is walked; nil = all
	Window   int64           // microseconds: children this old or older are not read; 0 = of any age
	HalfLife int64           // microseconds: of "recency", which needs it

	NoDistinct bool // leave Distinct and CopyOf of a batch as they are
	Threads    int  // at most; 0 = GOMAXPROCS. Never changes a result
}

// Sampler draws subgraphs of one graph. It is immutable and safe for concurrent use,
// each caller with a batch of its own.
type Sampler struct {
	g    *graph.Graph
	opt  Options
	pick Strategy
	plan plan
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
	if c, ok := pick.(checked); ok {
		if err := c.check(&o); err != nil {
			return nil, fmt.Errorf("sampler options: %w", err)
		}
	}
	s := &Sampler{g: g, opt: o, pick: pick}
	s.plan = s.newPlan()
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
	if o.Window < 0 {
		fault("Window is %d, want 0 (children of any age) or more", o.Window)
	}
	if o.Edges != nil && len(o.Edges) != len(g.Edges) {
		fault("Edges has %d entries, want one for each of %d edge types", len(o.Edges), len(g.Edges))
	}
	return errors.Join(errs...)
}

// Sample draws the subgraphs of the seeds into a new batch; see [Sampler.SampleInto].
func (s *Sampler) Sample(seeds []Seed, epoch uint64) *Batch {
	b := new(Batch)
	s.SampleInto(b, seeds, epoch)
	return b
}

// SampleInto draws the subgraphs of the seeds into b, reusing its memory: what b held
// before is overwritten, and in steady state nothing is allocated.
//
// The subgraph of a seed is a pure function of Options.Seed, the epoch, the seed and
// the rows that it may see. It depends neither on the other seeds of the batch nor on
// row numbers, nor on rows that are not visible, nor on the number of threads. The row
// of the seed itself is part of it even when it is not visible: that is the caller's
// decision. A seed whose row number is out of range is a bug and panics.
func (s *Sampler) SampleInto(b *Batch, seeds []Seed, epoch uint64) {
	s.sampleInto(b, seeds, epoch, s.opt.Threads)
}

func (s *Sampler) sampleInto(b *Batch, seeds []Seed, epoch uint64, threads int) {
	rows := s.g.Snap.Tables[s.opt.Entity].Rows
	for i, seed := range seeds {
		if seed.Row < 0 || int(seed.Row) >= rows {
			panic(fmt.Sprintf("sample: seed %d is row %d of %d", i, seed.Row, rows))
		}
	}
	b.reset(s, seeds)
	if b.asm == nil {
		b.asm = newAssembly()
	}
	b.asm.run(s, b, epoch, threads)
}
