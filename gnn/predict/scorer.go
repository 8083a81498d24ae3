// Package predict owns the way from keys and an anchor to answers: eligibility, scores,
// and the rows that moved a score.
package predict

import (
	"context"
	"slices"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph/sample"
	"github.com/rowlink/rowlink/tasks"
)

// Scorer predicts. It is safe for concurrent use.
type Scorer interface {
	// Score returns queries x outputs of the task type: the probability of the positive
	// class, the value, or the probability of each class.
	Score(ctx context.Context, queries []model.Query) ([]float64, error)
}

// Network is a [Scorer] over a bound model. Many queries are scored on all threads of its
// pool, few on one; callers run side by side, each with samplers and tapes of its own.
type Network struct {
	bound   *model.Bound
	typ     tasks.Type
	scaling *tasks.Scaling
	shards  *model.Shards
	pool    *tensor.Pool
	cache   cache
}

var _ Scorer = (*Network)(nil)

// NewNetwork returns a scorer whose batches are computed on pool. It encodes the rows
// of every batch; see [Network.CacheRows].
func NewNetwork(b *model.Bound, task *tasks.Task, scaling *tasks.Scaling, pool *tensor.Pool) (*Network, error) {
	typ, err := tasks.TypeOf(task.Type)
	if err != nil {
		return nil, err
	}
	n := &Network{bound: b, typ: typ, scaling: scaling, pool: pool}
	n.shards, err = b.NewShards(task.Options.Rule, pool)
	return n, err
}

// Score implements [Scorer].
func (n *Network) Score(ctx context.Context, queries []model.Query) ([]float64, error) {
	if err := n.cache.before(ctx, n, len(queries)); err != nil {
		return nil, err
	}
	out, err := n.shards.Score(ctx, queries)
	if err != nil {
		return nil, err
	}
	return n.decode(out), nil
}

// Plan says in a line how Score would go about the queries.
func (n *Network) Plan(queries []model.Query) string { return n.shards.Choose(queries).String() }

func (n *Network) decode(out tensor.Mat) []float64 { return decode(n.typ, n.scaling, out) }

// decode turns raw outputs into predictions.
func decode(typ tasks.Type, scaling *tasks.Scaling, out tensor.Mat) []float64 {
	raw := make([]float64, len(out.Data))
	for i, v := range out.Data {
		raw[i] = float64(v)
	}
	return typ.Decode(scaling, raw)
}

// variant is one sampled neighbourhood with some of its messages to the seed removed.
type variant struct {
	scorer  *model.Scorer
	batch   *sample.Batch
	queries []model.Query
}

// without returns the prediction of the variant's only query when the messages of edge
// type e to the seed that drop selects (by position in the list) are left out.
func (n *Network) without(v variant, e int, drop func(position int) bool) []float64 {
	cut := *v.batch
	cut.Edges = append([]sample.EdgeSet(nil), v.batch.Edges...)
	set := v.batch.Edges[e]
	kept := make([]int32, 0, len(set.Src))
	first := set.Ptr[1]
	for i, src := range set.Src[:first] {
		if !drop(i) {
			kept = append(kept, src)
		}
	}
	removed := first - int32(len(kept))
	kept = append(kept, set.Src[first:]...)
	ptr := make([]int32, len(set.Ptr))
	for i := 1; i < len(ptr); i++ {
		ptr[i] = set.Ptr[i] - removed
	}
	cut.Edges[e] = sample.EdgeSet{Ptr: ptr, Src: kept}
	if set.Parent != nil {
		parent := slices.Clone(set.Parent)
		if removed > 0 {
			parent[0] = -1
		}
		cut.Edges[e].Parent = parent
	}
	return n.decode(v.scorer.Forward(&cut, v.queries))
}
