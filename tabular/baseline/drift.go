package baseline

import (
	"context"
	"math"
	"sync"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
)

// drift puts predicted values of a target without window right by how earlier ones came
// out: with e the error y - x of prediction x, the correction is a + c (x - mean x), fitted
// to all rows known before a cut with weights that halve every half-life. Trees cannot
// leave the range of the labels they saw; where a table moves on (more cars finish than
// ever), the correction follows. It is drawn to 0 as if by some rows without error.
type drift struct {
	halfLife float64 // days
	once     sync.Once
	err      error
	times    []int64 // ascending, each once
	states   []correction
}

// correction is the state after the rows of one time.
type correction struct{ weight, x, e, xx, xe float64 }

// driftPrior is the number of rows without error that a correction begins with.
const driftPrior = 50

// learn predicts every row whose label is known at its own time and takes its error in.
func (d *drift) learn(ctx context.Context, data *Data, predict func([]Query) []float64) error {
	d.once.Do(func() {
		var past *tasks.LabelTable
		if past, d.err = tasks.History(ctx, data.Graph.Snap, data.Task, ingest.Never-1); d.err != nil {
			return
		}
		queries := make([]Query, len(past.Label))
		for i := range queries {
			queries[i] = Query{past.Entity[i], past.Anchor[i], past.Anchor[i]}
		}
		d.take(queries, predict(queries), past.Label)
	})
	return d.err
}

// take goes over the rows in the order of their times.
func (d *drift) take(queries []Query, predicted, label []float64) {
	var s correction
	var last int64
	for i, q := range queries {
		s = s.decayed(math.Exp2(-days(q.Anchor-last)/d.halfLife)).plus(predicted[i], label[i]-predicted[i])
		last = q.Anchor
		if i+1 == len(queries) || queries[i+1].Anchor != last {
			d.times, d.states = append(d.times, last+1), append(d.states, s) // known just after its time
		}
	}
}

func (s correction) decayed(left float64) correction {
	return correction{s.weight * left, s.x * left, s.e * left, s.xx * left, s.xe * left}
}

func (s correction) plus(x, e float64) correction {
	return correction{s.weight + 1, s.x + x, s.e + e, s.xx + x*x, s.xe + x*e}
}

// apply corrects one prediction.
func (s correction) apply(x float64) float64 {
	if s.weight < 1e-9 {
		return x
	}
	mean, error := s.x/s.weight, s.e/(s.weight+driftPrior)
	spread := math.Max(0, s.xx-s.x*mean)
	slope := 0.0
	if prior := spread / s.weight * driftPrior; spread+prior > 0 {
		slope = (s.xe - s.e*mean) / (spread + prior)
	}
	return x + error + slope*(x-mean)
}

// correct corrects the predictions of queries, each by what was known before its cut.
func (d *drift) correct(rule ingest.TimeRule, queries []Query, predicted []float64) {
	for i, q := range queries {
		if n := rule.Cut(d.times, q.Cut); n > 0 {
			predicted[i] = d.states[n-1].apply(predicted[i])
		}
	}
}

// chooseDrift lets validation say whether and how fast predictions are put right.
func (b *Boosted) chooseDrift(ctx context.Context, f *Fit) error {
	t := f.Task
	if !t.Static() || t.Type != tasks.Regression || f.Graph.Snap.Tables[t.Entity].Times == nil {
		return nil
	}
	predicted, err := b.Predict(ctx, f.Val.Queries)
	if err != nil {
		return err
	}
	top, best := f.Score(predicted), 0.0
	for _, times := range []float64{1, 4, 16} {
		one := *b
		one.Drift, one.drift = times*t.Pace(), &drift{halfLife: times * t.Pace()}
		if predicted, err = one.Predict(ctx, f.Val.Queries); err != nil {
			return err
		}
		if s := f.Score(predicted); s > top {
			top, best = s, one.Drift
		}
	}
	b.setDrift(best)
	return nil
}

func (b *Boosted) setDrift(halfLife float64) {
	b.Drift, b.drift = halfLife, nil
	if halfLife > 0 {
		b.drift = &drift{halfLife: halfLife}
	}
}
