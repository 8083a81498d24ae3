package sample

import (
	"fmt"
	"math"
)

// assembly turns seeds into a batch: it samples the blocks, lines them up and places
// them. It keeps all memory for the next batch.
type assembly struct {
	b       *Batch
	s       *Sampler
	epoch   uint64
	blocks  []block
	workers []worker
	bases   [][]int // per table: see layout
	firsts  [][]int // per edge type: see layout
	sorts   []distinctScratch
	crew    crew

	sampleBlock, placeBlock, findDistinct func(thread, part int) // made once
}

func newAssembly() *assembly {
	a := new(assembly)
	a.sampleBlock, a.placeBlock, a.findDistinct = a.sample, a.place, a.distinct
	return a
}

func (a *assembly) run(s *Sampler, b *Batch, epoch uint64, threads int) {
	a.s, a.b, a.epoch = s, b, epoch
	a.blocks = resize(a.blocks, (len(b.Seeds)+grain-1)/grain)
	a.workers = resize(a.workers, threads)
	a.bases, a.firsts = resize(a.bases, len(b.Nodes)), resize(a.firsts, len(b.Edges))
	a.sorts = resize(a.sorts, len(b.Nodes))
	a.crew.do(threads, len(a.blocks), a.sampleBlock)
	a.layout()
	a.crew.do(threads, len(a.blocks), a.placeBlock)
	if !s.opt.NoDistinct {
		a.crew.do(threads, len(b.Nodes), a.findDistinct)
	}
	a.s, a.b = nil, nil
}

func (a *assembly) sample(thread, i int) {
	first := i * grain
	seeds := a.b.Seeds[first:min(first+grain, len(a.b.Seeds))]
	a.workers[thread].run(a.s, &a.blocks[i], seeds, a.epoch)
}

// layout lines the blocks up: bases[t][h*blocks+i] becomes the first copy, and
// firsts[e][h*blocks+i] the first edge, of hop h and block i. It sizes the sets.
func (a *assembly) layout() {
	b, blocks := a.b, len(a.blocks)
	for t := range b.Nodes {
		n, base := &b.Nodes[t], resize(a.bases[t], (b.hops+1)*blocks+1)
		for i := range a.blocks {
			for h := range a.blocks[i].nodes {
				base[h*blocks+i] = len(a.blocks[i].nodes[h][t].rows)
			}
		}
		total := places(base)
		a.bases[t] = base
		n.Rows, n.SeedOf, n.Age = resize(n.Rows, total), resize(n.SeedOf, total), resize(n.Age, total)
		n.HopEnd = resize(n.HopEnd, b.hops+1)
		for h := range n.HopEnd {
			n.HopEnd[h] = base[(h+1)*blocks]
		}
	}
	for e := range b.Edges {
		a.firsts[e] = resize(a.firsts[e], b.hops*blocks+1)
		clear(a.firsts[e])
	}
	for h, steps := range a.s.plan.hops {
		for j := range steps {
			for i := range a.blocks {
				a.firsts[steps[j].edge][h*blocks+i] = a.blocks[i].edges[h][j].count
			}
		}
	}
	for e := range b.Edges {
		a.size(e)
	}
}

// size makes room for the edges of type e. The destinations of hops in which it is not
// walked get none.
func (a *assembly) size(e int) {
	set, total := &a.b.Edges[e], places(a.firsts[e])
	hops, blocks, base := a.b.hops, len(a.blocks), a.bases[a.b.g.Edges[e].Dst]
	set.Src = resize(set.Src, total)
	destinations := base[hops*blocks]
	set.Ptr = resize(set.Ptr, destinations+1)
	set.Ptr[destinations] = int32(total)
	if a.b.g.Edges[e].Rev {
		set.Parent = resize(set.Parent, destinations)
	}
	for h := range hops {
		if a.s.plan.walked[h][e] {
			continue
		}
		lo, hi := base[h*blocks], base[(h+1)*blocks]
		fill(set.Ptr[lo:hi], int32(a.firsts[e][h*blocks]))
		if set.Parent != nil {
			fill(set.Parent[lo:hi], -1)
		}
	}
}

// places replaces each number by the sum of those before it and returns the sum of all.
func places(counts []int) int {
	last := len(counts) - 1
	counts[last] = 0
	sum := 0
	for i, c := range counts {
		counts[i] = sum
		sum += c
	}
	if sum > math.MaxInt32 {
		panic(fmt.Sprintf("sample: a batch has %d copies or edges of one type, more than %d; use smaller batches or fan-outs", sum, math.MaxInt32))
	}
	return sum
}

// place copies block i into the batch.
func (a *assembly) place(_, i int) {
	for h, tables := range a.s.plan.found {
		for _, t := range tables {
			a.placeNodes(t, h, i)
		}
	}
	for _, steps := range a.s.plan.hops {
		for j := range steps {
			if steps[j].rev {
				a.placeParents(&steps[j], j, i)
			} else {
				a.placeChildren(&steps[j], j, i)
			}
		}
	}
}

func (a *assembly) distinct(_, t int) {
	a.b.Nodes[t].distinct(&a.sorts[t], a.b.g.Snap.Tables[t].Rows)
}

func (a *assembly) placeNodes(t, h, i int) {
	n, from, base := &a.b.Nodes[t], &a.blocks[i].nodes[h][t], a.bases[t][h*len(a.blocks)+i]
	copy(n.Rows[base:], from.rows)
	if n.Timed {
		copy(n.Age[base:], from.ages)
	}
	seeds, lo := n.SeedOf[base:], int32(0)
	for j, hi := range from.ends {
		fill(seeds[lo:hi], int32(i*grain+j))
		lo = hi
	}
}

// hopBases returns where the copies of each hop of table t of block i start.
func (a *assembly) hopBases(t, i int) (out [MaxHops + 1]int32) {
	for h := range a.b.hops + 1 {
		out[h] = int32(a.bases[t][h*len(a.blocks)+i])
	}
	return out
}

func (a *assembly) placeChildren(st *step, j, i int) {
	at := (st.hop-1)*len(a.blocks) + i
	set, from := &a.b.Edges[st.edge], &a.blocks[i].edges[st.hop-1][j]
	first, src := a.firsts[st.edge][at], a.hopBases(st.src, i)
	out := set.Src[first:][:from.count]
	if st.alone {
		for x := range out {
			out[x] = src[st.hop] + int32(x)
		}
	} else {
		for x, c := range from.codes {
			out[x] = src[c>>codeBits] + int32(c&(1<<codeBits-1))
		}
	}
	edge := int32(first)
	ptr := set.Ptr[a.bases[st.dst][at]:][:len(from.deg)]
	for x, n := range from.deg {
		ptr[x] = edge
		edge += n
	}
}

func (a *assembly) placeParents(st *step, j, i int) {
	at := (st.hop-1)*len(a.blocks) + i
	set, from := &a.b.Edges[st.edge], &a.blocks[i].edges[st.hop-1][j]
	first, src := a.firsts[st.edge][at], a.hopBases(st.src, i)
	d := a.bases[st.dst][at]
	out, ptr, parent := set.Src[first:][:from.count], set.Ptr[d:][:len(from.codes)], set.Parent[d:][:len(from.codes)]
	edge := 0
	for x, c := range from.codes {
		ptr[x] = int32(first + edge)
		if c == noCode {
			parent[x] = -1
			continue
		}
		p := src[c>>codeBits] + int32(c&(1<<codeBits-1))
		out[edge], parent[x] = p, p
		edge++
	}
}

func fill[T any](s []T, value T) {
	for i := range s {
		s[i] = value
	}
}
