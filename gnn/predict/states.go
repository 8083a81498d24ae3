package predict

import (
	"context"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/scan"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
)

// States is a [Scorer] over the states of the layer scan, which are made once: a query
// fetches no neighbourhood.
type States struct {
	scorer  *scan.Scorer
	typ     tasks.Type
	scaling *tasks.Scaling
	tables  []*ingest.Table
}

var _ Member = (*States)(nil)

// NewStates runs the pass over the rows of the bound network's snapshot.
func NewStates(b *scan.Bound, task *tasks.Task, scaling *tasks.Scaling) (*States, error) {
	typ, err := tasks.TypeOf(task.Type)
	if err != nil {
		return nil, err
	}
	return &States{b.NewScorer(), typ, scaling, b.Over().Snap.Tables}, nil
}

// Score implements [Scorer].
func (s *States) Score(ctx context.Context, queries []model.Query) ([]float64, error) {
	out, err := s.scorer.Score(ctx, queries)
	if err != nil {
		return nil, err
	}
	return decode(s.typ, s.scaling, out), nil
}

// Plan says in a line how Score goes about queries.
func (s *States) Plan([]model.Query) string {
	return "from decayed states: no neighbourhood is sampled"
}

// CacheRows has nothing to do: states are made of rows that were encoded once.
func (s *States) CacheRows(context.Context, CacheOptions) error { return nil }

// Explain returns the largest effects on one prediction: of all rows that the entity has
// gathered over each path of foreign keys. Effects are on the scale of [Network.Explain].
func (s *States) Explain(q model.Query, top int) []Reason {
	return Largest(s.Effects(q, Predicted(s, q)), top)
}

// Effects implements [Explainer].
func (s *States) Effects(q model.Query, out int) []Reason {
	gathered, raw := s.scorer.Without(q)
	scores := decode(s.typ, s.scaling, raw)
	width := len(scores) / raw.Rows
	reasons := make([]Reason, len(gathered))
	for i, g := range gathered {
		reasons[i] = Reason{Table: s.tables[g.Table].Def.Name, Path: g.Path, Rows: g.Rows, Effect: scores[out] - scores[(1+i)*width+out]}
	}
	return reasons
}

// Of returns the scorer of a bound network, whatever it is made of.
func Of(b model.BoundNetwork, task *tasks.Task, scaling *tasks.Scaling, pool *tensor.Pool) (Member, error) {
	if s, ok := b.(*scan.Bound); ok {
		return NewStates(s, task, scaling)
	}
	return NewNetwork(b.(*model.Bound), task, scaling, pool)
}

// Read reads the file of a network and binds it to the graph of a task. like is nil or a
// network over the same graph, whose rows one of the layer scan shares.
func Read(data []byte, g *graph.Graph, task *tasks.Task, like model.BoundNetwork, pool *tensor.Pool) (model.BoundNetwork, error) {
	_, meta, err := model.ReadSafetensors(data)
	if err != nil {
		return nil, err
	}
	if scan.Is(meta) {
		m, err := scan.Read(data)
		if err != nil {
			return nil, err
		}
		s, _ := like.(*scan.Bound)
		return m.BindLike(s, g, task.Options.Rule, pool)
	}
	m, err := model.Read(data)
	if err != nil {
		return nil, err
	}
	return m.Bind(g, pool)
}

// ReadPart is [Read] over a part of a database, which given tells what it cannot see.
func ReadPart(data []byte, g *graph.Graph, task *tasks.Task, given *scan.Given, pool *tensor.Pool) (model.BoundNetwork, error) {
	_, meta, err := model.ReadSafetensors(data)
	if err != nil {
		return nil, err
	}
	if !scan.Is(meta) {
		return Read(data, g, task, nil, pool)
	}
	m, err := scan.Read(data)
	if err != nil {
		return nil, err
	}
	return m.BindPart(g, task.Options.Rule, given, pool)
}
