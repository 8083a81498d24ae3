package sample

import (
	"fmt"
	"math"
	"slices"

	"github.com/rowlink/rowlink/ingest"
)

// grain is how many seeds are sampled as one unit of parallel work.
const grain = 64

// block holds the subgraphs of up to grain seeds: what each hop found, and within a hop
// one seed after the other, as in the batch. One worker writes it and then places it.
type block struct {
	nodes [][]blockNodes // per hop from 0 and table
	edges [][]blockEdges // per hop from 0 and step
}

type blockNodes struct {
	rows []int32
	ages []int64  // of a timed table
	ends []int32  // per seed: copies up to its last
	path []uint64 // path identity of each copy, where draws need it
}

type blockEdges struct {
	codes []uint32 // source copy of each edge, not kept where the step is alone; of a functional type per destination, or noCode
	deg   []int32  // edges of each destination copy; nil for a functional type
	count int      // edges
}

func (k *block) reset(p *plan, tables int) {
	k.nodes, k.edges = resize(k.nodes, len(p.found)), resize(k.edges, len(p.hops))
	for h := range k.nodes {
		k.nodes[h] = resize(k.nodes[h], tables)
		for t := range k.nodes[h] {
			n := &k.nodes[h][t]
			n.rows, n.ages, n.ends, n.path = n.rows[:0], n.ages[:0], n.ends[:0], n.path[:0]
		}
	}
	for h := range k.edges {
		k.edges[h] = resize(k.edges[h], len(p.hops[h]))
		for i := range k.edges[h] {
			e := &k.edges[h][i]
			e.codes, e.deg, e.count = e.codes[:0], e.deg[:0], 0
		}
	}
}

// worker samples the seeds of a block. All its memory is scratch.
type worker struct {
	s *Sampler
	k *block

	// Of the seed at hand.
	seed   int // position in the block
	at     int64
	moment ingest.Moment
	hidden bool    // its own row is not visible
	seen   []seen  // per table
	starts [][]int // per hop from 0 and table: its first copy

	first  [][]listed // per step of hop 1: the lists of all seeds of the block
	lists  []listed   // of the copies that a step expands
	ranges [][]span   // per hop from 0 and step: the copies that it found
	by     [][]uint32 // per step of a hop: which copy found each of them, where that is asked
	last   [][]uint32 // by of the hop before

	moments []ingest.Moment // of all seeds of the block
	tooOld  []ingest.Moment // the same, less the window: see what is too old
	entity  []int32
	choice  Choice
	picked  []int32 // positions
	rows    []int32 // visible children where rows end
	times   []int64 // their times
	touched int64   // keeps reads ahead of use from being optimised away
}

// span is a range of copies of one hop and table of a block.
type span struct{ lo, hi int }

func (w *worker) prepare(s *Sampler, k *block, seeds []Seed) {
	w.s, w.k = s, k
	tables := s.g.Snap.Tables
	w.seen = resize(w.seen, len(tables))
	for t := range w.seen {
		if s.plan.seeks[t] {
			w.seen[t].prepare(tables[t].Rows)
		}
	}
	w.starts, w.ranges = resize(w.starts, len(s.plan.found)), resize(w.ranges, len(s.plan.hops))
	steps := 0
	for h := range w.starts {
		w.starts[h] = resize(w.starts[h], len(tables))
	}
	for h, list := range s.plan.hops {
		w.ranges[h] = resize(w.ranges[h], len(list))
		steps = max(steps, len(list))
	}
	w.by, w.last = resize(w.by, steps), resize(w.last, steps)
	w.moments, w.tooOld, w.entity = w.moments[:0], w.tooOld[:0], w.entity[:0]
	for _, seed := range seeds {
		w.moments = append(w.moments, s.opt.Rule.Moment(seed.At))
		w.tooOld = append(w.tooOld, tooOld(seed.At, s.opt.Window))
		w.entity = append(w.entity, seed.Row)
	}
}

// run samples the seeds into block k.
func (w *worker) run(s *Sampler, k *block, seeds []Seed, epoch uint64) {
	k.reset(&s.plan, len(s.g.Snap.Tables))
	w.prepare(s, k, seeds)
	// The lists of the seeds lie far apart: looking all of them up side by side hides
	// the way to memory.
	w.first = resize(w.first, len(s.plan.hops[0]))
	for i := range s.plan.hops[0] {
		if st := &s.plan.hops[0][i]; !st.rev {
			w.first[i] = w.lookUp(w.first[i], st, w.entity, 0, 1)
		}
	}
	for j, seed := range seeds {
		w.one(j, seed, fold(fold(s.opt.Seed, epoch), seed.Key))
	}
	for h := range k.nodes {
		for t := range k.nodes[h] {
			if n := len(k.nodes[h][t].rows); n > maxCopies {
				panic(fmt.Sprintf("sample: %d seeds read %d rows of one table in one hop, more than %d", len(seeds), n, maxCopies))
			}
		}
	}
}

// one samples seed j of the block.
func (w *worker) one(j int, seed Seed, path uint64) {
	p, entity := &w.s.plan, w.s.opt.Entity
	w.seed, w.at, w.moment = j, seed.At, w.moments[j]
	for t, seeks := range p.seeks {
		if seeks {
			w.seen[t].clear()
		}
	}
	table := w.s.g.Snap.Tables[entity]
	w.hidden = !table.VisibleAt(w.s.opt.Rule, seed.Row, seed.At)
	w.starts[0][entity] = j
	n := &w.k.nodes[0][entity]
	n.rows, n.ends = append(n.rows, seed.Row), append(n.ends, int32(j+1))
	age := int64(0)
	if !w.hidden {
		age = since(table.TimeOf(seed.Row), seed.At)
		if p.seed {
			w.seen[entity].put(seed.Row, code(0, j))
		}
	}
	n.ages, n.path = append(n.ages, age), append(n.path, path)
	for h := range p.hops {
		w.hop(h)
	}
}

// hop takes the steps of hop h, counted from 0. Working by edge type keeps independent
// reads next to each other, which hides their latency.
func (w *worker) hop(h int) {
	found := w.k.nodes[h+1]
	for _, t := range w.s.plan.found[h+1] {
		w.starts[h+1][t] = len(found[t].rows)
	}
	for i := range w.s.plan.hops[h] {
		st := &w.s.plan.hops[h][i]
		lo := len(found[st.src].rows)
		if st.rev {
			w.readParents(st, i)
		} else {
			w.readChildren(st, i)
		}
		w.ranges[h][i] = span{lo, len(found[st.src].rows)}
	}
	for _, t := range w.s.plan.found[h+1] {
		found[t].ends = append(found[t].ends, int32(len(found[t].rows)))
	}
	w.by, w.last = w.last, w.by
}

// frontier returns the copies that a step expands: those of the seed that the hop before
// found, which are the block's newest.
func (w *worker) frontier(st *step) span {
	return span{w.starts[st.hop-1][st.dst], len(w.k.nodes[st.hop-1][st.dst].rows)}
}

// since returns how long before at a row became known, in microseconds: 0 for rows
// without time. Differences beyond the range of int64 saturate.
func since(time, at int64) int64 {
	if time == ingest.Always {
		return 0
	}
	if d := at - time; d >= 0 {
		return d
	}
	return math.MaxInt64
}

// extend returns s longer by n elements, which hold whatever they held before.
func extend[T any](s []T, n int) []T {
	return slices.Grow(s, n)[:len(s)+n]
}
