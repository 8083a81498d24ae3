package encode

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

const day = dayMicros

// column builds a column of any kind; nil is NULL.
func column(kind schema.Kind, values ...any) ingest.Column {
	c := ingest.Column{Kind: kind, Valid: make([]byte, len(values)/8+1), Bits: make([]byte, len(values)/8+1), Offsets: []int64{0}}
	for i, v := range values {
		if v != nil {
			c.Valid[i>>3] |= 1 << (i & 7)
		}
		switch kind {
		case schema.Bool:
			if b, _ := v.(bool); b {
				c.Bits[i>>3] |= 1 << (i & 7)
			}
		case schema.Int, schema.Time:
			n, _ := v.(int)
			c.Ints = append(c.Ints, int64(n))
		case schema.Float:
			f, _ := v.(float64)
			c.Floats = append(c.Floats, f)
		case schema.Text:
			s, _ := v.(string)
			c.Bytes = append(c.Bytes, s...)
			c.Offsets = append(c.Offsets, int64(len(c.Bytes)))
		}
	}
	return c
}

// table is one column with row times 1 day, 2 days, ...
func table(sem schema.SemType, c ingest.Column, rows int) *ingest.Table {
	t := &ingest.Table{Rows: rows, Columns: []ingest.Column{c}, Times: make([]int64, rows),
		Def: &schema.Table{Name: "t", Columns: []schema.Column{{Name: "c", Kind: c.Kind, Sem: sem}},
			Time: &schema.RowTime{Column: 0, Via: -1, Until: -1}}}
	for i := range t.Times {
		t.Times[i] = int64(i+1) * day
	}
	return t
}

// cases holds, for each semantic type, values of ten rows with a NULL; the last five
// are unlike the first five.
var cases = map[schema.SemType]ingest.Column{
	schema.SemNumerical:   column(schema.Int, 3, 1, nil, 2, 5, 1000, 2000, -5000, 7, 9),
	schema.SemCategorical: column(schema.Text, "a", "b", nil, "a", "b", "x", "y", "x", "y", "z"),
	schema.SemBoolean:     column(schema.Bool, true, false, nil, true, false, true, true, true, true, true),
	schema.SemTimestamp:   column(schema.Time, 0, day, nil, 3*day+100, 2*day, 90*day, 1*day, 1*day, 2*day, 1*day),
	schema.SemID:          column(schema.Int, 11, 12, nil, 13, 14, 15, 16, 17, 18, 19),
	schema.SemText:        column(schema.Text, "good fast", "bad slow", nil, "good slow", "good bad", "new words", "new", "new", "new", "new words"),
}

func features(t *testing.T, tab *ingest.Table, cut int64) (*Table, *Features) {
	t.Helper()
	enc, err := Fit(tab, ingest.TimeRule{}, cut, nil)
	if err != nil {
		t.Fatal(err)
	}
	if tab.Def.Columns[0].Sem == schema.SemID { // takes part only when asked for
		tab.Def.Key = []int{0}
		if err := enc.AddID(tab, ingest.TimeRule{}, cut); err != nil {
			t.Fatal(err)
		}
	}
	f, err := enc.Features(tensor.NewPool(1), tab)
	if err != nil {
		t.Fatal(err)
	}
	return enc, f
}

func print(f *Features, row int) string {
	return fmt.Sprint(f.Dense.Row(row), f.Codes.Src[f.Codes.Ptr[row]:f.Codes.Ptr[row+1]], f.Weights[f.Codes.Ptr[row]:f.Codes.Ptr[row+1]])
}

func TestEveryEncoder(t *testing.T) {
	for _, sem := range SemTypes() {
		c, ok := cases[sem]
		if !ok {
			t.Errorf("no case for the encoder of %q: add a column of it to cases", sem)
			continue
		}
		t.Run(string(sem), func(t *testing.T) {
			tab := table(sem, c, 10)
			enc, f := features(t, tab, 5*day)
			t.Run("finite and in range", func(t *testing.T) {
				checkRange(t, enc, f)
			})
			t.Run("NULL differs from every seen value", func(t *testing.T) {
				for row := range 5 {
					if row != 2 && print(f, row) == print(f, 2) {
						t.Errorf("row %d is encoded like NULL: %s", row, print(f, 2))
					}
				}
			})
			t.Run("statistics look at visible rows only", func(t *testing.T) {
				later := table(sem, reversed(c), 10)
				copyRows(&later.Columns[0], &c, 5)
				_, g := features(t, later, 5*day)
				for row := range 5 {
					if print(f, row) != print(g, row) {
						t.Errorf("row %d: %s, after a change of later rows %s", row, print(f, row), print(g, row))
					}
				}
			})
			t.Run("no rows to fit on", func(t *testing.T) {
				_, g := features(t, tab, 0)
				for _, v := range g.Dense.Data {
					if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
						t.Fatalf("dense feature %v", v)
					}
				}
			})
			t.Run("constant column", func(t *testing.T) {
				same := table(sem, c, 10)
				for i := range 10 {
					copyRow(&same.Columns[0], i, &c, 0)
				}
				_, g := features(t, same, 5*day)
				for _, v := range g.Dense.Data {
					if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
						t.Fatalf("dense feature %v", v)
					}
				}
			})
			t.Run("a row alone", func(t *testing.T) {
				for row := range 10 {
					one := table(sem, column(c.Kind, value(&c, row)), 1)
					one.Times[0] = tab.Times[row]
					g, err := enc.Features(tensor.NewPool(1), one)
					if err != nil {
						t.Fatal(err)
					}
					if print(f, row) != print(g, 0) {
						t.Errorf("row %d: %s, alone %s", row, print(f, row), print(g, 0))
					}
				}
			})
			t.Run("extreme values and every kind", func(t *testing.T) {
				for _, c := range extremes {
					tab := table(sem, c, 10)
					for _, cut := range []int64{0, 5 * day, 100 * day} {
						enc, f := features(t, tab, cut)
						checkRange(t, enc, f)
						if _, err := json.Marshal(enc); err != nil {
							t.Errorf("statistics of %s cannot be stored: %v", c.Kind, err)
						}
					}
				}
			})
			t.Run("any number of threads", func(t *testing.T) {
				big := table(sem, repeated(c, 3*encodeGrain), 3*encodeGrain)
				enc, want := features(t, big, 5000*day)
				for _, threads := range []int{2, 4} {
					got, err := enc.Features(tensor.NewPool(threads), big)
					if err != nil {
						t.Fatal(err)
					}
					if !reflect.DeepEqual(got, want) {
						t.Errorf("other features at %d threads", threads)
					}
				}
			})
			t.Run("stored state encodes the same", func(t *testing.T) {
				data, err := json.Marshal(enc)
				if err != nil {
					t.Fatal(err)
				}
				var back Table
				if err := json.Unmarshal(data, &back); err != nil {
					t.Fatal(err)
				}
				g, err := back.Features(tensor.NewPool(2), tab)
				if err != nil {
					t.Fatal(err)
				}
				for row := range 10 {
					if print(f, row) != print(g, row) {
						t.Errorf("row %d: %s, read back %s", row, print(f, row), print(g, row))
					}
				}
			})
		})
	}
}

// checkRange holds that features are finite and small, and codes within the table.
func checkRange(t *testing.T, enc *Table, f *Features) {
	t.Helper()
	for i, v := range f.Dense.Data {
		if math.IsNaN(float64(v)) || math.Abs(float64(v)) > 10 {
			t.Errorf("dense feature %d is %v", i, v)
		}
	}
	for _, id := range f.Codes.Src {
		if id < 0 || int(id) >= enc.Codes {
			t.Errorf("code %d of %d", id, enc.Codes)
		}
	}
	for _, w := range f.Weights {
		if math.IsNaN(float64(w)) || w < 0 || w > 1.001 {
			t.Errorf("weight %v of a code", w)
		}
	}
}

// extremes holds a column of each kind with values that are hard to compute with.
var extremes = []ingest.Column{
	column(schema.Bool, true, nil, true, true, true, false, true, nil, true, true),
	column(schema.Int, math.MaxInt64, math.MinInt64, nil, 0, math.MaxInt64, 0, 1, -1, math.MinInt64, math.MinInt64),
	column(schema.Float, math.Inf(1), math.MaxFloat64, math.NaN(), -math.MaxFloat64, math.Inf(-1), 0.0, math.SmallestNonzeroFloat64, nil, 1e300, math.Copysign(0, -1)),
	column(schema.Float, 1.0, math.Nextafter(1, 2), 1.0, 1.0, 1.0, nil, 1.0, math.Inf(1), 1.0, 1e-300),
	column(schema.Time, math.MaxInt64-1, math.MinInt64+1, nil, 0, -62135596800000000, 1, 253402300799000000, 2, 3, 4),
	column(schema.Text, "", " ", "\xff\xfe", "\xff\xfe", nil, strings.Repeat("word ", 5000), "a\x00b", "ß", "日本", "\u2028"),
}

// repeated repeats the ten rows of c.
func repeated(c ingest.Column, rows int) ingest.Column {
	values := make([]any, rows)
	for i := range values {
		values[i] = value(&c, i%10)
	}
	return column(c.Kind, values...)
}

// reversed returns a column of the same kind with its rows in the other order.
func reversed(c ingest.Column) ingest.Column {
	out := column(c.Kind, make([]any, 10)...)
	for i := range 10 {
		copyRow(&out, i, &c, 9-i)
	}
	return out
}

func copyRows(to, from *ingest.Column, n int) {
	for i := range n {
		copyRow(to, i, from, i)
	}
}

// value is the cell as column takes it.
func value(c *ingest.Column, row int) any {
	switch {
	case c.Null(row):
		return nil
	case c.Kind == schema.Text:
		return strings.Clone(c.Text(row))
	case c.Kind == schema.Bool:
		return c.Bool(row)
	case c.Kind == schema.Float:
		return c.Floats[row]
	}
	return int(c.Ints[row])
}

// copyRow sets row i of to; text columns are rebuilt.
func copyRow(to *ingest.Column, i int, from *ingest.Column, j int) {
	values := make([]any, 10)
	for k := range values {
		values[k] = value(to, k)
		if k == i {
			values[k] = value(from, j)
		}
	}
	*to = column(to.Kind, values...)
}

func TestCategorical_unseenValueSharesOneCode(t *testing.T) {
	tab := table(schema.SemCategorical, cases[schema.SemCategorical], 10)
	_, f := features(t, tab, 5*day)
	if a, b := print(f, 5), print(f, 6); a != b || a == print(f, 0) {
		t.Errorf("unseen values are encoded as %s and %s, a seen one as %s", a, b, print(f, 0))
	}
}

// A cell later than its own row was not known when the row came to be: it must not be
// told from NULL, or resolved_at would reveal that a ticket will be resolved.
func TestTimestamp_laterThanItsRowIsLikeNULL(t *testing.T) {
	tab := table(schema.SemTimestamp, cases[schema.SemTimestamp], 10)
	_, f := features(t, tab, 10*day)
	if print(f, 5) != print(f, 2) {
		t.Errorf("a later instant is encoded as %s, NULL as %s", print(f, 5), print(f, 2))
	}
}

func TestEverySemanticTypeHasAnEncoder(t *testing.T) {
	have := SemTypes()
	for _, sem := range schema.SemTypes {
		if sem != schema.SemIgnore && !slices.Contains(have, sem) {
			t.Errorf("semantic type %q has no encoder", sem)
		}
	}
}

func TestNumerical_heavyTailsKeepTheirOrder(t *testing.T) {
	c := column(schema.Float, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 1e6, 1e9)
	tab := table(schema.SemNumerical, c, 10)
	_, f := features(t, tab, 100*day)
	for r := 1; r < 9; r++ {
		if f.Dense.Row(r)[0] <= f.Dense.Row(r - 1)[0] {
			t.Errorf("row %d has z %v, row %d has %v", r-1, f.Dense.Row(r - 1)[0], r, f.Dense.Row(r)[0])
		}
	}
}
