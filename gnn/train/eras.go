package train

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/rowlink/rowlink/tasks"
)

// An era is a quarter of the training examples, the youngest, if those are at least
// leastInEra.
const (
	erasIn     = 4
	leastInEra = 1000
)

// fitEras trains on all examples and on the youngest era of them, and where validation is
// frozen on the better of the two with stale cuts, and keeps what is best on validation:
// what held long ago may hold no longer, and which it is the data must say. A pass over the
// rows is cheap enough to try.
func fitEras(ctx context.Context, d Data, opt Options) (*Result, error) {
	opt.Recent = -1
	best, err := fit(ctx, d, opt)
	if err != nil {
		return nil, err
	}
	if n := len(d.Labels.Rows(tasks.Train)) / erasIn; n >= leastInEra {
		opt.Recent = n
		if best, err = better(ctx, d, opt, best); err != nil {
			return nil, err
		}
	}
	if opt.tryStale(d.Labels.Task) {
		opt.Recent, opt.Stale = best.Recent, true
		return better(ctx, d, opt, best)
	}
	return best, nil
}

// better trains once more and returns the better of that and what is best so far, with the
// time that both took.
func better(ctx context.Context, d Data, opt Options, best *Result) (*Result, error) {
	if best.Interrupted {
		return best, nil
	}
	d.Like = best.Bound
	if opt.Checkpoint != "" {
		opt.Checkpoint += fmt.Sprintf("-youngest-%d-stale-%t", opt.Recent, opt.Stale)
	}
	next, err := fit(ctx, d, opt)
	if err != nil {
		return nil, err
	}
	scaling, err := tasks.FitScaling(d.Labels)
	if err != nil {
		return nil, err
	}
	metric, err := d.Labels.Task.MetricOf(scaling)
	if err != nil {
		return nil, err
	}
	spent := best.Elapsed + next.Elapsed
	if v := next.Best.Val; v != best.Best.Val && metric.HigherIsBetter() == (v > best.Best.Val) {
		best = next
	}
	best.Elapsed = spent
	return best, nil
}

// youngest keeps of examples the youngest that the options ask for, in their order; of
// those with the anchor of the last one all.
func (r *run) youngest(rows []int) []int {
	n := r.opt.Recent
	if n <= 0 || n >= len(rows) {
		return rows
	}
	anchors := make([]int64, len(rows))
	for i, row := range rows {
		anchors[i] = r.Labels.Anchor[row]
	}
	slices.SortFunc(anchors, func(a, b int64) int { return cmp.Compare(b, a) })
	from := anchors[n-1]
	return slices.DeleteFunc(slices.Clone(rows), func(row int) bool { return r.Labels.Anchor[row] < from })
}
