package sample

import (
	"math"

	"github.com/rowlink/rowlink/ingest"
)

// grain is how many seeds are sampled as one unit of parallel work.
const grain = 64

// block holds the subgraphs of up to grain seeds, one seed after the other and within
// a seed hop by hop. A block is written by one worker and then placed in the batch.
type block struct {
	nodes []blockNodes // per table
	edges []blockEdges // per edge type
}

type blockNodes struct {
	rows []int32
	ages []int64
	path []uint64 // path identity of each copy
}

type blockEdges struct {
	src []uint32 // code of the source copy of each edge
	deg []int32  // edges of each expanded destination copy
}

func (k *block) reset(tables, edges int) {
	k.nodes, k.edges = resize(k.nodes, tables), resize(k.edges, edges)
	for t := range k.nodes {
		n := &k.nodes[t]
		n.rows, n.ages, n.path = n.rows[:0], n.ages[:0], n.path[:0]
	}
	for e := range k.edges {
		k.edges[e].src, k.edges[e].deg = k.edges[e].src[:0], k.edges[e].deg[:0]
	}
}

// worker samples one seed at a time. All its memory is scratch.
type worker struct {
	s    *Sampler
	k    *block
	at   int64 // moment of the seed at hand
	hop  int   // hop that is being found
	seen seen

	start  []int // per table and hop: where the seed's copies of that hop start in the block
	choice Choice
	picked []int32 // positions
	rows   []int32 // rows without the ended ones
	times  []int64 // their times

	ends    []int64 // see fetch
	touched int32   // keeps the reads of fetch from being optimised away
}

// run samples the seeds of block i of batch b.
func (w *worker) run(s *Sampler, b *Batch, i int, epoch uint64) {
	w.s, w.k = s, &b.blocks[i]
	w.k.reset(len(b.Nodes), len(b.Edges))
	hops := len(s.opt.FanOut)
	w.start = resize(w.start, len(b.Nodes)*(hops+2))
	first := i * grain
	seeds := b.Seeds[first:min(first+grain, len(b.Seeds))]
	w.fetch(seeds)
	for j, seed := range seeds {
		w.seed(seed, fold(fold(s.opt.Seed, epoch), seed.Key))
		b.count(first+j, w)
	}
}

// fetch touches the lists that the seeds will read in their first hop. The reads of
// one seed wait for each other, those of many seeds do not: so the processor fetches
// them side by side, and the sampler finds them in its cache.
func (w *worker) fetch(seeds []Seed) {
	for _, e := range w.s.g.Into[w.s.opt.Entity] {
		list := w.s.edges[e].list
		if list == nil || !w.s.reads(e, 0) {
			continue
		}
		w.ends = w.ends[:0]
		for _, seed := range seeds {
			w.ends = append(w.ends, list.Offsets[seed.Row+1])
		}
		for _, end := range w.ends {
			if end > 0 {
				w.touched += list.Children[end-1]
			}
			if end > 0 && list.Times != nil {
				w.touched += int32(list.Times[end-1])
			}
		}
	}
}

func (w *worker) starts(table int) []int {
	n := len(w.s.opt.FanOut) + 2
	return w.start[table*n : (table+1)*n]
}

// mark notes where the copies of hop h start, for all tables.
func (w *worker) mark(h int) {
	for t := range w.k.nodes {
		w.starts(t)[h] = len(w.k.nodes[t].rows)
	}
}

func (w *worker) seed(seed Seed, path uint64) {
	w.at = seed.At
	w.seen.clear()
	w.mark(0)
	w.hop = 0
	entity := w.s.opt.Entity
	table := w.s.g.Snap.Tables[entity]
	age := int64(0)
	if table.VisibleAt(w.s.opt.Rule, seed.Row, seed.At) {
		age = since(table.TimeOf(seed.Row), seed.At)
	}
	key := slotKey(entity, seed.Row)
	w.add(w.seen.find(key), key, age, path)
	for h, tables := range w.s.hops {
		w.mark(h + 1)
		w.hop = h + 1
		for _, t := range tables {
			from, to := w.starts(t)[h], w.starts(t)[h+1]
			for _, e := range w.s.g.Into[t] {
				w.expand(t, e, from, to)
			}
		}
	}
	w.mark(w.hop + 1)
}

// expand reads edge type e for the copies from to to-1 of table t. Working by edge
// type keeps independent reads next to each other, which hides their latency.
func (w *worker) expand(t, e, from, to int) {
	switch et := &w.s.edges[e]; {
	case !et.on:
	case !w.s.reads(e, w.hop-1):
		out := &w.k.edges[e]
		out.deg = append(out.deg, make([]int32, to-from)...)
	case et.rev:
		w.readParents(t, e, from, to)
	default:
		w.readChildren(t, e, from, to)
	}
}

func (w *worker) readParents(t, e, from, to int) {
	et, out := &w.s.edges[e], &w.k.edges[e]
	w.rows = resize(w.rows, to-from)
	for i, row := range w.k.nodes[t].rows[from:to] {
		w.rows[i] = et.parents[row]
	}
	for i, p := range w.rows {
		if p < 0 || !et.from.VisibleAt(w.s.opt.Rule, p, w.at) {
			out.deg = append(out.deg, 0)
			continue
		}
		out.deg = append(out.deg, 1)
		key := slotKey(et.src, p)
		at := w.seen.find(key)
		if !w.seen.holds(at) {
			at = w.add(at, key, since(et.from.TimeOf(p), w.at), step(w.k.nodes[t].path[from+i], e, 0))
		}
		out.src = append(out.src, at.code)
	}
}

func (w *worker) readChildren(t, e, from, to int) {
	et, out := &w.s.edges[e], &w.k.edges[e]
	fan := et.fan[w.hop-1]
	for i := from; i < to; i++ {
		path := w.k.nodes[t].path[i]
		rows, times := w.candidates(et, w.k.nodes[t].rows[i])
		want := fan
		if fan < 0 {
			want = len(rows)
		}
		c := &w.choice
		c.N, c.Want, c.Times, c.At = len(rows), want, times, w.at
		c.Draws = Stream(fold(path, uint64(e)<<8|uint64(w.hop)))
		w.picked = w.s.pick.Pick(c, w.picked[:0])
		for _, pos := range w.picked {
			key := slotKey(et.src, rows[pos])
			at := w.seen.find(key)
			if !w.seen.holds(at) {
				age := int64(0)
				if times != nil {
					age = since(times[pos], w.at)
				}
				at = w.add(at, key, age, step(path, e, pos))
			}
			out.src = append(out.src, at.code)
		}
		out.deg = append(out.deg, int32(len(w.picked)))
	}
}

// candidates returns the children of parent that are visible now. Where the child
// table ends rows it looks at every known child: O(degree).
func (w *worker) candidates(et *edge, parent int32) (rows []int32, times []int64) {
	rows, times = et.list.Visible(parent, w.s.opt.Rule, w.at)
	if et.from.Until == nil || times == nil {
		return rows, times
	}
	w.rows, w.times = w.rows[:0], w.times[:0]
	for i, row := range rows {
		if et.from.VisibleAt(w.s.opt.Rule, row, w.at) {
			w.rows, w.times = append(w.rows, row), append(w.times, times[i])
		}
	}
	return w.rows, w.times
}

// add makes the copy of key, which belongs in free slot at, and returns its slot.
func (w *worker) add(at *slot, key uint64, age int64, path uint64) *slot {
	t, row := int(key>>32), int32(uint32(key))
	n := &w.k.nodes[t]
	w.seen.put(at, key, code(w.hop, len(n.rows)-w.starts(t)[w.hop]))
	n.rows, n.ages, n.path = append(n.rows, row), append(n.ages, age), append(n.path, path)
	if w.seen.full() {
		w.grow()
		at = w.seen.find(key)
	}
	return at
}

// grow doubles the table of seen rows by putting all copies of the seed in anew.
func (w *worker) grow() {
	w.seen.resize(2 << (64 - w.seen.shift))
	for t := range w.k.nodes {
		starts, rows := w.starts(t), w.k.nodes[t].rows
		for h := 0; h <= w.hop; h++ {
			end := len(rows)
			if h < w.hop {
				end = starts[h+1]
			}
			for i, row := range rows[starts[h]:end] {
				key := slotKey(t, row)
				w.seen.put(w.seen.find(key), key, code(h, i))
			}
		}
	}
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
