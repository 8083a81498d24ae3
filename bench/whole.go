package bench

import (
	"context"
	"fmt"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph/sample"
)

// wholeCases score entities at one cut, each on a sampled subgraph or all layer by layer:
// with two hops, in which hardly a row has two copies, and with three.
func wholeCases() []Case {
	var out []Case
	for _, g := range []struct {
		name, what string
		load       func(ctx context.Context) (*scoringLoad, error)
		most       int // entities
	}{
		{"rel-f1", "all drivers of rel-f1 at the last cut", f1Scoring, 1 << 20},
		{"shop", "65,536 of 1 M entities with 20 M facts at one cut", shopScoring, 1 << 16},
	} {
		for _, hops := range []int{2, 3} {
			for _, how := range []string{"sampled", "layerwise"} {
				c := Case{Name: fmt.Sprintf("score-whole/%s/%d-hops/%s", g.name, hops, how), Unit: Seeds, Long: true,
					What: fmt.Sprintf("%s: 32 channels, %d hops, 32 latest neighbours of each kind, decayed means, float32 row tables, %s", g.what, hops, how)}
				c.measure = func(ctx context.Context, e Env) ([]Figure, error) {
					load, err := g.load(ctx)
					if err != nil {
						return nil, err
					}
					return c.whole(ctx, e, load.atLastCut(g.most), hops, how)
				}
				out = append(out, c)
			}
		}
	}
	return out
}

// atLastCut asks for entities, drawn where there are more than most, at the last cut of
// the load's queries.
func (l *scoringLoad) atLastCut(most int) *scoringLoad {
	cut := l.queries[0].Cut
	for _, q := range l.queries {
		cut = max(cut, q.Cut)
	}
	rows, draws := l.graph.Snap.Tables[l.entity].Rows, sample.Stream(11)
	whole := *l
	whole.queries = make([]model.Query, min(rows, most))
	for i := range whole.queries {
		row := i
		if rows > most {
			row = int(draws.Below(uint64(i), uint64(rows)))
		}
		whole.queries[i] = model.Query{Row: int32(row), Cut: cut, Anchor: cut}
	}
	return &whole
}

func (c Case) whole(ctx context.Context, e Env, l *scoringLoad, hops int, how string) ([]Figure, error) {
	config := model.Config{FanOut: []int{32, 32, 32}[:hops], Outputs: 1}.Complete(l.horizon)
	encoders, err := l.encoders(hops)
	if err != nil {
		return nil, err
	}
	m, err := model.New(config, l.graph, l.entity, encoders, 1)
	if err != nil {
		return nil, err
	}
	pool := tensor.NewPool(e.Threads)
	bound, err := m.Bind(l.graph, pool)
	if err != nil {
		return nil, err
	}
	tables, err := bound.NewRowTables(ctx, model.TableOptions{}, pool)
	if err != nil {
		return nil, err
	}
	shards, err := bound.NewShards(l.rule, pool)
	if err != nil {
		return nil, err
	}
	shards.Use(tables)
	choice := shards.Choose(l.queries)
	score, detail := shards.Score, map[string]any{"choice": choice.String(), "rows": choice.Rows, "copies": choice.Copies}
	shards.Sampled = true
	if how == "layerwise" {
		whole, err := bound.NewLayerwise(l.rule, l.queries[0].Cut, tables, pool)
		if err != nil {
			return nil, err
		}
		score = whole.Score
	}
	return c.passes(ctx, e, len(l.queries), detail, func() error {
		_, err := score(ctx, l.queries)
		return err
	})
}
