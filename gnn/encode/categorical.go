package encode

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

func init() { Register(schema.SemCategorical, func() Encoder { return &Categorical{} }) }

// maxCategories bounds the vocabulary; rarer values share one code.
const maxCategories = 64

// Categorical gives each of the most frequent values a code; code 0 is NULL and code
// 1 every value that training did not see often enough (fewer than two rows, or
// beyond the most frequent maxCategories).
type Categorical struct {
	Values []string // value of code 2+i
	index  map[string]int32
}

// Fit counts the values.
func (e *Categorical) Fit(src Source, rows []int32) {
	counts := map[string]int{}
	for _, r := range rows {
		if v, ok := cellText(src.Cells(), int(r)); ok {
			counts[v]++
		}
	}
	e.Values, e.index = nil, nil
	for v, n := range counts {
		if n >= 2 {
			e.Values = append(e.Values, v)
		}
	}
	slices.SortFunc(e.Values, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	e.Values = slices.Clone(e.Values[:min(len(e.Values), maxCategories)])
	for i, v := range e.Values { // the column's memory may be unmapped before the model dies
		e.Values[i] = string(append([]byte(nil), v...))
	}
}

// Shape is one code per known value and two for NULL and the rest.
func (e *Categorical) Shape() (dense, codes int) { return 0, len(e.Values) + 2 }

// Prepare builds the lookup; it is called once before cells are encoded in parallel.
func (e *Categorical) Prepare() {
	e.index = make(map[string]int32, len(e.Values))
	for i, v := range e.Values {
		e.index[v] = int32(2 + i)
	}
}

// Cell looks the value up.
func (e *Categorical) Cell(src Source, row int, _ []tensor.Real, codes []Code) []Code {
	v, ok := cellText(src.Cells(), row)
	if !ok {
		return append(codes, Code{ID: 0, Weight: 1})
	}
	id, known := e.index[v]
	if !known {
		id = 1
	}
	return append(codes, Code{ID: id, Weight: 1})
}

// cellText prints a value of any kind as its category.
func cellText(c *ingest.Column, row int) (string, bool) {
	if c.Null(row) {
		return "", false
	}
	switch c.Kind {
	case schema.Text:
		return c.Text(row), true
	case schema.Int, schema.Time:
		return strconv.FormatInt(c.Ints[row], 10), true
	case schema.Bool:
		return strconv.FormatBool(c.Bool(row)), true
	}
	return strconv.FormatFloat(c.Floats[row], 'g', -1, 64), true
}
