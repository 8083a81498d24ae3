package recommend

import (
	"context"
	"fmt"
	"slices"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
)

// Model orders the items of a link prediction task. It is stored as JSON, bound to a
// snapshot, and safe for concurrent use.
type Model struct {
	Served   string              `json:"served"`
	Fused    []string            `json:"fused"` // what a blend joins
	Trees    map[string]*learned `json:"trees"`
	Features []string            `json:"features"` // a check that the same ones are computed

	*world `json:"-"`
}

// Item is a ranked row with its score, which orders the items of one list only.
type Item struct {
	Row   int32
	Score float64
}

// Bind computes what the model reads from a snapshot. The error says what changed since
// it was trained.
func (m *Model) Bind(snap *ingest.Snapshot, task *tasks.Task, threads int) error {
	w, err := newWorld(snap, task, max(1, threads))
	if err != nil {
		return err
	}
	if !slices.Equal(w.names, m.Features) {
		return fmt.Errorf("the model reads %d features of pairs, the database gives %d others; train again", len(m.Features), len(w.names))
	}
	for _, l := range m.Trees {
		if err := l.check(len(w.names)); err != nil {
			return err
		}
	}
	m.world = w
	_, err = m.scorers()
	return err
}

// scorers are what is served, more than one for the blend.
func (m *Model) scorers() ([]scorer, error) {
	names := []string{m.Served}
	if m.Served == fusion {
		names = m.Fused
	}
	var out []scorer
	for _, name := range names {
		if l := m.Trees[name]; l != nil {
			out = append(out, func(p part) []float64 { return l.score(p.x, 1) })
			continue
		}
		i := slices.IndexFunc(m.rules(), func(r rule) bool { return r.name == name })
		if i < 0 {
			return nil, fmt.Errorf("the model serves %q, which it does not have", name)
		}
		out = append(out, m.ruleScorer(m.rules()[i]))
	}
	return out, nil
}

// Rank returns for each query the items that the entity is likeliest to be linked to, at
// most top of them. The answer to a query does not depend on the others.
func (m *Model) Rank(ctx context.Context, queries []Query, top int) ([][]Item, error) {
	scorers, err := m.scorers()
	if err != nil {
		return nil, err
	}
	out := make([][]Item, len(queries))
	err = m.gather(ctx, queries, func(i int, p part) {
		if len(p.item) == 0 {
			return
		}
		items, scores := ordered(p.item, scorers[0](p))
		if len(scorers) > 1 {
			lists := [][]int32{items}
			for _, s := range scorers[1:] {
				list, _ := ordered(p.item, s(p))
				lists = append(lists, list)
			}
			items, scores = fuse(lists)
		}
		for k := range min(top, len(items)) {
			out[i] = append(out[i], Item{items[k], scores[k]})
		}
	})
	return out, err
}
