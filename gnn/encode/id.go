package encode

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

func init() { Register(schema.SemID, func() Encoder { return &ID{} }) }

// maxIDs bounds the rows that get a vector of their own.
const maxIDs = 5000

// ID gives each key a code, so that a row gets a vector of its own (a shallow embedding):
// it can learn what no column says of a product, a shop, a circuit. It is off unless a
// model names the table (see [Table.AddID]), because it knows nothing of rows that came
// after the fit, and in a table with few children per row it learns them by heart.
type ID struct {
	Values []string // key of code i, in row order; at most maxIDs, the first ones
	index  map[string]int32
}

// Fit lists the distinct keys of the rows.
func (e *ID) Fit(src Source, rows []int32) {
	e.Values = nil
	seen := map[string]bool{}
	for _, r := range rows {
		v, ok := cellText(src.Cells(), int(r))
		if !ok || seen[v] || !utf8.ValidString(v) {
			continue
		}
		if len(e.Values) == maxIDs {
			return
		}
		v = strings.Clone(v) // the column's memory may be unmapped before the model dies
		seen[v] = true
		e.Values = append(e.Values, v)
	}
}

// Prepare builds the lookup and refuses keys that are too many or occur twice.
func (e *ID) Prepare() error {
	if len(e.Values) > maxIDs {
		return fmt.Errorf("%d keys, want at most %d", len(e.Values), maxIDs)
	}
	e.index = make(map[string]int32, len(e.Values))
	for i, v := range e.Values {
		if _, twice := e.index[v]; twice {
			return fmt.Errorf("key %q occurs twice", v)
		}
		e.index[v] = int32(i)
	}
	return nil
}

// Shape is one code per key.
func (e *ID) Shape() (dense, codes int) { return 0, len(e.Values) }

// Cell looks the key up; NULL and keys that came after the fit have no code.
func (e *ID) Cell(src Source, row int, _ []tensor.Real, codes []Code) []Code {
	v, ok := cellText(src.Cells(), row)
	if !ok {
		return codes
	}
	if id, known := e.index[v]; known {
		codes = append(codes, Code{ID: id, Weight: 1})
	}
	return codes
}

// AddID gives the rows of t that are visible at cut vectors of their own. The table
// needs a key of one column.
func (e *Table) AddID(t *ingest.Table, rule ingest.TimeRule, cut int64) error {
	if len(t.Def.Key) != 1 {
		return fmt.Errorf("table %q has a key of %d columns, want 1 for vectors of its rows", e.Name, len(t.Def.Key))
	}
	col := t.Def.Columns[t.Def.Key[0]]
	if col.Sem != schema.SemID {
		return fmt.Errorf("key column %q of table %q is %s, want id", col.Name, e.Name, col.Sem)
	}
	id := &ID{}
	id.Fit(Source{t, t.Def.Key[0]}, visibleRows(t, rule, cut))
	return e.add(Column{Name: col.Name, Sem: col.Sem, Encoder: id})
}
