package tasks

import (
	"math"
	"slices"
	"strings"
)

// RankingMetric compares ranked lists with the sets that came true, as RelBench does: both
// hold row numbers, a list is cut at k, examples without truth are passed over, and the
// mean over the others is returned; NaN where there is none.
type RankingMetric struct {
	Name string
	// of scores one list, cut at k, by which places of it are hits, and the size of the truth.
	of func(hit []bool, k, truth int) float64
}

// rankingMetrics lists the metrics, the default first. More is better in all of them.
var rankingMetrics = []RankingMetric{
	{"map", averagePrecisionAt},
	{"precision", func(hit []bool, k, _ int) float64 { return float64(hits(hit)) / float64(k) }},
	{"recall", func(hit []bool, _, truth int) float64 { return float64(hits(hit)) / float64(truth) }},
	{"ndcg", discountedGain},
	{"mrr", func(hit []bool, _, _ int) float64 { return reciprocal(slices.Index(hit, true)) }},
	{"hit_rate", func(hit []bool, _, _ int) float64 { return float64(min(1, hits(hit))) }},
}

// RankingMetricNames lists the metrics of link prediction, the default first.
func RankingMetricNames() []string {
	var out []string
	for _, m := range rankingMetrics {
		out = append(out, m.Name)
	}
	return out
}

// RankingMetricByName returns a metric of link prediction; empty is the default. The
// error, of type [Error], names the metrics that there are.
func RankingMetricByName(name string) (RankingMetric, error) {
	for _, m := range rankingMetrics {
		if m.Name == name || name == "" {
			return m, nil
		}
	}
	return RankingMetric{}, &Error{Code: "TK194", Msg: "no metric \"" + name + "\" for " + LinkPrediction, Hint: "have " + strings.Join(RankingMetricNames(), ", ")}
}

// Compute compares the lists with what came true at a cut of k.
func (m RankingMetric) Compute(truth, ranked [][]int32, k int) float64 {
	each := m.Each(truth, ranked, k)
	sum, n := 0.0, 0
	for _, v := range each {
		if !math.IsNaN(v) {
			sum += v
			n++
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return sum / float64(n)
}

// Each is the metric of each example, NaN for one without truth.
func (m RankingMetric) Each(truth, ranked [][]int32, k int) []float64 {
	out := make([]float64, len(truth))
	var hit []bool
	for i, want := range truth {
		if len(want) == 0 {
			out[i] = math.NaN()
			continue
		}
		hit = hit[:0]
		for _, item := range ranked[i][:min(k, len(ranked[i]))] {
			hit = append(hit, slices.Contains(want, item))
		}
		out[i] = m.of(hit, k, len(want))
	}
	return out
}

func hits(hit []bool) int {
	n := 0
	for _, h := range hit {
		if h {
			n++
		}
	}
	return n
}

// averagePrecisionAt sums the precision at each hit and divides by what a perfect list of
// length k would have.
func averagePrecisionAt(hit []bool, k, truth int) float64 {
	sum, n := 0.0, 0.0
	for j, h := range hit {
		if h {
			n++
			sum += n / float64(j+1)
		}
	}
	return sum / float64(min(k, truth))
}

// discountedGain is NDCG with the gain 1/log2(rank + 1) of a hit.
func discountedGain(hit []bool, k, truth int) float64 {
	sum, ideal := 0.0, 0.0
	for j := range min(k, truth) {
		ideal += 1 / math.Log2(float64(j+2))
	}
	for j, h := range hit {
		if h {
			sum += 1 / math.Log2(float64(j+2))
		}
	}
	return sum / ideal
}

// reciprocal is 1 over the rank of a place counted from 0; 0 for no place.
func reciprocal(at int) float64 {
	if at < 0 {
		return 0
	}
	return 1 / float64(at+1)
}
