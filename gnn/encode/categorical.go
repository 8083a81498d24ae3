package encode

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

func init() { Register(schema.SemCategorical, func() Encoder { return &Categorical{} }) }

// maxCategories bounds the vocabulary; rarer values share one code.
const maxCategories = 64

// Categorical gives each of the most frequent values a code; code 0 is NULL and code
// 1 every value that training did not see often enough (fewer than two rows, or
// beyond the most frequent maxCategories) or that is no UTF-8, which a model file
// could not hold.
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
	e.Values = nil
	for v, n := range counts {
		if n >= 2 && utf8.ValidString(v) {
			e.Values = append(e.Values, v)
		}
	}
	slices.SortFunc(e.Values, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	e.Values = slices.Clone(e.Values[:min(len(e.Values), maxCategories)])
	for i, v := range e.Values { // the column's memory may be unmapped before the model dies
		e.Values[i] = strings.Clone(v)
	}
}

// Prepare builds the lookup and refuses values that are too many or occur twice.
func (e *Categorical) Prepare() error {
	if len(e.Values) > maxCategories {
		return fmt.Errorf("%d categories, want at most %d", len(e.Values), maxCategories)
	}
	e.index = make(map[string]int32, len(e.Values))
	for i, v := range e.Values {
		if _, twice := e.index[v]; twice {
			return fmt.Errorf("category %q occurs twice", v)
		}
		e.index[v] = int32(2 + i)
	}
	return nil
}

// Shape is one code per known value and two for NULL and the rest.
func (e *Categorical) Shape() (dense, codes int) { return 0, len(e.Values) + 2 }

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
