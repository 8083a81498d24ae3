package main

import (
	"container/heap"
	"math"
	"math/rand/v2"
)

// World is one way in which a cluster does its shards. Time 1 is what each worker would take
// for its part of the whole if all were alike.
type World struct {
	Workers, Shards int
	Slow, SlowBy    float64 // share of the workers that are slower, and by what
	Spread          float64 // of the logarithm of a shard's cost
	Kills           float64 // per worker and unit of time; a new worker comes at once
	Takeover        float64 // time until a killed worker's shard is free again
	Hot             float64 // share of all work that is one shard
	Static          bool    // shard i belongs to worker i modulo Workers; else the next free one takes it
}

// Mean is the mean time until all is done, over several draws.
func (w World) Mean(draws int) float64 {
	var sum float64
	for i := range draws {
		sum += w.Run(uint64(i))
	}
	return sum / float64(draws)
}

// Run is the time until all is done. The same seed gives the same draw.
func (w World) Run(seed uint64) float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	var q queue
	for i := range w.Workers {
		by := 1.0
		if r.Float64() < w.Slow {
			by = w.SlowBy
		}
		q = append(q, &worker{number: i, by: by})
	}
	heap.Init(&q)
	lists := make([][]shard, w.Workers) // what waits for each; without Static only the first is used
	for _, s := range w.costs(r) {
		lists[w.list(s.number)] = append(lists[w.list(s.number)], s)
	}
	var again []late // shards of killed workers
	end := 0.0
	for len(q) > 0 {
		k := q[0]
		cost, ok := w.take(k, &lists[w.list(k.number)], &again)
		if !ok { // nothing for this worker now
			if wait, more := w.soonest(k, again); more {
				k.at = wait
				heap.Fix(&q, 0)
			} else {
				heap.Pop(&q)
			}
			continue
		}
		took := cost.work * k.by
		if died := r.ExpFloat64() / w.Kills; w.Kills > 0 && died < took {
			k.at += died
			again = append(again, late{cost, k.at + w.Takeover})
		} else {
			k.at += took
			end = max(end, k.at)
		}
		heap.Fix(&q, 0)
	}
	return end
}

// shard is a piece of work.
type shard struct {
	number int
	work   float64
}

// late is a shard that is free again at a time.
type late struct {
	shard
	at float64
}

// costs are the shards, whose work is Workers in all.
func (w World) costs(r *rand.Rand) []shard {
	out, sum := make([]shard, w.Shards), 0.0
	for i := range out {
		out[i] = shard{i, math.Exp(w.Spread * r.NormFloat64())}
		sum += out[i].work
	}
	for i := range out {
		out[i].work *= (1 - w.Hot) * float64(w.Workers) / sum
	}
	if w.Hot > 0 { // somewhere among the others
		at := r.IntN(len(out))
		out[at].work += w.Hot * float64(w.Workers)
	}
	return out
}

// list is which list a shard, or a worker, belongs to.
func (w World) list(number int) int {
	if !w.Static {
		return 0
	}
	return number % w.Workers
}

// take gives a worker its next shard.
func (w World) take(k *worker, todo *[]shard, again *[]late) (s shard, ok bool) {
	for i, l := range *again {
		if l.at <= k.at && w.list(l.number) == w.list(k.number) {
			*again = append((*again)[:i], (*again)[i+1:]...)
			return l.shard, true
		}
	}
	if len(*todo) == 0 {
		return s, false
	}
	s, *todo = (*todo)[0], (*todo)[1:]
	return s, true
}

// soonest is when a shard of a killed worker is free for this one.
func (w World) soonest(k *worker, again []late) (at float64, ok bool) {
	at = math.Inf(1)
	for _, l := range again {
		if w.list(l.number) == w.list(k.number) {
			at, ok = min(at, l.at), true
		}
	}
	return at, ok
}

// worker is free at a time; by is how much slower than others it is.
type worker struct {
	number int
	at, by float64
}

// queue has the worker first that is free first.
type queue []*worker

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].number < q[j].number
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(*worker)) }
func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}
