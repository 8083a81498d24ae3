package rowlink

import (
	"context"
	"fmt"
	"slices"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
)

// driftClasses bounds the classes that are compared one by one: the first of the training.
const driftClasses = 20

// driftAsked lists who is asked at an anchor: the eligible, at most so many, spread evenly.
func driftAsked(ctx context.Context, p *predict.Predictor, at int64) ([]int32, error) {
	rows, err := p.All(ctx, at)
	if err != nil {
		return nil, err
	}
	out := make([]int32, min(len(rows), driftEntities))
	for k := range out {
		out[k] = rows[k*len(rows)/len(out)]
	}
	return out, nil
}

// driftOfScores asks about the eligible at both anchors.
func (l *Loaded) driftOfScores(ctx context.Context, d *Drift) error {
	var both [2][]float64
	for i, at := range []int64{d.Since, d.Anchor} {
		asked, err := driftAsked(ctx, l.Predictor, at)
		if err != nil {
			return err
		}
		var queries []model.Query
		for _, row := range asked {
			queries = append(queries, model.Query{Row: row, Cut: at, Anchor: at})
		}
		if len(queries) == 0 {
			d.Skipped = append(d.Skipped, "scores: nobody is eligible at "+moment(at))
			return nil
		}
		if both[i], err = l.Scorer.Score(ctx, queries); err != nil {
			return err
		}
	}
	if len(l.Classes) < 2 {
		m := numbersMoved("score", both[0], both[1], 0, 0)
		d.Scores = &m
		return nil
	}
	for c, class := range l.Classes[:min(len(l.Classes), driftClasses)] {
		d.Parts = append(d.Parts, numbersMoved("probability of "+class, everyNth(both[0], c, len(l.Classes)), everyNth(both[1], c, len(l.Classes)), 0, 0))
	}
	m := valuesMoved("most likely class", likeliest(both[0], l.Classes), likeliest(both[1], l.Classes))
	d.Scores = &m
	return nil
}

// everyNth reads a column of a row-major matrix.
func everyNth(values []float64, at, width int) []float64 {
	var out []float64
	for i := at; i < len(values); i += width {
		out = append(out, values[i])
	}
	return out
}

// likeliest counts the classes of the highest probability, the first of equals.
func likeliest(values []float64, classes []string) map[string]int {
	out := map[string]int{}
	for row := range slices.Chunk(values, len(classes)) {
		out[classes[slices.Index(row, slices.Max(row))]]++
	}
	return out
}

// Drift compares an anchor with the end of the training, as [Loaded.Drift] does: the item that
// is ranked first, all items that are ranked, and the first one's score.
func (l *LoadedRanking) Drift(ctx context.Context, at int64, days float64) (*Drift, error) {
	d, err := newDrift(l.Predictor, l.Version, at, days)
	if err != nil {
		return nil, err
	}
	if err := l.driftOfLists(ctx, d); err != nil {
		return nil, err
	}
	if d.Later, err = l.later(ctx); err != nil {
		return nil, err
	}
	return d, d.tables(ctx, l.Predictor)
}

func (l *LoadedRanking) driftOfLists(ctx context.Context, d *Drift) error {
	items := l.Snap.Tables[l.Task.Ranking.Items]
	var first, all [2]map[string]int
	var scores [2][]float64
	for i, at := range []int64{d.Since, d.Anchor} {
		rows, err := driftAsked(ctx, l.Predictor, at)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			d.Skipped = append(d.Skipped, "rankings: nobody is eligible at "+moment(at))
			return nil
		}
		lists, err := l.Rank(ctx, rows, at, l.Task.Ranking.Top)
		if err != nil {
			return err
		}
		first[i], all[i] = map[string]int{}, map[string]int{}
		for _, list := range lists {
			for k, item := range list {
				key := items.KeyText(item.Row)
				all[i][key]++
				if k == 0 {
					first[i][key]++
					scores[i] = append(scores[i], item.Score)
				}
			}
		}
	}
	m := valuesMoved("item ranked first", first[0], first[1])
	d.Scores = &m
	d.Parts = []Moved{valuesMoved(fmt.Sprintf("items among the first %d", l.Task.Ranking.Top), all[0], all[1]), numbersMoved("score of the first item", scores[0], scores[1], 0, 0)}
	return nil
}
