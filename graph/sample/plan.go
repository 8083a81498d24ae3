package sample

import (
	"slices"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
)

// plan is what a sampler knows before it sees a seed: the steps of each hop, in order,
// and what each of them may leave out.
type plan struct {
	hops   [][]step // per hop, from 0
	walked [][]bool // per hop, from 0, and edge type
	found  [][]int  // per hop, from 0 = the seeds: tables that can get copies in it, ascending
	seed   bool     // whether the seed's own row may be read again
	seeks  []bool   // per table: whether its rows are looked up
	paths  [][]bool // per hop and table: whether draws depend on the paths of its copies
}

// step reads one edge type in one hop, for all copies of table dst that the hop before
// found.
type step struct {
	edge, hop int // hop counts from 1
	dst, src  int // tables
	rev       bool
	want      int           // most children per copy; -1 = all
	from      *ingest.Table // table src
	list      *graph.List   // of a type that reads children
	parents   []int32       // of a functional type

	fresh bool // no row that it reads can have a copy yet
	alone bool // fresh, and no other step of the hop reads table src
	note  bool // a later step may read the rows that it finds once more
	back  bool // the next hop reads its link backwards, from the rows that it finds
	paths bool // the paths of the copies that it finds matter
	until bool // rows of src end: each child is asked
}

// reads tells whether the edge type is walked in hop h, counted from 0. A functional
// type follows its one parent whatever FanOut is, unless its own fan-out is 0.
func (s *Sampler) reads(e, h int) bool {
	own, ok := s.opt.PerEdge[e]
	switch {
	case s.opt.Edges != nil && !s.opt.Edges[e]:
		return false
	case s.g.Edges[e].Rev:
		return !ok || own[h] != 0
	case ok:
		return own[h] != 0
	}
	return s.opt.FanOut[h] != 0
}

// newPlan lists the steps of each hop: by table of the copies that are expanded, then
// by edge type.
func (s *Sampler) newPlan() plan {
	tables := len(s.g.Snap.Tables)
	p := plan{found: [][]int{{s.opt.Entity}}, seeks: make([]bool, tables)}
	for h := range s.opt.FanOut {
		var steps []step
		var next []int
		walked := make([]bool, len(s.g.Edges))
		for _, t := range p.found[h] {
			for _, e := range s.g.Into[t] {
				if s.reads(e, h) {
					steps = append(steps, s.step(e, h))
					next = append(next, s.g.Edges[e].Src)
					walked[e] = true
				}
			}
		}
		slices.Sort(next)
		p.walked = append(p.walked, walked)
		p.hops, p.found = append(p.hops, steps), append(p.found, slices.Compact(next))
	}
	p.markFresh(s.opt.Entity)
	p.markNotes(s.opt.Entity)
	p.markPaths(tables, s.pick)
	return p
}

func (s *Sampler) step(e, h int) step {
	t := s.g.Edges[e]
	st := step{edge: e, hop: h + 1, dst: t.Dst, src: t.Src, rev: t.Rev, from: s.g.Snap.Tables[t.Src], want: s.opt.FanOut[h]}
	if own, ok := s.opt.PerEdge[e]; ok {
		st.want = own[h]
	}
	if t.Rev {
		st.parents = s.g.Parents(e)
		return st
	}
	st.list = s.g.List(e)
	st.until = st.from.Until != nil && st.list.Times != nil
	return st
}

// markFresh finds the steps that meet no row twice. The children of distinct rows over
// one link are distinct; parents are where only one row reads them.
func (p *plan) markFresh(entity int) {
	present := map[int]bool{entity: true}
	for h, steps := range p.hops {
		readers := map[int]int{}
		for i := range steps {
			st := &steps[i]
			st.fresh = !present[st.src] && (!st.rev || h == 0)
			present[st.src] = true
			readers[st.src]++
		}
		for i := range steps {
			steps[i].alone = steps[i].fresh && readers[steps[i].src] == 1
		}
	}
}

// markNotes goes from the last step to the first. A step that follows a link back to
// where all its copies came from needs no look-up.
func (p *plan) markNotes(entity int) {
	for h := len(p.hops) - 1; h >= 0; h-- {
		for i := len(p.hops[h]) - 1; i >= 0; i-- {
			st := &p.hops[h][i]
			st.note = p.seeks[st.src]
			if h > 0 && st.rev {
				st.fresh = st.fresh || p.turns(h, st)
			}
			if !st.fresh {
				p.seeks[st.src] = true
			}
		}
	}
	p.seed = p.seeks[entity]
}

// turns marks the step of the hop before that reads the link of st in the other
// direction, and tells whether st expands copies of no other step.
func (p *plan) turns(h int, st *step) bool {
	only := true
	for i := range p.hops[h-1] {
		before := &p.hops[h-1][i]
		switch {
		case before.src != st.dst:
		case before.edge^1 == st.edge:
			before.back = true
		default:
			only = false
		}
	}
	return only
}

// markPaths finds where draws are made, and so where the paths of copies matter.
func (p *plan) markPaths(tables int, pick Strategy) {
	_, steady := pick.(drawless)
	p.paths = make([][]bool, len(p.hops)+1)
	for h := range p.paths {
		p.paths[h] = make([]bool, tables)
	}
	for h, steps := range p.hops {
		for _, st := range steps {
			if !st.rev && st.want > 0 && !steady {
				p.paths[h][st.dst] = true
			}
		}
	}
	// The path of a copy continues that of the copy that found it.
	for h := len(p.hops) - 1; h >= 0; h-- {
		for i := range p.hops[h] {
			st := &p.hops[h][i]
			st.paths = p.paths[h+1][st.src]
			p.paths[h][st.dst] = p.paths[h][st.dst] || st.paths
		}
	}
}
