package sample

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
)

// count notes how many copies and edges worker w found for seed i: in counts[t] at
// hop*seeds + i, in degrees[e] at (hop-1)*seeds + i. So each array lists its numbers
// in the order in which the batch lays the copies and edges out.
func (b *Batch) count(i int, w *worker) {
	seeds := len(b.Seeds)
	for t := range b.Nodes {
		starts := w.starts(t)
		for h := range b.hops + 1 {
			n := starts[h+1] - starts[h]
			if n > 1<<codeBits {
				panic(fmt.Sprintf("sample: one seed reads %d rows of one table in one hop, more than %d", n, 1<<codeBits))
			}
			b.counts[t][h*seeds+i] = n
		}
	}
	for e := range b.Edges {
		if !w.s.edges[e].on {
			continue
		}
		// The destinations of a hop are the copies of the hop before; a seed's edges
		// stand at the end of the block, after those of the seeds before it.
		set := &w.k.edges[e]
		starts := w.starts(w.s.g.Edges[e].Dst)
		deg := set.deg[len(set.deg)-(starts[b.hops]-starts[0]):]
		for h := range b.hops {
			sum := 0
			for _, d := range deg[:starts[h+1]-starts[h]] {
				sum += int(d)
			}
			deg = deg[starts[h+1]-starts[h]:]
			b.degrees[e][h*seeds+i] = sum
		}
	}
}

// layout turns the counts into places: counts[t][j] becomes the first copy, and
// degrees[e][j] the first edge, of its hop and seed. It sizes the sets.
func (b *Batch) layout() {
	seeds := len(b.Seeds)
	for t := range b.Nodes {
		n, total := &b.Nodes[t], places(b.counts[t])
		n.Rows, n.SeedOf, n.Age = resize(n.Rows, total), resize(n.SeedOf, total), resize(n.Age, total)
		n.HopEnd = resize(n.HopEnd, b.hops+1)
		for h := range n.HopEnd {
			n.HopEnd[h] = b.counts[t][(h+1)*seeds]
		}
	}
	for e := range b.Edges {
		set, total := &b.Edges[e], places(b.degrees[e])
		set.Src = resize(set.Src, total)
		set.Ptr = resize(set.Ptr, b.Nodes[b.g.Edges[e].Dst].HopEnd[b.hops-1]+1)
		if total == 0 {
			clear(set.Ptr)
		}
		switch {
		case !b.g.Edges[e].Rev:
			set.Parent = nil
		case total == 0:
			set.Parent = resize(set.Parent, len(set.Ptr)-1)
			fill(set.Parent, -1)
		default:
			set.Parent = resize(set.Parent, len(set.Ptr)-1)
		}
		set.Ptr[len(set.Ptr)-1] = int32(total)
	}
}

func fill(s []int32, value int32) {
	for i := range s {
		s[i] = value
	}
}

// places replaces each number by the sum of those before it and returns the sum of all.
func places(counts []int) int {
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
func (b *Batch) place(i int) {
	k := &b.blocks[i]
	lo, hi := i*grain, min((i+1)*grain, len(b.Seeds))
	for t := range b.Nodes {
		b.placeNodes(t, &k.nodes[t], lo, hi)
	}
	for e := range b.Edges {
		if len(k.edges[e].src) > 0 || len(b.Edges[e].Src) > 0 {
			b.placeEdges(e, &k.edges[e], lo, hi)
		}
	}
}

func (b *Batch) placeNodes(t int, from *blockNodes, lo, hi int) {
	n, seeds, at := &b.Nodes[t], len(b.Seeds), 0
	if len(from.rows) == 0 {
		return
	}
	for s := lo; s < hi; s++ {
		for h := range b.hops + 1 {
			first, end := b.counts[t][h*seeds+s], b.counts[t][h*seeds+s+1]
			copy(n.Rows[first:end], from.rows[at:])
			copy(n.Age[first:end], from.ages[at:])
			for j := first; j < end; j++ {
				n.SeedOf[j] = int32(s)
			}
			at += end - first
		}
	}
}

func (b *Batch) placeEdges(e int, from *blockEdges, lo, hi int) {
	set, seeds := &b.Edges[e], len(b.Seeds)
	src, dst := b.counts[b.g.Edges[e].Src], b.counts[b.g.Edges[e].Dst]
	var first [MaxHops + 1]int32 // per hop: first copy of the seed in table Src
	deg, codes := from.deg, from.src
	for s := lo; s < hi; s++ {
		for h := range b.hops + 1 {
			first[h] = int32(src[h*seeds+s])
		}
		for h := range b.hops {
			at := b.degrees[e][h*seeds+s]
			end := b.degrees[e][h*seeds+s+1]
			for i, c := range codes[:end-at] {
				set.Src[at+i] = first[c>>codeBits] + int32(c&(1<<codeBits-1))
			}
			codes = codes[end-at:]
			d, dEnd := dst[h*seeds+s], dst[h*seeds+s+1]
			for i, n := range deg[:dEnd-d] {
				set.Ptr[d+i] = int32(at)
				if set.Parent != nil {
					set.Parent[d+i] = parentOf(set.Src, at, n)
				}
				at += int(n)
			}
			deg = deg[dEnd-d:]
		}
	}
}

// parentOf returns the source of the one edge at position at, -1 when n is 0.
func parentOf(src []int32, at int, n int32) int32 {
	if n == 0 {
		return -1
	}
	return src[at]
}

// parallel calls f(thread, i) for i in [0, n) on at most that many threads. Which
// thread takes which i is not determined: f must not let it reach a result.
func parallel(threads, n int, f func(thread, i int)) {
	threads = min(threads, n)
	if threads <= 1 {
		for i := range n {
			f(0, i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for thread := range threads {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				f(thread, i)
			}
		})
	}
	wg.Wait()
}
