package predict

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/rowlink/rowlink/gnn/model"
)

// Reason is one group of rows, one row, or one feature of rows that moved a prediction. Of
// rows the effect is the prediction minus the prediction without them (occlusion); of a
// feature it is the prediction minus the one without its share (Shapley values of trees,
// terms of a linear model).
type Reason struct {
	Table  string   `json:"table"`
	Path   string   `json:"path,omitempty"`   // edge type from the rows to the entity; empty of a feature
	Rows   int      `json:"rows,omitempty"`   // 0 of a feature
	Key    string   `json:"key,omitempty"`    // of a single row
	Time   int64    `json:"time,omitempty"`   // of a single row, microseconds UTC
	Column string   `json:"column,omitempty"` // of a feature: what it tells, in words
	Value  *float64 `json:"value,omitempty"`  // of a feature; nil = it has none
	Effect float64  `json:"effect"`
}

// String prints a reason with its value, so that equal reasons read alike.
func (r Reason) String() string {
	if r.Column != "" {
		value := "none"
		if r.Value != nil {
			value = strconv.FormatFloat(*r.Value, 'g', -1, 64)
		}
		return fmt.Sprintf("%s: %s = %s: %v", r.Table, r.Column, value, r.Effect)
	}
	return fmt.Sprintf("%s via %s, %d rows, key %q, time %d: %v", r.Table, r.Path, r.Rows, r.Key, r.Time, r.Effect)
}

// Method says how the effects of some reasons were found.
func Method(reasons []Reason) string {
	rows, features := false, false
	for _, r := range reasons {
		rows, features = rows || r.Column == "", features || r.Column != ""
	}
	switch {
	case rows && features:
		return "occlusion and attribution"
	case features:
		return "attribution"
	}
	return "occlusion"
}

// explainRows is how many of the newest rows of a group are tried one by one.
const explainRows = 16

// Explain returns the largest effects on one prediction: of all rows of each foreign key
// that points to the entity, and of the newest rows of each alone. For several classes
// the effect is on the probability of the predicted class. It is deterministic.
func (n *Network) Explain(q model.Query, top int) []Reason {
	return Largest(n.Effects(q, Predicted(n, q)), top)
}

// Predicted is the position of the output to explain: of the most likely class, the first
// of equals.
func Predicted(s Scorer, q model.Query) int {
	out, err := s.Score(context.Background(), []model.Query{q})
	if err != nil {
		panic("predict: a query without a deadline was not scored: " + err.Error())
	}
	best := 0
	for c, p := range out {
		if p > out[best] {
			best = c
		}
	}
	return best
}

// Largest returns the reasons with the largest effects, largest first.
func Largest(reasons []Reason, top int) []Reason {
	slices.SortStableFunc(reasons, func(a, b Reason) int { return cmp.Compare(math.Abs(b.Effect), math.Abs(a.Effect)) })
	return reasons[:min(top, len(reasons))]
}

// Effects tries every group and row, in the order of edge types and times, and looks at
// one output.
func (n *Network) Effects(q model.Query, out int) []Reason {
	s := n.shards.Scorer()
	defer n.shards.Return(s)
	queries := []model.Query{q}
	v := variant{s, s.Sample(queries), queries}
	full := n.decode(s.Forward(v.batch, queries))
	g := n.bound.Graph
	var reasons []Reason
	for e, t := range g.Edges {
		if t.Rev || t.Dst != n.bound.Entity || v.batch.Edges[e].Ptr[1] == 0 {
			continue
		}
		set := v.batch.Edges[e]
		rows := int(set.Ptr[1])
		table := g.Snap.Tables[t.Src]
		group := Reason{Table: table.Def.Name, Path: g.Label(e), Rows: rows,
			Effect: full[out] - n.without(v, e, func(int) bool { return true })[out]}
		reasons = append(reasons, group)
		if rows == 1 {
			continue
		}
		for i := max(0, rows-explainRows); i < rows; i++ { // lists are in time order
			row := v.batch.Nodes[t.Src].Rows[set.Src[i]]
			one := Reason{Table: table.Def.Name, Path: g.Label(e), Rows: 1,
				Effect: full[out] - n.without(v, e, func(at int) bool { return at == i })[out]}
			if len(table.Def.Key) > 0 {
				one.Key = table.KeyText(row)
			}
			if table.Times != nil {
				one.Time = table.Times[row]
			}
			reasons = append(reasons, one)
		}
	}
	return reasons
}
