package recommend

import (
	"context"
	"fmt"

	"github.com/rowlink/rowlink/tabular/boost"
)

// Names of what is learned.
const (
	pairwise = "boosted trees, pairs in order" // lambdarank (Burges, 2010)
	onePer   = "boosted trees, one by one"     // is this pair linked?
	fusion   = "blend"                         // of reciprocal ranks (Cormack et al., 2009)
)

// objectives of what is learned.
var objectives = map[string]string{pairwise: "lambdarank", onePer: "binary"}

// learned is a mean of boosted trees over the features.
type learned struct {
	Models []*boost.Model `json:"models"`
}

const (
	members  = 2  // models of a mean
	rounds   = 60 // fixed: nothing is chosen on what it is judged by
	mostRows = 100_000
)

// learn fits trees to the candidates of some queries.
func (w *world) learn(ctx context.Context, name string, t *table) (*learned, error) {
	columns := boost.FromRows(w.names, t.x)
	d := &boost.Dataset{Columns: columns, Label: t.label}
	if name == pairwise {
		d.Group = t.group
	}
	out := &learned{}
	for i := range members {
		m, err := boost.Fit(ctx, d, boost.Options{Objective: objectives[name], Rounds: rounds, LearningRate: 0.1, MaxLeaves: 12, MinRows: 20, Subsample: 0.8, Colsample: 0.4,
			Seed: uint64(i + 1), Threads: w.threads})
		if err != nil {
			return nil, fmt.Errorf("fit %s: %w", name, err)
		}
		out.Models = append(out.Models, m)
	}
	return out, nil
}

// score is the mean of the models' raw outputs for rows of features.
func (l *learned) score(x []float64, threads int) []float64 {
	var sum []float64
	for _, m := range l.Models {
		raw := m.Raw(x, threads)
		if sum == nil {
			sum = make([]float64, len(raw))
		}
		for i, v := range raw {
			sum[i] += v / float64(len(l.Models))
		}
	}
	return sum
}

// check refuses trees of other features.
func (l *learned) check(width int) error {
	if len(l.Models) == 0 {
		return fmt.Errorf("no trees are stored")
	}
	for _, m := range l.Models {
		if m.Outputs() != 1 || len(m.Features) != width {
			return fmt.Errorf("the stored trees read %d features, there are %d; train again", len(m.Features), width)
		}
	}
	return nil
}
