package main

import (
	"context"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/server"
	"github.com/rowlink/rowlink/tabular/recommend"
	"github.com/rowlink/rowlink/tasks"
)

// newServedRanking is [newServed] for a version of a link prediction task.
func newServedRanking(l *rowlink.LoadedRanking) *served {
	s := newServed(&rowlink.Loaded{Predictor: l.Predictor, Version: l.Version, Served: l.Report.Served,
		Report: &rowlink.Report{Metric: l.Report.Metric}})
	s.ranking = l
	return s
}

// rankings answers with lists of items. A list is the same alone as among others.
func (q *questions) rankings(ctx context.Context) ([]server.Prediction, error) {
	lists, err := q.ranking.Rank(ctx, q.rows, q.anchor, q.Task.Ranking.Top)
	if err != nil {
		return nil, err
	}
	eligible, err := tasks.Eligible(ctx, q.Snap, q.Task, q.rows, q.anchor)
	if err != nil {
		return nil, err
	}
	items := q.Snap.Tables[q.Task.Ranking.Items]
	out := make([]server.Prediction, len(lists))
	for i, list := range lists {
		p := server.Prediction{Index: q.index[i], Items: rankedItems(items, list), Eligible: eligible[i]}
		if len(p.Items) > 0 {
			p.Value = p.Items[0].Item
		}
		if !p.Eligible {
			p.Reason = ineligible(q.Task)
		}
		if q.explain > 0 {
			p.Explanation = &server.Explanation{Method: "none", Note: "rankings come without reasons"}
		}
		out[i] = p
	}
	return out, nil
}

// rankedItems names the rows of a list by their keys.
func rankedItems(t *ingest.Table, list []recommend.Item) []server.RankedItem {
	out := make([]server.RankedItem, 0, len(list))
	for k, item := range list {
		if raw, ok := jsonKey(t.Key(item.Row)); ok {
			out = append(out, server.RankedItem{Rank: k + 1, Item: raw, Score: item.Score})
		}
	}
	return out
}
