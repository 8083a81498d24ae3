package scan

import (
	"slices"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// Gathered is what an entity has gathered over one path by the cut of a query.
type Gathered struct {
	Table int    // whose rows they are
	Path  string // from the rows to the entity
	Rows  int    // those that the cut sees
}

// Without answers one query once as it is and then as if the entity had no rows over a
// path, for each path that has some: no state of them, and no parents of the youngest of
// them. The first row of out is the answer as it is, row 1+i that without gathered[i].
func (s *Scorer) Without(q model.Query) (gathered []Gathered, out tensor.Mat) {
	queries, hidden := []model.Query{q}, []int{-1}
	for _, k := range s.b.plan.into[s.b.entity] {
		l := s.b.lists[k]
		if n := l.visible(l.after(q.Row, s.b.rule.Moment(q.Cut)), q.Row); n > 0 {
			p := &s.b.plan.states[k]
			gathered = append(gathered, Gathered{p.from, p.name, n})
			queries, hidden = append(queries, q), append(hidden, k)
		}
	}
	t := tensor.NewTape(tensor.NewPool(1))
	t.Train = false
	return gathered, s.answer(t, queries, hidden)
}

// visible is the number of rows of ancestor p that are visible after event i.
func (l *list) visible(i, p int32) int {
	if i < 0 {
		return 0
	}
	first := l.ptr[p]
	if l.span == nil {
		return int(i - first + 1)
	}
	ended := slices.DeleteFunc(slices.Clone(l.span[first:i+1]), func(span int64) bool { return span < 0 })
	return int(i-first+1) - 2*len(ended)
}
