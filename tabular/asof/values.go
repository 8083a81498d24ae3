package asof

import (
	"cmp"
	"math"
	"slices"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// values says which numbers the rows of a table give: numeric columns as they are, their
// ranks among the rows of the same time where rows share times, and numeric columns of
// the rows' parents. Categories are told apart, as 0 and 1.
type values struct {
	table *ingest.Table
	names []string // of the numbers
	cols  []int    // columns that are numbers
	ranks [][]float32
	extra [][]float32 // numbers that were computed once for all rows
	up    []upColumn

	feat   *encode.Features
	chosen encode.Chosen
}

// upColumn is a numeric column of a parent.
type upColumn struct {
	edge   int // from parent to child
	parent *ingest.Table
	column int
}

// numeric lists the columns of a table that are numbers and take part.
func numeric(t *ingest.Table, enc *encode.Table) []int {
	var out []int
	for _, c := range enc.Columns {
		if c.Sem == schema.SemNumerical || c.Sem == schema.SemBoolean {
			if at := t.Def.Column(c.Name); at >= 0 && t.Columns[at].Kind != schema.Text {
				out = append(out, at)
			}
		}
	}
	return out
}

// newValues lays out the numbers of table t. Parents over the edges of skip give none.
func (w *Wide) newValues(t int, enc []*encode.Table, pool *tensor.Pool, skip ...int) (*values, error) {
	g := w.g
	table := g.Snap.Tables[t]
	v := &values{table: table, cols: numeric(table, enc[t]), chosen: enc[t].Choose(mostCodes)}
	for _, c := range v.cols {
		v.names = append(v.names, enc[t].Name+"."+table.Def.Columns[c].Name)
	}
	if w.sharesTimes(table) {
		for _, c := range v.cols {
			v.ranks = append(v.ranks, w.ranks(table, c))
			v.names = append(v.names, "rank of "+enc[t].Name+"."+table.Def.Columns[c].Name)
		}
	}
	for e, edge := range g.Edges {
		if !edge.Rev || edge.Dst != t || enc[edge.Src] == nil || slices.Contains(skip, e) {
			continue
		}
		parent := g.Snap.Tables[edge.Src]
		for _, c := range numeric(parent, enc[edge.Src]) {
			v.up = append(v.up, upColumn{e, parent, c})
			v.names = append(v.names, g.Snap.Tables[t].Def.Name+"."+table.Def.Label(table.Def.Links[edge.Link])+"->"+parent.Def.Columns[c].Name)
		}
	}
	var err error
	v.feat, err = enc[t].Features(pool, table)
	return v, err
}

// own is the number of numbers that are the table's own, ranks included.
func (v *values) own() int { return len(v.cols) + len(v.ranks) + len(v.extra) }

// forgetRanks takes the ranks out.
func (v *values) forgetRanks() {
	v.names = slices.Delete(v.names, len(v.cols), len(v.cols)+len(v.ranks))
	v.ranks = nil
}

// add adds a number that was computed for all rows, behind the table's own.
func (v *values) add(name string, column []float32) {
	v.names = slices.Insert(v.names, v.own(), name)
	v.extra = append(v.extra, column)
}

// read fills in the numbers of a row, NaN for NULL. Parents are read as the row itself
// sees them.
func (v *values) read(g *graph.Graph, row int32, out []float64) {
	for i, c := range v.cols {
		x, ok := v.table.Columns[c].Number(int(row))
		if !ok {
			x = math.NaN()
		}
		out[i] = x
	}
	n := len(v.cols)
	for i := range v.ranks {
		out[n+i] = float64(v.ranks[i][row])
	}
	n += len(v.ranks)
	for i := range v.extra {
		out[n+i] = float64(v.extra[i][row])
	}
	n += len(v.extra)
	for i, u := range v.up {
		out[n+i] = math.NaN()
		if p := g.Parent(u.edge, row, ingest.TimeRule{}, v.table.TimeOf(row)); p >= 0 {
			if x, ok := u.parent.Columns[u.column].Number(int(p)); ok {
				out[n+i] = x
			}
		}
	}
}

// leastTogether is the mean number of rows of one time from which on ranks among them say
// something.
const leastTogether = 3

// sharesTimes reports whether the rows of a table that are visible when the plan is made
// have their times together. Rows that end have no ranks: what is no longer visible would
// still count in those of others.
func (w *Wide) sharesTimes(t *ingest.Table) bool {
	if t.Times == nil || t.Until != nil {
		return false
	}
	return w.judge(w.judged.Together, t.Def.FullName(), func(of Judged) map[string]bool { return of.Together }, func() bool { return w.areTogether(t) })
}

func (w *Wide) areTogether(t *ingest.Table) bool {
	seen := w.opt.Rule.Moment(w.opt.At)
	times := slices.DeleteFunc(slices.Clone(t.Times), func(at int64) bool { return !seen.Sees(at) })
	n := len(times)
	slices.Sort(times)
	return n > 0 && n >= leastTogether*len(slices.Compact(times))
}

// Ranks is for every row the share of the rows of its time that have less in a column,
// with half of those that have as much; NaN for NULL. Rows of one time come to be known
// together, so a rank says nothing of later.
func Ranks(t *ingest.Table, column int) []float32 {
	return ranksAmong(t, t.Columns[column].Number, share)
}

// ranksAmong is [Ranks] for any number of a row and any way to tell it.
func ranksAmong(t *ingest.Table, number func(row int) (float64, bool), tell func(less, same, all int) float32) []float32 {
	out, order := make([]float32, t.Rows), make([]int32, 0, t.Rows)
	value := make([]float64, t.Rows)
	for row := range out {
		out[row] = float32(math.NaN())
		if v, ok := number(row); ok && t.Times[row] != ingest.Never {
			value[row] = v
			order = append(order, int32(row))
		}
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(t.Times[a], t.Times[b]), cmp.Compare(value[a], value[b]), cmp.Compare(a, b))
	})
	for lo := 0; lo < len(order); {
		hi := lo
		for hi < len(order) && t.Times[order[hi]] == t.Times[order[lo]] {
			hi++
		}
		for i := lo; i < hi; {
			j := i
			for j < hi && value[order[j]] == value[order[i]] {
				j++
			}
			for _, row := range order[i:j] {
				out[row] = tell(i-lo, j-i, hi-lo)
			}
			i = j
		}
		lo = hi
	}
	return out
}

// share is the rank of a row as a share of all: 0 for the least, 1 for the most.
func share(less, same, all int) float32 {
	return float32((float64(less) + float64(same)/2) / float64(all))
}

// place is the place of a row counted from the most on: 1 for the most. It says the same
// whatever the number of rows.
func place(less, same, all int) float32 { return float32(all-less) - float32(same-1)/2 }
