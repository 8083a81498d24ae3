package baseline

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
)

func init() { makers.Add("entity mean", maker{1, fitEntityMean, emptyHistory}) }
func init() { makers.Add("decayed entity mean", maker{2, fitDecayed, emptyHistory}) }

func emptyHistory() Baseline { return &History{} }

// History predicts from the entity's own past values, weighted by 0.5^(age/half-life)
// and drawn to the prior as if by PriorWeight more values. The past values are the
// task's closed labels or, fresher, the rows that the target aggregates.
type History struct {
	HalfLife    float64 // days; 0 = no decay
	Rows        bool    // rows of the aggregated table instead of closed labels
	What        string  // name of the past values
	Kin         string  `json:",omitempty"` // static target: the foreign key that other rows share
	Prior       []float64
	PriorWeight float64
	// Calibration maps (mean, log decayed count) to the prediction: two weights and an
	// intercept; empty = the mean itself.
	Calibration []float64

	data   *Data
	kin    kin
	table  *ingest.Table
	values []float64 // per row of table; NaN = does not count
}

// fitEntityMean takes the mean of the entity's own past or, of a static target, of the
// rows that share the foreign key which validation likes best.
func fitEntityMean(ctx context.Context, f *Fit) (Baseline, error) {
	var best *History
	top := math.Inf(-1)
	for _, name := range f.kinNames() {
		h := &History{Prior: prior(f.Data, f.Train.Label), PriorWeight: 1, Kin: name}
		if err := h.Attach(f.Data); err != nil {
			return nil, err
		}
		if !f.Task.Static() {
			return h, nil
		}
		predicted, err := h.Predict(ctx, f.Val.Queries)
		if err != nil {
			return nil, err
		}
		if s := f.Score(predicted); best == nil || s > top {
			best, top = h, s
		}
	}
	return best, nil
}

// fitDecayed tries every half-life on both kinds of past values, plain and calibrated.
func fitDecayed(ctx context.Context, f *Fit) (Baseline, error) {
	horizon := f.Task.Pace()
	var best *History
	bestScore := math.Inf(-1)
	for _, way := range f.pasts() {
		for _, times := range []float64{0.5, 1, 2, 4, 8, 16} {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			h := &History{HalfLife: times * horizon, Rows: way.rows, Kin: way.kin, Prior: prior(f.Data, f.Train.Label), PriorWeight: 1}
			if err := h.Attach(f.Data); err != nil {
				if way.rows {
					break // the target has no rows with a value of their own
				}
				return nil, err
			}
			if way.rows {
				h.Prior = slices.Repeat([]float64{h.visibleMean(f.Task.Options.ValAnchor)}, f.Task.Frames())
			}
			for _, c := range h.candidates(f) {
				predicted, err := c.Predict(ctx, f.Val.Queries)
				if err != nil {
					return nil, err
				}
				if s := f.Score(predicted); s > bestScore {
					best, bestScore = c, s
				}
			}
		}
	}
	if best == nil {
		return nil, fmt.Errorf("no half-life gives a validation metric")
	}
	return best, nil
}

// kind is a kind of past values: rows that the target aggregates, or labels, of those that
// share a foreign key.
type kind struct {
	rows bool
	kin  string
}

func (f *Fit) pasts() []kind {
	var out []kind
	if !f.Task.Static() {
		out = append(out, kind{rows: true})
	}
	for _, name := range f.kinNames() {
		out = append(out, kind{kin: name})
	}
	return out
}

// candidates returns h as it is, where its mean is on the label's scale, and calibrated
// on the training examples.
func (h *History) candidates(f *Fit) []*History {
	var out []*History
	if !h.Rows || f.Task.Type == tasks.Regression {
		out = append(out, h)
	}
	if len(f.Classes) > 0 {
		return out
	}
	labels := f.level(f.Train.Label)
	x := design{len(f.Train.Queries), 2, make([]float64, 0, 2*len(f.Train.Queries))}
	for _, q := range f.Train.Queries {
		mean, n := h.mean(q)
		x.x = append(x.x, mean[0], math.Log(n+0.05))
	}
	c := *h
	var err error
	if f.Task.Type == tasks.Binary {
		c.Calibration, err = x.logistic(labels, 1e-6)
	} else {
		c.Calibration, err = x.absolute(labels, 1e-6)
	}
	if err != nil { // constant past values: nothing to calibrate
		return out
	}
	return append(out, &c)
}

// Attach finds the past values.
func (h *History) Attach(d *Data) error {
	h.data = d
	table, name := len(d.Graph.Snap.Tables)-1, "closed labels"
	if h.Rows {
		rows, ok := tasks.RowValues(d.Graph.Snap, d.Task)
		if !ok {
			return fmt.Errorf("the target has no rows with values of their own")
		}
		table, name = rows.Table, rows.Name
		h.values = rows.Value
		h.kin = kin{edge: d.edgeOf(rows.Table, rows.Link)}
	} else {
		h.values = d.History
		var err error
		if h.kin, err = chosen(d, table, h.Kin); err != nil {
			return err
		}
		if h.Kin != "" {
			name = "earlier labels of the same " + h.Kin
		}
	}
	h.table, h.What = d.Graph.Snap.Tables[table], name
	if !d.Task.Static() && (h.kin.edge < 0 || h.values == nil) {
		return fmt.Errorf("the graph holds no %s of the entity", name)
	}
	return nil
}

// edgeOf is the edge type of a link, -1 where the graph has none.
func (d *Data) edgeOf(table, link int) int {
	for i, e := range d.Graph.Edges {
		if !e.Rev && e.Table == table && e.Link == link {
			return i
		}
	}
	return -1
}

// mean is the decayed mean of the past values of one query (one number, or one share
// per class) with its weight.
func (h *History) mean(q Query) (mean []float64, weight float64) {
	mean = make([]float64, len(h.Prior))
	rule := h.data.Task.Options.Rule
	for _, row := range h.rows(q) {
		v := h.values[row]
		if v != v || !h.table.VisibleAt(rule, row, q.Cut) {
			continue
		}
		w := 1.0
		if h.HalfLife > 0 {
			w = math.Exp2(-days(q.Cut-h.table.TimeOf(row)) / h.HalfLife)
		}
		weight += w
		if h.data.Task.Type == tasks.Multilabel {
			addSet(mean, v, w)
		} else if len(h.data.Classes) > 0 {
			mean[int(v)] += w
		} else {
			for c := range mean { // the past of a forecast is one series
				mean[c] += w * v
			}
		}
	}
	for c := range mean {
		mean[c] = (mean[c] + h.PriorWeight*h.Prior[c]) / (weight + h.PriorWeight)
	}
	return mean, weight
}

// rows are those whose values count for a query.
func (h *History) rows(q Query) []int32 {
	if h.kin.edge < 0 {
		return nil
	}
	of := h.kin.of(h.data, q.Row, q.Cut)
	if of < 0 {
		return nil
	}
	return h.data.Graph.Children(h.kin.edge, of, h.data.Task.Options.Rule, q.Cut)
}

// Predict implements [Baseline].
func (h *History) Predict(_ context.Context, queries []Query) ([]float64, error) {
	k := h.data.Width()
	out := make([]float64, len(queries)*k)
	h.data.Pool.Run(len(queries), 256, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			mean, n := h.mean(queries[i])
			if len(h.Calibration) > 0 {
				for c, m := range mean {
					mean[c] = dot(h.Calibration, []float64{m, math.Log(n + 0.05)})
				}
				if h.data.Task.Type == tasks.Binary {
					mean[0] = sigmoid(mean[0])
				}
			}
			copy(out[i*k:], mean)
		}
	})
	return out, nil
}

// Setting names the past values and the half-life.
func (h *History) Setting() string {
	if h.HalfLife == 0 {
		return "mean of " + h.What
	}
	return fmt.Sprintf("%s, half-life %.4g d", h.What, h.HalfLife)
}

// visibleMean is the mean of the past values that are visible at the cut.
func (h *History) visibleMean(cut int64) float64 {
	var sum, n float64
	for row, v := range h.values {
		if v == v && h.table.VisibleAt(h.data.Task.Options.Rule, int32(row), cut) {
			sum += v
			n++
		}
	}
	return sum / math.Max(n, 1)
}
