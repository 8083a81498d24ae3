package boost

import (
	"fmt"
	"math"
	"slices"
)

// validation follows the scores of the validation rows and remembers the best round.
type validation struct {
	codes  [][]uint8
	rows   int
	raw    []float64 // rows x outputs
	out    []float64
	width  int
	link   func([]float64)
	metric func([]float64) float64
	best   int
	top    float64
}

func newValidation(p pool, opt Options, k kind, m *Model) (*validation, error) {
	d := opt.Valid
	if len(d.Columns) != len(m.Features) {
		return nil, fmt.Errorf("the validation table has %d columns, the training table %d", len(d.Columns), len(m.Features))
	}
	for j := range d.Columns {
		if d.Columns[j].Name != m.Features[j].Name || len(d.Columns[j].Values) != d.Rows() {
			return nil, fmt.Errorf("column %d of the validation table is %q of %d rows, want %q of %d",
				j, d.Columns[j].Name, len(d.Columns[j].Values), m.Features[j].Name, d.Rows())
		}
	}
	v := &validation{codes: make([][]uint8, len(d.Columns)), rows: d.Rows(), raw: slices.Repeat(m.Base, d.Rows()), width: len(m.Base),
		link: k.link, metric: opt.Score, top: math.Inf(-1)}
	v.out = make([]float64, len(v.raw))
	p.each(len(d.Columns), func(_, j int) {
		v.codes[j] = make([]uint8, v.rows)
		m.Features[j].encode(d.Columns[j].Values, v.codes[j])
	})
	return v, nil
}

// add moves the scores by a tree of one output.
func (v *validation) add(p pool, t *Tree, output int) {
	p.rows(v.rows, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			v.raw[r*v.width+output] += t.Leaves[t.leafOf(v.codes, r)].Value
		}
	})
}

// score is the metric of the predictions so far.
func (v *validation) score() float64 {
	copy(v.out, v.raw)
	applyLink(v.link, v.out, v.width)
	return v.metric(v.out)
}

// stop notes the score of a round and says whether the best one is long ago.
func (v *validation) stop(round int, score float64, patience int) bool {
	if score > v.top {
		v.best, v.top = round, score
	}
	return round-v.best >= patience
}
