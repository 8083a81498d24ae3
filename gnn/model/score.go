package model

import (
	"context"
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/graph/sample"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/phase"
)

// Query asks for the outputs of one entity at one anchor.
type Query struct {
	Row    int32 // of the entity table
	Cut    int64 // no row beyond it is read
	Anchor int64
}

// Seed is the query as the sampler knows it. Its key depends on the entity's key and
// the anchor only, so that neither other rows nor other queries change its sample.
func (q Query) Seed(entity *ingest.Table) sample.Seed {
	return sample.Seed{Row: q.Row, At: q.Cut, Key: tensor.Hash64(entity.KeyHash(q.Row), uint64(q.Anchor))}
}

// sampling is what the sampler of the config is asked for.
func (c Config) sampling(g *graph.Graph, entity int, rule ingest.TimeRule, seed uint64, pool *tensor.Pool) (sample.Options, error) {
	perEdge, err := sample.FanOutByEdge(g, c.FanOutByEdge)
	if err != nil {
		return sample.Options{}, fmt.Errorf("fan_out_by_edge: %w", err)
	}
	return sample.Options{Entity: entity, FanOut: c.FanOut, PerEdge: perEdge, Strategy: c.Strategy,
		Window: int64(c.Window * dayMicros), HalfLife: int64(c.HalfLife * dayMicros), Seed: seed, Rule: rule, Threads: pool.Threads()}, nil
}

// Sampler returns the sampler that the config asks for.
func (c Config) Sampler(g *graph.Graph, entity int, rule ingest.TimeRule, seed uint64, pool *tensor.Pool) (*sample.Sampler, error) {
	o, err := c.sampling(g, entity, rule, seed, pool)
	if err != nil {
		return nil, err
	}
	return sample.New(g, o)
}

// Seeds that are scored together. Without row tables a large batch repeats more rows,
// which are encoded once; with them a small one stays in the caches.
const (
	scoreBatch   = 512
	tableNumbers = 2048 // channels of the seeds of a batch
)

func (s *Scorer) batchSize() int {
	if s.pass.tables == nil {
		return scoreBatch
	}
	return min(max(tableNumbers/s.bound.Config.Width, 8), 64)
}

// Scorer computes outputs of a bound model. It is for one goroutine at a time, and keeps
// all memory of a batch for the next.
type Scorer struct {
	bound   *Bound
	sampler *sample.Sampler
	lean    *sample.Sampler // leaves distinct rows out
	direct  *sample.Sampler // leaves the parents of the last hop out as well; nil where that cannot be
	tape    *tensor.Tape
	pass    *Pass
	batch   sample.Batch
	seeds   []sample.Seed
	anchors []int64
	part    []Query
}

// NewScorer returns a scorer whose work runs on pool.
func (b *Bound) NewScorer(rule ingest.TimeRule, pool *tensor.Pool) (*Scorer, error) {
	t := tensor.NewTape(pool)
	t.Train, t.Fixed = false, true
	return b.NewScorerOn(t, rule)
}

// NewScorerOn returns a scorer that works in the memory of a tape, which must not be in
// training mode while it scores.
func (b *Bound) NewScorerOn(t *tensor.Tape, rule ingest.TimeRule) (*Scorer, error) {
	o, err := b.Config.sampling(b.Graph, b.Entity, rule, b.Meta.Seed, t.Pool())
	if err != nil {
		return nil, err
	}
	s, err := sample.New(b.Graph, o)
	if err != nil {
		return nil, err
	}
	o.NoDistinct = true
	lean, err := sample.New(b.Graph, o)
	if err != nil {
		return nil, err
	}
	out := &Scorer{bound: b, sampler: s, lean: lean, tape: t, pass: b.NewPass(t)}
	if o, ok := o.WithoutLastParents(b.Graph); ok && b.factored() {
		if out.direct, err = sample.New(b.Graph, o); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Use makes the scorer read rows from tables of its bound model; nil makes it encode
// them again.
func (s *Scorer) Use(tables *RowTables) {
	if tables != nil && tables.bound != s.bound {
		panic("model: row tables of another bound model")
	}
	s.pass.tables = tables
}

// Sample draws the neighbourhoods of the queries; the batch is valid until the next call.
func (s *Scorer) Sample(queries []Query) *sample.Batch {
	entity := s.bound.Graph.Snap.Tables[s.bound.Entity]
	s.seeds = s.seeds[:0]
	for _, q := range queries {
		s.seeds = append(s.seeds, q.Seed(entity))
	}
	sampler := s.sampler
	s.pass.direct = false
	if t := s.pass.tables; t != nil && t.Holds() {
		sampler = s.lean
		if s.direct != nil && t.inPlace() {
			sampler, s.pass.direct = s.direct, true
		}
	}
	sampler.SampleInto(&s.batch, s.seeds, 0)
	return &s.batch
}

// Forward computes the outputs of a sampled batch (seeds x Outputs), copied out.
func (s *Scorer) Forward(batch *sample.Batch, queries []Query) tensor.Mat {
	v := s.forward(batch, queries)
	out := tensor.NewMat(v.Rows, v.Cols)
	copy(out.Data, v.Data)
	return out
}

// forward is Forward whose result lives until the next call.
func (s *Scorer) forward(batch *sample.Batch, queries []Query) tensor.Mat {
	s.anchors = s.anchors[:0]
	for _, q := range queries {
		s.anchors = append(s.anchors, q.Anchor)
	}
	s.tape.Reset()
	return s.pass.Forward(batch, Seeds{Anchor: s.anchors}).Val
}

// Score returns queries x Outputs.
func (s *Scorer) Score(ctx context.Context, queries []Query) (tensor.Mat, error) {
	out := tensor.NewMat(len(queries), s.bound.Config.Outputs)
	return out, s.score(ctx, queries, nil, out)
}

// score writes the outputs of queries[order[i]], for all i, to their rows of out; a nil
// order takes all queries. A query's outputs do not depend on the order.
func (s *Scorer) score(ctx context.Context, queries []Query, order []int32, out tensor.Mat) error {
	n, batch := len(order), s.batchSize()
	if order == nil {
		n = len(queries)
	}
	for lo := 0; lo < n; lo += batch {
		if err := ctx.Err(); err != nil {
			return err
		}
		hi, clock := min(lo+batch, n), phase.Start(ctx)
		if order == nil {
			drawn := s.Sample(queries[lo:hi])
			clock.Sampled()
			got := s.forward(drawn, queries[lo:hi])
			clock.Computed()
			copy(out.Data[lo*out.Cols:], got.Data)
			continue
		}
		s.part = s.part[:0]
		for _, at := range order[lo:hi] {
			s.part = append(s.part, queries[at])
		}
		drawn := s.Sample(s.part)
		clock.Sampled()
		got := s.forward(drawn, s.part)
		clock.Computed()
		for i, at := range order[lo:hi] {
			copy(out.Row(int(at)), got.Row(i))
		}
	}
	return nil
}
