package bench

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/scan"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// scanHops is more hops than any of the graphs has.
const scanHops = 64

// scanGraphs are the graphs of the scan cases. States of features and messages after each
// of 20 M facts would need 24 GB, so the shop has fewer.
var scanGraphs = []scoringGraph{
	scoringGraphs[0],
	{"shop", "65,536 of 1 M entities with 4 M facts", func(context.Context) (*scoringLoad, error) { return newShopLoad(1_000_000, 100_000, 4_000_000, 1<<16) }},
}

// scanScoringCases score from the states of the layer scan, which are made once.
func scanScoringCases() []Case {
	var out []Case
	for _, g := range scanGraphs {
		c := Case{Name: fmt.Sprintf("score/%s/scan", g.name), Unit: Seeds, Long: true,
			What: g.what + " scored from decayed states: layer scan, one layer, 12 channels"}
		c.measure = func(ctx context.Context, e Env) ([]Figure, error) {
			load, err := g.load(ctx)
			if err != nil {
				return nil, err
			}
			return c.scanScoring(ctx, e, load)
		}
		out = append(out, c)
	}
	return out
}

func (c Case) scanScoring(ctx context.Context, e Env, l *scoringLoad) ([]Figure, error) {
	encoders, err := l.encoders(scanHops)
	if err != nil {
		return nil, err
	}
	last := slices.MaxFunc(l.queries, func(a, b model.Query) int { return cmp.Compare(a.Cut, b.Cut) })
	config := model.Config{Layer: model.Scan, Outputs: 1}
	m, err := scan.New(config.Complete(l.horizon), l.graph, l.entity, encoders, l.rule, last.Cut, 1)
	if err != nil {
		return nil, err
	}
	start := CPUTime()
	bound, err := m.Bind(l.graph, l.rule, tensor.NewPool(e.Threads))
	if err != nil {
		return nil, err
	}
	states := bound.NewScorer()
	detail := map[string]any{"states_cpu_s": (CPUTime() - start).Seconds(), "network": m.String()}
	return c.passes(ctx, e, len(l.queries), detail, func() error {
		_, err := states.Score(ctx, l.queries)
		return err
	})
}
