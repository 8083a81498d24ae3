package asof

import (
	"math"
	"slices"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// level is the decayed mean of the target over all earlier rows, whoever they belong to:
// where the whole table moves with time, a row's own relations are late to tell.
type level struct {
	times []int64 // ascending, each once
	means []float64
}

// newLevel reads the label column of the target history; nil where labels are no numbers.
func newLevel(t *ingest.Table, halfLife float64) *level {
	at := t.Def.Column("label")
	if at < 0 || t.Columns[at].Kind != schema.Float || t.Times == nil {
		return nil
	}
	order := make([]int32, 0, t.Rows)
	for row := range int32(t.Rows) {
		if t.Times[row] != ingest.Never {
			order = append(order, row)
		}
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		switch {
		case t.Times[a] < t.Times[b]:
			return -1
		case t.Times[a] > t.Times[b]:
			return 1
		}
		return 0
	})
	l := &level{}
	sum, weight, last := 0.0, 0.0, int64(0)
	for i, row := range order {
		left := math.Exp2(-days(t.Times[row]-last) / halfLife)
		sum, weight, last = sum*left+t.Columns[at].Floats[row], weight*left+1, t.Times[row]
		if i+1 == len(order) || t.Times[order[i+1]] != last {
			l.times, l.means = append(l.times, last), append(l.means, sum/weight)
		}
	}
	return l
}

// at is the mean as of a cut.
func (l *level) at(rule ingest.TimeRule, cut int64) float64 {
	if n := rule.Cut(l.times, cut); n > 0 {
		return l.means[n-1]
	}
	return noNumber
}

// together counts for every row the rows of its time.
func together(t *ingest.Table) []float32 {
	n := map[int64]float32{}
	for _, at := range t.Times {
		n[at]++
	}
	out := make([]float32, t.Rows)
	for row, at := range t.Times {
		out[row] = n[at]
	}
	return out
}
