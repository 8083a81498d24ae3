package ingest

import (
	"fmt"
	"math"

	"github.com/rowlink/rowlink/schema"
)

// Bounds of what counts as a total: enough rows, of several sizes, nearly all equal. Sums
// of small numbers are equal by chance (the wins of all drivers up to a race add up to its
// number in the season), so they must be of many sizes.
const (
	totalRows  = 20
	totalShare = 0.95
	manyCounts = 3
	manySums   = 50
)

// totals finds columns whose values are a count, a sum or the latest time of the rows
// that refer to theirs: such a column is written again whenever one of those comes, so it
// tells the future of a row. It needs the links resolved.
func (s *Snapshot) totals(stats [][]schema.ColumnStats) {
	for child, t := range s.Tables {
		for l, link := range t.Def.Links {
			if len(t.Parents) <= l || t.Parents[l] == nil {
				continue
			}
			parent := s.Tables[link.To]
			through := fmt.Sprintf("the rows of %s that refer to it by %s", t.Def.Name, t.Def.Label(link))
			wanted := func(kind schema.Kind) bool {
				for c := range parent.Columns {
					if sameKind(parent.Columns[c].Kind, kind) && !parent.Def.IsKey(c) {
						return true
					}
				}
				return false
			}
			numbers, times := wanted(schema.Int), wanted(schema.Time)
			note := func(kind schema.Kind, what string, least int, of []float64) {
				for c := range parent.Columns {
					st := &stats[link.To][c]
					if st.Total != nil || !sameKind(parent.Columns[c].Kind, kind) || parent.Def.IsKey(c) {
						continue
					}
					if n, rows := parent.Columns[c].equals(of, least); rows >= totalRows && float64(n) >= totalShare*float64(rows) {
						st.Total = &schema.Total{Table: child, Link: l, Why: fmt.Sprintf("in %d of %d rows it is the %s %s", n, rows, what, through)}
					}
				}
			}
			if numbers {
				note(schema.Int, "number of", manyCounts, gathered(t.Parents[l], parent.Rows, func(int) (float64, bool) { return 1, true }, sum))
			}
			for c := range t.Columns {
				col := &t.Columns[c]
				switch {
				case t.Def.IsKey(c):
				case col.Kind == schema.Time && times:
					note(schema.Time, "latest "+t.Def.Columns[c].Name+" of", manyCounts, gathered(t.Parents[l], parent.Rows, col.Number, math.Max))
				case sameKind(col.Kind, schema.Int) && numbers:
					note(schema.Int, "sum of "+t.Def.Columns[c].Name+" over", manySums, gathered(t.Parents[l], parent.Rows, col.Number, sum))
				}
			}
		}
	}
}

func sum(a, b float64) float64 { return a + b }

// sameKind reports whether a column may hold a total of a kind; counts and sums may be
// stored as any number.
func sameKind(have, want schema.Kind) bool {
	return have == want || want == schema.Int && have == schema.Float
}

// gathered folds the values of children into one value per parent, NaN for a parent
// without any.
func gathered(parents []int32, rows int, value func(row int) (float64, bool), fold func(a, b float64) float64) []float64 {
	out := make([]float64, rows)
	for i := range out {
		out[i] = math.NaN()
	}
	for r, p := range parents {
		if p < 0 {
			continue
		}
		v, ok := value(r)
		if !ok {
			continue
		}
		if out[p] != out[p] {
			out[p] = v
		} else {
			out[p] = fold(out[p], v)
		}
	}
	return out
}

// equals counts in how many of the rows that have a value, and children, the two are the
// same; 0 rows where the values are too few to tell anything.
func (c *Column) equals(of []float64, least int) (same, rows int) {
	different := map[float64]bool{}
	for r, want := range of {
		if want != want || c.Null(r) {
			continue
		}
		v, ok := c.Number(r)
		if !ok {
			continue
		}
		rows++
		if math.Abs(v-want) <= 1e-9*math.Abs(want) {
			same++
			if len(different) < least {
				different[v] = true
			}
		}
	}
	if len(different) < least {
		return 0, 0
	}
	return same, rows
}
