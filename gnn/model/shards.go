package model

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
)

// shardSeeds is the fixed number of queries of a shard.
const shardSeeds = 1024

// Shards scores queries on several threads at once. Many queries are cut into shards by
// entity and cut, so that a shard's seeds read the same rows; a thread scores a shard
// with a sampler and a tape of its own and waits for no other thread until the end. Each
// result goes to the place of its query, and no result depends on what is scored beside
// it: outputs are the same to the bit at any number of threads. It is safe for
// concurrent use.
type Shards struct {
	// Sampled keeps queries of one cut from being scored layer by layer where that is
	// cheaper; see [Shards.Choose]. It is to be set before the first Score.
	Sampled bool

	bound  *Bound
	rule   ingest.TimeRule
	pool   *tensor.Pool
	idle   sync.Pool // of *Scorer
	tables atomic.Pointer[RowTables]
}

// NewShards returns shards whose threads are those of pool.
func (b *Bound) NewShards(rule ingest.TimeRule, pool *tensor.Pool) (*Shards, error) {
	s := &Shards{bound: b, rule: rule, pool: pool}
	first, err := b.NewScorer(rule, tensor.NewPool(1))
	if err != nil {
		return nil, err
	}
	s.idle.Put(first)
	s.idle.New = func() any {
		next, err := b.NewScorer(rule, tensor.NewPool(1))
		if err != nil {
			panic("model: a scorer that was made before cannot be made again: " + err.Error())
		}
		return next
	}
	return s, nil
}

// Use makes scorers read rows from tables of the bound model from now on.
func (s *Shards) Use(tables *RowTables) { s.tables.Store(tables) }

// Tables returns the tables in use, or nil.
func (s *Shards) Tables() *RowTables { return s.tables.Load() }

// Scorer lends a scorer on one thread; give it back with Return.
func (s *Shards) Scorer() *Scorer {
	one := s.idle.Get().(*Scorer)
	one.Use(s.tables.Load())
	return one
}

// Return takes a scorer back.
func (s *Shards) Return(one *Scorer) { s.idle.Put(one) }

// Score returns queries x Outputs.
func (s *Shards) Score(ctx context.Context, queries []Query) (tensor.Mat, error) {
	if c := s.Choose(queries); c.Layerwise != nil {
		return c.Layerwise.Score(ctx, queries)
	}
	out := tensor.NewMat(len(queries), s.bound.Config.Outputs)
	if len(queries) <= shardSeeds {
		one := s.Scorer()
		defer s.Return(one)
		return out, one.score(ctx, queries, nil, out)
	}
	order := byEntity(queries)
	workers := make([]*Scorer, s.pool.Threads())
	faults := make([]error, (len(order)+shardSeeds-1)/shardSeeds)
	s.pool.RunIndexed(len(order), shardSeeds, func(shard, lo, hi, worker int) {
		if workers[worker] == nil {
			workers[worker] = s.Scorer()
		}
		faults[shard] = workers[worker].score(ctx, queries, order[lo:hi], out)
	})
	for _, one := range workers {
		if one != nil {
			s.Return(one)
		}
	}
	return out, cmp.Or(faults...)
}

// byEntity returns the positions of the queries in the order of entity, then cut.
func byEntity(queries []Query) []int32 {
	order := make([]int32, len(queries))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		x, y := &queries[a], &queries[b]
		return cmp.Or(cmp.Compare(x.Row, y.Row), cmp.Compare(x.Cut, y.Cut))
	})
	return order
}
