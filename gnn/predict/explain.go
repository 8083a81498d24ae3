package predict

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/rowlink/rowlink/gnn/model"
)

// Reason is one group of rows, or one row, that moved a prediction. Its effect is the
// prediction minus the prediction without those rows (occlusion).
type Reason struct {
	Table  string  `json:"table"`
	Path   string  `json:"path"` // edge type from the rows to the entity
	Rows   int     `json:"rows"`
	Key    string  `json:"key,omitempty"`  // of a single row
	Time   int64   `json:"time,omitempty"` // of a single row, microseconds UTC
	Effect float64 `json:"effect"`
}

// explainRows is how many of the newest rows of a group are tried one by one.
const explainRows = 16

// Explain returns the largest effects on one prediction: of all rows of each foreign key
// that points to the entity, and of the newest rows of each alone. For several classes
// the effect is on the probability of the predicted class. It is deterministic.
func (n *Network) Explain(q model.Query, top int) []Reason {
	return largest(n.effects(q, predicted(n, q)), top)
}

// predicted is the position of the output to explain: of the most likely class, the first
// of equals.
func predicted(s Scorer, q model.Query) int {
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

// largest returns the reasons with the largest effects, largest first.
func largest(reasons []Reason, top int) []Reason {
	slices.SortStableFunc(reasons, func(a, b Reason) int { return cmp.Compare(math.Abs(b.Effect), math.Abs(a.Effect)) })
	return reasons[:min(top, len(reasons))]
}

// effects tries every group and row, in the order of edge types and times, and looks at
// one output.
func (n *Network) effects(q model.Query, out int) []Reason {
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
