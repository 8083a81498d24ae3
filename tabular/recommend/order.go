package recommend

import (
	"cmp"
	"context"
	"slices"
)

// deepest is how many items of a list are kept before lists are joined.
const deepest = 200

// fusionShift is the constant of reciprocal rank fusion.
const fusionShift = 60

// ordered sorts candidates by score, the best first, ties by row number.
func ordered(item []int32, score []float64) (items []int32, scores []float64) {
	order := make([]int, len(item))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(score[b], score[a]), cmp.Compare(item[a], item[b]))
	})
	order = order[:min(deepest, len(order))]
	items, scores = make([]int32, len(order)), make([]float64, len(order))
	for to, from := range order {
		items[to], scores[to] = item[from], score[from]
	}
	return items, scores
}

// fuse joins lists by the sum of 1 / (60 + rank).
func fuse(lists [][]int32) (items []int32, scores []float64) {
	sum := map[int32]float64{}
	for _, list := range lists {
		for rank, item := range list {
			sum[item] += 1 / float64(fusionShift+rank+1)
		}
	}
	for item := range sum {
		items = append(items, item)
	}
	slices.Sort(items)
	for _, item := range items {
		scores = append(scores, sum[item])
	}
	return ordered(items, scores)
}

// scorer orders the candidates of a query by their features.
type scorer func(p part) []float64

// ruleScorer applies a rule to every candidate.
func (w *world) ruleScorer(r rule) scorer {
	width := len(w.names)
	return func(p part) []float64 {
		out := make([]float64, len(p.item))
		for i := range out {
			out[i] = r.score(p.x[i*width : (i+1)*width])
		}
		return out
	}
}

// lists orders the candidates of every query by each scorer: lists[s][i] is that of query i.
func (w *world) lists(ctx context.Context, queries []Query, scorers []scorer) ([][][]int32, error) {
	out := make([][][]int32, len(scorers))
	for s := range out {
		out[s] = make([][]int32, len(queries))
	}
	err := w.gather(ctx, queries, func(i int, p part) {
		for s, score := range scorers {
			if len(p.item) > 0 {
				out[s][i], _ = ordered(p.item, score(p))
			}
		}
	})
	return out, err
}
