package model

import (
	"context"
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/graph/sample"
	"github.com/rowlink/rowlink/ingest"
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

// Sampler returns the sampler that the config asks for.
func (c Config) Sampler(g *graph.Graph, entity int, rule ingest.TimeRule, seed uint64, pool *tensor.Pool) (*sample.Sampler, error) {
	perEdge, err := sample.FanOutByEdge(g, c.FanOutByEdge)
	if err != nil {
		return nil, fmt.Errorf("fan_out_by_edge: %w", err)
	}
	return sample.New(g, sample.Options{Entity: entity, FanOut: c.FanOut, PerEdge: perEdge, Strategy: c.Strategy,
		Window: int64(c.Window * dayMicros), HalfLife: int64(c.HalfLife * dayMicros), Seed: seed, Rule: rule, Threads: pool.Threads()})
}

// scoreBatch is the number of seeds that are scored together.
const scoreBatch = 512

// Scorer computes outputs of a bound model. It is for one goroutine at a time.
type Scorer struct {
	bound   *Bound
	sampler *sample.Sampler
	tape    *tensor.Tape
	pass    *Pass
	batch   sample.Batch
}

// NewScorer returns a scorer whose work runs on pool.
func (b *Bound) NewScorer(rule ingest.TimeRule, pool *tensor.Pool) (*Scorer, error) {
	s, err := b.Config.Sampler(b.Graph, b.Entity, rule, b.Meta.Seed, pool)
	if err != nil {
		return nil, err
	}
	t := tensor.NewTape(pool)
	t.Train = false
	return &Scorer{bound: b, sampler: s, tape: t, pass: b.NewPass(t)}, nil
}

// Sample draws the neighbourhoods of the queries; the batch is valid until the next call.
func (s *Scorer) Sample(queries []Query) *sample.Batch {
	entity := s.bound.Graph.Snap.Tables[s.bound.Entity]
	seeds := make([]sample.Seed, len(queries))
	for i, q := range queries {
		seeds[i] = q.Seed(entity)
	}
	s.sampler.SampleInto(&s.batch, seeds, 0)
	return &s.batch
}

// Forward computes the outputs of a sampled batch (seeds x Outputs), copied out.
func (s *Scorer) Forward(batch *sample.Batch, queries []Query) tensor.Mat {
	anchors := make([]int64, len(queries))
	for i, q := range queries {
		anchors[i] = q.Anchor
	}
	s.tape.Reset()
	v := s.pass.Forward(batch, Seeds{Anchor: anchors})
	out := tensor.NewMat(v.Val.Rows, v.Val.Cols)
	copy(out.Data, v.Val.Data)
	return out
}

// Score returns queries x Outputs.
func (s *Scorer) Score(ctx context.Context, queries []Query) (tensor.Mat, error) {
	out := tensor.NewMat(len(queries), s.bound.Config.Outputs)
	for lo := 0; lo < len(queries); lo += scoreBatch {
		if err := ctx.Err(); err != nil {
			return tensor.Mat{}, err
		}
		part := queries[lo:min(lo+scoreBatch, len(queries))]
		got := s.Forward(s.Sample(part), part)
		copy(out.Data[lo*out.Cols:], got.Data)
	}
	return out, nil
}
