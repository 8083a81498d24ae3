package scan

import (
	"cmp"
	"slices"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// mostCodes is how many codes of a categorical column become features: NULL, other, and
// the most frequent values.
const mostCodes = 14

// features says what the numbers of a table's rows are: the dense features of its
// encoders, the chosen categories as 0 and 1, and the ranks of ranked columns.
type features struct {
	enc    *encode.Table
	dense  []int // dense features that are kept
	chosen encode.Chosen
	ranked []int // dense features that are ranked
	width  int
}

// newFeatures lays the features of a table out. With ranks every number is also ranked
// among the rows of the same time; of the columns in levels only that is kept.
func newFeatures(enc *encode.Table, ranks bool, levels []string) *features {
	f := &features{enc: enc, chosen: enc.Choose(mostCodes)}
	for _, c := range enc.Columns {
		if !slices.Contains(levels, c.Name) {
			dense, _ := c.Encoder.Shape()
			for i := range dense {
				f.dense = append(f.dense, c.DenseFrom+i)
			}
		}
		if ranks && c.Sem == schema.SemNumerical {
			f.ranked = append(f.ranked, c.DenseFrom)
		}
	}
	f.width = len(f.dense) + len(f.chosen.Names) + len(f.ranked)
	return f
}

// rows are the rows of a table as numbers.
type rows struct {
	*features
	table *ingest.Table
	x     tensor.Mat // rows x width
}

// read encodes the rows of a table into memory of the tape. ranks gives those of each row; nil
// = they are among the rows at hand.
func (f *features) read(t *tensor.Tape, table *ingest.Table, ranks func(row int32, to []tensor.Real) bool) (*rows, error) {
	source, err := f.enc.Features(t.Pool(), table)
	if err != nil {
		return nil, err
	}
	r := &rows{features: f, table: table, x: t.Alloc(table.Rows, f.width)}
	all := make([]int32, table.Rows)
	for i := range all {
		all[i] = int32(i)
	}
	scratch := tensor.NewTape(t.Pool())
	dense, codes, weights := source.Pick(scratch, all)
	t.Pool().Run(table.Rows, 1024, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := r.x.Row(i)
			for k, from := range f.dense {
				row[k] = dense.At(i, from)
			}
			for j := codes.Ptr[i]; j < codes.Ptr[i+1]; j++ {
				if at := f.chosen.At[codes.Src[j]]; at >= 0 {
					row[len(f.dense)+int(at)] += weights[j]
				}
			}
		}
	})
	if ranks == nil {
		r.rank(t.Pool(), dense)
	} else if n := len(r.ranked); n > 0 {
		for row := range table.Rows {
			ranks(int32(row), r.x.Row(row)[r.width-n:])
		}
	}
	return r, nil
}

// leastTogether is the mean number of rows of one time from which ranks among them are
// features: below it most rows would be compared with themselves.
const leastTogether = 3

// ranks reports whether the rows of a table visible at an instant share their times with
// others, so that a rank among them says something. Rows that end have none: what is no
// longer visible would still count in the ranks of others.
func ranks(t *ingest.Table, rule ingest.TimeRule, at int64) bool {
	if t.Times == nil || t.Until != nil {
		return false
	}
	var times []int64
	for row := range int32(t.Rows) {
		if t.VisibleAt(rule, row, at) {
			times = append(times, t.Times[row])
		}
	}
	n := len(times)
	slices.Sort(times)
	return n > 0 && n >= leastTogether*len(slices.Compact(times))
}

// rank fills in the ranks: the share of the rows of the same time that have less, with
// half of those that have as much, minus 1/2; 0 for NULL. Rows of one time come to be
// visible together, so a rank looks at nothing that is not.
func (r *rows) rank(pool *tensor.Pool, dense tensor.Mat) {
	if len(r.ranked) == 0 {
		return
	}
	order := make([]int32, 0, r.table.Rows)
	for row := range int32(r.table.Rows) {
		if r.table.Times[row] != ingest.Never {
			order = append(order, row)
		}
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(r.table.Times[a], r.table.Times[b]), cmp.Compare(a, b))
	})
	var starts []int
	for i, row := range order {
		if i == 0 || r.table.Times[row] != r.table.Times[order[i-1]] {
			starts = append(starts, i)
		}
	}
	starts = append(starts, len(order))
	pool.Run(len(starts)-1, 64, func(lo, hi int) {
		var known []int32
		for g := lo; g < hi; g++ {
			for k, from := range r.ranked {
				known = r.rankTogether(order[starts[g]:starts[g+1]], dense, from, r.width-len(r.ranked)+k, known)
			}
		}
	})
}

// rankTogether ranks rows of one time by dense feature from into feature to. known is memory.
func (r *rows) rankTogether(together []int32, dense tensor.Mat, from, to int, known []int32) []int32 {
	known = known[:0]
	for _, row := range together {
		if dense.At(int(row), from+1) == 0 { // not NULL
			known = append(known, row)
		}
	}
	value := func(row int32) tensor.Real { return dense.At(int(row), from) }
	slices.SortFunc(known, func(a, b int32) int { return cmp.Compare(value(a), value(b)) })
	for i := 0; i < len(known); {
		j := i + 1
		for j < len(known) && value(known[j]) == value(known[i]) {
			j++
		}
		rank := tensor.Real(i+j)/tensor.Real(2*len(known)) - 0.5
		for _, row := range known[i:j] {
			r.x.Set(int(row), to, rank)
		}
		i = j
	}
	return known
}
