package scan

import (
	"cmp"
	"math"
	"slices"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// Every column of a row is read at several rates by every reader, so a column that names
// its row, or tells when it is rather than whose it is, costs more than it says: it moves
// between training and serving. What is left out is judged by the rows visible at an instant:
//
//   - the table's own time, and timestamps of tables without time, which are dates themselves;
//   - text whose cells hardly repeat, which is a key;
//   - a number that follows the time of its row, or is known when late and not when early
//     (a year; a time of day that is recorded since 2005): correlated with it more than mostTrend;
//   - a number that is known at some times and not at others (a lap time that is recorded
//     since 2004): more than mostGap of the variance of "is NULL" lies between times;
//   - of a number that differs between times more than mostLevel (the laps of a race) all but
//     its rank among the rows of its time.
//
// The last two ask for rows that share their times, as ranks do.
const (
	mostTrend = 0.7
	mostGap   = 0.5
	mostLevel = 0.25
)

// choose returns the encoders that are kept of a table's, and the columns of which only
// ranks are.
func choose(t *ingest.Table, enc *encode.Table, ranked bool, rule ingest.TimeRule, at int64) (kept *encode.Table, levels []string, err error) {
	var seen []int32
	for row := range int32(t.Rows) {
		if t.VisibleAt(rule, row, at) {
			seen = append(seen, row)
		}
	}
	kept = enc
	leave := func(column string) {
		if err == nil {
			kept, err = kept.Without(column)
		}
	}
	own := ""
	if rt := t.Def.Time; rt != nil && rt.Column >= 0 && rt.Via < 0 {
		own = t.Def.Columns[rt.Column].Name
	}
	for _, c := range enc.Columns {
		if c.Name == own || c.Sem == schema.SemTimestamp && t.Times == nil || c.Sem == schema.SemText && unique(t, c.Name, seen) {
			leave(c.Name)
		}
	}
	if t.Times == nil || err != nil {
		return kept, nil, err
	}
	spreads, err := overTime(enc, t, seen)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range enc.Columns {
		if c.Sem != schema.SemNumerical {
			continue
		}
		value, null := &spreads[c.DenseFrom], &spreads[c.DenseFrom+1]
		switch {
		case max(value.trend(), null.trend()) > mostTrend, ranked && null.share() > mostGap:
			leave(c.Name)
		case ranked && value.share() > mostLevel:
			levels = append(levels, c.Name)
		}
	}
	return kept, levels, err
}

// unique reports whether fewer than half of the cells of a text column repeat.
func unique(t *ingest.Table, column string, rows []int32) bool {
	cells := &t.Columns[t.Def.Column(column)]
	count, all := map[string]int{}, 0
	for _, row := range rows {
		if cells.Kind == schema.Text && !cells.Null(int(row)) {
			count[cells.Text(int(row))]++
			all++
		}
	}
	return 2*len(count) > all
}

// overTime looks at the dense features of numbers in the order of time. NULL has no value.
func overTime(enc *encode.Table, t *ingest.Table, rows []int32) ([]spread, error) {
	f, err := enc.Features(tensor.NewPool(1), t)
	if err != nil {
		return nil, err
	}
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b int32) int { return cmp.Compare(t.Times[a], t.Times[b]) })
	tape := tensor.NewTape(tensor.NewPool(1))
	spreads := make([]spread, enc.Dense)
	for lo := 0; lo < len(rows); lo += 4096 {
		tape.Reset()
		part := rows[lo:min(lo+4096, len(rows))]
		dense, _, _ := f.Pick(tape, part)
		for _, c := range enc.Columns {
			if c.Sem != schema.SemNumerical {
				continue
			}
			value, null := c.DenseFrom, c.DenseFrom+1
			for i, row := range part {
				spreads[null].add(t.Times[row], float64(dense.At(i, null)))
				if dense.At(i, null) == 0 {
					spreads[value].add(t.Times[row], float64(dense.At(i, value)))
				}
			}
		}
	}
	for j := range spreads {
		spreads[j].turn()
	}
	return spreads, nil
}

// spread sums up values in the order of their times.
type spread struct {
	n, sum, square float64
	between        float64 // of the times that are over: sum^2 / n
	at             int64
	atN, atSum     float64 // of the present time

	days, daysSquare, daysValue float64 // sums of times, squares and products
}

func (s *spread) add(at int64, v float64) {
	if at != s.at {
		s.turn()
		s.at = at
	}
	s.n, s.sum, s.square = s.n+1, s.sum+v, s.square+v*v
	s.atN, s.atSum = s.atN+1, s.atSum+v
	day := float64(at) / dayMicros
	s.days, s.daysSquare, s.daysValue = s.days+day, s.daysSquare+day*day, s.daysValue+day*v
}

func (s *spread) turn() {
	if s.atN > 0 {
		s.between += s.atSum * s.atSum / s.atN
	}
	s.atN, s.atSum = 0, 0
}

// trend is the absolute correlation of values and times; 0 for values that are all the same.
func (s *spread) trend() float64 {
	value, day := s.square-s.sum*s.sum/max(s.n, 1), s.daysSquare-s.days*s.days/max(s.n, 1)
	if value <= stillness*s.n || day <= 0 {
		return 0
	}
	return math.Abs(s.daysValue-s.days*s.sum/s.n) / math.Sqrt(value*day)
}

// share is the part of the variance between times: 1 where all rows of one time have the
// same value; 0 for values that are all the same.
func (s *spread) share() float64 {
	mean := s.sum * s.sum / max(s.n, 1)
	if s.square-mean <= stillness*s.n {
		return 0
	}
	return (s.between - mean) / (s.square - mean)
}
